/* coverage_value.c - a value as the coverage report of Google's emulator 1.19.9 writes it: {"intValue":"7"}.
 * Integers are strings, empty lists and maps are {}, an error is {"undefined":{...}} with its place and text.
 */
#include "rules-engine/coverage.h"

#include "core/codec.h"
#include "rules-engine/constraint.h"
#include "rules-engine/lexer.h"

#include <string.h>

struct writer {
    struct buf *out;
    const struct ruleset *ruleset;
    struct arena *arena;
};

static void put(const struct writer *w, struct rvalue v);

static void put_items(const struct writer *w, struct rvalue v)
{
    buf_byte(w->out, '{');
    for (size_t i = 0; i < v.n && !w->out->overflowed; i++) {
        buf_z(w->out, i ? "," : "\"values\":[");
        put(w, rv_at(w->arena, v, i));
    }
    buf_z(w->out, v.n ? "]}" : "}");
}

static void put_entries(const struct writer *w, struct rvalue v)
{
    buf_byte(w->out, '{');
    for (size_t i = 0; i < v.n && !w->out->overflowed; i++) {
        buf_z(w->out, i ? "," : "\"fields\":{");
        json_write_string(w->out, rv_utf8_bytes(w->arena, rv_key_at(v, i)));
        buf_byte(w->out, ':');
        put(w, rv_value_at(w->arena, v, i));
    }
    buf_z(w->out, v.n ? "}}" : "}");
}

static void put_path(const struct writer *w, const struct rpath *path)
{
    buf_byte(w->out, '{');
    for (size_t i = 0; i < path->n && !w->out->overflowed; i++) {
        const struct rsegment *segment = &path->items[i];
        buf_z(w->out, i ? "," : "\"segments\":[");
        if (segment->kind == SEGMENT_SIMPLE) {
            buf_z(w->out, "{\"simple\":");
            json_write_string(w->out, rv_utf8_bytes(w->arena, segment->text));
            buf_byte(w->out, '}');
            continue;
        }
        buf_printf(w->out,
                   "{\"%s\":{\"variableName\":", segment->kind == SEGMENT_GLOB ? "globCapture" : "capture");
        json_write_string(w->out, segment->name);
        if (segment->bound && segment->kind == SEGMENT_GLOB) {
            buf_z(w->out, ",\"boundValue\":");
            put_path(w, segment->glob);
        } else if (segment->bound) {
            json_write_member(w->out, "boundValue", rv_utf8_bytes(w->arena, segment->text));
        }
        buf_z(w->out, "}}");
    }
    buf_z(w->out, path->n ? "]}" : "}");
}

static void put_key_status(const struct writer *w, bool *any, struct str key, const char *status)
{
    buf_z(w->out, *any ? "," : "\"keyStatuses\":{");
    *any = true;
    json_write_string(w->out, rv_utf8_bytes(w->arena, key));
    buf_printf(w->out, ":\"%s\"", status);
}

static void put_diff(const struct writer *w, const struct rdiff *diff)
{
    bool any = false;
    struct rvalue before;
    buf_byte(w->out, '{');
    for (size_t i = 0; i < diff->now.n && !w->out->overflowed; i++) {
        struct str key = rv_key_at(diff->now, i);
        if (!rv_lookup(&before, w->arena, diff->before, key))
            put_key_status(w, &any, key, "ADDED");
        else if (rv_equal_loose(w->arena, before, rv_value_at(w->arena, diff->now, i)))
            put_key_status(w, &any, key, "UNCHANGED");
        else
            put_key_status(w, &any, key, "CHANGED");
    }
    for (size_t i = 0; i < diff->before.n && !w->out->overflowed; i++)
        if (!rv_has_key(diff->now, rv_key_at(diff->before, i)))
            put_key_status(w, &any, rv_key_at(diff->before, i), "REMOVED");
    buf_z(w->out, any ? "}}" : "}");
}

static void put_comparison(const struct writer *w, bool *any, const char *comparator,
                           const struct value *with)
{
    buf_printf(w->out, "%s{\"comparator\":\"%s\",\"value\":", *any ? "," : "\"simpleConstraints\":[",
               comparator);
    put(w, rv_of_value(w->arena, with));
    buf_byte(w->out, '}');
    *any = true;
}

/* The filters of a query on one field; not-in is != of each. */
static void put_constraint(const struct writer *w, const struct constraint_set *set)
{
    static const char *const names[] = {
        [RULES_EQ] = "EQ",
        [RULES_NE] = "NEQ",
        [RULES_LT] = "LT",
        [RULES_LE] = "LTE",
        [RULES_GT] = "GT",
        [RULES_GE] = "GTE",
        [RULES_ARRAY_CONTAINS] = "LIST_CONTAINS",
        [RULES_NOT_IN] = "NEQ",
    };
    bool any = false;
    buf_byte(w->out, '{');
    for (size_t i = 0; i < set->n && !w->out->overflowed; i++) {
        const struct value *operand = set->items[i]->operand;
        bool list = set->items[i]->op == RULES_NOT_IN && operand->kind == VALUE_ARRAY;
        for (size_t k = 0; k < (list ? operand->array.n : 1); k++)
            put_comparison(w, &any, names[set->items[i]->op], list ? &operand->array.items[k] : operand);
    }
    buf_z(w->out, any ? "]}" : "}");
}

