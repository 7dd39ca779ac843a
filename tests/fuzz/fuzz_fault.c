/* fuzz_fault.c - faults as text and as JSON: what is taken prints as a text that says the same, what is not
 * taken is told why. Quotas with them: the same bytes as what --quota says. */
#include "server/faults/fault.h"
#include "server/faults/quota.h"

#include <stdlib.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void say_again(const struct fault *fault, struct arena *arena)
{
    struct fault again;
    struct status st = status_init(NULL);
    struct buf text;
    buf_init(&text, 1 << 16);
    fault_print(&text, fault);
    /* A value with a space has only the form of JSON, and a message that begins or ends with one. */
    bool plain = fault_parse(&again, arena, buf_view(&text), &st) == STATUS_OK;
    for (size_t i = 0; plain && i < FAULT_KEYS; i++)
        plain = str_eq(again.given[i], fault->given[i]);
    for (size_t i = 0; !plain && i < FAULT_KEYS; i++)
        plain = fault->given[i].n && memchr(fault->given[i].p, ' ', fault->given[i].n);
    for (size_t i = 0; !plain && i < FAULT_KEYS; i++)
        plain = fault->given[i].n && memchr("\t\r\n", fault->given[i].p[fault->given[i].n - 1], 3);
    expect(plain);
    buf_dispose(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct status st = status_init(NULL);
    struct str text = str_from(data, size);
    struct fault fault;
    struct quota *quota;
    struct buf json;
    if (fault_parse(&fault, arena, text, &st) == STATUS_OK) {
        expect(fault.effect != NULL);
        expect(fault.latency_to_ms == 0 || fault.latency_to_ms >= fault.latency_ms);
        buf_init(&json, 1 << 17);
        expect(fault_print_json(&json, &fault));
        buf_dispose(&json);
        say_again(&fault, arena);
    } else {
        expect(st.code == STATUS_INVALID_ARGUMENT && *status_message(&st));
    }
    status_clear(&st);
    if (quota_new(&quota, &text, 1, &st))
        expect(*status_message(&st));
    else
        quota_free(quota);
    arena_free(arena);
    return 0;
}
