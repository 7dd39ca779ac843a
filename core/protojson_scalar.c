/* protojson_scalar.c - single values from text, and from the parameters of a URL.
 *
 * What is lenient here is what Google's emulator 1.19.9 takes: whole numbers written as "5.0", enums by
 * number, numbers in quotes, "true" in quotes, base64 in both alphabets. */
#include "core/json_text.h"
#include "core/protojson.h"

#include <strings.h>

static bool refuse(struct codec_fault *fault, struct str text, const char *what)
{
    struct str quoted = codec_quote(text);
    return codec_fault_set(fault, STATUS_INVALID_ARGUMENT, "\"" STR_FMT "\"%s is not %s", STR_ARG(quoted),
                           quoted.n < text.n ? "..." : "", what);
}

static bool scalar_bool(struct codec_fault *fault, bool *to, struct str text)
{
    *to = str_eq(text, STR("true"));
    return *to || str_eq(text, STR("false")) || refuse(fault, text, "true or false");
}

static bool scalar_int32(struct codec_fault *fault, const struct schema_field *f, void *to, struct str text)
{
    int64_t v;
    if (!json_int64(&v, text) || v < INT32_MIN || v > INT32_MAX)
        return refuse(fault, text, "a whole number of 32 bits");
    if (f->wrapped)
        *(int64_t *)to = v;
    else
        *(int32_t *)to = (int32_t)v;
    return true;
}

static bool scalar_enum(struct codec_fault *fault, const struct schema_field *f, int32_t *to, struct str text)
{
    int64_t v;
    if (schema_enum_number(to, f->enumeration, text))
        return true;
    if (!json_int64(&v, text) || v < INT32_MIN || v > INT32_MAX)
        return refuse(fault, text, "one of the names of this enum, nor a number");
    *to = (int32_t)v;
    return true;
}

static bool scalar_double(struct codec_fault *fault, struct arena *arena, double *to, struct str text)
{
    switch (json_double(to, arena, text)) {
    case JSON_DOUBLE_OK:
        return true;
    case JSON_DOUBLE_RANGE:
        return refuse(fault, text, "within the range of a double");
    case JSON_DOUBLE_MALFORMED:
        break;
    }
    return refuse(fault, text, "a number");
}

bool protojson_scalar(struct codec_fault *fault, struct arena *arena, const struct schema_field *f, void *to,
                      struct str text)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return scalar_bool(fault, to, text);
    case SCHEMA_INT32:
        return scalar_int32(fault, f, to, text);
    case SCHEMA_INT64:
        return json_int64(to, text) || refuse(fault, text, "a whole number of 64 bits");
    case SCHEMA_DOUBLE:
        return scalar_double(fault, arena, to, text);
    case SCHEMA_ENUM:
        return scalar_enum(fault, f, to, text);
    case SCHEMA_STRING:
        *(struct str *)to = text;
        return true;
    case SCHEMA_BYTES:
        return base64_decode(to, arena, text) || refuse(fault, text, "base64");
    case SCHEMA_TIMESTAMP:
        return timestamp_parse(to, text) || refuse(fault, text, "a time like 2026-11-24T05:44:37.897795Z");
    default:
        return codec_fault_set(fault, STATUS_INVALID_ARGUMENT, "is no single value");
    }
}

bool protojson_may_set(struct codec_fault *fault, const struct schema_message *message,
                       const struct schema_field *f, const void *out)
{
    if (f->presence != SCHEMA_IF_CASE)
        return true;
    uint32_t set = *(const uint32_t *)schema_at_const(out, f->has_offset);
    if (set == 0 || set == f->number)
        return true;
    const struct schema_field *other = schema_by_number(message, set);
    return codec_fault_set(fault, STATUS_INVALID_ARGUMENT, "only one of %s and %s may be set",
                           other ? other->json.p : "another", f->json.p);
}

void *protojson_place(struct codec_fault *fault, struct arena *arena, const struct schema_field *f, void *out)
{
    schema_mark_set(f, out);
    void *at = schema_at(out, f->offset);
    if (!f->pointer)
        return at;
    void **slot = at;
    if (!*slot) {
        void *made = codec_alloc(fault, arena, f->message->size);
        if (!made)
            return NULL;
        *slot = memset(made, 0, f->message->size);
    }
    return *slot;
}

/* ---- URL parameters ---- */

