/* lint_schema.c - lints about what may be written: `incomplete-schema`, `unbounded-field`.
 *
 * keys().hasOnly(list) is true of an empty document: without hasAll, fields can be left out. hasAll(list) is
 * true with more fields than it names: without hasOnly, anything can be added. Neither says of what type or
 * size a field is. In a collection that is to be append-only all of it is asked for, since an entry that is
 * wrong stays wrong; elsewhere it is told where a part is asked for and another is not. */
#include "rules-engine/lint_expr.h"

#include "core/limits.h"

enum { FIELDS = 128 };

struct schema_field {
    struct str name;
    bool required, allowed, tested, typed;
    bool sizeable, bounded; /* a string, list or map; its size or values are asked for */
};

struct schema {
    struct lint_pass *pass;
    struct schema_field fields[FIELDS];
    size_t n;
    bool has_all, has_only;    /* of keys() */
    const struct ast_node *at; /* hasAll or hasOnly */
};

static struct schema_field *field_named(struct schema *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->fields[i].name, name))
            return &s->fields[i];
    if (s->n == FIELDS)
        return NULL;
    s->fields[s->n] = (struct schema_field){ .name = name };
    return &s->fields[s->n++];
}

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

/* keys() of what is written, as a set or not. */
static bool is_written_keys(struct lint_pass *pass, struct lint_expr e)
{
    e = lint_resolve(pass->arena, e);
    if (lint_is_method(e.node, "toSet"))
        e = lint_resolve(pass->arena, sub(e, e.node->call.object));
    return lint_is_method(e.node, "keys") &&
           lint_is_chain(pass->arena, sub(e, e.node->call.object), "request.resource.data");
}

static void note_list(struct schema *s, const struct ast_node *at, struct lint_expr list, bool all, bool only)
{
    struct str names[FIELDS];
    size_t n;
    s->has_all |= all;
    s->has_only |= only;
    s->at = s->at ? s->at : at;
    lint_strings(s->pass->arena, list, names, FIELDS, &n);
    for (size_t i = 0; i < n; i++) {
        struct schema_field *field = field_named(s, names[i]);
        if (!field)
            return;
        field->required |= all;
        field->allowed |= only;
    }
}

static void look_at_keys(void *data, struct lint_expr e)
{
    struct schema *s = data;
    const struct ast_node *node = e.node;
    bool all = lint_is_method(node, "hasAll"), only = lint_is_method(node, "hasOnly");
    if (node->kind == AST_EQ && is_written_keys(s->pass, sub(e, node->op.a)))
        note_list(s, node, sub(e, node->op.b), true, true);
    else if ((all || only) && node->call.n == 1 && is_written_keys(s->pass, sub(e, node->call.object)))
        note_list(s, node, sub(e, node->call.args[0]), all, only);
}

static const char *written_field(struct schema *s, struct lint_expr e)
{
    const char *chain = lint_chain(s->pass->arena, e);
    static const char prefix[] = "request.resource.data.";
    if (!chain || strncmp(chain, prefix, sizeof prefix - 1) != 0)
        return NULL;
    char *name = arena_printf(s->pass->arena, "%s", chain + sizeof prefix - 1);
    name[strcspn(name, ".")] = '\0';
    return name;
}

static void note_test(struct schema *s, struct lint_expr e, bool sizeable, bool bounded)
{
    const char *name = e.node ? written_field(s, e) : NULL;
    struct schema_field *field = name ? field_named(s, str_of(name)) : NULL;
    if (!field)
        return;
    field->tested = true;
    field->sizeable |= sizeable;
    field->bounded |= bounded;
}

static bool has_size(enum rules_type type)
{
    return type == RT_STRING || type == RT_LIST || type == RT_MAP || type == RT_BYTES;
}

static void note_type(struct schema *s, struct lint_expr e, enum rules_type type)
{
    const char *name = e.node ? written_field(s, e) : NULL;
    struct schema_field *field = name ? field_named(s, str_of(name)) : NULL;
    note_test(s, e, has_size(type), false);
    if (field)
        field->typed = true;
}

