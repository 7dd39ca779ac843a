# lib.sh - what the scripts of this action share. They are run by bash, with GITHUB_* as GitHub's runner sets them.
set -euo pipefail

# Where reports lie until the job ends.
reports=$RUNNER_TEMP/cinderlog
mkdir -p "$reports"

# Reads the lines of $2 that say something into the array named $1.
lines() {
    local -n into=$1
    local line
    into=()
    while IFS= read -r line; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        [ -z "$line" ] || into+=("$line")
    done <<<"$2"
}

# output NAME VALUE
output() {
    printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}
