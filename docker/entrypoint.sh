#!/bin/sh
# docker/entrypoint.sh - what a container runs: a command or an option of cinderlog, or a program by its full path.
# Testcontainers' modules give their image's containers /bin/sh -c "gcloud beta emulators firestore start ...".
case ${1-} in
    /* | sh | gcloud) exec "$@" ;;
    *) exec cinderlog "$@" ;;
esac
