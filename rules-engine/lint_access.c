/* lint_access.c - lints about who is let in: `open-to-all`, `signed-in-only`, `owner-unchecked`, `open-list`.
 */
#include "rules-engine/lint_expr.h"

#include <ctype.h>
#include <strings.h>

static bool is_firestore(const struct ast_allow *allow)
{
    uint32_t n;
    return lint_document_parts(allow->match, &n) != NULL;
}

/* ---- open-to-all ---- */

void lint_open_to_all(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        unsigned writes = allow->methods & METHOD_WRITE;
        if (!is_firestore(allow) || allow->methods == 0)
            continue;
        if (!allow->condition)
            lint_add(pass, RULES_WARNING, allow->file, allow->span,
                     "add ': if ...', or ': if true' if that is meant",
                     lint_text(pass, "no condition: everyone may, without signing in; %s gets through",
                               lint_request(pass, allow->match, allow->match, allow->methods)));
        else if (writes && lint_truth_of(pass, allow, 0, NULL) == LINT_ALWAYS)
            lint_add(pass, RULES_WARNING, allow->file, allow->span, "ask who request.auth is",
                     lint_text(pass, "everyone may %s, without signing in; %s gets through",
                               lint_methods(pass->issues->arena, writes),
                               lint_request(pass, allow->match, allow->match, writes)));
    }
}

/* ---- signed-in-only and owner-unchecked ---- */

/* Where a word begins: "uid" is one in "ownerUid" and "owner_uid", not in "menuId". */
static bool begins_word(struct str name, size_t at)
{
    return at == 0 || !isalpha((unsigned char)name.p[at - 1]) ||
           (isupper((unsigned char)name.p[at]) && islower((unsigned char)name.p[at - 1]));
}

static bool contains_word(struct str name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++)
        if (strncasecmp(name.p + i, word, n) == 0 && begins_word(name, i))
            return true;
    return false;
}

/* The wildcard that holds a user's id by its name; NULL for none. */
static const struct ast_path_part *user_wildcard(const struct ast_match *match)
{
    for (uint32_t i = match->n_full; i-- > 0;) {
        const struct ast_path_part *part = &match->full[i];
        if (part->kind == PART_BINDING &&
            (contains_word(part->text, "uid") || contains_word(part->text, "user") ||
             contains_word(part->text, "owner")))
            return part;
    }
    return NULL;
}

static void add_sign_in(struct lint_pass *pass, const struct ast_allow *allow, unsigned writes)
{
    lint_add(pass, RULES_WARNING, allow->file, allow->span,
             "compare request.auth.uid with an owner, or ask for a claim",
             lint_text(pass,
                       "everyone who can sign in, anonymously too where that is on, may %s; %s gets through",
                       lint_methods(pass->issues->arena, writes),
                       lint_request(pass, allow->match, allow->match, writes)));
}

void lint_signed_in_only(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        unsigned writes = allow->methods & METHOD_WRITE;
        if (writes && is_firestore(allow) && !user_wildcard(allow->match) &&
            lint_asks_only_sign_in(pass, allow))
            add_sign_in(pass, allow, writes);
    }
}

/* Whether a condition asks anything of who it is: the id, a claim, another document, or the path. */
struct identity {
    struct arena *arena;
    unsigned ids, compared_with_null; /* mentions of request.auth.uid */
    bool signed_in, asked;
};

static void look_for_identity(void *data, struct lint_expr e)
{
    struct identity *who = data;
    const struct ast_node *node = e.node;
    bool null_test = (node->kind == AST_EQ || node->kind == AST_NE) && node->op.b->kind == AST_NULL;
    struct lint_expr side = { null_test ? node->op.a : node, e.frame };
    const char *chain = lint_chain(who->arena, side);
    who->asked |= lint_is_lookup(node);
    if (!chain)
        return;
    who->signed_in |= strncmp(chain, "request.auth", strlen("request.auth")) == 0;
    who->asked |= chain[0] == '{' || strncmp(chain, "request.auth.token", strlen("request.auth.token")) == 0;
    if (strcmp(chain, "request.auth.uid") == 0)
        *(null_test ? &who->compared_with_null : &who->ids) +=
            node->kind != AST_NAME && node->kind != AST_CALL;
}

static void look_at_owned(struct lint_pass *pass, const struct ast_allow *allow,
                          const struct ast_path_part *user)
{
    struct identity who = { .arena = pass->arena };
    unsigned writes = allow->methods & METHOD_WRITE;
    lint_walk(pass, (struct lint_expr){ allow->condition, NULL }, look_for_identity, &who);
    if (who.asked || who.ids > who.compared_with_null)
        return;
    lint_add(pass, RULES_WARNING, allow->file, allow->span,
             lint_text(pass, "add '&& request.auth.uid == " STR_FMT "'", STR_ARG(user->text)),
             lint_text(pass,
                       "%s may %s what is {" STR_FMT "}'s: nothing compares it with request.auth.uid; %s "
                       "of another user gets through",
                       who.signed_in ? "every user" : "everyone, without signing in,",
                       lint_methods(pass->issues->arena, writes), STR_ARG(user->text),
                       lint_request(pass, allow->match, allow->match, writes)));
}

void lint_owner_unchecked(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        const struct ast_path_part *user = user_wildcard(allow->match);
        if (allow->methods & METHOD_WRITE && user && is_firestore(allow) &&
            lint_truth_of(pass, allow, 0, NULL) == LINT_UNKNOWN)
            look_at_owned(pass, allow, user);
    }
}

/* ---- open-list ---- */

/* Collections whose documents belong to somebody, by their names. */
static bool is_personal(const struct ast_match *match)
{
    static const char *const words[] = { "user",    "profile", "customer", "order",       "payment",
                                         "invoice", "message", "chat",     "transaction", "subscription",
                                         "token",   "session", "address",  "patient",     "employee",
                                         "member",  "account", "booking",  "contact" };
    uint32_t n;
    const struct ast_path_part *parts = lint_document_parts(match, &n);
    if (!parts || n < 2 || parts[n - 1].kind != PART_BINDING || parts[n - 2].kind != PART_LITERAL)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (contains_word(parts[n - 2].text, words[i]))
            return true;
    return false;
}

void lint_open_list(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        if (!(allow->methods & METHOD_LIST) || !is_personal(allow->match))
            continue;
        bool open = lint_truth_of(pass, allow, METHOD_LIST, NULL) == LINT_ALWAYS;
        if (!open && !lint_asks_only_sign_in(pass, allow))
            continue;
        const char *path = lint_pattern(pass->issues->arena, allow->match);
        lint_add(pass, RULES_WARNING, allow->file, allow->span,
                 "grant get alone, or let list ask for an owner or for request.query.limit <= 50",
                 lint_text(pass, "%s may list all of '%s' in one query",
                           open ? "everyone" : "every signed-in user", path));
    }
}
