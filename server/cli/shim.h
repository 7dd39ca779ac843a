/* shim.h - this program in the place of `java` and `gcloud`, for those who start Google's emulator with them:
 * the Firebase CLI, Testcontainers' modules, scripts.
 *
 *   cinderlog shim java -- CMD     runs CMD, whose PATH has such a java before every other
 *   cinderlog shim java ARGS       is that java; so is this program under the name java
 *
 * Nothing is installed: CMD's java is a link in a temporary folder that goes with it. What is asked of a name
 * and is not the Firestore emulator goes to the command of that name that is next on the PATH. */
#ifndef SERVER_CLI_SHIM_H
#define SERVER_CLI_SHIM_H

#include <stdbool.h>

/* Whether argv[0] is the name, or a path ending in the name, of a command that is stood in for. */
bool shim_is_name(const char *argv0);
/* argv[0] is such a name. Returns an exit code. */
int shim_run(int argc, char **argv);

/* ---- the commands, one file each; argv[0] is the name ---- */

int shim_java(int argc, char **argv);
int shim_gcloud(int argc, char **argv);

/* ---- what they share ---- */

/* Serves as Google's emulator would with the arguments from argv[first] on; app_serve has `also`. */
int shim_serve(int argc, char **argv, int first, const char *also);
/* Becomes the command named argv[0] that is next on the PATH. Returns, with an exit code, only when there is
 * none: then `asked` is told as what this one does not do. */
int shim_pass_on(char **argv, const char *asked);

#endif
