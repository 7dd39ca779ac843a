/* fault_key.c - what can be said of a fault, one row each: which calls, when, and how it happens. See
 * fault.h. */
#include "core/limits.h"
#include "server/duration.h"
#include "server/faults/fault.h"
#include "server/faults/fault_path.h"
#include "server/rpc/rpc.h"

#include <stdlib.h>

/* ---- values ---- */

static bool parse_number(uint64_t *out, struct str text)
{
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i == 10)
            return false;
        *out = *out * 10 + (uint64_t)(text.p[i] - '0');
    }
    return text.n && *out <= LIMIT_FAULT_NUMBER;
}

static bool parse_positive(uint64_t *out, struct str text)
{
    return parse_number(out, text) && *out > 0;
}

static bool parse_wait(int64_t *ms, struct str text)
{
    int64_t us;
    if (!duration_parse(&us, text) || us > INT64_C(1000) * LIMIT_FAULT_WAIT_MS)
        return false;
    *ms = us / 1000;
    return true;
}

static bool parse_since(int64_t *ns, struct str text)
{
    int64_t us;
    if (!duration_parse(&us, text) || us > INT64_MAX / 1000)
        return false;
    *ns = us * 1000;
    return true;
}

/* ---- which calls ---- */

/* Names of RPCs with '|' between them. */
static bool parse_rpc(struct fault *f, struct str text)
{
    for (bool more = true; more;) {
        const char *bar = text.n ? memchr(text.p, '|', text.n) : NULL;
        const struct rpc *rpc = rpc_by_name(str_from(text.p, bar ? (size_t)(bar - text.p) : text.n));
        if (!rpc)
            return false;
        f->rpcs |= UINT64_C(1) << (rpc - rpc_table);
        more = bar != NULL;
        if (more)
            text = str_skip(text, (size_t)(bar - text.p) + 1);
    }
    return true;
}

static bool holds_rpc(const struct fault *f, const struct call *call)
{
    return f->rpcs >> (call->rpc - rpc_table) & 1;
}

static bool parse_path(struct fault *f, struct str text)
{
    (void)f;
    return path_pattern_valid(text);
}

static bool holds_path(const struct fault *f, const struct call *call)
{
    return fault_path_matches(f->given[FAULT_KEY_PATH], call);
}

static bool parse_any(struct fault *f, struct str text)
{
    (void)f;
    return text.n > 0;
}

/* The label as ledger and log have it; a last '*' stands for any end. */
static bool holds_principal(const struct fault *f, const struct call *call)
{
    struct str wanted = f->given[FAULT_KEY_PRINCIPAL];
    if (wanted.p[wanted.n - 1] == '*')
        return str_starts(call->principal.label, str_from(wanted.p, wanted.n - 1));
    return str_eq(wanted, call->principal.label);
}

static bool parse_transport(struct fault *f, struct str text)
{
    (void)f;
    return str_eq_z(text, "grpc") || str_eq_z(text, "rest") || str_eq_z(text, "webchannel");
}

static bool holds_transport(const struct fault *f, const struct call *call)
{
    return call->notes.transport && str_eq_z(f->given[FAULT_KEY_TRANSPORT], call->notes.transport);
}

/* ---- which of them ---- */

static bool parse_nth(struct fault *f, struct str text)
{
    return parse_positive(&f->nth, text);
}

static bool parse_probability(struct fault *f, struct str text)
{
    char digits[24];
    if (!text.n || text.n >= sizeof digits)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if ((text.p[i] < '0' || text.p[i] > '9') && text.p[i] != '.')
            return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = '\0';
    char *end;
    double p = strtod(digits, &end);
    if (*end || !(p >= 0 && p <= 1))
        return false;
    f->chance = p >= 1 ? UINT64_MAX : (uint64_t)(p * 0x1p64);
    return true;
}

static bool parse_seed(struct fault *f, struct str text)
{
    return parse_number(&f->seed, text);
}

static bool parse_count(struct fault *f, struct str text)
{
    return parse_positive(&f->count, text);
}

static bool parse_from(struct fault *f, struct str text)
{
    return parse_since(&f->from_ns, text);
}

static bool parse_until(struct fault *f, struct str text)
{
    return parse_since(&f->until_ns, text) && f->until_ns > 0;
}

/* ---- how it happens ---- */

/* "250ms", "50ms..2s" for anything between, "~200ms" for exponentially distributed with that mean. */
static bool parse_latency(struct fault *f, struct str text)
{
    const char *dots = text.n ? memmem(text.p, text.n, "..", 2) : NULL;
    if (dots) {
        size_t n = (size_t)(dots - text.p);
        f->spread = FAULT_UNIFORM;
        return parse_wait(&f->latency_ms, str_from(text.p, n)) &&
               parse_wait(&f->latency_to_ms, str_skip(text, n + 2)) && f->latency_ms <= f->latency_to_ms;
    }
    f->spread = str_starts(text, STR("~")) ? FAULT_EXPONENTIAL : FAULT_FIXED;
    return parse_wait(&f->latency_ms, f->spread == FAULT_EXPONENTIAL ? str_skip(text, 1) : text);
}

static bool parse_when(struct fault *f, struct str text)
{
    f->after = str_eq_z(text, "after");
    return f->effect->act == FAULT_STATUS && (f->after || str_eq_z(text, "before"));
}

static bool parse_retry(struct fault *f, struct str text)
{
    return f->effect->act == FAULT_STATUS && parse_wait(&f->retry_ms, text);
}

static bool parse_messages(struct fault *f, struct str text)
{
    return f->effect->act == FAULT_TRUNCATE && parse_number(&f->messages, text);
}

static bool parse_message(struct fault *f, struct str text)
{
    return f->effect->act == FAULT_STATUS && parse_any(f, text);
}

/* Initialised in the order of enum fault_key_id. */
const struct fault_key fault_keys[FAULT_KEYS] = {
    { "rpc", "NAME[|NAME...]", "calls of these RPCs", false, parse_rpc, holds_rpc },
    { "path", "PATTERN", "calls about documents of this pattern, as --append-only takes it", false,
      parse_path, holds_path },
    { "principal", "NAME", "calls by owner, anonymous, user:UID; user:* for any user", false, parse_any,
      holds_principal },
    { "transport", "grpc|rest|webchannel", "calls that came over it", false, parse_transport, holds_transport },
    { "nth", "N", "only the Nth of these calls", true, parse_nth, NULL },
    { "probability", "0..1", "each of them by chance, the same ones for the same seed", true,
      parse_probability, NULL },
    { "seed", "N", "of the chances and of latencies (default 0)", true, parse_seed, NULL },
    { "count", "N", "at most so many times", true, parse_count, NULL },
    { "from", "DURATION", "not before that long after it was set", true, parse_from, NULL },
    { "until", "DURATION", "not later than that after it was set", true, parse_until, NULL },
    { "latency", "DURATION|FROM..TO|~MEAN", "wait first: fixed, uniform, or exponential", false,
      parse_latency, NULL },
    { "when", "before|after", "of a status: after runs the call and replaces its answer", false, parse_when,
      NULL },
    { "retry", "DURATION", "of a status: google.rpc.RetryInfo, 0s for none", false, parse_retry, NULL },
    { "messages", "N", "of truncate: messages of a stream that get through (default 1)", false,
      parse_messages, NULL },
    { "message", "TEXT",
      "of a status: in place of production's words; the rest of the text, so it comes last", false,
      parse_message, NULL },
};
