#!/usr/bin/env bash
# Makes a Debian package of a program that is built already:
#
#   cargo build --release --locked
#   bash ci/debian.sh [FOLDER]
#
# It prints the path of the package, which is put into FOLDER (target/debian unless told otherwise).
# $SSH_PREFLIGHT_BINARY names another program than target/release/ssh-preflight, $SSH_PREFLIGHT_COMPRESSION
# another compression than xz. Needs dpkg-dev.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${SSH_PREFLIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/ssh-preflight}
out=${1:-target/debian}
name=ssh-preflight
version=$("$binary" --version)
version=${version##* }
architecture=$(dpkg --print-architecture)
maintainer='ssh-preflight contributors <ssh-preflight@users.noreply.github.com>'
home=$(sed -n 's/^repository = "\(.*\)"$/\1/p' Cargo.toml)
# The same source always gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
umask 022
root=$work/root
docs=$root/usr/share/doc/$name
mkdir -p "$root/DEBIAN" "$docs/examples"

put() {
  install -D --mode="$1" "$2" "$root/$3"
}
page() {
  mkdir -p "$root/usr/share/man/man1"
  gzip -9 -n >"$root/usr/share/man/man1/$1.1.gz"
}

put 755 "$binary" usr/bin/$name
strip --strip-unneeded "$root/usr/bin/$name"
"$binary" man | page "$name"
# The subcommands are those that the program names itself.
"$binary" man | sed -n 's/^.*ssh\\-preflight\\-\([a-z-]*\)(1).*$/\1/p' | sort -u | while read -r subcommand; do
  "$binary" man "$subcommand" | page "$name-$subcommand"
done

completion() {
  mkdir -p "$root/$(dirname "$2")"
  "$binary" completions "$1" >"$root/$2"
}
completion bash usr/share/bash-completion/completions/$name
completion zsh usr/share/zsh/vendor-completions/_$name
completion fish usr/share/fish/vendor_completions.d/$name.fish

put 644 README.md usr/share/doc/$name/README.md
find docs -name '*.md' -o -name '*.json' | while read -r file; do
  put 644 "$file" "usr/share/doc/$name/$file"
done
# Links between the pages, and from README.md into docs/, hold in the package too; those to the source do not.
put 755 ci/with-key.sh usr/share/doc/$name/examples/with-key.sh
put 644 ci/gitlab.yml usr/share/doc/$name/examples/gitlab.yml
put 644 ci/Jenkinsfile usr/share/doc/$name/examples/Jenkinsfile

cat >"$docs/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: $name
Source: $home

Files: *
Copyright: 2026 ssh-preflight contributors
License: Expat

License: Expat
$(sed -n '5,$ { s/^$/./; s/^/ /; p }' LICENSE)
END
gzip -9 -n >"$docs/changelog.gz" <<END
$name ($version) unstable; urgency=medium

  * Built from $home.

 -- $maintainer  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END

# Which libraries it needs is asked of dpkg, which reads the program; it wants a source package around it.
mkdir -p "$work/source/debian"
printf 'Source: %s\n\nPackage: %s\nArchitecture: any\n' "$name" "$name" >"$work/source/debian/control"
needs=$(cd "$work/source" && dpkg-shlibdeps -O "$root/usr/bin/$name" 2>/dev/null)
cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$root" | cut -f1)
Depends: ${needs#shlibs:Depends=}
Recommends: openssh-client
Section: net
Priority: optional
Homepage: $home
Description: tells whether an SSH connection will work, and if not, why
 Put ssh-preflight where you would type ssh: it looks at the configuration, the
 name, the network, the server, your keys and your agent at once, and names the
 one cause, how it knows, and the command to run.
 .
 Unless asked to, it signs nothing and logs in nowhere; it makes one connection.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

mkdir -p "$out"
package=$out/${name}_${version}_$architecture.deb
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Z"${SSH_PREFLIGHT_COMPRESSION:-xz}" --build "$root" "$package" >/dev/null
echo "$package"
