#!/usr/bin/env bash
# Build the images of cluster/Dockerfile and use them as a restricted pod does, without a container
# engine: as root, on Debian, with buildah and debootstrap. cluster/README.md shows what it printed.
#   cluster/try_image.sh [FOLDER]     takes 10 GB in FOLDER, a new one in /var/tmp by default
#
# No image registry is needed: Debian 12 with its Python 3.11, from debootstrap, stands for the base.
# It gets this machine's settings of apt and pip, so that it reaches packages as this machine does.
set -euo pipefail
cd "$(dirname "$0")/.."
FOLDER=$(mktemp -d "${1:-/var/tmp}/pba-image.XXXXXX")
DATA=$FOLDER/data # the volume of a pod
export BUILDAH_ISOLATION=chroot
SETTINGS=(/etc/apt/apt.conf.d /etc/ssl/certs/ca-certificates.crt /etc/pip.conf)

run_buildah() { buildah --root "$FOLDER/storage" --runroot "$FOLDER/run" "$@"; }

remove() {
  run_buildah rm --all > /dev/null
  run_buildah rmi --all --force > /dev/null
  rm -rf "$FOLDER"
}

build_base() {
  local container root
  container=$(run_buildah from scratch)
  root=$(run_buildah mount "$container")
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip bookworm "$root" > "$FOLDER/base.log"
  for setting in "${SETTINGS[@]}"; do
    if [ -e "$setting" ]; then cp -rT "$setting" "$root$setting"; fi
  done
  rm "$root"/usr/lib/python3.*/EXTERNALLY-MANAGED # the base's pip installs for all, as python:3.11 does
  ln -s python3 "$root/usr/bin/python"
  echo "127.0.0.1 localhost pod" > "$root/etc/hosts" # which an engine writes
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  run_buildah commit --quiet --rm "$container" base > /dev/null
}

# build TARGET: build pba-TARGET as the Dockerfile says, and print its size.
build() {
  local start=$SECONDS
  run_buildah build --quiet --layers -f cluster/Dockerfile --build-arg BASE=localhost/base \
    --target "$1" -t "pba-$1" . > "$FOLDER/$1.log"
  local container
  container=$(run_buildah from --name "$1" "pba-$1")
  echo "$1: $(du -sm "$(run_buildah mount "$container")" | cut -f1) MB unpacked, built in $((SECONDS - start)) s"
}

# inside TARGET COMMAND: run COMMAND in pba-TARGET: as its user, without capabilities, on a read-only
# root, with /tmp and the data's folder to write to, and a network with loopback alone.
inside() {
  local root user
  root=$(run_buildah mount "$1")
  user=$(run_buildah inspect --type image --format '{{.OCIv1.Config.User}}' "pba-$1")
  run_buildah inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "pba-$1" > "$FOLDER/env"
  unshare --mount --net --pid --ipc --uts --fork --kill-child bash -euc '
    root=$1 data=$2 user=$3 env=$4 command=$5
    hostname pod
    ip link set lo up
    mount --bind -o ro "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$data" "$root/home/ray/pba/data"
    mapfile -t variables < <(grep = "$env")
    exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \
      --bounding-set=-all --inh-caps=-all \
      env -i --chdir=/home/ray/pba HOME=/home/ray "${variables[@]}" bash -euc "$command"
  ' inside "$root" "$DATA" "$user" "$FOLDER/env" "$2"
}

SERVE='
echo "user $(id -un), a file beside the code: $(touch pba/x 2>&1 || true)"
pba serve > /tmp/screen 2>&1 &
until grep -q "PBA answers" /tmp/screen; do kill -0 $! 2> /dev/null || { cat /tmp/screen data/logs/*; exit 1; }; sleep 0.2; done
grep "PBA answers" /tmp/screen
pba synth /tmp/link.csv --samples 1800
pba forecast /tmp/link.csv | head --bytes 300; echo " …"
for link in a b c d e f; do pba import /tmp/link.csv --link $link --observe; done
awk "/^Pss:/ { kb += \$2 } END { print int(kb / 1024) \" MB of memory in use by all processes\" }" \
  /proc/[0-9]*/smaps_rollup 2> /dev/null || true
pba export data/export
kill -INT $!; wait $! || true
'
RETRAIN='
python -m train retrain --mode internet --telemetry data/export --least-windows 50 --windows 500 \
  --epochs 1 --output /tmp/retraining
'

trap remove EXIT
mkdir -m 777 "$DATA"
build_base
build serve
inside serve "$SERVE"
build train
inside train "$RETRAIN"
