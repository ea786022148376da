#!/bin/bash
# debian-machine.sh ROOT
#
# Boots the Debian in ROOT as a machine of its own, with systemd as process 1. To be run as root by
# unshare --mount --pid --fork --net --uts --ipc --cgroup, in a cgroup of its own.
set -eu
root=$1

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 dev "$root/dev"
for device in null zero full random urandom tty fuse net/tun; do
  if [ -e "/dev/$device" ]; then
    mkdir -p "$(dirname "$root/dev/$device")"
    cp -a "/dev/$device" "$root/dev/$device"
    # As on a machine of one's own; here somebody may have narrowed it.
    chmod 0666 "$root/dev/$device"
  fi
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number_and_name in 0stdin 1stdout 2stderr; do
  ln -s "fd/${number_and_name%%std*}" "$root/dev/${number_and_name#?}"
done
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=0755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"

# Not chroot: what enters a container of this machine later would come out at the root of the real one.
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
# As systemd does on a real machine: credentials of units are mounted elsewhere, and seen here.
mount --make-rshared /
hostname machine
ip link set lo up
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=machine /sbin/init --log-target=console --show-status=no
