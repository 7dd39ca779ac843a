/* replay_main.c - runs a fuzz target over every file of the directories given as arguments.
 *
 * It stands in for libFuzzer's main in ordinary builds, so that each target compiles with gcc and its
 * corpus (seeds and every crash ever found) is replayed by ctest as fuzz_<name>_corpus. The name of a file
 * is printed before it is run: the last one printed is the one that crashed. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are given in a block of exactly their size, so that AddressSanitizer sees a read past it. */
static int run_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &st) != 0) {
        fprintf(stderr, "replay: cannot read %s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int failed = !data || fread(data, 1, size, file) != size;
    fclose(file);
    if (failed) {
        fprintf(stderr, "replay: cannot read all of %s\n", path);
    } else {
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return failed;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Returns how many files failed, or -1 when there was nothing to run: an empty corpus proves nothing. */
static int run_directory(const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_visible, alphasort);
    if (n < 0)
        fprintf(stderr, "replay: cannot list %s: %s\n", dir, strerror(errno));
    if (n <= 0)
        return -1;
    int failed = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
        failed += run_file(path);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CORPUS_DIRECTORY...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        if (run_directory(argv[i]) != 0) {
            fprintf(stderr, "replay: %s: empty or unreadable corpus\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
