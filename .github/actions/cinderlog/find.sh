# find.sh - which cinderlog: the input, else the one on the PATH, else built from the source around this action.
# shellcheck source=.github/actions/cinderlog/lib.sh
. "$GITHUB_ACTION_PATH/lib.sh"

if [ -n "$IN_BINARY" ]; then
    case $IN_BINARY in
    /*) found=$IN_BINARY ;;
    *) found=$GITHUB_WORKSPACE/$IN_BINARY ;;
    esac
    if [ ! -x "$found" ]; then
        echo "::error title=cinderlog::binary: there is no program $found"
        exit 1
    fi
elif ! found=$(command -v cinderlog); then
    source=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
    "$source/dev" build
    found=$source/build/release/cinderlog
fi
"$found" --version
output binary "$found"
