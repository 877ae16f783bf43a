#!/usr/bin/env bash
# Builds the image with buildah and runs it without privileges: npm run image. Needs Debian, root, and registries of Debian and
# npm. Where no registry of images is reachable it makes the base itself: Debian's minimal system, the pinned Node.js and npm
# of this machine, under the name of the official image, which differs from it in the packages that Debian adds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

MAX_MB=${MAX_MB:-100} # of /app: bundle, packages and their list
BASE=docker.io/library/node:24-bookworm-slim
IMAGE=localhost/hostkey-s3-gateway:tried
export BUILDAH_ISOLATION=chroot

for program in buildah debootstrap bwrap curl; do
  command -v "$program" >/dev/null || { echo "This needs $program: apt-get install buildah debootstrap bubblewrap curl" >&2; exit 1; }
done
work=$(mktemp -d)
container='' server=''
clean() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $container ]] || buildah rm "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

if ! buildah pull -q "$BASE" >/dev/null 2>&1 && ! buildah inspect --type image "$BASE" >/dev/null 2>&1; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates,libstdc++6 bookworm "$work/root" "$mirror" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
  cp -L "$(readlink -f node_modules/.bin/node)" "$work/root/usr/local/bin/node"
  npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$work/root/usr/local/lib/node_modules" "$work/root/usr/local/etc"
  cp -r "$npm_folder" "$work/root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
  # How this machine reaches its registries.
  cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/"
  npm config get registry | sed 's/^/registry=/' >"$work/root/usr/local/etc/npmrc"
  echo 'node:x:1000:1000::/home/node:/bin/sh' >>"$work/root/etc/passwd"
  echo 'node:x:1000:' >>"$work/root/etc/group"
  container=$(buildah from scratch)
  cp -a "$work/root/." "$(buildah mount "$container")/"
  buildah umount "$container" >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit -q "$container" "$BASE" >/dev/null
  buildah rm "$container" >/dev/null
  container=''
fi

buildah bud -q --format docker --pull-never --network host --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
  -t "$IMAGE" . >/dev/null
container=$(buildah from --pull-never "$IMAGE")
root=$(buildah mount "$container")
app_mb=$(du -sm "$root/app" | cut -f1)
echo "/app has $app_mb MB of at most $MAX_MB, and $(grep -c '"bom-ref": "[^"]*@[^"]*",' "$root/app/sbom.cdx.json") packages in its list"
((app_mb <= MAX_MB))

bwrap --ro-bind "$root" / --tmpfs /tmp --tmpfs /data --proc /proc --dev /dev --chdir /app --unshare-user --uid 65532 --gid 65532 \
  --cap-drop ALL --die-with-parent --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv NODE_ENV production \
  --setenv HOST 127.0.0.1 --setenv PORT 18080 --setenv MANAGEMENT_PORT 19090 --setenv DATA_DIR /data \
  --setenv UPSTREAM_URL https://upstream.example/ --setenv PUBLIC_URL https://storage.example/ \
  --setenv SESSION_SECRET "$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" \
  node scripts/start.cjs src/server.js >"$work/log" 2>&1 &
server=$!
curl -fs --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:18080/livez || { cat "$work/log"; exit 1; }
printf '\nresident: '
curl -fs http://127.0.0.1:19090/metrics | grep '^process_resident_memory_bytes'
kill "$server"
wait "$server" || true
server=''
echo 'The image starts as another user, without capabilities, on a read-only root.'
