#!/usr/bin/env bash
# Puts OpenSSH 10 beside the OpenSSH of this system, for the lab: Debian's own packages, unpacked into a folder of
# their own and not installed. Run once, it does nothing the second time. tests/run.sh calls it.
#
# Where the installed OpenSSH is 10 or later, there is nothing to do.
set -euo pipefail

place=${PREFLIGHT_OPENSSH10:-/var/cache/ssh-preflight-lab/openssh10}
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The programs, and each shared library that they need: they bring their own C library, so that nothing of this
# system is mixed with it.
packages=(
  openssh-server openssh-client openssh-sftp-server
  libc6 libgcc-s1 libcrypt1 libssl3t64 zlib1g libzstd1
  libpam0g libaudit1 libcap-ng0 libselinux1 libpcre2-8-0 libwrap0 libnsl2 libtirpc3t64 libwtmpdb0 libsqlite3-0
  libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1
  libfido2-1 libcbor0.10 libudev1 libcap2 libedit2 libbsd0 libmd0 libtinfo6
)

fail() { echo "openssh10.sh: $*" >&2; exit 1; }

installed=$(ssh -V 2>&1 | sed -n 's/^OpenSSH_\([0-9]*\)\..*/\1/p')
if [ "${installed:-0}" -ge 10 ]; then
  echo "openssh10.sh: the installed OpenSSH is $installed already"
  exit 0
fi
if [ -x "$place/bin/sshd" ] && version=$("$place/bin/sshd" -V 2>&1); then
  echo "openssh10.sh: $version is in $place"
  exit 0
fi

as_root=()
parent=$(dirname "$place")
if [ "$(id -u)" -ne 0 ] && ! { mkdir -p "$parent" && [ -w "$parent" ]; } 2>/dev/null; then as_root=(sudo); fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
  fail "this is no Debian or Ubuntu (no apt-get); set PREFLIGHT_OPENSSH10 to a folder that has bin/sshd and bin/ssh of OpenSSH 10"
[ -r "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,state,debs,root}
: >"$work/status"
echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main" >"$work/sources.list"
# apt's own state and lists, so that this system's configuration stays as it is.
cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$work/state";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
CONF
export APT_CONFIG="$work/apt.conf"
apt-get update -qq -o APT::Update::Error-Mode=any || fail "the list of packages of $suite could not be fetched"
(cd "$work/debs" && apt-get download -qq "${packages[@]}") || fail "the packages of $suite could not be fetched"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

loader=$(find "$work/root" -name 'ld-linux*.so.*' -print -quit)
[ -n "$loader" ] || fail "there is no program loader in libc6"
loader=$place/root${loader#"$work/root"}
libraries=$place/root/usr/lib/$(cd "$work/root/usr/lib" && find . -name libcrypto.so.3 -printf '%P\n' -quit | xargs dirname)
mkdir "$work/bin"
# Each program is started by the loader that belongs to it. sshd starts its helpers by a path that is built in; the
# lab's configuration names these ones in its place (SshdSessionPath, SshdAuthPath).
for program in usr/sbin/sshd usr/lib/openssh/sshd-session usr/lib/openssh/sshd-auth usr/lib/openssh/sftp-server \
  usr/bin/ssh usr/bin/ssh-add usr/bin/ssh-agent usr/bin/ssh-keygen usr/bin/ssh-keyscan usr/lib/openssh/ssh-sk-helper; do
  [ -x "$work/root/$program" ] || fail "$program is not in the packages"
  wrapper=$work/bin/$(basename "$program")
  cat >"$wrapper" <<WRAPPER
#!/bin/sh
exec $loader --library-path $libraries --argv0 "\$0" $place/root/$program "\$@"
WRAPPER
  chmod 755 "$wrapper"
done
chmod 755 "$work/root"
"${as_root[@]}" rm -rf "$place"
"${as_root[@]}" mkdir -p "$place"
"${as_root[@]}" cp -r "$work/root" "$work/bin" "$place/"
for program in sshd ssh; do
  version=$("$place/bin/$program" -V 2>&1) || fail "$place/bin/$program does not run: $version"
  [[ $version == OpenSSH_1[0-9].* ]] || fail "$program is not OpenSSH 10 but $version"
done
echo "openssh10.sh: $version is in $place now"
