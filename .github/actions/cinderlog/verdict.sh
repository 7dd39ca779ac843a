# verdict.sh - the job summary, and failing when rules or tests do.
# shellcheck source=.github/actions/cinderlog/lib.sh
. "$GITHUB_ACTION_PATH/lib.sh"

# GitHub takes 1 MiB of summary a step.
most=200000

row() {
    case $2 in
    '') ;;
    0) printf '| %s | :white_check_mark: %s |\n' "$1" "$3" ;;
    *) printf '| %s | :x: %s (exit %s) |\n' "$1" "$4" "$2" ;;
    esac
}

# What stands in a source file must not end the block: no line of it begins with so many tildes.
block() {
    printf '\n<details><summary>%s</summary>\n\n~~~~~~~~text\n' "$1"
    head -c "$most" | sed 's/^~~~~~~~~/ &/'
    printf '\n~~~~~~~~\n\n</details>\n'
}

{
    printf '## Cinderlog\n\n| | |\n|---|---|\n'
    row 'Security rules' "$CHECK_EXIT" 'nothing that fails' 'findings'
    # shellcheck disable=SC2016
    row 'Tests under `cinderlog exec`' "$TESTS_EXIT" 'passed' 'failed'
    [ ! -f "$reports/check.txt" ] || block 'Findings' <"$reports/check.txt"
    [ ! -f "$reports/exec.txt" ] || sed -n '/^cinderlog summary$/,$p' "$reports/exec.txt" | block 'What the tests exercised'
} >>"$GITHUB_STEP_SUMMARY"

[ "${CHECK_EXIT:-0}" = 0 ] && [ "${TESTS_EXIT:-0}" = 0 ]
