# shellcheck shell=sh
# docker/debian.sh - Debian's archives as this machine reaches them. Sourced by docker/check.sh and tests/fresh_chroot.sh;
# both make a Debian of their own with mmdebstrap and name no host.

# debian_install PACKAGE...: those that are missing.
debian_install() {
    missing=""
    for p in "$@"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    # shellcheck disable=SC2086
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# debian_sources SUITE: the lines for SUITE of the Debian archives among this machine's sources, whichever release it
# runs itself. Prints nothing where there are none. Needs a fresh apt-get update.
debian_sources() {
    # shellcheck disable=SC2016 # apt's variables
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' | sort -u |
        awk -F'|' -v s="$1" -v key="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" '
            $1 != "Debian" || $3 != "main" || seen[$4]++ { next }
            $2 == "Debian" { print "deb " key " " $4 " " s " main"; print "deb " key " " $4 " " s "-updates main" }
            $2 == "Debian-Security" { print "deb " key " " $4 " " s "-security main" }'
}

# How this machine reaches them: proxies, and what it does not insist on.
debian_apt_conf() {
    apt-config dump | grep -iE '^Acquire::(https?::[^ ]*proxy[^ ]*|Check-Valid-Until|Check-Date|Retries) "..*"'
}
