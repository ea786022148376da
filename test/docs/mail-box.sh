#!/bin/sh
# mail-box.sh DIRECTORY
#
# The mail server that pages log in to with an access token, which is $SECRET: IMAP over TLS on port 993 of every address,
# with cert.pem and key.pem of DIRECTORY. To be started in a mount namespace of its own, whose /srv it takes.
set -eu
mount -t tmpfs -o mode=0755 mail /srv
cp "$1/cert.pem" "$1/key.pem" /srv/
for user in ann@gmail.com ann@example.com; do echo "$user:{PLAIN}$SECRET"; done >/srv/users
mkdir -m 0777 /srv/mail
cat >/srv/dovecot.conf <<END
base_dir = /srv/run
state_dir = /srv/state
log_path = /dev/stderr
protocols = imap
listen = 0.0.0.0
ssl = required
ssl_cert = </srv/cert.pem
ssl_key = </srv/key.pem
service imap-login {
  inet_listener imap {
    port = 0
  }
}
auth_mechanisms = xoauth2
passdb {
  driver = passwd-file
  args = username_format=%u /srv/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/srv/mail/%u allow_all_users=yes
}
mail_location = maildir:~/Maildir
END
exec /usr/sbin/dovecot -F -c /srv/dovecot.conf
