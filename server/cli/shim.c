/* shim.c - see shim.h: which names there are, CMD and its PATH, and what is passed on. */
#include "server/cli/shim.h"

#include "server/cli/child.h"
#include "server/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct shim {
    const char *name;
    int (*run)(int argc, char **argv);
    /* The Firebase CLI wants the emulator's file to be there before it asks java to run it, and downloads it
     * otherwise: a variable and the file that it names to CMD. It is never read. */
    const char *variable, *file;
} shims[] = {
    { "java", shim_java, "FIRESTORE_EMULATOR_BINARY_PATH", "cloud-firestore-emulator.jar" },
    { "gcloud", shim_gcloud, NULL, NULL },
};
enum { SHIM_COUNT = sizeof shims / sizeof shims[0] };

static const struct shim *find(const char *name)
{
    for (size_t i = 0; i < SHIM_COUNT; i++)
        if (strcmp(shims[i].name, name) == 0)
            return &shims[i];
    return NULL;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool shim_is_name(const char *argv0)
{
    return find(last_part(argv0)) != NULL;
}

int shim_run(int argc, char **argv)
{
    argv[0] = (char *)last_part(argv[0]);
    return find(argv[0])->run(argc, argv);
}

int shim_serve(int argc, char **argv, int first, const char *also)
{
    struct options options;
    struct status st = status_init(NULL);
    int rest;
    if (options_parse(&options, OPTIONS_STAND_IN, argc, argv, first, &rest, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    return app_serve(&options, also);
}

/* ---- passing on ---- */

/* The file of that name in a folder of the PATH, when it can be run and is not this program. */
static bool is_another(const char *path)
{
    struct stat candidate, self;
    return stat(path, &candidate) == 0 && S_ISREG(candidate.st_mode) && access(path, X_OK) == 0 &&
           stat("/proc/self/exe", &self) == 0 &&
           (candidate.st_dev != self.st_dev || candidate.st_ino != self.st_ino);
}

int shim_pass_on(char **argv, const char *asked)
{
    const char *folder = getenv("PATH");
    while (folder && *folder) {
        size_t n = strcspn(folder, ":");
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%.*s/%s", (int)n, folder, argv[0]);
        if (n > 0 && length < (int)sizeof path && is_another(path))
            execv(path, argv);
        folder += n + (folder[n] == ':');
    }
    return cli_fail(EXIT_USAGE,
                    "stands in for %s, but only for the Firestore emulator: %s needs a real %s on the PATH",
                    argv[0], asked, argv[0]);
}

/* ---- CMD ---- */

struct stage {
    char folder[PATH_MAX / 2], link[PATH_MAX], file[PATH_MAX];
};

static void strike(const struct stage *stage)
{
    unlink(stage->link);
    unlink(stage->file);
    rmdir(stage->folder);
}

/* An empty file. Returns 0 or an errno. */
static int touch(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    int error = fd < 0 ? errno : 0;
    if (!error)
        close(fd);
    return error;
}

/* A folder with a link to this program, and the file. Returns 0 or an errno. */
static int build(struct stage *stage, const struct shim *shim)
{
    const char *temporary = getenv("TMPDIR");
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return errno;
    self[n] = '\0';
    n = snprintf(stage->folder, sizeof stage->folder, "%s/cinderlog-shim.XXXXXX",
                 temporary && *temporary ? temporary : "/tmp");
    if (n >= (ssize_t)sizeof stage->folder)
        return ENAMETOOLONG;
    if (!mkdtemp(stage->folder))
        return errno;
    snprintf(stage->link, sizeof stage->link, "%s/%s", stage->folder, shim->name);
    snprintf(stage->file, sizeof stage->file, "%s/%s", stage->folder, shim->file ? shim->file : "");
    int error = symlink(self, stage->link) == 0 ? 0 : errno;
    if (!error && shim->file)
        error = touch(stage->file);
    if (error)
        strike(stage);
    return error;
}

static void set_environment(const struct stage *stage, const struct shim *shim, struct arena *arena)
{
    const char *path = getenv("PATH");
    setenv("PATH", arena_printf(arena, "%s%s%s", stage->folder, path && *path ? ":" : "", path ? path : ""),
           1);
    if (shim->variable)
        setenv(shim->variable, stage->file, 0); /* whoever has such a file keeps it */
}

static int run_with(const struct shim *shim, char **command)
{
    struct stage stage;
    pid_t pid;
    int error = build(&stage, shim);
    if (error)
        return cli_fail(EXIT_EXEC, "cannot make a folder with a %s: %s (TMPDIR)", shim->name,
                        strerror(error));
    struct arena *arena = arena_new();
    set_environment(&stage, shim, arena);
    arena_free(arena);
    error = child_start(&pid, command);
    int code = error ? child_failed(command[0], error) : child_wait(pid);
    strike(&stage);
    return code;
}

int cli_shim(int argc, char **argv)
{
    const struct shim *shim = argc > 1 ? find(argv[1]) : NULL;
    if (!shim || argc == 2)
        return cli_fail(EXIT_USAGE,
                        "shim stands in for java or gcloud: cinderlog shim java -- firebase emulators:exec "
                        "'npm test'");
    if (strcmp(argv[2], "--") != 0)
        return shim_run(argc - 1, argv + 1);
    if (argc == 3)
        return cli_fail(EXIT_USAGE, "shim needs a command: cinderlog shim %s -- CMD", shim->name);
    return run_with(shim, argv + 3);
}
