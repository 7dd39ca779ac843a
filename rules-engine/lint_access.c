/* lint_access.c - lints about who is let in: `open-to-all`, `signed-in-only`, `owner-unchecked`, `open-list`.
 */
#include "rules-engine/lint_expr.h"

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

static bool contains_word(struct str name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++)
        if (strncasecmp(name.p + i, word, n) == 0)
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

static void look_at_sign_in(struct lint_pass *pass, bool of_users)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        unsigned writes = allow->methods & METHOD_WRITE;
        const struct ast_path_part *user = user_wildcard(allow->match);
        if (!writes || !is_firestore(allow) || (user != NULL) != of_users ||
            !lint_asks_only_sign_in(pass, allow))
            continue;
        const char *methods = lint_methods(pass->issues->arena, writes);
        const char *request = lint_request(pass, allow->match, allow->match, writes);
        if (user)
            lint_add(pass, RULES_WARNING, allow->file, allow->span,
                     lint_text(pass, "add '&& request.auth.uid == " STR_FMT "'", STR_ARG(user->text)),
                     lint_text(pass,
                               "every user may %s what is {" STR_FMT
                               "}'s: nothing compares it with request.auth.uid; %s "
                               "of another user gets through",
                               methods, STR_ARG(user->text), request));
        else
            lint_add(
                pass, RULES_WARNING, allow->file, allow->span,
                "compare request.auth.uid with an owner, or ask for a claim",
                lint_text(
                    pass,
                    "everyone who can sign in, anonymously too where that is on, may %s; %s gets through",
                    methods, request));
    }
}

void lint_signed_in_only(struct lint_pass *pass)
{
    look_at_sign_in(pass, false);
}

void lint_owner_unchecked(struct lint_pass *pass)
{
    look_at_sign_in(pass, true);
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