/* Every test of a field's value is taken for a test of its type. */
static void look_at_tests(void *data, struct lint_expr e)
{
    struct schema *s = data;
    switch (e.node->kind) {
    case AST_IS:
        note_type(s, sub(e, e.node->is.a), e.node->is.type);
        break;
    case AST_EQ:
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
    case AST_IN:
        note_test(s, sub(e, e.node->op.a), false, true);
        note_test(s, sub(e, e.node->op.b), false, true);
        break;
    case AST_METHOD:
        note_test(s, sub(e, e.node->call.object), false,
                  lint_is_method(e.node, "size") || lint_is_method(e.node, "matches") ||
                      lint_is_method(e.node, "hasOnly"));
        break;
    default:
        break;
    }
}

/* A field that must be read for the condition to hold must be there. */
static void look_at_needed(void *data, struct lint_expr e)
{
    struct schema *s = data;
    const struct ast_node *sides[2] = { NULL, NULL };
    if (e.node->kind == AST_IS) {
        sides[0] = e.node->is.a;
    } else if (e.node->kind >= AST_EQ && e.node->kind <= AST_GE && e.node->kind != AST_NE) {
        sides[0] = e.node->op.a;
        sides[1] = e.node->op.b;
    } else if (e.node->kind == AST_IN) {
        sides[0] = e.node->op.a;
    }
    for (int i = 0; i < 2; i++) {
        struct lint_expr r = sides[i] ? lint_resolve(s->pass->arena, sub(e, sides[i])) : sub(e, NULL);
        while (r.node && lint_is_method(r.node, "size"))
            r = lint_resolve(s->pass->arena, sub(r, r.node->call.object));
        const char *name = r.node && r.node->kind != AST_METHOD ? written_field(s, r) : NULL;
        struct schema_field *field = name ? field_named(s, str_of(name)) : NULL;
        if (field)
            field->required = true;
    }
    look_at_keys(data, e);
}

/* `strict`: only lists of keys that hold in every case count, none beside an ||. */
static void read_schema(struct schema *s, struct lint_pass *pass, const struct ast_allow *allow, bool strict)
{
    struct lint_expr whole = { allow->condition, NULL };
    *s = (struct schema){ .pass = pass };
    lint_walk(pass, whole, look_at_tests, s);
    lint_conjuncts(pass, whole, look_at_needed, s);
    if (!strict)
        lint_walk(pass, whole, look_at_keys, s);
}

/* ---- incomplete-schema ---- */

static const char *fields_text(const struct schema *s, bool (*is_wanted)(const struct schema_field *))
{
    const char *text = "";
    unsigned shown = 0;
    for (size_t i = 0; i < s->n; i++)
        if (is_wanted(&s->fields[i]) && shown++ < 5)
            text =
                lint_text(s->pass, "%s%s'" STR_FMT "'", text, *text ? ", " : "", STR_ARG(s->fields[i].name));
    return shown > 5 ? lint_text(s->pass, "%s and %u more", text, shown - 5) : text;
}

static bool may_be_missing(const struct schema_field *f)
{
    return f->allowed && !f->required;
}

static bool is_required_type(const struct schema_field *f)
{
    return f->required && f->typed;
}

static bool is_untested(const struct schema_field *f)
{
    return f->required && !f->tested;
}

static bool is_tested(const struct schema_field *f)
{
    return f->tested;
}

static bool is_unbounded(const struct schema_field *f)
{
    return f->sizeable && !f->bounded;
}

static bool is_bounded(const struct schema_field *f)
{
    return f->sizeable && f->bounded;
}

static bool any(const struct schema *s, bool (*is_wanted)(const struct schema_field *))
{
    for (size_t i = 0; i < s->n; i++)
        if (is_wanted(&s->fields[i]))
            return true;
    return false;
}

static bool all_allowed_missing(const struct schema *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->fields[i].allowed && s->fields[i].required)
            return false;
    return true;
}

static void tell(struct lint_pass *pass, enum rules_severity severity, const struct ast_allow *allow,
                 const struct ast_node *at, const char *note, const char *message)
{
    lint_add(pass, severity, at ? at->file : allow->file, at ? at->span : allow->span, note, message);
    if (at)
        lint_relate(pass, allow->file, allow->span, "this allow asks it");
}

