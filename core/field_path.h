/* field_path.h - "a.b.`c d`": the dotted field paths of masks, filters, orders and transforms.
 *
 * Parsed once into segments; unquoted segments match [a-zA-Z_][a-zA-Z_0-9]*, quoted ones hold anything
 * with \` and \\ escaped. "__name__" alone is the document's name. Messages as Google's emulator 1.19.9. */
#ifndef CORE_FIELD_PATH_H
#define CORE_FIELD_PATH_H

#include "core/value.h"

struct field_path {
    struct str *segments; /* unquoted, unescaped */
    size_t n;
};

enum status_code field_path_parse(struct field_path *out, struct arena *arena, struct str text,
                                  struct status *st);
bool field_path_is_name(const struct field_path *path); /* "__name__" */
/* Canonical text: quoted only where needed. */
struct str field_path_print(struct arena *arena, const struct field_path *path);
int field_path_cmp(const struct field_path *a, const struct field_path *b);
/* Whether a is b or an ancestor of b. */
bool field_path_contains(const struct field_path *a, const struct field_path *b);

/* The value at path, or NULL when a step is missing or not a map. */
const struct value *field_path_get(const struct value_map *fields, const struct field_path *path);
/* Sets or removes (value NULL) the value at path, making maps on the way; every changed map is a new one
 * in arena, the input stays as it was. Setting through a value that is not a map replaces it. */
void field_path_set(struct arena *arena, struct value_map *fields, const struct field_path *path,
                    const struct value *value);
/* What a write with an update mask leaves: for each path, the value in `changes` is set in `base`, or removed
 * when `changes` has none. The same as field_path_set for each, but linear in n: a mask may be long. */
struct value_map field_path_merge(struct arena *arena, const struct value_map *base,
                                  const struct value_map *changes, const struct field_path *paths, size_t n);
/* Only what the paths name (a projection). Missing ones are left out. */
struct value_map field_path_project(struct arena *arena, const struct value_map *fields,
                                    const struct field_path *paths, size_t n);

#endif
