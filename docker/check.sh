#!/bin/sh
# docker/check.sh - builds the image of docker/Dockerfile and runs it for real, without a Docker engine.
#
#   sh docker/check.sh          as root; installs buildah, podman, runc and mmdebstrap when they are missing
#
# No image is pulled. The base, under the tag the Dockerfile names, is made from Debian's packages by the machine's own
# apt sources and laid out like the official slim image (no documentation, no locales, docker-clean apt configuration);
# it is kept for a week under build/docker. Everything else lives in a folder under TMPDIR that is gone afterwards.
# The container has a network of its own with nothing but a loopback, so port 8080 is free in it, whatever runs here.
#
# Last line: N passed, M failed. Where it cannot run it says SKIPPED and why. Under CI only two reasons count: not root,
# or not allowed to mount; a package that cannot be installed there is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1
. docker/debian.sh

PACKAGES="buildah podman runc mmdebstrap util-linux curl ca-certificates"
BASE=$(sed -n 's/^FROM \(debian:[^ ]*\)$/\1/p' docker/Dockerfile)
SUITE=${BASE#debian:}
SUITE=${SUITE%-slim}
IMAGE=localhost/cinderlog-check
MAX_COMPRESSED=40000000
STOP_WITHIN=2
ANSWER_WITHIN=30 # s; a bound against hanging, not a figure

passed=0
failed=0
work=""

ok() { passed=$((passed + 1)); echo "ok      $1"; }
bad() { failed=$((failed + 1)); echo "FAILED  $1"; [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/        /'; }
# same NAME WANTED GOT
same() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "wanted: $2
got:    $3"; fi; }
# holds NAME PART WHOLE
holds() { case $3 in *"$2"*) ok "$1" ;; *) bad "$1" "wanted in it: $2
got:          $3" ;; esac; }

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}
skip() {
    echo "SKIPPED: $1: the image was NOT built and NOT run."
    finish
}
# What is missing counts as a failure in CI, where this is expected to work.
cannot() {
    [ -z "${CI:-}" ] || { bad "$1"; finish; }
    skip "$1"
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }
megabytes() { awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'; }
image() { podman_ image inspect --format "$1" "$IMAGE"; }

# Both tools on one storage of our own. Without a Docker daemon, systemd and (often) overlayfs: files, cgroupfs, vfs.
buildah_() { buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
podman_() {
    podman --log-level fatal --root "$work/root" --runroot "$work/run" --tmpdir "$work/tmp" --storage-driver vfs \
        --runtime runc --cgroup-manager cgroupfs --events-backend none "$@"
}

# A signal may come while the shell is leaving already: whoever is told last does all of it.
# shellcheck disable=SC2317,SC2329 # called by the traps
clean_up() {
    trap '' INT TERM
    [ -n "$work" ] || return 0
    if [ -d "$work/root" ]; then
        podman_ rm -f -t 0 -a >/dev/null 2>&1
        buildah_ rm -a >/dev/null 2>&1
        # What is still mounted below would be deleted through its mount.
        awk -v w="$work/" 'index($2, w) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r at; do umount -l "$at"; done
    fi
    rm -rf "$work" 2>/dev/null || { sleep 1; rm -rf "$work"; } # a killed build may still be writing
}

# ---- what it takes ----

# As the official image configures apt and dpkg (docker-clean, docker-no-languages, docker-gzip-indexes, slim), and how
# this machine reaches its archives.
base_configuration() {
    cat >"$work/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
CONF
    echo 'APT::Install-Recommends "false";' >"$work/apt.conf"
    debian_apt_conf >>"$work/apt.conf"
    cat >"$work/dpkg.cfg" <<'CONF'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
CONF
}

make_base() {
    tar=build/docker/$(echo "$BASE" | tr : -)-$(dpkg --print-architecture).tar
    mkdir -p build/docker
    if [ -n "$(find "$tar" -mtime -7 2>/dev/null)" ]; then
        echo "base: $tar (kept)"
    else
        apt-get update -qq || return 1
        debian_sources "$SUITE" >"$work/sources.list"
        base_configuration
        [ -s "$work/sources.list" ] || { echo "this machine's apt sources name no archive of Debian"; return 1; }
        # shellcheck disable=SC2016 # $1 is the hook's
        TMPDIR=$work mmdebstrap --mode=root --variant=minbase --include=usr-is-merged \
            --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --aptopt="$work/apt.conf" --dpkgopt="$work/dpkg.cfg" \
            --customize-hook="cp $work/docker-clean \"\$1/etc/apt/apt.conf.d/\"" \
            --customize-hook='rm -f "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/var/cache/apt/*.bin' \
            "$SUITE" "$work/base.tar" "$work/sources.list" >"$work/base.log" 2>&1 ||
            { tail -20 "$work/base.log"; return 1; }
        mv "$work/base.tar" "$tar.$$" && mv "$tar.$$" "$tar" || return 1
        echo "base: $tar (made)"
    fi
    from=$(buildah_ from scratch) && buildah_ add -q "$from" "$tar" / >/dev/null &&
        buildah_ config --cmd bash "$from" && buildah_ commit -q "$from" "docker.io/library/$BASE" >/dev/null &&
        buildah_ rm "$from" >/dev/null
}

# ---- containers ----

LIMITS="--ulimit nofile=4096:4096 --ulimit nproc=4096:4096"

# start NAME [podman options]: the image, as strictly as anyone will run it. Prints nothing when all is well.
# The storage copies the whole image for a container, so that is not counted as its start.
start() {
    name=$1
    shift
    # shellcheck disable=SC2086,SC2069
    podman_ create --name "$name" --network none --read-only --tmpfs /tmp --cap-drop all \
        --security-opt no-new-privileges $LIMITS "$@" "$IMAGE" 2>&1 >/dev/null || return
    begin=$(now_ms)
    # shellcheck disable=SC2069
    podman_ start "$name" 2>&1 >/dev/null
    echo "$begin" >"$work/begin"
}
pid_of() { podman_ inspect --format '{{.State.Pid}}' "$1"; }
# Inside the container's network, from outside of it: the image has no client. http CODE+BODY: "200 {...}"
http() {
    name=$1 method=$2 path=$3
    shift 3
    nsenter --net="/proc/$(pid_of "$name")/ns/net" curl -sS -m 10 -o "$work/body" -w '%{http_code} ' -X "$method" "$@" \
        "http://127.0.0.1:8080$path" 2>&1
    cat "$work/body" 2>/dev/null
    rm -f "$work/body"
}
ready() {
    pid=$(pid_of "$1")
    end=$(($(now_ms) + ANSWER_WITHIN * 1000))
    until nsenter --net="/proc/$pid/ns/net" curl -fsS -m 2 -o /dev/null http://127.0.0.1:8080/readyz 2>/dev/null; do
        { [ "$(now_ms)" -lt $end ] && [ -d "/proc/$pid" ]; } || { podman_ logs "$1" 2>&1 | tail -5; return 1; }
        sleep 0.02
    done
}
# stops NAME: SIGTERM to PID 1, then what the whole thing took and with what it ended; SIGKILL (137) after STOP_WITHIN.
stops() {
    podman_ stop -t "$STOP_WITHIN" "$1" >/dev/null 2>&1
    podman_ inspect --format '{{.State.ExitCode}}' "$1"
}
# shellcheck disable=SC2086
once() { podman_ run --rm --network none --read-only --no-healthcheck $LIMITS "$@" 2>&1; }

# ---- the checks ----

check_configuration() {
    same "runs as 10001:10001" "10001:10001" "$(image '{{.Config.User}}')"
    same "entry point and command" "[entrypoint.sh] [serve]" "$(image '{{.Config.Entrypoint}} {{.Config.Cmd}}')"
    same "no anonymous volume" "map[]" "$(image '{{.Config.Volumes}}')"
    same "stops by SIGTERM" "SIGTERM" "$(image '{{.Config.StopSignal}}' | sed 's/^15$/SIGTERM/')"
    holds "health check" "[CMD cinderlog healthcheck]" "$(image '{{.HealthCheck.Test}}')"
    for label in title description licenses version; do
        holds "label $label" "org.opencontainers.image.$label:" "$(image '{{.Labels}}')"
    done
    same "/bin/sh is there" "sh" "$(once --entrypoint /bin/sh "$IMAGE" -c 'echo sh')"
    same "apt is there, for patches" "apt" "$(once --entrypoint apt-get "$IMAGE" --version | sed -n '1s/ .*//p')"
    # shellcheck disable=SC2016
    same "no compiler is left" "" "$(once --entrypoint /bin/sh "$IMAGE" -c 'for c in cc gcc cmake ninja; do command -v $c; done')"
    holds "--version" "cinderlog $(image '{{index .Labels "org.opencontainers.image.version"}}')" "$(once "$IMAGE" --version)"
    holds "a misspelt variable is refused" "CINDERLOG_APPEND_ONLY" "$(once -e CINDERLOG_APEND_ONLY=x "$IMAGE")"
    once "$IMAGE" healthcheck >/dev/null
    same "healthcheck fails where nothing serves" 1 $?
}

REST=/v1/projects/demo-image/databases/\(default\)/documents
OWNER="Authorization: Bearer owner"
JSON="Content-Type: application/json"

check_serving() {
    podman_ volume create ledger >/dev/null
    # shellcheck disable=SC2086
    podman_ create --name nothing --network none --read-only --no-healthcheck $LIMITS --entrypoint /bin/true \
        "$IMAGE" >/dev/null
    begin=$(now_ms)
    podman_ start -a nothing
    nothing=$(($(now_ms) - begin))
    same "starts with a read-only root and a new volume" "" "$(start first -v ledger:/data)"
    what=$(ready first) || { bad "answers" "$what"; return; }
    started=$(($(now_ms) - $(cat "$work/begin")))
    ok "answers"

    pid=$(pid_of first)
    same "runs as uid 10001" "10001 10001 10001 10001" "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$pid/status")"
    same "is PID 1" 1 "$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status")"
    holds "listens on 0.0.0.0:8080" "00000000:1F90" "$(awk '$4 == "0A" { print $2 }' "/proc/$pid/net/tcp")"
    resident=$(awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$pid/status")
    podman_ exec first /bin/sh -c 'touch /x' >/dev/null 2>&1
    same "cannot write beside /data and /tmp" 1 $?
    podman_ exec first cinderlog healthcheck
    same "healthcheck" 0 $?
    podman_ healthcheck run first >/dev/null 2>&1
    same "the image's own health check" 0 $?

    holds "writes a document" "200 " "$(http first POST "$REST/notes?documentId=one" -H "$JSON" -d '{"fields":{"n":{"integerValue":"7"}}}')"
    holds "reads it" '"integerValue": "7"' "$(http first GET "$REST/notes/one" | sed 's/": *"/": "/g')"
    holds "takes the name others know it by" "200 " "$(http first GET "$REST/notes/one" -H 'Host: cinderlog:8080')"
    holds "knows no other document" "404 " "$(http first GET "$REST/notes/two")"
    same "data files are for their owner only" "" "$(podman_ exec first find /data -type f -perm /077)"
    same "SIGTERM ends it within $STOP_WITHIN s, exit 0" 0 "$(stops first)"

    podman_ start first >/dev/null 2>&1
    what=$(ready first) || { bad "starts again" "$what"; return; }
    holds "the document outlived the stop" '"integerValue": "7"' "$(http first GET "$REST/notes/one" | sed 's/": *"/": "/g')"
    podman_ kill -s KILL first >/dev/null
    podman_ rm -f -t 0 first >/dev/null
    same "a new container on the same volume" "" "$(start second -v ledger:/data)"
    what=$(ready second) || { bad "starts after a kill" "$what"; return; }
    holds "the document outlived kill -9 and its container" '"integerValue": "7"' "$(http second GET "$REST/notes/one" | sed 's/": *"/": "/g')"
    same "stops" 0 "$(stops second)"
    holds "verify says the ledger is intact" "intact:" "$(once -v ledger:/data "$IMAGE" verify /data)"
}

# The environment of docker/compose.yaml, on a folder of the host.
check_options() {
    mkdir "$work/data" && chown 10001:10001 "$work/data"
    same "takes its options from the environment" "" "$(start options -v "$work/data:/data" -v "$PWD/fixtures:/rules:ro" \
        -e CINDERLOG_RULES=/rules/rules/audit_log.rules -e CINDERLOG_APPEND_ONLY=api_audit_logs,notes)"
    what=$(ready options) || { bad "answers with options" "$what"; return; }
    holds "the rules refuse an unsigned write" "403 " "$(http options POST "$REST/other" -H "$JSON" -d '{"fields":{}}')"
    holds "owner may create" "200 " "$(http options POST "$REST/notes?documentId=one" -H "$OWNER" -H "$JSON" -d '{"fields":{}}')"
    holds "append-only refuses owner's update" "403 " \
        "$(http options PATCH "$REST/notes/one" -H "$OWNER" -H "$JSON" -d '{"fields":{"n":{"integerValue":"8"}}}')"
    holds "append-only refuses owner's delete" "403 " "$(http options DELETE "$REST/notes/one" -H "$OWNER")"
    holds "other collections can be changed" "200 " \
        "$(http options PATCH "$REST/free/one" -H "$OWNER" -H "$JSON" -d '{"fields":{}}')"
    same "stops" 0 "$(stops options)"
    same "the data is in the folder, uid 10001's" "10001" "$(stat -c %u "$work"/data/* | sort -u)"
}

# The command that Testcontainers' modules give a container (Java, Node and Go: /bin/sh, -c, and this).
check_testcontainers() {
    # shellcheck disable=SC2086
    same "takes the command of Testcontainers' modules" "" "$({ podman_ create --name gcloud --network none --no-healthcheck \
        $LIMITS "$IMAGE" /bin/sh -c "gcloud beta emulators firestore start --host-port 0.0.0.0:8080" &&
        podman_ start gcloud; } 2>&1 >/dev/null)"
    what=$(ready gcloud) || { bad "answers when gcloud has started it" "$what"; return; }
    holds "its standard output has the line they wait for" "Dev App Server is now running." "$(podman_ logs gcloud 2>/dev/null)"
    holds "its standard error has gcloud's" "[firestore] Dev App Server is now running." "$(podman_ logs gcloud 2>&1 >/dev/null)"
    holds "listens where gcloud was told" "00000000:1F90" "$(awk '$4 == "0A" { print $2 }' "/proc/$(pid_of gcloud)/net/tcp")"
    holds "answers when gcloud has started it" "200 " "$(http gcloud POST "$REST/notes" -H "$JSON" -d '{"fields":{}}')"
    same "SIGTERM ends it within $STOP_WITHIN s, exit 0, though a shell began it" 0 "$(stops gcloud)"
    holds "knows no other gcloud commands" "needs a real gcloud" "$(once "$IMAGE" gcloud auth list)"
    holds "a name that is no command is cinderlog's to refuse" "cinderlog: unknown command" "$(once "$IMAGE" servee)"
}