static void look_at_ordinary(struct lint_pass *pass, const struct ast_allow *allow, const struct schema *s)
{
    if (s->has_only && !s->has_all && all_allowed_missing(s) && any(s, may_be_missing))
        tell(pass, RULES_WARNING, allow, s->at, "add keys().hasAll([...]) with what must be there",
             lint_text(pass, "hasOnly is true of a document without these fields: %s can be left out",
                       fields_text(s, may_be_missing)));
    if (s->has_all && !s->has_only)
        tell(pass, RULES_WARNING, allow, s->at, "add keys().hasOnly([...]) with what may be there",
             "hasAll is true with further fields: anything can be added, of any size");
    if (s->has_all && s->has_only && any(s, is_untested) && !any(s, is_tested))
        tell(
            pass, RULES_WARNING, allow, s->at, "ask 'is', a range or one of a list of every field",
            lint_text(pass,
                      "the names of the fields are asked for and nothing of their values: %s can be anything",
                      fields_text(s, is_untested)));
}

/* A schema that is told field by field, by their types, needs no hasAll: what is read must be there. */
static const char *missing_text(const struct schema *s)
{
    if (s->has_all || (any(s, is_required_type) && !any(s, may_be_missing)))
        return "";
    if (any(s, may_be_missing) && !all_allowed_missing(s))
        return lint_text(s->pass, "hasAll (%s can be left out)", fields_text(s, may_be_missing));
    return "hasAll (fields can be left out)";
}

static void look_at_appended(struct lint_pass *pass, const struct ast_allow *allow, const struct schema *s,
                             struct str pattern)
{
    const char *lacks = missing_text(s);
    if (!s->has_only)
        lacks = lint_text(pass, "%s%shasOnly (fields can be added)", lacks, *lacks ? ", " : "");
    if (any(s, is_untested))
        lacks = lint_text(pass, "%s%stypes (%s can be anything)", lacks, *lacks ? ", " : "",
                          fields_text(s, is_untested));
    else if (!any(s, is_tested))
        lacks = lint_text(pass, "%s, types", lacks);
    if (*lacks)
        tell(pass, RULES_ERROR, allow, NULL,
             "ask keys().hasAll([...]), keys().hasOnly([...]) and 'is' or a range of every field",
             lint_text(pass,
                       "line %u lets entries into '" STR_FMT "' that nobody can correct later, without %s",
                       lint_line(pass->ruleset, allow->file, allow->span), STR_ARG(pattern), lacks));
}

/* The first pattern of --append-only that the allow is about; NULL for none. */
static const struct str *append_only_of(const struct lint_pass *pass, const struct ast_allow *allow)
{
    for (size_t i = 0; i < pass->options->n_append_only; i++)
        if (lint_in_pattern(pass, allow, pass->options->append_only[i]))
            return &pass->options->append_only[i];
    return NULL;
}

static bool may_create(struct lint_pass *pass, const struct ast_allow *allow)
{
    enum lint_truth truth =
        allow->methods & METHOD_CREATE ? lint_truth_of(pass, allow, METHOD_CREATE, NULL) : LINT_NEVER;
    return truth != LINT_NEVER && truth != LINT_FAILS;
}

void lint_schema(struct lint_pass *pass)
{
    struct schema *s = ARENA_NEW(pass->arena, struct schema);
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        if (!may_create(pass, allow))
            continue;
        const struct str *pattern = append_only_of(pass, allow);
        read_schema(s, pass, allow, pattern != NULL);
        if (pattern)
            look_at_appended(pass, allow, s, *pattern);
        else
            look_at_ordinary(pass, allow, s);
    }
}

/* ---- unbounded-field ---- */

/* Where a schema is closed, or sizes are asked for already, one that is left out is taken for forgotten. */
static bool asks_sizes(const struct schema *s)
{
    return s->has_only || any(s, is_bounded);
}

void lint_unbounded(struct lint_pass *pass)
{
    struct schema *s = ARENA_NEW(pass->arena, struct schema);
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        if (!may_create(pass, allow))
            continue;
        const struct str *pattern = append_only_of(pass, allow);
        read_schema(s, pass, allow, true);
        if (any(s, is_unbounded) && (pattern || asks_sizes(s)))
            lint_add(pass, RULES_WARNING, allow->file, allow->span,
                     "ask for size() < a limit, or for one of a list",
                     lint_text(pass, "a document has room for 1 MiB: %s may take all of it%s",
                               fields_text(s, is_unbounded), pattern ? ", in entries that stay" : ""));
    }
}
