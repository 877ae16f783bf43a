#!/usr/bin/env bash
# Builds the image with buildah and runs it without privileges and with 256 MB: npm run image. Needs Debian, root, and registries
# of Debian and npm, and takes up to two minutes. Where no registry of images is reachable it makes the base itself: Debian's minimal system, the pinned Node.js and npm of this machine, under the name of the
# official image, which differs from it in the packages that Debian adds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

MAX_MB=${MAX_MB:-100}             # of /app: bundle, packages and their list
MAX_PACKAGES=${MAX_PACKAGES:-120} # in that list
LIMIT_MB=256                      # memory of the container: mem_limit in deploy/compose.yml
BASE=docker.io/library/node:24-bookworm-slim
IMAGE=localhost/hostkey-s3-gateway:tried
export BUILDAH_ISOLATION=chroot

for program in buildah debootstrap bwrap curl; do
  command -v "$program" >/dev/null && continue
  echo "$program is missing: installing buildah, debootstrap, bubblewrap and curl with apt-get"
  { apt-get -qq update && apt-get -qq -y install --no-install-recommends buildah debootstrap bubblewrap curl; } >/dev/null || exit 1
  break
done
work=$(mktemp -d)
container='' server=''
clean() {
  [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  [[ -z ${group-} ]] || rmdir "$group" 2>/dev/null || true
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
  printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(npm config get registry)" >"$work/root/usr/local/etc/npmrc"
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
packages=$(grep -c '"bom-ref": "[^"]*@[^"]*",' "$root/app/sbom.cdx.json")
echo "/app has $app_mb MB of at most $MAX_MB, and $packages packages of at most $MAX_PACKAGES in its list"
((app_mb <= MAX_MB && packages <= MAX_PACKAGES))

# A group of processes with a limit, as a container engine makes it: version 1 or 2 of the kernel's interface.
group='' groups=()
for parent in /sys/fs/cgroup/memory /sys/fs/cgroup; do
  mkdir "$parent/hks3-image-$$" 2>/dev/null || continue
  group=$parent/hks3-image-$$
  echo $((LIMIT_MB << 20)) 2>/dev/null | tee "$group/memory.limit_in_bytes" "$group/memory.max" >/dev/null 2>&1 || true
  grep -qsx $((LIMIT_MB << 20)) "$group/memory.limit_in_bytes" "$group/memory.max" && break
  rmdir "$group"
  group=''
done
[[ -n $group ]] && groups=(--tmpfs /sys --ro-bind /sys/fs/cgroup /sys/fs/cgroup) || echo "SKIPPED: no memory limit can be set here; only the resident size is measured"

(
  [[ -z $group ]] || echo "$BASHPID" >"$group/cgroup.procs"
  exec bwrap --ro-bind "$root" / "${groups[@]}" --tmpfs /tmp --tmpfs /data --proc /proc --dev /dev --chdir /app --unshare-user --uid 65532 --gid 65532 \
  --cap-drop ALL --die-with-parent --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv NODE_ENV production \
  --setenv HOST 127.0.0.1 --setenv PORT 18080 --setenv MANAGEMENT_PORT 19090 --setenv DATA_DIR /data \
  --setenv UPSTREAM_URL https://upstream.example/ --setenv PUBLIC_URL https://storage.example/ \
  --setenv SESSION_SECRET "$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" \
  node scripts/start.cjs src/server.js
) >"$work/log" 2>&1 &
server=$!
curl -fs --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:18080/livez || { cat "$work/log"; exit 1; }
curl -fs --no-progress-meter --parallel --parallel-max 16 'http://127.0.0.1:18080/openapi.json?[1-500]' -o /dev/null
resident_mb=$(($(curl -fs http://127.0.0.1:19090/metrics | sed -n 's/^process_resident_memory_bytes //p') >> 20))
printf '\nresident after 500 reads of the document: %d MB of %d; heap: %s\n' "$resident_mb" "$LIMIT_MB" \
  "$(tr '\0' '\n' </proc/"$(pgrep -P "$server" -n || echo "$server")"/cmdline | grep max-old-space-size || echo 'no limit seen')"
((resident_mb < LIMIT_MB))
kill "$server"
wait "$server" || true
server=''
echo 'The image starts as another user, without capabilities, on a read-only root.'
