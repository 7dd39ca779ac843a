/* fault.c - a fault as text and as JSON; see fault.h. */
#include "server/faults/fault.h"

#include "core/codec.h"
#include "core/limits.h"
#include "server/auth/claims.h"
#include "server/options.h"

#include <inttypes.h>

/* ---- names ---- */

static char plain(char c)
{
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same_name(struct str given, const char *name)
{
    if (given.n != strlen(name))
        return false;
    for (size_t i = 0; i < given.n; i++)
        if (plain(given.p[i]) != plain(name[i]))
            return false;
    return true;
}

static enum status_code unknown(const char *what, struct str given, const char *const *names, size_t n,
                                struct status *st)
{
    char shown[STATUS_SHOWN];
    const char *near = options_nearest(given, names, n);
    return status_set(st, STATUS_INVALID_ARGUMENT, "fault: there is no %s '%s'%s%s%s", what,
                      status_show(shown, given), near ? "; did you mean '" : "", near ? near : "",
                      near ? "'?" : "");
}

static enum status_code set_effect(struct fault *f, struct str name, struct status *st)
{
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    for (size_t i = 0; i < fault_effect_count && i < NAMES_MAX; i++) {
        names[i] = fault_effects[i].name;
        if (same_name(name, names[i])) {
            f->effect = &fault_effects[i];
            return STATUS_OK;
        }
    }
    return unknown("effect", name, names, fault_effect_count, st);
}

/* `value` lives as long as the fault. The effect is set: some keys are of some effects only. */
static enum status_code set_key(struct fault *f, struct str name, struct str value, struct status *st)
{
    const char *names[FAULT_KEYS];
    char shown[STATUS_SHOWN];
    for (size_t i = 0; i < FAULT_KEYS; i++) {
        const struct fault_key *key = &fault_keys[i];
        names[i] = key->name;
        if (!same_name(name, key->name))
            continue;
        if (f->given[i].n)
            return status_set(st, STATUS_INVALID_ARGUMENT, "fault: %s is given twice", key->name);
        f->given[i] = value;
        if (value.n && str_is_utf8(value) && key->parse(f, value))
            return STATUS_OK;
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: %s='%s' is not %s=%s (%s)", key->name,
                          status_show(shown, value), key->name, key->value, key->help);
    }
    return unknown("key", name, names, FAULT_KEYS, st);
}

/* What only the whole of it tells. */
static enum status_code check(struct fault *f, struct status *st)
{
    enum { DEFAULT_RETRY_MS = 1000 };
    if (f->effect->act == FAULT_DELAY && !f->given[FAULT_KEY_LATENCY].n)
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: a delay needs latency=DURATION");
    if (f->until_ns && f->until_ns <= f->from_ns)
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: until= is not later than from=");
    if (f->effect->code == STATUS_RESOURCE_EXHAUSTED && !f->given[FAULT_KEY_RETRY].n)
        f->retry_ms = DEFAULT_RETRY_MS;
    return STATUS_OK;
}

/* ---- text ---- */

static struct str take_word(struct str *text)
{
    while (text->n && text->p[0] == ' ')
        *text = str_skip(*text, 1);
    const char *space = text->n ? memchr(text->p, ' ', text->n) : NULL;
    struct str word = { text->p, space ? (size_t)(space - text->p) : text->n };
    *text = str_skip(*text, word.n);
    return word;
}

static enum status_code parse_text(struct fault *f, struct str text, struct status *st)
{
    char shown[STATUS_SHOWN];
    if (set_effect(f, take_word(&text), st))
        return st->code;
    for (;;) {
        struct str word = take_word(&text);
        if (!word.n)
            return STATUS_OK;
        const char *equals = memchr(word.p, '=', word.n);
        if (!equals)
            return status_set(st, STATUS_INVALID_ARGUMENT, "fault: '%s' is not KEY=VALUE",
                              status_show(shown, word));
        struct str name = { word.p, (size_t)(equals - word.p) };
        struct str value = str_skip(word, name.n + 1);
        if (same_name(name, fault_keys[FAULT_KEY_MESSAGE].name)) {
            value.n += text.n; /* the rest of the text */
            text.n = 0;
        }
        if (set_key(f, name, value, st))
            return st->code;
    }
}

