/* rules_test_explain.c - the answer of an in-process server as people want it told: who granted, who refused,
 * why.
 *
 * A refusal carries what was tried as details of its status (authorize.c writes them). */
#include "core/log.h"
#include "server/cli/rules_test.h"
#include "server/ops/denials.h"

#include <stdlib.h>

static struct str fact(const struct status_detail *d, const char *key)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->facts[i].key, key) == 0)
            return d->facts[i].value;
    return (struct str){ 0 };
}

/* Facts are NUL-terminated: arena_str made them. */
static const char *text_of(const struct status_detail *d, const char *key)
{
    struct str value = fact(d, key);
    return value.n ? value.p : NULL;
}

static uint32_t number_of(const struct status_detail *d, const char *key)
{
    const char *text = text_of(d, key);
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static struct rules_try try_of(const struct status_detail *d)
{
    return (struct rules_try){
        .file = fact(d, "file"),
        .allow_line = number_of(d, "allowLine"),
        .line = number_of(d, "line"),
        .column = number_of(d, "column"),
        .verdict = text_of(d, "verdict"),
        .reason = text_of(d, "reason"),
        .expression = text_of(d, "expression"),
        .value = text_of(d, "value"),
        .missing = text_of(d, "missing"),
        .have = text_of(d, "have"),
        .extra = text_of(d, "extra"),
        .not_provable = strcmp(d->reason, "SECURITY_RULES_NOT_PROVABLE") == 0,
    };
}

/* Details that are tries of the rules; NULL when none was tried, or others refused. */
static const struct status_detail *tries_of(const struct in_process_answer *answer)
{
    bool by_rules = answer->decision.by && strcmp(answer->decision.by, "rules") == 0;
    return by_rules ? answer->status.details : NULL;
}

void test_explain(struct buf *out, const struct in_process_answer *answer)
{
    const struct status_detail *first = tries_of(answer);
    bool unmatched = !first && answer->decision.by && strcmp(answer->decision.by, "rules") == 0;
    if (!first)
        log_escape(out, unmatched ? STR("no allow statement matches this path and method")
                                  : str_of(status_message(&answer->status)));
    for (const struct status_detail *d = first; d; d = d->next) {
        struct rules_try t = try_of(d);
        if (d != first)
            buf_byte(out, '\n');
        denials_put_try(out, &t);
        denials_put_sets(out, &t);
    }
}

bool test_denied_at(const struct in_process_answer *answer, uint32_t line)
{
    for (const struct status_detail *d = tries_of(answer); d; d = d->next)
        if (number_of(d, "allowLine") == line || number_of(d, "line") == line)
            return true;
    return false;
}

const char *test_granted_by(struct arena *arena, const struct in_process_answer *answer)
{
    const struct call_decision *d = &answer->decision;
    if (d->line == 0)
        return d->by ? d->by : "nobody: nothing was asked";
    return arena_printf(arena, STR_FMT ":%u:%u", STR_ARG(d->file), d->line, d->column);
}
