/* fuzz_route.c - request targets: splitting, matching and query parameters of whatever bytes. */
#include "server/transport/route.h"

#include <stdlib.h>

#define ROOT "projects/*/databases/*/documents"
static const char *const patterns[] = {
    "/",
    "/v1/{name=" ROOT "/*/**}",
    "/v1/{parent=" ROOT "/*/**}/{collection_id}",
    "/v1/{parent=" ROOT "/**}/{collection_id}",
    "/v1/{database=projects/*/databases/*}/documents:commit",
    "/v1/{parent=" ROOT "/*/**}:runQuery",
    "/emulator/v1/projects/*:securityRules",
    "/emulator/v1/projects/*/databases/*/documents/**",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct str target = str_from(data, size), name, value;
    const char *mark = size ? memchr(data, '?', size) : NULL;
    struct str raw = { target.p, mark ? (size_t)(mark - target.p) : size };
    struct str rest = mark ? str_skip(target, raw.n + 1) : (struct str){ 0 };
    struct route_path path;
    struct route_match match;
    bool ok;
    if (route_split(&path, arena, raw)) {
        size_t bytes = 0;
        for (size_t i = 0; i < path.n; i++)
            bytes += path.segments[i].n;
        if (path.n == 0 || bytes + path.n > raw.n)
            abort();
        for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
            if (!route_matches(&match, arena, patterns[i], &path))
                continue;
            for (size_t k = 0; k < match.n; k++)
                if (match.bindings[k].value.n > raw.n)
                    abort();
        }
    }
    while (route_next_param(&rest, arena, &name, &value, &ok))
        if (ok && name.n + value.n > size)
            abort();
    arena_free(arena);
    return 0;
}
