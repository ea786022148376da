#!/bin/sh
# read-only-root.sh ROOT REPOSITORY NODE STATE PASSWORDS RW|RO COMMAND…
#
# Runs a command as an engine would in a container of docker/compose.yaml: on a root that is read-only all through, with
# two volumes and a /tmp in memory, as USER without capabilities. To be run in new mount, pid and network namespaces;
# USER is uid:gid. ROOT is an empty directory.
set -eu
root=$1 repository=$2 node=$3 state=$4 passwords=$5 passwords_mode=$6
shift 6

mount --make-rprivate /
mount -t tmpfs -o mode=0755 root "$root"

read_only() {
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  mount -o remount,bind,ro,nosuid,nodev "$root$2"
}
for directory in /usr /lib /lib64; do
  if [ -d "$directory" ]; then read_only "$(readlink -f "$directory")" "$directory"; fi
done
read_only "$repository" /repository
mkdir -p "$root/node" "$root/proc" "$root/tmp" "$root/etc" "$root/dev"
touch "$root/node/node" "$root/dev/null" "$root/dev/urandom"
mount --bind "$node" "$root/node/node"
mount --bind /dev/null "$root/dev/null"
mount --bind /dev/urandom "$root/dev/urandom"
printf 'hosts: files\n' >"$root/etc/nsswitch.conf"

mkdir -p "$root/var/lib/vault-proxy" "$root/run/vault-proxy"
mount --bind "$state" "$root/var/lib/vault-proxy"
mount --bind "$passwords" "$root/run/vault-proxy"
if [ "$passwords_mode" = RO ]; then mount -o remount,bind,ro "$root/run/vault-proxy"; fi
mount -t tmpfs -o size=16m,mode=1777,noexec,nosuid,nodev tmp "$root/tmp"
mount -t proc proc "$root/proc"
mount -o remount,ro "$root"

ip link set lo up
cd "$root"
exec chroot "$root" /usr/bin/setpriv --reuid "${USER%:*}" --regid "${USER#*:}" --clear-groups \
  --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
