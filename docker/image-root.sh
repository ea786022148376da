#!/bin/sh
# Gathers the files of the image: image-root.sh DIRECTORY. Runs in the build stage, after the build.
#   DIRECTORY/root     what root owns: Node, the libraries it is linked with, the two programs
#   DIRECTORY/state    what belongs to the server's user, in /var/lib
#   DIRECTORY/run      the same, in /run
set -eu

root=$1/root
app=$root/opt/vault-proxy
pnpm=$(node -p 'require("./package.json").packageManager')

mkdir -p "$root/etc" "$root/usr/local/bin" "$root/usr/local/share/licenses/node" "$root/var/lib/dpkg/status.d"
mkdir -m 1777 "$root/tmp"
mkdir -m 0755 "$root/run"
mkdir -p "$1/state" "$1/run"
mkdir -m 0700 "$1/state/vault-proxy" "$1/run/vault-proxy"

# vault-cli depends on the server, whose files it reads: one tree has both. Hoisted: plain folders, no links.
npx -y "$pnpm" --filter @vault-proxy/cli deploy --prod --no-optional --config.node-linker=hoisted "$app"

# What only compilers and people read, and what other platforms run.
rm -rf "$app/node_modules/.bin" "$app/node_modules/.pnpm" "$app/node_modules/.modules.yaml" \
  "$app/pnpm-lock.yaml" "$app/pnpm-workspace.yaml" "$app/node_modules/argon2/argon2"
find "$app" -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -name '*.tsbuildinfo' \
  -o -name '.build-stamp' -o -name '*.cpp' -o -name '*.gyp' -o -name '*.musl.node' \) -delete
platform=$(node -p 'process.platform + "-" + process.arch')
find "$app/node_modules/argon2/prebuilds" -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} +
find "$app" -depth -type d -empty -delete

cp "$(node -p process.execPath)" "$root/usr/local/bin/node"
for program in server:node_modules/@vault-proxy/server/dist cli:dist; do
  main=/opt/vault-proxy/${program#*:}/main.js
  # There is no env(1) in the image.
  sed -i '1s|^#!.*|#!/usr/local/bin/node|' "$root$main"
  chmod 0755 "$root$main"
  ln -s "$main" "$root/usr/local/bin/vault-${program%%:*}"
done
cp docker/make-password.mjs "$root/usr/local/bin/make-password"
chmod 0755 "$root/usr/local/bin/make-password"

# Every library that a binary of the image names, and the loader. Resolving names needs no more since glibc 2.34.
find "$root" -type f \( -name node -o -name '*.node' \) -exec ldd {} + |
  grep -o '/[^ ]*\.so[^ ]*' | sort -u |
  while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done

printf 'root:x:0:0:root:/:/nonexistent\nvault-proxy:x:65532:65532::/tmp:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nvault-proxy:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# Scanners look here for the versions of what came from packages, and licences want to go with their files.
cp /etc/os-release "$root/etc/os-release"
for package in libc6 libgcc-s1 libstdc++6; do
  dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package"
  mkdir -p "$root/usr/share/doc/$package"
  cp "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done
node_licence=$(dirname "$(dirname "$(node -p process.execPath)")")/LICENSE
if [ -f "$node_licence" ]; then cp "$node_licence" "$root/usr/local/share/licenses/node/"; fi
