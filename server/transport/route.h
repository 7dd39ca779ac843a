/* route.h - URL paths against templates; pure code.
 *
 * A path is split and its verb cut off before anything is decoded, so that `run%3ArunQuery` is an id and
 * `:runQuery` a verb. `%2F` separates segments like '/' (observed on Google's emulator 1.19.9).
 *
 * Templates are those of google.api.http: literal segments, "*" for one segment, "**" for any number (none
 * included; at most one a template, anywhere), "{field}" and "{field=segments}" around what is captured, and
 * ":verb" at the end. Unbraced "*" and "**" are captured too, without a name. */
#ifndef SERVER_TRANSPORT_ROUTE_H
#define SERVER_TRANSPORT_ROUTE_H

#include "core/arena.h"

struct route_path {
    struct str *segments; /* decoded; may be empty, may hold anything */
    size_t n;
    bool has_verb;
    struct str verb; /* decoded */
    struct str stem; /* the last segment without ":verb", decoded */
};

enum { ROUTE_BINDINGS_MAX = 8 };
struct route_binding {
    struct str field; /* "document.name"; empty for an unbraced star */
    struct str value; /* segments joined by '/' */
};
struct route_match {
    struct route_binding bindings[ROUTE_BINDINGS_MAX];
    size_t n;
};

/* Everything lives in arena. False when the path does not begin with '/' or a '%' is not followed by two
 * hexadecimal digits. */
bool route_split(struct route_path *out, struct arena *arena, struct str raw);
bool route_matches(struct route_match *out, struct arena *arena, const char *pattern,
                   const struct route_path *path);
/* One pair of a query string off *rest, decoded ('+' is a plus there too, observed on
 * Google's emulator 1.19.9). False at the end. A pair that is not well
 * escaped comes with *ok false. */
bool route_next_param(struct str *rest, struct arena *arena, struct str *name, struct str *value, bool *ok);
/* %XX decoded. False when malformed. */
bool route_decode(struct str *out, struct arena *arena, struct str text);

#endif
