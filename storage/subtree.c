/* subtree.c - see subtree.h. */
#include "storage/subtree.h"

#include "core/limits.h"

static void set_depth(struct subtree *w, unsigned depth)
{
    w->depth = depth;
    w->between = false;
    derived_prefix(&w->key, depth, w->path);
    derived_after_prefix(&w->end, buf_view(&w->key));
}

void subtree_init(struct subtree *w, struct derived *derived, int64_t space, struct str path)
{
    *w = (struct subtree){ .derived = derived, .space = space, .path = path };
    buf_init(&w->key, DERIVED_KEY_MAX);
    buf_init(&w->end, DERIVED_KEY_MAX);
    set_depth(w, path.n ? derived_depth(path) : 1);
}

enum status_code subtree_next(struct subtree *w, bool *found, struct derived_doc *out, struct status *st)
{
    *found = false;
    while (w->depth <= LIMIT_PATH_PAIRS) {
        if (w->between)
            buf_byte(&w->key, 0); /* the first key behind it */
        if (derived_first(found, &w->key, out, w->derived, w->space, buf_view(&w->key), buf_view(&w->end),
                          st))
            return st->code;
        w->between = *found;
        if (*found)
            return STATUS_OK;
        /* The next depth that any document has. */
        unsigned char next = (unsigned char)(w->depth + 1), last = 0xff;
        struct derived_doc ignored;
        bool any;
        if (derived_first(&any, &w->key, &ignored, w->derived, w->space, str_from(&next, 1),
                          str_from(&last, 1), st))
            return st->code;
        if (!any)
            return STATUS_OK;
        set_depth(w, w->key.data[0]);
    }
    return STATUS_OK;
}

struct str subtree_key(const struct subtree *w)
{
    return buf_view(&w->key);
}

void subtree_dispose(struct subtree *w)
{
    buf_dispose(&w->key);
    buf_dispose(&w->end);
}
