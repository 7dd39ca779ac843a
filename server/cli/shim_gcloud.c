/* shim_gcloud.c - as `gcloud`: Testcontainers' modules and scripts start the emulator with
 *
 *   gcloud beta emulators firestore start --host-port 0.0.0.0:8080
 *
 * gcloud prints what its emulator prints on stderr, each line after "[firestore] ", and some wait for it
 * there. */
#include "server/cli/cli.h"
#include "server/cli/shim.h"

#include <string.h>

/* Where the arguments of `emulators firestore start` begin; 0: it is something else. */
static int find_start(int argc, char **argv)
{
    for (int i = 1; i + 2 < argc; i++)
        if (strcmp(argv[i], "emulators") == 0 && strcmp(argv[i + 1], "firestore") == 0 &&
            strcmp(argv[i + 2], "start") == 0)
            return i + 3;
    return 0;
}

int shim_gcloud(int argc, char **argv)
{
    int start = find_start(argc, argv);
    return start ? shim_serve(argc, argv, start, "[firestore] Dev App Server is now running.")
                 : shim_pass_on(argv, "everything but 'gcloud emulators firestore start'");
}
