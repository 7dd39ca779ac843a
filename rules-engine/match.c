/* match.c - see match.h. */
#include "rules-engine/match.h"

static struct match_target make(struct arena *arena, struct database_name db, struct str path, size_t more)
{
    size_t n = 3 + path_segments(path);
    struct str *segments = arena_alloc(arena, (n + more) * sizeof *segments);
    segments[0] = STR("databases");
    segments[1] = db.database;
    segments[2] = STR("documents");
    struct str rest = path;
    for (size_t i = 3; i < n && path_next(&rest, &segments[i]); i++)
        ;
    return (struct match_target){ .segments = segments, .n = n };
}

struct match_target match_document(struct arena *arena, struct database_name db, struct str path)
{
    return make(arena, db, path, 0);
}

struct match_target match_collection(struct arena *arena, struct database_name db,
                                     const struct rules_query *query, struct str path)
{
    bool group = query && query->all_descendants;
    struct match_target target = make(arena, db, group ? query->parent : path, 2);
    struct str *segments = (struct str *)(uintptr_t)target.segments; /* made above with room for two more */
    if (group) {
        target.any_depth = target.n;
        segments[target.n++] = query->collection_id;
    }
    segments[target.n++] = STR("");
    target.last_unknown = true;
    return target;
}

/* One part against segment i. Which collection a group over all collections is in is not known either. */
static bool part_fits(const struct ast_path_part *part, const struct match_target *t, size_t i)
{
    if (part->kind != PART_LITERAL)
        return true;
    if ((t->last_unknown && i + 1 == t->n) || (t->any_depth && i >= t->any_depth && t->segments[i].n == 0))
        return false;
    return str_eq(part->text, t->segments[i]);
}

static size_t find_glob(const struct ast_match *match)
{
    for (size_t i = 0; i < match->n_full; i++)
        if (match->full[i].kind == PART_GLOB)
            return i;
    return match->n_full;
}

/* The value of {x=**} over segments from..to. What is not known is a variable without a name. */
static struct rvalue glob_value(struct arena *arena, const struct match_target *t, size_t from, size_t to)
{
    struct rpath *path = ARENA_NEW(arena, struct rpath);
    size_t n = t->any_depth ? 1 : to - from;
    struct rsegment *items = ARENA_ARRAY(arena, struct rsegment, n);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct rsegment){ .kind = SEGMENT_SIMPLE, .text = t->segments[from + i] };
    if (t->any_depth)
        items[0] = (struct rsegment){ .kind = SEGMENT_GLOB };
    else if (t->last_unknown && to == t->n && n > 0)
        items[n - 1] = (struct rsegment){ .kind = SEGMENT_CAPTURE };
    *path = (struct rpath){ items, n };
    return rv_path(path);
}

/* Where part i of `match` is: those behind the glob are counted from the end, as many as are not overlaid. */
static size_t segment_of(const struct ast_match *match, size_t glob, const struct match_target *t, size_t i)
{
    size_t later = match->n_full - i; /* parts from i on */
    if (i < glob)
        return i;
    return i <= glob + match->overlaid ? t->n - later + match->overlaid : t->n - later;
}

bool match_covers(const struct rvalue **wildcards, struct arena *arena, const struct ast_match *match,
                  int version, const struct match_target *t)
{
    size_t glob = find_glob(match), parts = match->n_full;
    size_t behind = glob < parts ? parts - glob - 1 - match->overlaid : 0;
    /* Segments; version 1's ** takes at least one. */
    size_t fewest = glob < parts ? glob + behind + (version < 2) : parts;
    if (match->never_matches || t->n < fewest || (glob == parts && (t->n != parts || t->any_depth)))
        return false;
    /* A group at every depth: only what ** takes may vary. */
    if (t->any_depth && (glob > t->any_depth || behind > t->n - t->any_depth))
        return false;
    for (size_t i = 0; i < parts; i++)
        if (i != glob && !part_fits(&match->full[i], t, segment_of(match, glob, t, i)))
            return false;
    struct rvalue *values = arena_alloc(arena, match->n_wildcards * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < parts; i++) {
        const struct ast_path_part *part = &match->full[i];
        size_t at = segment_of(match, glob, t, i);
        if (part->kind == PART_GLOB)
            values[n++] = version < 2 && t->last_unknown /* version 1: a list leaves the whole of it open */
                              ? (struct rvalue){ .type = RT_UNDEFINED }
                              : glob_value(arena, t, glob, t->n - behind);
        else if (part->kind == PART_BINDING)
            values[n++] = (t->last_unknown && at + 1 == t->n) || t->segments[at].n == 0
                              ? (struct rvalue){ .type = RT_UNDEFINED }
                              : rv_string(t->segments[at]);
    }
    *wildcards = values;
    return true;
}
