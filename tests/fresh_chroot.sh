#!/bin/sh
# tests/fresh_chroot.sh - does what the README says on a Debian 12 that has git and a shell and nothing else.
#
#   sh tests/fresh_chroot.sh [--test]     as root; the last commit of this repository, not the work tree
#
# Makes the chroot with mmdebstrap from this machine's own apt sources, clones, then: ./dev run (until it answers, a
# document written and read, an update refused), ./dev build again, and with --test ./dev test. Prints what each took.
# Not a part of ./dev test. PORT=N where 8080 is taken: the chroot shares the machine's network, to reach the archives.
#
# It runs in mount and process namespaces of its own: when it ends, however it ends, every process and mount is gone.
# Afterwards there is only a folder to delete.
set -eu
cd "$(dirname "$0")/.."
. docker/debian.sh

SUITE=bookworm
PORT=${PORT:-8080}
TEST=""
for arg in "$@"; do
    case $arg in
    --test) TEST=yes ;;
    *) echo "usage: sh tests/fresh_chroot.sh [--test]" >&2; exit 2 ;;
    esac
done
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 1; }

now_ms() { echo $(($(date +%s%N) / 1000000)); }
took() { awk -v a="$2" -v b="$(now_ms)" -v what="$1" 'BEGIN { printf "%-44s %7.1f s\n", what, (b - a) / 1000 }'; }

work=$(mktemp -d "${TMPDIR:-/tmp}/cinderlog-chroot.XXXXXX")
# shellcheck disable=SC2317,SC2329 # called by the traps
clean_up() {
    trap '' INT TERM
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM
root=$work/root

debian_install mmdebstrap git util-linux
begin=$(now_ms)
apt-get update -qq
debian_sources "$SUITE" >"$work/sources.list"
[ -s "$work/sources.list" ] || { echo "this machine's apt sources name no archive of Debian" >&2; exit 1; }
{ echo 'APT::Install-Recommends "false";'; debian_apt_conf || true; } >"$work/apt.conf"
TMPDIR=$work mmdebstrap --mode=root --variant=minbase --include=usr-is-merged,git,ca-certificates \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --aptopt="$work/apt.conf" \
    "$SUITE" "$root" "$work/sources.list" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
took "Debian 12, $(grep -c ^Package: "$root/var/lib/dpkg/status") packages" "$begin"

# How this machine reaches the archives and pip's index: names, certificates, pip's configuration and folders of wheels.
bring() { [ ! -e "$1" ] || { mkdir -p "$root$(dirname "$1")" && cp -rL "$1" "$root$(dirname "$1")/"; }; }
for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates /etc/pip.conf; do
    bring "$path"
done
for path in .config/pip/pip.conf .pip/pip.conf; do
    [ ! -e "$HOME/$path" ] || { mkdir -p "$root/srv/$(dirname "$path")" && cp "$HOME/$path" "$root/srv/$path"; }
done
for path in ${PIP_FIND_LINKS:-}; do
    [ ! -d "$path" ] || bring "$path"
done
env | grep -iE '^(https?_proxy|no_proxy|all_proxy|PIP_[A-Z_]*|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CI)=' >"$work/env" || true
git clone -q --bare . "$root/srv/cinderlog.git"
cp /usr/share/zoneinfo/UTC "$root/etc/localtime" 2>/dev/null || true

cat >"$root/srv/story.sh" <<'STORY'
# Inside. Bash, because a fresh Debian has no HTTP client and bash can open a connection.
set -eu
port=$1 test=$2
now_ms() { echo $(($(date +%s%N) / 1000000)); }
took() { awk -v a="$2" -v b="$(now_ms)" -v what="$1" 'BEGIN { printf "%-44s %7.1f s\n", what, (b - a) / 1000 }'; }
die() { echo "FAILED: $1"; [ ! -e "$HOME/run.log" ] || tail -40 "$HOME/run.log"; exit 1; }
# http METHOD PATH [BODY]: status line, headers and body
http() {
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf '%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$2" "$(printf %s "${3:-}" | wc -c)" "${3:-}" >&3
    cat <&3
    exec 3>&-
}
expect() { case $3 in *"$2"*) echo "ok  $1" ;; *) die "$1: $3" ;; esac; }

cd "$HOME"
(http GET /) 2>/dev/null && die "something serves on port $port already: PORT=N"
begin=$(now_ms)
git clone -q cinderlog.git cinderlog
took "git clone" "$begin"
cd cinderlog

begin=$(now_ms)
if [ "$port" = 8080 ]; then ./dev run >"$HOME/run.log" 2>&1 & else ./dev run --port "$port" >"$HOME/run.log" 2>&1 & fi
server=$!
until (http GET /readyz) 2>/dev/null | grep -q '^HTTP/1.1 200'; do
    kill -0 $server 2>/dev/null || die "./dev run ended"
    sleep 0.2
done
took "./dev run, until the first answer" "$begin"
documents='/v1/projects/demo/databases/(default)/documents'
entry='{"fields":{"request_id":{"stringValue":"r1"}}}'
expect "a document is written" "HTTP/1.1 200" "$(http POST "$documents/api_audit_logs?documentId=one" "$entry")"
expect "and read" r1 "$(http GET "$documents/api_audit_logs/one")"
expect "an update is refused, even to owner" "HTTP/1.1 403" "$(http PATCH "$documents/api_audit_logs/one" "$(echo "$entry" | sed s/r1/r2/)")"
kill -TERM $server
code=0
wait $server || code=$?
[ $code = 0 ] || die "SIGTERM: exit $code"
expect "verify" "intact: " "$(build/release/cinderlog verify)"

begin=$(now_ms)
./dev build 2>/dev/null
took "./dev build again" "$begin"
[ -z "$(git status --porcelain)" ] || die "the clone is not clean: $(git status --porcelain)"
if [ "$test" = yes ]; then
    begin=$(now_ms)
    ./dev test || code=$?
    took "./dev test" "$begin"
fi
exit $code
STORY

# The new root must be a mount point, and the old one out of sight: what is inside may then mount and pivot as well.
cat >"$work/enter.sh" <<'ENTER'
set -eu
root=$1
shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir -p "$root/oldroot"
cd "$root"
pivot_root . oldroot
cd /
umount -l /oldroot
rmdir /oldroot
exec "$@"
ENTER
begin=$(now_ms)
code=0
set --
while IFS= read -r line; do set -- "$@" "$line"; done <"$work/env"
unshare --mount --pid --fork --kill-child --ipc sh "$work/enter.sh" "$root" \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv LANG=C.UTF-8 "$@" \
    bash /srv/story.sh "$PORT" "$TEST" || code=$?
took "all in the chroot" "$begin"
[ $code = 0 ] && echo "the fresh chroot: passed" || echo "the fresh chroot: FAILED ($code)"
exit $code
