#!/bin/sh
# ssh-box.sh DIRECTORY
#
# The servers that pages log in to by SSH: one for the user deploy, with a key of DIRECTORY/authorized_keys or the password
# $SECRET, and for root with that password. To be started in a mount namespace of its own, where DIRECTORY is /srv.
set -eu
mkdir -p "$1" /run/sshd
mount --bind "$1" /srv
# The whole directory: a file that other tests replace, as useradd does with these, would lose what is mounted on it.
cp -a /etc /srv/etc
mount --bind /srv/etc /etc
hash=$(printf '%s' "$SECRET" | openssl passwd -6 -stdin)
echo 'deploy:x:64999:64999::/srv/home:/bin/sh' >>/etc/passwd
echo 'deploy:x:64999:' >>/etc/group
echo "deploy:$hash:20000:0:99999:7:::" >>/etc/shadow
sed -i "s|^root:[^:]*:|root:$hash:|" /etc/shadow

mkdir /srv/home /srv/app /srv/bin /srv/log
chown 64999:64999 /srv/home /srv/app
mount --bind /srv/log /var/log
echo started >/var/log/app.log
printf '#!/bin/sh\necho "docker was run: $*"\n' >/srv/bin/docker
chmod 0755 /srv/bin/docker

ssh-keygen -q -t ed25519 -N '' -f /srv/host_key
cat >/srv/sshd_config <<END
HostKey /srv/host_key
Port 22
Port 2222
ListenAddress 0.0.0.0
PidFile none
AuthorizedKeysFile /srv/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
SetEnv PATH=/srv/bin:/usr/bin:/bin
Subsystem sftp /usr/lib/openssh/sftp-server
END
exec /usr/sbin/sshd -D -e -f /srv/sshd_config
