#!/usr/bin/env bash
# Makes the Debian package of the built program, installs it into a folder of its own, runs it from there
# and removes it again. The packages of this machine are not touched.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
trap '"${as_root[@]}" rm -rf -- "$folder"' EXIT

# Quicker than xz.
export SSH_PREFLIGHT_COMPRESSION=gzip
package=$(bash ci/debian.sh "$folder")
again=$(bash ci/debian.sh "$folder/again")
cmp "$package" "$again" # the same source, the same package
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --allow-root "$package"
fi

root=$folder/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
touch "$root/var/lib/dpkg/status"
# The folder has no C library that it could depend on.
dpkg_in_root=("${as_root[@]}" dpkg --root="$root" --force-depends --log=/dev/null)
"${dpkg_in_root[@]}" --install "$package" >/dev/null 2>&1

program=$root/usr/bin/ssh-preflight
"$program" --version
"$program" demo key-not-accepted >"$folder/report" && exit 1
[ "$?" -eq 1 ]
grep -q '^Not ready' "$folder/report"
for page in "$root"/usr/share/man/man1/*.gz; do
  gzip -dc "$page" | grep -q '^\.TH'
done
[ "$(find "$root/usr/share/man/man1" -name 'ssh-preflight-*.1.gz' | wc -l)" -ge 5 ]
# The shell finds the completions where the package puts them.
PATH=$root/usr/bin:$PATH bash --norc -c "
  source '$root/usr/share/bash-completion/completions/ssh-preflight'
  complete -p ssh-preflight" >/dev/null
cmp <(cd docs && find . -name '*.md' | sort) <(cd "$root/usr/share/doc/ssh-preflight/docs" && find . -name '*.md' | sort)

"${dpkg_in_root[@]}" --purge ssh-preflight >/dev/null 2>&1
# Nothing but the records of dpkg is left.
if [ -e "$root/usr" ]; then
  find "$root/usr" >&2
  exit 1
fi
echo "The package can be installed, used and removed."