enum { PARAM_DEPTH = 8 }; /* deeper than any message of requests nests without a list */

struct param_path {
    const struct schema_message *messages[PARAM_DEPTH]; /* that the fields belong to */
    const struct schema_field *fields[PARAM_DEPTH];
    size_t n;
};

/* Every name is looked up before anything is set: "mask.nonsense" must not leave an empty mask behind. */
static bool resolve(struct param_path *path, const struct schema_message *schema, struct str name)
{
    path->n = 0;
    for (;;) {
        const char *dot = name.n ? memchr(name.p, '.', name.n) : NULL;
        struct str first = { name.p, dot ? (size_t)(dot - name.p) : name.n };
        const struct schema_field *f = schema && !schema->is_value ? schema_by_name(schema, first) : NULL;
        if (!f || f->type == SCHEMA_SKIP || path->n == PARAM_DEPTH)
            return false;
        path->messages[path->n] = schema;
        path->fields[path->n++] = f;
        if (!dot)
            return true;
        schema = f->type == SCHEMA_MESSAGE && !f->repeated ? f->message : NULL;
        name = str_skip(name, first.n + 1);
    }
}

/* Whether something was put there before: a singular field can be given once. */
static bool has_value(const struct schema_field *f, const void *message)
{
    static const unsigned char zeros[sizeof(struct timestamp)];
    const void *at = schema_at_const(message, f->offset);
    if (f->presence != SCHEMA_IF_NOT_DEFAULT)
        return schema_is_set(f, message);
    if (f->type == SCHEMA_STRING || f->type == SCHEMA_BYTES)
        return ((const struct str *)at)->n > 0;
    return memcmp(at, zeros, schema_element_size(f)) != 0;
}

/* Any case: whoever prints a boolean of Python sends True (1.19.9 takes it too). */
static struct str lower_bool(struct str text)
{
    static const struct str words[] = { STR_INIT("true"), STR_INIT("false") };
    for (size_t i = 0; i < 2; i++)
        if (text.n == words[i].n && strncasecmp(text.p, words[i].p, text.n) == 0)
            return words[i];
    return text;
}

static bool set_param(struct codec_fault *fault, struct arena *arena, const struct param_path *path,
                      void *message, struct str text)
{
    const struct schema_field *f = path->fields[path->n - 1];
    if (f->type == SCHEMA_MESSAGE || f->type == SCHEMA_VALUE || f->type == SCHEMA_VALUE_MAP ||
        f->type == SCHEMA_LABELS)
        return codec_fault_set(fault, STATUS_INVALID_ARGUMENT,
                               "is a message; a parameter sets one of its fields");
    if (!str_is_utf8(text))
        return codec_fault_set(fault, STATUS_INVALID_ARGUMENT, "text is not valid UTF-8");
    for (size_t i = 0; i < path->n; i++) {
        if (!protojson_may_set(fault, path->messages[i], path->fields[i], message))
            return false;
        if (i + 1 < path->n && !(message = protojson_place(fault, arena, path->fields[i], message)))
            return false;
    }
    if (f->repeated) {
        struct schema_list *list = schema_at(message, f->offset);
        bool grown = true;
        void *item = codec_list_grow(fault, arena, list, 1, schema_element_size(f), &grown);
        if (!item || !protojson_scalar(fault, arena, f, item, text))
            return false;
        list->n++;
        return true;
    }
    if (has_value(f, message))
        return codec_fault_set(fault, STATUS_INVALID_ARGUMENT, "is given more than once");
    void *to = protojson_place(fault, arena, f, message);
    return to && protojson_scalar(fault, arena, f, to, f->type == SCHEMA_BOOL ? lower_bool(text) : text);
}

enum status_code protojson_set_param(void *message, const struct schema_message *schema, struct arena *arena,
                                     struct str name, struct str text, struct status *st)
{
    struct param_path path;
    struct codec_fault fault;
    codec_fault_init(&fault);
    if (!resolve(&path, schema, name))
        return status_set(st, STATUS_NOT_FOUND, "%s has no field \"" STR_FMT "\".", schema->name,
                          STR_ARG(codec_quote(name)));
    if (set_param(&fault, arena, &path, message, text))
        return STATUS_OK;
    codec_fault_in(&fault, name);
    return codec_fault_status(&fault, st, "Query parameter isn't valid.");
}
