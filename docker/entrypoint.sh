#!/bin/sh
# docker/entrypoint.sh - what a container runs: a command or an option of cinderlog, or a program by its full path.
# Testcontainers' modules give their image's containers /bin/sh -c "gcloud beta emulators firestore start ...".
if [ "${2-}" = -c ]; then
    # A shell that is PID 1 ignores SIGTERM, and stopping would take ten seconds: one plain command takes its place.
    case ${3-} in
        *[!A-Za-z0-9\ ._:/=,-]*) ;;
        "gcloud "*) set -- "$1" -c "exec $3" ;;
    esac
fi
case ${1-} in
    /* | sh | gcloud) exec "$@" ;;
    *) exec cinderlog "$@" ;;
esac