static void put_vector(const struct writer *w, const struct value_list *vector)
{
    buf_z(w->out, "{\"values\":[");
    for (size_t i = 0; i < vector->n && !w->out->overflowed; i++) {
        buf_z(w->out, i ? "," : "");
        put(w, rv_of_value(w->arena, &vector->items[i]));
    }
    buf_z(w->out, "]}");
}

/* An error of a binary operator stands at the operator, any other at the first token of its expression. */
static struct ast_span error_span(const struct ast_node *node, struct str text)
{
    uint32_t from = node->start;
    if (node->kind >= AST_EQ && node->kind <= AST_MOD)
        for (from = node->op.a->span.to; from < node->op.b->start && strchr(" \t\r\n\f)", text.p[from]);
             from++)
            ;
    return (struct ast_span){ from, lexer_token_end(text, from) };
}

/* What the list prover does not know has no text in Google's reports either. */
static void put_error(const struct writer *w, const struct rerror *error)
{
    if (error->unproved || !error->node) {
        buf_z(w->out, "{}");
        return;
    }
    const struct source *source = &w->ruleset->sources[error->node->file];
    struct ast_span span = error_span(error->node, source->text);
    buf_z(w->out, "{\"sourcePosition\":");
    coverage_put_position(w->out, source, span.from, span.to);
    json_write_member(w->out, "causeMessage", rv_utf8_bytes(w->arena, str_of(error->text)));
    buf_byte(w->out, '}');
}

static void put_double(const struct writer *w, double d)
{
    if (d == d && d * 0 == 0)
        buf_str(w->out, rv_double_text(w->arena, d));
    else
        json_write_double(w->out, d);
}

/* proto3-JSON: zeros are left out. */
static void put_latlng(const struct writer *w, double latitude, double longitude)
{
    buf_byte(w->out, '{');
    if (latitude < 0 || latitude > 0) {
        buf_z(w->out, "\"latitude\":");
        put_double(w, latitude);
    }
    if (longitude < 0 || longitude > 0) {
        buf_z(w->out, latitude < 0 || latitude > 0 ? ",\"longitude\":" : "\"longitude\":");
        put_double(w, longitude);
    }
    buf_byte(w->out, '}');
}

static void put_inner(const struct writer *w, struct rvalue v)
{
    switch ((enum rules_type)v.type) {
    case RT_NULL:
        buf_z(w->out, "null");
        break;
    case RT_BOOL:
        buf_z(w->out, v.boolean ? "true" : "false");
        break;
    case RT_INT:
        buf_printf(w->out, "\"%lld\"", (long long)v.integer);
        break;
    case RT_FLOAT:
        put_double(w, v.number);
        break;
    case RT_STRING:
        json_write_string(w->out, rv_utf8_bytes(w->arena, rv_str(v)));
        break;
    case RT_BYTES:
        buf_byte(w->out, '"');
        base64_encode(w->out, rv_str(v).p, rv_str(v).n);
        buf_byte(w->out, '"');
        break;
    case RT_LIST:
    case RT_SET:
        put_items(w, v);
        break;
    case RT_MAP:
        put_entries(w, v);
        break;
    case RT_PATH:
        put_path(w, v.path);
        break;
    case RT_TIMESTAMP:
    case RT_DURATION:
        buf_byte(w->out, '"');
        rv_print(w->out, w->arena, v);
        buf_byte(w->out, '"');
        break;
    case RT_LATLNG:
        put_latlng(w, v.latlng->latitude, v.latlng->longitude);
        break;
    case RT_MAP_DIFF:
        put_diff(w, v.diff);
        break;
    case RT_CONSTRAINT:
        put_constraint(w, v.constraint);
        break;
    case RT_VECTOR:
        put_vector(w, v.vector);
        break;
    default:
        put_error(w, v.error);
        break;
    }
}

static void put(const struct writer *w, struct rvalue v)
{
    static const char *const keys[] = {
        [RT_UNDEFINED] = "undefined",    [RT_NULL] = "nullValue",
        [RT_BOOL] = "boolValue",         [RT_INT] = "intValue",
        [RT_FLOAT] = "floatValue",       [RT_STRING] = "stringValue",
        [RT_BYTES] = "bytesValue",       [RT_LIST] = "listValue",
        [RT_MAP] = "mapValue",           [RT_SET] = "setValue",
        [RT_PATH] = "pathValue",         [RT_TIMESTAMP] = "timestampValue",
        [RT_DURATION] = "durationValue", [RT_LATLNG] = "latlngValue",
        [RT_MAP_DIFF] = "mapDiffValue",  [RT_CONSTRAINT] = "constraintValue",
        [RT_VECTOR] = "vectorValue",
    };
    buf_z(w->out, "{\"");
    buf_z(w->out, keys[v.type]);
    buf_z(w->out, "\":");
    put_inner(w, v);
    buf_byte(w->out, '}');
}

void coverage_put_value(struct buf *out, const struct ruleset *ruleset, struct arena *arena, struct rvalue v)
{
    struct writer w = { out, ruleset, arena };
    put(&w, v);
}

void coverage_put_position(struct buf *out, const struct source *source, uint32_t from, uint32_t to)
{
    uint32_t line, column;
    source_position(source, from, &line, &column);
    buf_printf(out, "{\"line\":%u,\"column\":%u", line, column);
    uint32_t first = source_chars(source, from), last = source_chars(source, to) - 1;
    if (first) /* proto3-JSON: zeros are left out */
        buf_printf(out, ",\"currentOffset\":%u", first);
    if (last)
        buf_printf(out, ",\"endOffset\":%u", last);
    buf_byte(out, '}');
}
