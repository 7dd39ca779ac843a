/* principal.c - who asks: what follows `as` and `principal NAME =` in a test file. */
#include "server/ruletest/parse.h"

static const struct principal *new_user(struct ruletest_parser *p, struct value_map token, bool has_uid,
                                        struct str uid)
{
    struct principal *who = ARENA_NEW(p->arena, struct principal);
    *who = (struct principal){ .kind = PRINCIPAL_USER, .has_uid = has_uid, .uid = uid, .token = token };
    who->label = STR("user:?");
    if (has_uid)
        who->label = str_of(arena_printf(p->arena, "user:" STR_FMT, STR_ARG(uid)));
    return who;
}

/* The claims of a user whose token says so itself are left alone. */
static struct value_map with_subject(struct ruletest_parser *p, struct value_map token, struct str uid)
{
    if (value_map_get(&token, STR("sub")))
        return token;
    struct value_map more = { ARENA_ARRAY(p->arena, struct field, token.n + 1), 0 };
    struct field sub = { STR("sub"), { .kind = VALUE_STRING, .text = uid } };
    bool placed = false;
    for (size_t i = 0; i < token.n; i++) {
        if (!placed && str_cmp(token.items[i].name, sub.name) > 0) {
            more.items[more.n++] = sub;
            placed = true;
        }
        more.items[more.n++] = token.items[i];
    }
    if (!placed)
        more.items[more.n++] = sub;
    return more;
}

static bool parse_claims(struct ruletest_parser *p, struct value_map *out)
{
    const struct data *claims;
    return data_parse_object(p, &claims) && data_to_map(p, claims, out);
}

static bool parse_anonymous(struct ruletest_parser *p, struct principal const **out)
{
    struct principal *who = ARENA_NEW(p->arena, struct principal);
    *who = (struct principal){ .kind = PRINCIPAL_ANONYMOUS, .label = STR("anonymous") };
    *out = who;
    return true;
}

static bool parse_owner(struct ruletest_parser *p, struct principal const **out)
{
    struct principal *who = ARENA_NEW(p->arena, struct principal);
    *who = (struct principal){ .kind = PRINCIPAL_OWNER, .label = STR("owner"), .iam = IAM_ALL };
    *out = who;
    return true;
}

static bool parse_user(struct ruletest_parser *p, struct principal const **out)
{
    struct value_map token = { 0 };
    struct str uid = p->lex.token.text;
    if (p->lex.token.kind != LEX_WORD && p->lex.token.kind != LEX_STRING)
        return ruletest_expected(p, "the uid");
    lex_next(&p->lex);
    bool more = p->lex.token.kind != LEX_NEWLINE && p->lex.token.kind != LEX_END;
    if (more && !parse_claims(p, &token))
        return false;
    *out = new_user(p, with_subject(p, token, uid), true, uid);
    return true;
}

static bool parse_token(struct ruletest_parser *p, struct principal const **out)
{
    struct value_map token;
    if (!parse_claims(p, &token))
        return false;
    const struct value *sub = value_map_get(&token, STR("sub"));
    bool has_uid = sub && sub->kind == VALUE_STRING;
    *out = new_user(p, token, has_uid, has_uid ? sub->text : STR(""));
    return true;
}

/* Files are named from where the test file is. */
static const char *beside(struct ruletest_parser *p, struct str path)
{
    struct str name = p->file->name;
    while (name.n && name.p[name.n - 1] != '/')
        name.n--;
    if (path.n && path.p[0] == '/')
        name.n = 0;
    return arena_printf(p->arena, STR_FMT STR_FMT, STR_ARG(name), STR_ARG(path));
}

static bool parse_file(struct ruletest_parser *p, struct principal const **out)
{
    struct owner_policy policy = { 0 };
    struct status st = status_init(p->arena);
    struct lex_token path = p->lex.token;
    if (path.kind != LEX_STRING)
        return ruletest_expected(p, "the name of the file as a string");
    if (owner_policy_read(&policy, p->arena, beside(p, path.text), &st))
        return ruletest_fail_at(p, path.from, path.to, "%s", status_message(&st));
    lex_next(&p->lex);
    struct principal *who = ARENA_NEW(p->arena, struct principal);
    *who = policy.user;
    *out = who;
    return true;
}

static bool parse_service_account(struct ruletest_parser *p, struct principal const **out)
{
    struct principal *who = ARENA_NEW(p->arena, struct principal);
    struct status st = status_init(p->arena);
    lex_line(&p->lex);
    struct lex_token list = p->lex.token;
    if (list.kind != LEX_WORD)
        return ruletest_expected(p, "permissions, such as create, get, list, or a role");
    *who = (struct principal){ .kind = PRINCIPAL_OWNER, .label = STR("service-account") };
    if (iam_parse_list(&who->iam, list.text, &st))
        return ruletest_fail_at(p, list.from, list.to, "%s", status_message(&st));
    lex_next(&p->lex);
    *out = who;
    return true;
}

static const struct {
    const char *word;
    bool (*parse)(struct ruletest_parser *p, const struct principal **out);
    bool by_iam;
} forms[] = {
    { "anonymous", parse_anonymous, false }, { "user", parse_user, false },
    { "token", parse_token, false },         { "file", parse_file, false },
    { "owner", parse_owner, false },         { "service-account", parse_service_account, true },
};

bool ruletest_parse_who(struct ruletest_parser *p, const struct principal **out, bool *by_iam)
{
    struct lex_token word = p->lex.token;
    if (word.kind != LEX_WORD)
        return ruletest_expected(p, "who asks");
    lex_next(&p->lex);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!str_eq_z(word.text, forms[i].word))
            continue;
        *by_iam = forms[i].by_iam;
        return forms[i].parse(p, out);
    }
    const struct ruletest_name *known = ruletest_find(p->scope.principals, word.text);
    if (!known)
        return ruletest_fail_at(p, word.from, word.to,
                                "nobody is called " STR_FMT
                                " here; there are anonymous, user UID {claims}, token "
                                "{claims}, file \"FILE\", owner, service-account PERMISSIONS, and names of "
                                "`principal NAME = ...`",
                                STR_ARG(word.text));
    *out = known->principal;
    *by_iam = known->by_iam;
    return true;
}
