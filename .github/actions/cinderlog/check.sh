# check.sh - `cinderlog rules check` from the repository's root: annotations into the log, SARIF and text into reports.
# Its exit code is an output: the verdict comes after the tests and the upload.
# shellcheck source=.github/actions/cinderlog/lib.sh
. "$GITHUB_ACTION_PATH/lib.sh"

cd "$GITHUB_WORKSPACE"
files=() patterns=() options=()
lines files "$IN_RULES"
lines patterns "$IN_APPEND_ONLY"
for pattern in "${patterns[@]}"; do options+=(--append-only "$pattern"); done
[ -z "$IN_FAIL_ON" ] || options+=(--fail-on "$IN_FAIL_ON")
[ -z "$IN_BASELINE" ] || options+=(--baseline "$IN_BASELINE")

check() {
    "$BINARY" rules check --format "$1" "${options[@]}" "${files[@]}"
}

code=0
check github || code=$?
output exit "$code"
[ "$code" -le 1 ] || echo "::error title=cinderlog::cinderlog rules check could not check: exit $code"
if [ "$code" -le 1 ]; then
    check text >"$reports/check.txt" || true
    check sarif >"$reports/cinderlog.sarif" || true
    output sarif "$reports/cinderlog.sarif"
fi
