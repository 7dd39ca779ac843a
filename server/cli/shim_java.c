/* shim_java.c - as `java`: the Firebase CLI asks for its version, then has it run the Firestore emulator's
 * file.
 *
 *   java -Duser.language=en -Dfile.encoding=UTF-8 -version
 *   java -D... -jar .../cloud-firestore-emulator-v1.22.0.jar --host 127.0.0.1 --port 8080 --websocket_port
 * 9150 ...
 *
 * (firebase-tools 15.34.2; the Google Cloud CLI's package names the class instead, with -cp.) The file itself
 * is never opened. */
#include "server/cli/cli.h"
#include "server/cli/shim.h"

#include <stdio.h>
#include <string.h>

/* Current when this was written; who asks wants some version or a later one. */
#define JAVA_VERSION "25.0.1"

struct java {
    const char *program; /* its file or class; NULL: none */
    int rest;            /* its arguments begin there */
    bool version;
};

static bool is_any(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static struct java read_arguments(int argc, char **argv)
{
    static const char *const versions[] = { "-version", "--version", "-fullversion" };
    static const char *const with_value[] = { "-cp", "-classpath", "--class-path", "-p", "--module-path" };
    struct java java = { .rest = argc };
    for (int i = 1; i < argc && !java.program; i++) {
        if (is_any(argv[i], versions, sizeof versions / sizeof versions[0]))
            java.version = true;
        else if (is_any(argv[i], with_value, sizeof with_value / sizeof with_value[0]))
            i++;
        else if (strcmp(argv[i], "-jar") == 0 && i + 1 < argc)
            java = (struct java){ argv[i + 1], i + 2, java.version };
        else if (argv[i][0] != '-')
            java = (struct java){ argv[i], i + 1, java.version };
    }
    return java;
}

/* By the name that it has in Google's packages and in the Firebase CLI's cache. */
static bool is_firestore(const char *program)
{
    const char *slash = strrchr(program, '/');
    return strstr(slash ? slash + 1 : program, "firestore") != NULL;
}

static int print_version(void)
{
    fprintf(stderr, "openjdk version \"" JAVA_VERSION "\"\ncinderlog " CINDERLOG_VERSION
                    " in the place of java, for the Firestore emulator\n");
    return EXIT_OK;
}

int shim_java(int argc, char **argv)
{
    struct java java = read_arguments(argc, argv);
    if (java.version)
        return print_version();
    if (java.program && is_firestore(java.program))
        return shim_serve(argc, argv, java.rest, NULL);
    return shim_pass_on(argv, java.program ? java.program : "what was asked");
}