/* ---- JSON ---- */

static enum status_code text_of(struct str *out, struct arena *arena, const struct field *member,
                                struct status *st)
{
    const struct value *v = &member->value;
    char shown[STATUS_SHOWN];
    struct buf number;
    switch (v->kind) {
    case VALUE_STRING:
        *out = arena_str(arena, v->text);
        return STATUS_OK;
    case VALUE_INT:
        *out = str_of(arena_printf(arena, "%" PRId64, v->integer));
        return STATUS_OK;
    case VALUE_DOUBLE:
        buf_init(&number, 64);
        json_write_double(&number, v->number);
        *out = arena_str(arena, buf_view(&number));
        buf_dispose(&number);
        return STATUS_OK;
    default:
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: %s is neither a string nor a number",
                          status_show(shown, member->name));
    }
}

static enum status_code parse_json(struct fault *f, struct arena *arena, struct str text, struct status *st)
{
    static const char effect[] = "effect";
    struct value_map root;
    struct status json = status_init(NULL);
    struct str value;
    if (claims_parse(&root, arena, text, &json))
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: %s", status_message(&json));
    const struct value *name = value_map_get(&root, str_of(effect));
    if (!name || name->kind != VALUE_STRING)
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: \"effect\" is missing, or no string");
    if (set_effect(f, name->text, st))
        return st->code;
    for (size_t i = 0; i < root.n; i++) {
        if (str_eq_z(root.items[i].name, effect))
            continue;
        if (text_of(&value, arena, &root.items[i], st) || set_key(f, root.items[i].name, value, st))
            return st->code;
    }
    return STATUS_OK;
}

/* ---- the face ---- */

enum status_code fault_parse(struct fault *out, struct arena *arena, struct str text, struct status *st)
{
    *out = (struct fault){ .chance = UINT64_MAX, .messages = 1 };
    if (text.n > LIMIT_FAULT_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "fault: longer than %d bytes", LIMIT_FAULT_BYTES);
    while (text.n && memchr(" \t\r\n", text.p[text.n - 1], 4))
        text.n--;
    while (text.n && memchr(" \t\r\n", text.p[0], 4))
        text = str_skip(text, 1);
    if (!text.n)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "fault: nothing is said; for example: UNAVAILABLE rpc=Commit count=1");
    text = arena_str(arena, text);
    enum status_code code = text.p[0] == '{' ? parse_json(out, arena, text, st) : parse_text(out, text, st);
    return code ? code : check(out, st);
}

bool fault_matches(const struct fault *fault, const struct call *call)
{
    for (size_t i = 0; i < FAULT_KEYS; i++)
        if (fault->given[i].n && fault_keys[i].holds && !fault_keys[i].holds(fault, call))
            return false;
    return true;
}

bool fault_print(struct buf *out, const struct fault *fault)
{
    buf_z(out, fault->effect->name);
    for (size_t i = 0; i < FAULT_KEYS; i++) {
        if (!fault->given[i].n)
            continue;
        buf_printf(out, " %s=", fault_keys[i].name);
        buf_str(out, fault->given[i]); /* may hold NUL */
    }
    return !out->overflowed;
}

bool fault_print_json(struct buf *out, const struct fault *fault)
{
    buf_printf(out, "\"effect\":\"%s\"", fault->effect->name);
    for (size_t i = 0; i < FAULT_KEYS; i++)
        if (fault->given[i].n)
            json_write_member(out, fault_keys[i].name, fault->given[i]);
    return !out->overflowed;
}

void fault_print_help(struct buf *out)
{
    buf_z(out, "EFFECT\n");
    for (size_t i = 0; i < fault_effect_count; i++)
        buf_printf(out, "  %-22s %s\n", fault_effects[i].name,
                   fault_effects[i].help ? fault_effects[i].help : "as its name says");
    buf_z(out, "KEY=VALUE\n");
    for (size_t i = 0; i < FAULT_KEYS; i++)
        buf_printf(out, "  %s=%s\n      %s\n", fault_keys[i].name, fault_keys[i].value, fault_keys[i].help);
}
