/* lint_trust.c - lints about what is believed: `unverified-email`, `unpinned-time`, `test-mode`. */
#include "rules-engine/lint_expr.h"

struct look {
    struct lint_pass *pass;
    const struct ast_allow *allow;
    struct lint_expr whole;
};

static void look_at_conditions(struct lint_pass *pass, lint_visit *visit)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct look look = { pass, pass->ruleset->allows[i], { pass->ruleset->allows[i]->condition, NULL } };
        lint_walk(pass, look.whole, visit, &look);
    }
}

/* ---- unverified-email ---- */

static const struct ast_node *trusted_operand(const struct ast_node *node)
{
    switch (node->kind) {
    case AST_EQ:
    case AST_IN:
        return node->op.a;
    case AST_METHOD:
        return lint_is_method(node, "matches") ? node->call.object : NULL;
    default:
        return NULL;
    }
}

static void look_at_email(void *data, struct lint_expr e)
{
    struct look *look = data;
    struct lint_pass *pass = look->pass;
    const struct ast_node *side = trusted_operand(e.node);
    if (!side)
        return;
    bool of_email =
        lint_is_chain(pass->arena, (struct lint_expr){ side, e.frame }, "request.auth.token.email");
    if (!of_email && e.node->kind == AST_EQ)
        of_email = lint_is_chain(pass->arena, (struct lint_expr){ e.node->op.b, e.frame },
                                 "request.auth.token.email");
    if (of_email && !lint_mentions(pass, look->whole, "request.auth.token.email_verified"))
        lint_add(
            pass, RULES_WARNING, e.node->file, e.node->span, "add '&& request.auth.token.email_verified'",
            "anyone can sign up with this e-mail address without owning it: nothing asks for email_verified");
}

void lint_unverified_email(struct lint_pass *pass)
{
    look_at_conditions(pass, look_at_email);
}

/* ---- unpinned-time ---- */

static bool is_time_of_event(const char *field)
{
    static const char *const names[] = { "timestamp",  "createdAt", "created_at", "updatedAt",
                                         "updated_at", "created",   "updated",    "sentAt",
                                         "sent_at",    "loggedAt",  "postedAt" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(field, names[i]) == 0)
            return true;
    return false;
}

struct pin {
    struct lint_pass *pass;
    const char *chain;
    bool found;
};

static bool is_comparison(enum ast_kind kind)
{
    return kind == AST_EQ || kind == AST_LT || kind == AST_LE || kind == AST_GT || kind == AST_GE;
}

/* Resolves, so that lint_mentions sees what a parameter stands for. */
static bool mentions(struct lint_pass *pass, const struct ast_node *node, const struct lint_frame *frame,
                     const char *chain)
{
    return lint_mentions(pass, lint_resolve(pass->arena, (struct lint_expr){ node, frame }), chain);
}

static void look_for_pin(void *data, struct lint_expr e)
{
    struct pin *pin = data;
    if (pin->found || !is_comparison(e.node->kind))
        return;
    const struct ast_node *a = e.node->op.a, *b = e.node->op.b;
    pin->found =
        (mentions(pin->pass, a, e.frame, pin->chain) && mentions(pin->pass, b, e.frame, "request.time")) ||
        (mentions(pin->pass, b, e.frame, pin->chain) && mentions(pin->pass, a, e.frame, "request.time"));
}

static void look_at_time(void *data, struct lint_expr e)
{
    struct look *look = data;
    struct lint_pass *pass = look->pass;
    if (e.node->kind != AST_IS || e.node->is.type != RT_TIMESTAMP ||
        !(look->allow->methods & (METHOD_CREATE | METHOD_UPDATE)))
        return;
    struct lint_expr subject = { e.node->is.a, e.frame };
    const char *field = lint_field(pass->arena, subject, "request.resource.data.");
    if (!field || !is_time_of_event(field))
        return;
    struct pin pin = { pass, lint_chain(pass->arena, subject), false };
    lint_walk(pass, look->whole, look_for_pin, &pin);
    if (!pin.found)
        lint_add(pass, RULES_WARNING, e.node->file, e.node->span,
                 lint_text(pass, "ask '%s == request.time' and let clients write serverTimestamp()", field),
                 lint_text(pass, "'%s' may be any time the client likes, past or future", field));
}

void lint_unpinned_time(struct lint_pass *pass)
{
    look_at_conditions(pass, look_at_time);
}

/* ---- test-mode ---- */

/* Seconds since 1970 of timestamp.date(y, m, d); 0 for anything else. */
static int64_t date_of(const struct ast_node *node)
{
    if (node->kind != AST_METHOD || !str_eq_z(node->call.package, "timestamp") ||
        !str_eq_z(node->call.name, "date") || node->call.n != 3)
        return 0;
    for (int i = 0; i < 3; i++)
        if (node->call.args[i]->kind != AST_INT)
            return 0;
    int64_t y = node->call.args[0]->integer, m = node->call.args[1]->integer, d = node->call.args[2]->integer;
    if (y < 1970 || y > 9999 || m < 1 || m > 12 || d < 1 || d > 31)
        return 0;
    /* Days from 1970-01-01, years counted from March (Howard Hinnant, days_from_civil). */
    y -= m <= 2;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468) * 86400;
}

static void look_at_expiry(void *data, struct lint_expr e)
{
    struct look *look = data;
    struct lint_pass *pass = look->pass;
    if (e.node->kind != AST_LT && e.node->kind != AST_LE)
        return;
    int64_t until = date_of(e.node->op.b);
    if (until == 0 ||
        !lint_is_chain(pass->arena, (struct lint_expr){ e.node->op.a, e.frame }, "request.time"))
        return;
    bool alone = lint_resolve(pass->arena, look->whole).node == e.node;
    bool over = pass->options->now >= until;
    const char *message = pass->options->now && over ? "this date is over: nothing is granted here any more"
                          : alone
                              ? "test mode: until this date everyone may, without signing in; then nobody may"
                              : "from this date on nothing is granted here";
    lint_add(pass, RULES_WARNING, e.node->file, e.node->span, "ask who request.auth is, not what time it is",
             message);
}

void lint_test_mode(struct lint_pass *pass)
{
    look_at_conditions(pass, look_at_expiry);
}