measure() {
    podman_ save -q --format docker-dir --compress -o "$work/saved" "$IMAGE" >/dev/null 2>&1 || { bad "cannot save the image"; return; }
    layers=$(sed -n 's/.*"layers"//p' "$work/saved/manifest.json" | tr -d '\n')
    [ -n "$layers" ] || layers=$(tr -d '\n' <"$work/saved/manifest.json" | sed 's/.*"layers"//')
    sizes=$(echo "$layers" | grep -o '"size": *[0-9]*' | grep -o '[0-9]*$')
    compressed=$(echo "$sizes" | awk '{ n += $1 } END { print n + 0 }')
    base_size=$(echo "$sizes" | sed -n 1p)
    echo "image: $(megabytes "$(image '{{.Size}}')") uncompressed, $(megabytes "$compressed") compressed:" \
        "$(megabytes "$base_size") $BASE, $(megabytes $((compressed - base_size))) ours"
    echo "start: first answer ${started:-?} ms after 'podman start', which takes $nothing ms for /bin/true;" \
        "resident $(megabytes "${resident:-0}")"
    if [ "$compressed" -gt 0 ] && [ "$compressed" -le $MAX_COMPRESSED ]; then ok "at most $(megabytes $MAX_COMPRESSED) compressed"
    else bad "at most $(megabytes $MAX_COMPRESSED) compressed" "$(megabytes "$compressed")"; fi
}

[ "$(id -u)" = 0 ] || skip "needs root"
unshare --mount true 2>/dev/null || skip "may not mount (an unprivileged container)"
command -v apt-get >/dev/null || skip "needs Debian's packages"
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/cinderlog-image.XXXXXX")
# shellcheck disable=SC2086
debian_install $PACKAGES || cannot "cannot install $PACKAGES"

begin=$(now_ms)
make_base || { bad "makes $BASE"; finish; }
buildah_ bud --format docker --isolation chroot --network host --pull=never --layers=false -t "$IMAGE" \
    -f docker/Dockerfile . >"$work/build.log" 2>&1 || { bad "builds docker/Dockerfile" "$(tail -40 "$work/build.log")"; finish; }
ok "builds docker/Dockerfile"
echo "built in $((($(now_ms) - begin) / 1000)) s"
check_configuration
check_serving
check_options
check_testcontainers
measure
finish
