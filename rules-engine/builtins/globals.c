/* globals.c - functions without a receiver: conversions, documents, debug. */
#include "rules-engine/builtins/tables.h"

#include "core/limits.h"

#include <math.h>
#include <stdlib.h>

/* ---- conversions ---- */

int64_t builtin_saturate(double d)
{
    if (d != d)
        return 0;
    if (d >= 9223372036854775808.0)
        return INT64_MAX;
    return d < -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

static struct rvalue bad_conversion(struct eval *e, struct str text, const char *to)
{
    return eval_error(e,
                      "Type conversion error. Argument: [" STR_FMT "], From type: [string], To type: [%s].",
                      STR_ARG(text), to);
}

static struct rvalue same(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    return args[0];
}

static struct rvalue int_of_float(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    return rv_int(builtin_saturate(args[0].number));
}

static struct rvalue int_of_string(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = rv_str(args[0]);
    bool negative = s.n > 0 && s.p[0] == '-';
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    int64_t n = 0;
    bool ok = i < s.n;
    for (; ok && i < s.n; i++) {
        int digit = s.p[i] - '0';
        ok = digit >= 0 && digit <= 9 && !__builtin_mul_overflow(n, 10, &n) &&
             !(negative ? __builtin_sub_overflow(n, digit, &n) : __builtin_add_overflow(n, digit, &n));
    }
    return ok ? rv_int(n) : bad_conversion(e, s, "int");
}

static struct rvalue float_of_int(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    return rv_float((double)args[0].integer);
}

static size_t skip_digits(struct str s, size_t at, bool hex)
{
    while (at < s.n && ((s.p[at] >= '0' && s.p[at] <= '9') ||
                        (hex && ((s.p[at] >= 'a' && s.p[at] <= 'f') || (s.p[at] >= 'A' && s.p[at] <= 'F')))))
        at++;
    return at;
}

static size_t skip_exponent(struct str s, size_t at, char lower, bool *ok)
{
    if (at >= s.n || (s.p[at] | 0x20) != lower)
        return at;
    size_t digits = at + 1;
    digits += digits < s.n && (s.p[digits] == '+' || s.p[digits] == '-');
    size_t end = skip_digits(s, digits, false);
    *ok = end > digits;
    return end;
}

/* Java's FloatingPointLiteral without sign: what strtod takes more of (inf, nan, missing digits) is refused.
 */
static bool is_java_float(struct str s)
{
    bool hex = s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x', ok = true;
    size_t at = hex ? 2 : 0, whole = skip_digits(s, at, hex), end = whole, digits = whole - at;
    if (end < s.n && s.p[end] == '.') {
        end = skip_digits(s, end + 1, hex);
        digits += end - whole - 1;
    }
    if (digits == 0)
        return false;
    size_t exponent = skip_exponent(s, end, hex ? 'p' : 'e', &ok);
    if (hex && exponent == end)
        return false; /* hexadecimal needs its p */
    if (exponent < s.n && ((s.p[exponent] | 0x20) == 'f' || (s.p[exponent] | 0x20) == 'd'))
        exponent++;
    return ok && exponent == s.n;
}

static struct rvalue float_of_string(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = rv_str(args[0]);
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = str_skip(s, 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    double d;
    if (str_eq(s, STR("NaN")))
        d = NAN;
    else if (str_eq(s, STR("Infinity")))
        d = INFINITY;
    else if (is_java_float(s))
        d = strtod(arena_str(e->arena, s).p, NULL); /* stops at the suffix */
    else
        return bad_conversion(e, rv_str(args[0]), "float");
    return rv_float(negative ? -d : d);
}

static struct rvalue to_string(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str out = STR("");
    rv_to_string(&out, e->arena, args[0]);
    return rv_string(out);
}

/* ---- path(string) ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %41 and + as in a URL; a broken escape stays as it is. */
static struct str url_decode(struct eval *e, struct str s)
{
    char *out = arena_alloc(e->arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return str_from(out, n);
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.n > 0;
}

static struct rsegment read_segment(struct eval *e, struct str s)
{
    if (s.n > 2 && s.p[0] == '{' && s.p[s.n - 1] == '}') {
        struct str inner = str_from(s.p + 1, s.n - 2);
        enum rsegment_kind kind = SEGMENT_CAPTURE;
        if (inner.n > 3 && memcmp(inner.p + inner.n - 3, "=**", 3) == 0) {
            kind = SEGMENT_GLOB;
            inner.n -= 3;
        } else if (inner.n > 2 && memcmp(inner.p + inner.n - 2, "=*", 2) == 0) {
            inner.n -= 2;
        }
        if (is_name(inner))
            return (struct rsegment){ .kind = kind, .name = inner };
    }
    return (struct rsegment){ .kind = SEGMENT_SIMPLE, .text = url_decode(e, s) };
}

static struct rvalue vector_of_list(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    size_t n = args[0].n;
    if (!eval_room(e, n * sizeof(struct value)))
        return eval_error(e, "out of memory");
    struct value_list *vector = ARENA_NEW(e->arena, struct value_list);
    *vector = (struct value_list){ ARENA_ARRAY(e->arena, struct value, n), n };
    for (size_t i = 0; i < n; i++) {
        struct rvalue component = rv_at(e->arena, args[0], i);
        if (component.type != RT_FLOAT)
            return eval_error(e,
                              "Type conversion error. Argument: [%s], From type: [list], To type: [vector].",
                              rv_text(e->arena, args[0], 4096));
        vector->items[i] = (struct value){ .kind = VALUE_DOUBLE, .number = component.number };
    }
    return RV(RT_VECTOR, vector, vector);
}

static struct rvalue path_of_string(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str text = rv_str(args[0]), rest = text;
    if (text.n == 0)
        return eval_error(e, "Empty Path Template is not allowed.");
    if (rest.p[0] == '/')
        rest = str_skip(rest, 1);
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == '/';
    if (!eval_room(e, n * sizeof(struct rsegment)))
        return eval_error(e, "out of memory");
    struct rsegment *items = ARENA_ARRAY(e->arena, struct rsegment, n);
    for (size_t i = 0; i < n; i++) {
        const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
        struct str part = slash ? str_from(rest.p, (size_t)(slash - rest.p)) : rest;
        if (part.n == 0)
            return eval_error(e, "Invalid Path Template " STR_FMT ". Empty segment is not allowed.",
                              STR_ARG(text));
        items[i] = read_segment(e, part);
        rest = str_skip(rest, part.n + (slash != NULL));
    }
    struct rpath *path = ARENA_NEW(e->arena, struct rpath);
    *path = (struct rpath){ items, n };
    return rv_path(path);
}

/* ---- documents ---- */

/* As protobuf's text format prints a path value; that is what Google's message shows. */
static void print_path(struct buf *out, const struct rpath *path)
{
    buf_z(out, "path_value {\n");
    for (size_t i = 0; i < path->n; i++) {
        struct str s = path->items[i].text;
        buf_z(out, "  segments {\n    simple: \"");
        for (size_t k = 0; k < s.n; k++) {
            unsigned char c = (unsigned char)s.p[k];
            if (c == '"' || c == '\'' || c == '\\')
                buf_printf(out, "\\%c", c);
            else if (c == '\n')
                buf_z(out, "\\n");
            else if (c == '\r')
                buf_z(out, "\\r");
            else if (c == '\t')
                buf_z(out, "\\t");
            else if (c < 0x20 || c >= 0x7F)
                buf_printf(out, "\\%03o", c);
            else
                buf_byte(out, c);
        }
        buf_z(out, "\"\n  }\n");
    }
    buf_z(out, "}\n");
}

static struct rvalue service_error(struct eval *e, const char *function, const struct rpath *path)
{
    struct buf text;
    buf_init(&text, LIMIT_ID_BYTES * 16);
    print_path(&text, path);
    struct rvalue out = eval_error(e, "Service call error. Function: [%s], Argument: [" STR_FMT "].",
                                   function, STR_ARG(buf_view(&text)));
    buf_dispose(&text);
    return out;
}

/* /databases/<this one>/documents/ and an even number of ids. */
static bool is_document(const struct eval *e, const struct rpath *path)
{
    return path->n >= 5 && path->n % 2 == 1 && str_eq(path->items[0].text, STR("databases")) &&
           str_eq(path->items[1].text, e->request->db.database) &&
           str_eq(path->items[2].text, STR("documents"));
}

/* The relative path; false when no document can have it (an id with '/' or an empty one). */
static bool relative(struct str *out, struct eval *e, const struct rpath *path)
{
    size_t n = path->n - 4;
    for (size_t i = 3; i < path->n; i++) {
        struct str id = path->items[i].text;
        if (id.n == 0 || memchr(id.p, '/', id.n))
            return false;
        n += id.n;
    }
    char *text = arena_alloc(e->arena, n), *at = text;
    for (size_t i = 3; i < path->n; i++) {
        if (i > 3)
            *at++ = '/';
        memcpy(at, path->items[i].text.p, path->items[i].text.n);
        at += path->items[i].text.n;
    }
    *out = str_from(text, n);
    return true;
}

static struct eval_lookup *find_lookup(struct eval *e, struct str path, bool after)
{
    for (size_t i = 0; i < e->n_lookups; i++)
        if (e->lookups[i].after == after && str_eq(e->lookups[i].path, path))
            return &e->lookups[i];
    return NULL;
}

/* Whether the document was counted already, for as much as is asked now. */
static bool is_counted(const struct eval *e, struct str path, bool whole)
{
    for (size_t i = 0; i < e->n_lookups; i++)
        if (!e->lookups[i].document.written && str_eq(e->lookups[i].path, path) &&
            (e->lookups[i].whole || !whole))
            return true;
    return false;
}

static bool is_in_budget(const struct rules_budget *budget, struct str path, bool whole)
{
    for (size_t i = 0; i < budget->lookups; i++)
        if ((budget->counted[i].whole || !whole) && str_eq(budget->counted[i].path, path))
            return true;
    return false;
}

static bool may_count(const struct eval *e, struct str path, bool whole)
{
    return e->n_distinct < LIMIT_RULES_LOOKUPS &&
           (!e->budget || e->budget->lookups < LIMIT_RULES_LOOKUPS_BATCH ||
            is_in_budget(e->budget, path, whole));
}

/* Whether one more may be looked up; counts it. */
static bool count_lookup(struct eval *e, struct str path, bool whole)
{
    if (!may_count(e, path, whole))
        return false;
    e->n_distinct++;
    if (e->budget && !is_in_budget(e->budget, path, whole)) {
        e->budget->counted[e->budget->lookups].path = arena_str(e->budget->arena, path);
        e->budget->counted[e->budget->lookups++].whole = whole;
    }
    return true;
}

static struct eval_lookup *add_lookup(struct eval *e, struct str path, bool after)
{
    if (e->n_lookups == e->cap_lookups) {
        size_t size = e->cap_lookups * sizeof *e->lookups;
        e->cap_lookups = e->cap_lookups ? e->cap_lookups * 2 : 4;
        e->lookups = arena_grow(e->arena, e->lookups, size, e->cap_lookups * sizeof *e->lookups);
    }
    struct eval_lookup *added = &e->lookups[e->n_lookups];
    *added = (struct eval_lookup){ .path = path, .after = after };
    if (e->env && e->env->get_document)
        e->host_code = e->env->get_document(e->env->data, e->request->db, path, after, e->arena,
                                            &added->document, e->st);
    return added;
}

/* The document at `path`, counted; NULL when it may not be looked up or the host failed (host_code). */
static struct eval_lookup *look_up(struct eval *e, struct str path, bool after, bool whole)
{
    bool free = str_eq(path, e->path) || is_counted(e, path, whole);
    struct eval_lookup *found = find_lookup(e, path, after);
    bool added = !found;
    if (!found) {
        if (!free && !after && !may_count(e, path, whole))
            return NULL;
        found = add_lookup(e, path, after);
        if (e->host_code != STATUS_OK)
            return NULL;
    }
    if (!free && !found->document.written && !count_lookup(e, path, whole))
        return NULL;
    e->n_lookups += added;
    found->whole = found->whole || whole;
    return found;
}

bool eval_lookup(struct eval *e, const struct rules_document **out, struct rvalue *error,
                 const char *function, struct rvalue path, bool after, bool whole)
{
    static const struct rules_document missing = { 0 };
    struct str unbound, text;
    const struct rpath *flat;
    if (!rv_path_flat(e->arena, path.path, &flat, &unbound)) {
        *error = eval_error(e, "Variable " STR_FMT " is not bound in path template.", STR_ARG(unbound));
        return false;
    }
    if (!is_document(e, flat)) {
        *error = service_error(e, function, flat);
        return false;
    }
    *out = &missing;
    if (!relative(&text, e, flat))
        return true;
    const struct eval_lookup *found = look_up(e, text, after, whole);
    if (!found) {
        *error = e->host_code != STATUS_OK ? eval_fatal(e, "The documents could not be read.")
                                           : service_error(e, function, flat);
        return false;
    }
    *out = &found->document;
    return true;
}

static struct rvalue lookup_document(struct eval *e, const char *function, struct rvalue path, bool after)
{
    const struct rules_document *document;
    struct rvalue error;
    struct str relative_path;
    if (!eval_lookup(e, &document, &error, function, path, after, true))
        return error;
    if (document->written && !document->exists)
        return rv_null(); /* the request deletes it: known, unlike a document that is not there */
    const struct rpath *flat = path.path;
    rv_path_flat(e->arena, path.path, &flat, &relative_path);
    if (!document->exists || !relative(&relative_path, e, flat))
        return service_error(e, function, flat);
    return eval_document(e, relative_path, &document->fields);
}

static struct rvalue lookup_exists(struct eval *e, const char *function, struct rvalue path, bool after)
{
    const struct rules_document *document;
    struct rvalue error;
    return eval_lookup(e, &document, &error, function, path, after, false) ? rv_bool(document->exists)
                                                                           : error;
}

static struct rvalue get(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    return lookup_document(e, "get", args[0], false);
}

static struct rvalue get_after(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    return lookup_document(e, "getAfter", args[0], true);
}

static struct rvalue exists(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    return lookup_exists(e, "exists", args[0], false);
}

static struct rvalue exists_after(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    return lookup_exists(e, "existsAfter", args[0], true);
}

/* ---- debug ---- */

static struct rvalue debug(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    if (e->env && e->env->trace) {
        const struct source *source = &e->ruleset->sources[e->node->file];
        uint32_t line, column;
        source_position(source, e->node->span.from, &line, &column);
        e->env->trace(e->env->data, source->name, line, column, str_of(rv_text(e->arena, args[0], 4096)));
    }
    return args[0];
}

#define GLOBAL_ROW(name, args, signature, doc, ...)                                                          \
    PACKAGE_ROW("", name, 1, ARGS(args), signature, doc, __VA_ARGS__)
static const struct builtin rows[] = {
    GLOBAL_ROW("get", T_PATH, "get(path)", "The document at a path; an error when there is none.", get,
               .service = true),
    GLOBAL_ROW("exists", T_PATH, "exists(path)", "Whether there is a document at a path.", exists,
               .service = true),
    GLOBAL_ROW("getAfter", T_PATH, "getAfter(path)", "The document as the whole request would leave it.",
               get_after, .service = true),
    GLOBAL_ROW("existsAfter", T_PATH, "existsAfter(path)",
               "Whether there would be one after the whole request.", exists_after, .service = true),
    GLOBAL_ROW("debug", BUILTIN_ANY, "debug(any)", "Its argument, which is also printed.", debug,
               .variadic = true),
    GLOBAL_ROW("int", T_INT, "int(int)", "Itself.", same, .more = true),
    GLOBAL_ROW("int", BUILTIN_BIT(RT_FLOAT), "int(float)", "Towards zero, cut to the range of int.",
               int_of_float, .more = true),
    GLOBAL_ROW("int", T_STRING, "int(string)", "From decimal digits.", int_of_string),
    GLOBAL_ROW("float", T_INT, "float(int)", "The nearest float.", float_of_int, .more = true),
    GLOBAL_ROW("float", BUILTIN_BIT(RT_FLOAT), "float(float)", "Itself.", same, .more = true),
    GLOBAL_ROW("float", T_STRING, "float(string)", "From text such as 1.5e3, NaN or Infinity.",
               float_of_string),
    GLOBAL_ROW("string", T_INT, "string(int)", "Decimal digits.", to_string, .more = true),
    GLOBAL_ROW("string", BUILTIN_BIT(RT_FLOAT), "string(float)", "Such as 1.0, 1.0E8 or NaN.", to_string,
               .more = true),
    GLOBAL_ROW("string", BUILTIN_BIT(RT_NULL), "string(null)", "null", to_string, .more = true),
    GLOBAL_ROW("string", T_STRING, "string(string)", "Itself.", to_string, .more = true),
    GLOBAL_ROW("string", BUILTIN_BIT(RT_BOOL), "string(bool)", "true or false.", to_string, .more = true),
    GLOBAL_ROW("string", T_PATH, "string(path)", "Such as /a/b.", to_string),
    GLOBAL_ROW("path", T_STRING, "path(string)", "From text such as a/b, /a/b or a/{x}.", path_of_string),
    GLOBAL_ROW("vector", T_LIST, "vector(list)", "Of floats; integers are refused.", vector_of_list),
};
BUILTIN_TABLE(builtin_globals, rows);

struct rvalue builtin_not_string(struct eval *e, struct rvalue v)
{
    return eval_error(
        e,
        "Unsupported operation error. Received: string(%s). Expected: string(int), string(float), "
        "string(null), string(string), string(bool), string(path).",
        rules_type_name((enum rules_type)v.type));
}
