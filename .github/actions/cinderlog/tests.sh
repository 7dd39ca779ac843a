# tests.sh - the tests under `cinderlog exec`. Its exit code is an output: the verdict comes last.
# shellcheck source=.github/actions/cinderlog/lib.sh
. "$GITHUB_ACTION_PATH/lib.sh"

files=() patterns=() options=()
lines files "$IN_RULES"
lines patterns "$IN_APPEND_ONLY"
lines options "$IN_EXEC_OPTIONS"
[ ${#files[@]} = 0 ] || options+=(--rules "$GITHUB_WORKSPACE/${files[0]}")
for pattern in "${patterns[@]}"; do options+=(--append-only "$pattern"); done

# What exec says goes to the log and, for the job summary, into a file.
exec 3> >(exec tee "$reports/exec.txt" >&2)
tee=$!
code=0
"$BINARY" exec "${options[@]}" --summary "$reports/summary.json" -- bash -e -o pipefail -c "$IN_RUN" 2>&3 || code=$?
exec 3>&-
# Not longer for tee than it takes: what the tests left running may hold its pipe open.
for _ in {1..50}; do
    kill -0 "$tee" 2>/dev/null || break
    sleep 0.1
done
output exit "$code"
[ ! -f "$reports/summary.json" ] || output summary "$reports/summary.json"
