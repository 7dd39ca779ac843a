/* fuzz_ruletest.c - test files of rules: what is taken can be asked and told, what is not is said where. */
#include "core/codec.h"
#include "server/ruletest/ruletest.h"

#include <stdlib.h>

static void must(bool fact)
{
    if (!fact)
        abort();
}

/* Encoding walks all of a value. */
static void check_writes(const write_list *writes)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 28);
    for (size_t i = 0; i < writes->n; i++) {
        const struct msg_write *w = &writes->items[i];
        must(w->operation_case == 1 || w->operation_case == 2);
        must(protobuf_encode(&bytes, SCHEMA(write), w) || bytes.overflowed);
        buf_clear(&bytes);
    }
    buf_dispose(&bytes);
}

static void check_query(const struct msg_structured_query *query)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 28);
    must(query->from.n == 1 && query->from.items[0].collection_id.n > 0);
    must(protobuf_encode(&bytes, SCHEMA(structured_query), query) || bytes.overflowed);
    buf_dispose(&bytes);
}

static void check_case(const struct ruletest_case *c)
{
    must(c->line > 0 && c->column > 0 && c->principal && c->principal->label.n > 0);
    must(timestamp_is_valid(c->time) && str_is_utf8(c->text) && str_is_utf8(c->test));
    must(!memchr(c->text.p, '\n', c->text.n) && !(c->allow && c->because.n));
    must((c->kind == RULETEST_WRITE) == (c->writes.n > 0) &&
         (c->kind == RULETEST_LIST) == (c->query != NULL));
    check_writes(&c->writes);
    if (c->query)
        check_query(c->query);
    for (const struct ruletest_given *g = c->given; g; g = g->prev)
        must(g->write.operation_case == 1 && g->write.update_transforms.n == 0 &&
             str_eq(g->path, g->write.update.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct database_name db = { STR_INIT("p"), STR_INIT("(default)") };
    static const struct timestamp now = { 1772366400, 0 };
    struct str text = str_from(data, size);
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct ruletest_file file;
    struct rules_issue issue;
    /* Not with the names of files that are there: a principal's would be read, and a pipe waited for. */
    if (size == 0 || !memmem(data, size, "file", 4)) {
        if (ruletest_parse(&file, &issue, arena, STR("t.test"), text, db, now, &st) == STATUS_OK) {
            for (size_t i = 0; i < file.n; i++)
                check_case(&file.cases[i]);
        } else {
            must(*status_message(&st) && issue.description && issue.line > 0 && issue.column > 0);
            must(issue.offset <= issue.end_offset && issue.end_offset <= size);
            struct rules_file shown = { STR("t.test"), text };
            struct buf out;
            buf_init(&out, 1 << 20);
            rules_print_issue(&out, &issue, &shown, 1, false);
            buf_dispose(&out);
        }
    }
    arena_free(arena);
    return 0;
}
