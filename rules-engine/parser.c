/* parser.c - see parser.h. Statements first come functions that read one construct each, bottom up:
 * literals, paths, expressions by precedence climbing, functions, allows, matches, services, the file.
 *
 * A failed parse sets p->failed once and every reader returns quickly; nothing is freed piece by piece. */
#include "rules-engine/parser.h"

#include "core/limits.h"

#include "rules-engine/literal.h"
#include <strings.h>

struct parser {
    struct ruleset *ruleset;
    struct arena *arena;
    uint32_t file;
    struct str text;
    const struct tokens *tokens;
    uint32_t at;
    uint32_t nesting;
    bool failed;
    struct parser_stop stop;
    struct issue_list *issues;
};

/* ---- tokens ---- */

static const struct token *peek(const struct parser *p, uint32_t ahead)
{
    uint32_t i = p->at + ahead;
    return &p->tokens->items[i < p->tokens->n ? i : p->tokens->n - 1];
}
static enum token_kind kind_at(const struct parser *p, uint32_t ahead)
{
    return (enum token_kind)peek(p, ahead)->kind;
}
static bool is_at(const struct parser *p, enum token_kind kind)
{
    return kind_at(p, 0) == kind;
}

static struct str token_text(const struct parser *p, const struct token *token)
{
    return str_from(p->text.p + token->from, token->to - token->from);
}

static struct ast_span token_span(const struct token *token)
{
    return (struct ast_span){ token->from, token->to };
}

static void fail_limit(struct parser *p, const char *limit)
{
    if (!p->failed)
        p->stop = (struct parser_stop){ p->at, limit };
    p->failed = true;
}

static void fail(struct parser *p)
{
    fail_limit(p, NULL);
}

static const struct token *advance(struct parser *p)
{
    const struct token *token = peek(p, 0);
    if (p->at + 1 < p->tokens->n)
        p->at++;
    return token;
}

static bool accept(struct parser *p, enum token_kind kind)
{
    if (p->failed || !is_at(p, kind))
        return false;
    advance(p);
    return true;
}

/* The token, or after a failure any: callers check p->failed before they use a tree. */
static const struct token *expect(struct parser *p, enum token_kind kind)
{
    if (!p->failed && is_at(p, kind))
        return advance(p);
    fail(p);
    return peek(p, 0);
}

/* End of the last token that was read. */
static uint32_t end_of_last(const struct parser *p)
{
    return p->at ? p->tokens->items[p->at - 1].to : 0;
}

static const char too_complex[] = "Expression is too complex to evaluate safely.";

static bool enter(struct parser *p, const char *limit)
{
    if (++p->nesting > LIMIT_RULES_NESTING)
        fail_limit(p, limit);
    return !p->failed;
}
static void leave(struct parser *p)
{
    p->nesting--;
}

/* ---- small containers ---- */

struct list {
    void *items;
    uint32_t n, cap;
};

/* Room for one more element of `size` bytes, zeroed. */
static void *list_push(struct parser *p, struct list *list, size_t size)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 4;
        list->items = arena_grow(p->arena, list->items, list->n * size, cap * size);
        list->cap = cap;
    }
    void *item = (char *)list->items + list->n++ * size;
    memset(item, 0, size);
    return item;
}

static void push_node(struct parser *p, struct list *list, struct ast_node *node)
{
    *(struct ast_node **)list_push(p, list, sizeof node) = node;
}

static struct ast_node *new_node(struct parser *p, enum ast_kind kind, uint32_t from)
{
    struct ast_node *node = ARENA_NEW(p->arena, struct ast_node);
    node->kind = kind;
    node->span = (struct ast_span){ from, from };
    node->start = from;
    node->file = p->file;
    node->id = p->ruleset->n_nodes++;
    node->height = 1;
    return node;
}

static void over(struct parser *p, struct ast_node *node, const struct ast_node *child)
{
    if (child && child->height >= node->height)
        node->height = child->height + 1;
    if (node->height > LIMIT_RULES_PARSE_HEIGHT)
        fail_limit(p, too_complex);
}

static struct ast_node *finish(struct parser *p, struct ast_node *node)
{
    node->span.to = end_of_last(p);
    return node;
}

/* ---- literals ---- */

static struct ast_node *parse_expression(struct parser *p, int least);

static struct ast_node *parse_int(struct parser *p, uint32_t from, bool negative)
{
    const struct token *token = advance(p);
    struct ast_node *node = new_node(p, AST_INT, from);
    finish(p, node);
    if (!literal_int(&node->integer, token_text(p, token), negative))
        issues_add(p->issues, RULES_ERROR, p->file, node->span, "Invalid number literal " STR_FMT ".",
                   STR_ARG(token_text(p, token)));
    return node;
}

/* 9223372036854775808 exists only behind a minus sign. */
static bool is_least_int(const struct parser *p)
{
    return is_at(p, TOKEN_NUM_INT) && str_eq(token_text(p, peek(p, 0)), STR("9223372036854775808"));
}

static struct ast_node *parse_literal(struct parser *p)
{
    const struct token *token = peek(p, 0);
    struct str text = token_text(p, token);
    struct ast_node *node;
    switch (kind_at(p, 0)) {
    case TOKEN_NUM_INT:
        return parse_int(p, token->from, false);
    case TOKEN_NUM_FLOAT:
        node = new_node(p, AST_FLOAT, token->from);
        node->number = literal_float(text);
        break;
    case TOKEN_STRING:
        node = new_node(p, AST_STRING, token->from);
        node->text = literal_string(p->arena, text);
        break;
    case TOKEN_BYTES:
        node = new_node(p, AST_BYTES, token->from);
        if (!literal_bytes(&node->text, p->arena, text))
            issues_add(p->issues, RULES_ERROR, p->file, token_span(token),
                       "Invalid bytes literal " STR_FMT ".", STR_ARG(text));
        break;
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        node = new_node(p, AST_BOOL, token->from);
        node->boolean = is_at(p, TOKEN_TRUE);
        break;
    case TOKEN_NULL:
        node = new_node(p, AST_NULL, token->from);
        break;
    default:
        fail(p);
        return new_node(p, AST_NULL, token->from);
    }
    advance(p);
    return finish(p, node);
}

/* ---- paths ---- */

static struct str path_segment_text(struct parser *p, const struct token *token)
{
    return literal_path_segment(p->arena, str_skip(token_text(p, token), 1));
}

/* {x}, {x=*} or {x=**} behind a slash that has been read. */
static void parse_capture(struct parser *p, struct ast_path_part *part)
{
    expect(p, TOKEN_LBRACE);
    part->kind = PART_BINDING;
    part->text = token_text(p, expect(p, TOKEN_IDENTIFIER));
    if (accept(p, TOKEN_ASSIGNMENT)) {
        if (accept(p, TOKEN_GLOB))
            part->kind = PART_GLOB;
        else
            expect(p, TOKEN_STAR);
    }
    expect(p, TOKEN_RBRACE);
}

/* Whether the bracket there could be an index: one expression, no list of none or several. */
static bool is_index(const struct parser *p, uint32_t ahead)
{
    int depth = 1;
    if (kind_at(p, ahead + 1) == TOKEN_RBRACKET)
        return false;
    while (depth > 0) {
        enum token_kind kind = kind_at(p, ++ahead);
        depth += (kind == TOKEN_LBRACKET || kind == TOKEN_LPAREN || kind == TOKEN_LBRACE) -
                 (kind == TOKEN_RBRACKET || kind == TOKEN_RPAREN || kind == TOKEN_RBRACE);
        if (kind == TOKEN_EOF || (kind == TOKEN_COMMA && depth == 1))
            return false;
    }
    return true;
}

/* Whether a path that has begun goes on here. In an expression a slash divides when an operand follows that
 * could not follow a path: Google's compiler 1.19.9 reads /a/b / 1 as a path divided by 1, but in /a/b / -1
 * and /a/b / [1] it misses the name of a segment. */
static bool path_goes_on(const struct parser *p, bool in_expression)
{
    if (is_at(p, TOKEN_PATH_SEGMENT))
        return true;
    if (!is_at(p, TOKEN_SLASH) || !in_expression)
        return is_at(p, TOKEN_SLASH);
    switch (kind_at(p, 1)) {
    case TOKEN_DOLLAR:
    case TOKEN_SLASH:
    case TOKEN_PATH_SEGMENT:
    case TOKEN_MINUS:
        return true;
    case TOKEN_LBRACKET:
        return is_index(p, 1);
    case TOKEN_LBRACE:
        return kind_at(p, 2) == TOKEN_IDENTIFIER &&
               (kind_at(p, 3) == TOKEN_RBRACE || kind_at(p, 3) == TOKEN_ASSIGNMENT);
    default:
        return false;
    }
}

/* A path, up to the first token that cannot continue it. $(...) only in expressions. */
static struct list parse_path(struct parser *p, bool in_expression)
{
    struct list parts = { 0 };
    do {
        const struct token *token = peek(p, 0);
        struct ast_path_part *part = list_push(p, &parts, sizeof *part);
        part->span.from = token->from;
        if (accept(p, TOKEN_PATH_SEGMENT)) {
            part->text = path_segment_text(p, token);
        } else {
            expect(p, TOKEN_SLASH);
            if (in_expression && accept(p, TOKEN_DOLLAR)) {
                part->kind = PART_EXPR;
                expect(p, TOKEN_LPAREN);
                part->expr = parse_expression(p, 0);
                expect(p, TOKEN_RPAREN);
            } else {
                parse_capture(p, part);
            }
        }
        part->span.to = end_of_last(p);
    } while (!p->failed && path_goes_on(p, in_expression));
    return parts;
}

/* ---- expressions ---- */

static struct ast_node *parse_path_expression(struct parser *p)
{
    struct ast_node *node = new_node(p, AST_PATH, peek(p, 0)->from);
    struct list parts = parse_path(p, true);
    node->path.parts = parts.items;
    node->path.n = parts.n;
    for (uint32_t i = 0; i < parts.n; i++)
        over(p, node, node->path.parts[i].expr);
    return finish(p, node);
}

/* Expressions up to `close`, which is read too; one trailing comma is allowed. */
static struct list parse_items(struct parser *p, struct ast_node *owner, enum token_kind close)
{
    struct list items = { 0 };
    while (!p->failed && !accept(p, close)) {
        struct ast_node *item = parse_expression(p, 0);
        over(p, owner, item);
        push_node(p, &items, item);
        if (!accept(p, TOKEN_COMMA) && !is_at(p, close))
            fail(p);
    }
    return items;
}

static struct ast_node *parse_list(struct parser *p)
{
    struct ast_node *node = new_node(p, AST_LIST, advance(p)->from);
    struct list items = parse_items(p, node, TOKEN_RBRACKET);
    node->list.items = items.items;
    node->list.n = items.n;
    return finish(p, node);
}

static struct ast_node *parse_map(struct parser *p)
{
    struct ast_node *node = new_node(p, AST_MAP, advance(p)->from);
    struct list keys = { 0 }, values = { 0 };
    while (!p->failed && !accept(p, TOKEN_RBRACE)) {
        struct ast_node *key = parse_expression(p, 0);
        expect(p, TOKEN_COLON);
        struct ast_node *value = parse_expression(p, 0);
        over(p, node, key);
        over(p, node, value);
        push_node(p, &keys, key);
        push_node(p, &values, value);
        if (!accept(p, TOKEN_COMMA) && !is_at(p, TOKEN_RBRACE))
            fail(p);
    }
    node->map.keys = keys.items;
    node->map.values = values.items;
    node->map.n = keys.n;
    return finish(p, node);
}

static struct ast_node *parse_arguments(struct parser *p, struct ast_node *call)
{
    expect(p, TOKEN_LPAREN);
    struct list args = parse_items(p, call, TOKEN_RPAREN);
    call->call.args = args.items;
    call->call.n = args.n;
    return finish(p, call);
}

static struct ast_node *parse_name(struct parser *p)
{
    const struct token *token = advance(p);
    bool is_call = is_at(p, TOKEN_LPAREN);
    struct ast_node *node = new_node(p, is_call ? AST_CALL : AST_NAME, token->from);
    if (is_call) {
        node->call.name = token_text(p, token);
        node->call.name_span = token_span(token);
        return parse_arguments(p, node);
    }
    node->name.name = token_text(p, token);
    return finish(p, node);
}

static struct ast_node *parse_primary(struct parser *p)
{
    switch (kind_at(p, 0)) {
    case TOKEN_PATH_SEGMENT:
    case TOKEN_SLASH:
        return parse_path_expression(p);
    case TOKEN_LBRACKET:
        return parse_list(p);
    case TOKEN_LBRACE:
        return parse_map(p);
    case TOKEN_IDENTIFIER:
        return parse_name(p);
    case TOKEN_LPAREN: {
        uint32_t from = advance(p)->from;
        struct ast_node *node = parse_expression(p, 0);
        expect(p, TOKEN_RPAREN);
        node->start = from;
        node->parentheses++;
        return node;
    }
    default:
        return parse_literal(p);
    }
}

/* .name or .name(...): behind a dot every keyword but rules_version is a name, but not a method's. */
static struct ast_node *parse_member(struct parser *p, struct ast_node *object)
{
    advance(p);
    const struct token *token = peek(p, 0);
    bool is_name = token->kind == TOKEN_IDENTIFIER;
    if (!is_name && (!token_is_keyword((enum token_kind)token->kind) || token->kind == TOKEN_RULES_VERSION))
        fail(p);
    else
        advance(p);
    bool is_call = is_name && is_at(p, TOKEN_LPAREN);
    struct ast_node *node = new_node(p, is_call ? AST_METHOD : AST_MEMBER, object->start);
    over(p, node, object);
    if (is_call) {
        node->call.object = object;
        node->call.name = token_text(p, token);
        node->call.name_span = token_span(token);
        return parse_arguments(p, node);
    }
    node->member.object = object;
    node->member.name = token_text(p, token);
    node->member.name_span = token_span(token);
    return finish(p, node);
}

/* [a], [a:b], [:b], [a:], [:] */
static struct ast_node *parse_index(struct parser *p, struct ast_node *object)
{
    advance(p);
    struct ast_node *node = new_node(p, AST_INDEX, object->start);
    node->index.object = object;
    if (!is_at(p, TOKEN_COLON))
        node->index.from = parse_expression(p, 0);
    if (accept(p, TOKEN_COLON)) {
        node->kind = AST_SLICE;
        if (!is_at(p, TOKEN_RBRACKET))
            node->index.to = parse_expression(p, 0);
    }
    expect(p, TOKEN_RBRACKET);
    over(p, node, object);
    over(p, node, node->index.from);
    over(p, node, node->index.to);
    return finish(p, node);
}

static struct ast_node *parse_postfix(struct parser *p)
{
    struct ast_node *node = parse_primary(p);
    while (!p->failed) {
        if (is_at(p, TOKEN_DOT))
            node = parse_member(p, node);
        else if (is_at(p, TOKEN_LBRACKET))
            node = parse_index(p, node);
        else
            break;
    }
    return node;
}

/* `-` stands only before a postfix expression, `!` also before another unary one. */
static struct ast_node *parse_unary(struct parser *p)
{
    const struct token *token = peek(p, 0);
    if (is_at(p, TOKEN_MINUS)) {
        advance(p);
        if (is_least_int(p))
            return parse_int(p, token->from, true);
        struct ast_node *node = new_node(p, AST_NEGATE, token->from);
        node->op.a = parse_postfix(p);
        over(p, node, node->op.a);
        return finish(p, node);
    }
    if (is_at(p, TOKEN_NOT) && enter(p, too_complex)) {
        advance(p);
        struct ast_node *node = new_node(p, AST_NOT, token->from);
        node->op.a = parse_unary(p);
        over(p, node, node->op.a);
        leave(p);
        return finish(p, node);
    }
    return parse_postfix(p);
}

/* How tight each operator binds. `is` and `in` are looser than `==`: 1 in [1] == true is 1 in ([1] == true).
 */
static const struct {
    uint8_t token, kind, binds;
} operators[] = {
    { TOKEN_STAR, AST_MUL, 9 },  { TOKEN_SLASH, AST_DIV, 9 },
    { TOKEN_MOD, AST_MOD, 9 },   { TOKEN_PLUS, AST_ADD, 8 },
    { TOKEN_MINUS, AST_SUB, 8 }, { TOKEN_LT, AST_LT, 7 },
    { TOKEN_LTE, AST_LE, 7 },    { TOKEN_GT, AST_GT, 7 },
    { TOKEN_GTE, AST_GE, 7 },    { TOKEN_EQ, AST_EQ, 6 },
    { TOKEN_NEQ, AST_NE, 6 },    { TOKEN_IS, AST_IS, 5 },
    { TOKEN_IN, AST_IN, 4 },     { TOKEN_AND, AST_AND, 3 },
    { TOKEN_OR, AST_OR, 2 },     { TOKEN_QUESTION, AST_TERNARY, 1 },
};

static struct ast_node *parse_is(struct parser *p, struct ast_node *node, struct ast_node *left)
{
    const struct token *token = expect(p, TOKEN_IDENTIFIER);
    node->is.a = left;
    if (!p->failed && !literal_type(&node->is.type, token_text(p, token)))
        issues_add(p->issues, RULES_ERROR, p->file, token_span(peek(p, 0)), "%s",
                   literal_type_refusal(p->arena, token_text(p, token)));
    return node;
}

static struct ast_node *parse_operator(struct parser *p, struct ast_node *left, size_t row)
{
    enum ast_kind kind = (enum ast_kind)operators[row].kind;
    struct ast_node *node = new_node(p, kind, left->start);
    advance(p);
    over(p, node, left);
    if (kind == AST_IS)
        return finish(p, parse_is(p, node, left));
    node->op.a = left;
    if (kind == AST_TERNARY) {
        node->op.b = parse_expression(p, 0);
        expect(p, TOKEN_COLON);
        node->op.c = parse_expression(p, 1);
        over(p, node, node->op.c);
    } else {
        node->op.b = parse_expression(p, operators[row].binds + 1);
    }
    over(p, node, node->op.b);
    return finish(p, node);
}

static struct ast_node *parse_expression(struct parser *p, int least)
{
    if (!enter(p, too_complex)) {
        leave(p);
        return new_node(p, AST_NULL, peek(p, 0)->from);
    }
    struct ast_node *left = parse_unary(p);
    while (!p->failed) {
        size_t row = 0, n = sizeof operators / sizeof operators[0];
        while (row < n && (operators[row].token != kind_at(p, 0) || operators[row].binds < least))
            row++;
        if (row == n)
            break;
        left = parse_operator(p, left, row);
    }
    leave(p);
    return left;
}

/* ---- declarations ---- */

static void parse_let(struct parser *p, struct list *lets)
{
    struct ast_let *let = list_push(p, lets, sizeof *let);
    let->span.from = advance(p)->from;
    const struct token *token = expect(p, TOKEN_IDENTIFIER);
    let->name = token_text(p, token);
    let->name_span = token_span(token);
    expect(p, TOKEN_ASSIGNMENT);
    let->value = parse_expression(p, 0);
    expect(p, TOKEN_SEMI);
    let->span.to = end_of_last(p);
}

static void parse_parameters(struct parser *p, struct ast_function *function)
{
    struct list names = { 0 }, spans = { 0 };
    expect(p, TOKEN_LPAREN);
    if (!accept(p, TOKEN_RPAREN)) {
        do {
            const struct token *token = expect(p, TOKEN_IDENTIFIER);
            *(struct str *)list_push(p, &names, sizeof(struct str)) = token_text(p, token);
            *(struct ast_span *)list_push(p, &spans, sizeof(struct ast_span)) = token_span(token);
        } while (accept(p, TOKEN_COMMA));
        expect(p, TOKEN_RPAREN);
    }
    function->parameters = names.items;
    function->parameter_spans = spans.items;
    function->n_parameters = names.n;
}

static struct ast_function *parse_function(struct parser *p, struct ast_match *declared_in)
{
    struct ast_function *function = ARENA_NEW(p->arena, struct ast_function);
    function->file = p->file;
    function->declared_in = declared_in;
    function->span.from = advance(p)->from;
    const struct token *token = expect(p, TOKEN_IDENTIFIER);
    function->name = token_text(p, token);
    function->name_span = token_span(token);
    parse_parameters(p, function);
    expect(p, TOKEN_LBRACE);
    struct list lets = { 0 };
    while (!p->failed && is_at(p, TOKEN_LET))
        parse_let(p, &lets);
    function->lets = lets.items;
    function->n_lets = lets.n;
    expect(p, TOKEN_RETURN);
    function->body = parse_expression(p, 0);
    accept(p, TOKEN_SEMI);
    expect(p, TOKEN_RBRACE);
    function->span.to = end_of_last(p);
    return function;
}

static const struct {
    const char *name;
    unsigned bits;
} methods[] = {
    { "get", METHOD_GET },       { "list", METHOD_LIST },     { "read", METHOD_READ },
    { "create", METHOD_CREATE }, { "update", METHOD_UPDATE }, { "delete", METHOD_DELETE },
    { "write", METHOD_WRITE },
};

unsigned parser_method(struct str name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (name.n == strlen(methods[i].name) && strncasecmp(name.p, methods[i].name, name.n) == 0)
            return methods[i].bits;
    return 0;
}

/* "read, write": the names as written, one space behind each comma. */
static const char *methods_text(const struct parser *p, const struct ast_span *spans, uint32_t n)
{
    char *text = arena_alloc(p->arena, spans[n - 1].to - spans[0].from + 2 * (size_t)n), *at = text;
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) {
            memcpy(at, ", ", 2);
            at += 2;
        }
        memcpy(at, p->text.p + spans[i].from, spans[i].to - spans[i].from);
        at += spans[i].to - spans[i].from;
    }
    *at = '\0';
    return text;
}

static void parse_methods(struct parser *p, struct ast_allow *allow)
{
    struct list spans = { 0 };
    do {
        const struct token *token = expect(p, TOKEN_IDENTIFIER);
        *(struct ast_span *)list_push(p, &spans, sizeof(struct ast_span)) = token_span(token);
        allow->methods |= parser_method(token_text(p, token));
    } while (accept(p, TOKEN_COMMA));
    allow->methods_text = methods_text(p, spans.items, spans.n);
    allow->method_spans = spans.items;
    allow->n_methods = spans.n;
}

static struct ast_allow *parse_allow(struct parser *p, struct ast_match *match)
{
    struct ast_allow *allow = ARENA_NEW(p->arena, struct ast_allow);
    allow->file = p->file;
    allow->match = match;
    allow->index = p->ruleset->n_allows++;
    allow->span.from = advance(p)->from;
    parse_methods(p, allow);
    if (accept(p, TOKEN_COLON)) {
        expect(p, TOKEN_IF);
        allow->condition = parse_expression(p, 0);
    }
    allow->span.to = end_of_last(p);
    accept(p, TOKEN_SEMI);
    return allow;
}

static struct ast_match *parse_match(struct parser *p, struct ast_match *parent)
{
    static const char too_nested[] = "Maximum allowed resource rule depth of 10 is reached.";
    struct ast_match *match = ARENA_NEW(p->arena, struct ast_match);
    match->file = p->file;
    match->parent = parent;
    match->span.from = advance(p)->from;
    match->path_span.from = peek(p, 0)->from;
    struct list parts = parse_path(p, false);
    match->parts = parts.items;
    match->n_parts = parts.n;
    match->path_span.to = end_of_last(p);
    expect(p, TOKEN_LBRACE);
    struct ast_match **next_match = &match->children;
    struct ast_allow **next_allow = &match->allows;
    struct ast_function **next_function = &match->functions;
    bool any = false;
    while (!p->failed && !(any && is_at(p, TOKEN_RBRACE))) {
        any = true;
        if (is_at(p, TOKEN_FUNCTION)) {
            *next_function = parse_function(p, match);
            next_function = &(*next_function)->next;
        } else if (is_at(p, TOKEN_ALLOW)) {
            *next_allow = parse_allow(p, match);
            next_allow = &(*next_allow)->next;
        } else if (is_at(p, TOKEN_MATCH) && enter(p, too_nested)) {
            *next_match = parse_match(p, match);
            next_match = &(*next_match)->next;
            leave(p);
        } else {
            fail(p);
        }
    }
    expect(p, TOKEN_RBRACE);
    match->span.to = end_of_last(p);
    return match;
}

static struct ast_service *parse_service(struct parser *p)
{
    struct ast_service *service = ARENA_NEW(p->arena, struct ast_service);
    service->file = p->file;
    service->span.from = advance(p)->from;
    const struct token *token = expect(p, TOKEN_SERVICE_IDENTIFIER);
    service->name = token_text(p, token);
    service->name_span = token_span(token);
    expect(p, TOKEN_LBRACE);
    struct ast_match **next_match = &service->matches;
    struct ast_function **next_function = &service->functions;
    bool any = false;
    while (!p->failed && !(any && is_at(p, TOKEN_RBRACE))) {
        any = true;
        if (is_at(p, TOKEN_FUNCTION)) {
            *next_function = parse_function(p, NULL);
            next_function = &(*next_function)->next;
        } else if (is_at(p, TOKEN_MATCH)) {
            *next_match = parse_match(p, NULL);
            next_match = &(*next_match)->next;
        } else {
            fail(p);
        }
    }
    expect(p, TOKEN_RBRACE);
    service->span.to = end_of_last(p);
    return service;
}

/* ---- the file ---- */

static int read_version(const struct ruleset *ruleset, uint32_t file, const struct token *first,
                        struct str literal, struct issue_list *issues)
{
    struct str version = literal_string(ruleset->arena, literal);
    if (str_eq(version, STR("1")) || str_eq(version, STR("2")))
        return version.p[0] - '0';
    issues_add(issues, RULES_ERROR, file, token_span(first), "Unsupported rules version " STR_FMT ".",
               STR_ARG(version));
    return 1;
}

void parser_check_version(const struct ruleset *ruleset, uint32_t file, const struct tokens *tokens,
                          struct issue_list *issues)
{
    const struct token *t = tokens->items;
    if (tokens->n > 3 && t[0].kind == TOKEN_RULES_VERSION && t[1].kind == TOKEN_ASSIGNMENT &&
        t[2].kind == TOKEN_STRING)
        read_version(ruleset, file, t,
                     str_from(ruleset->sources[file].text.p + t[2].from, t[2].to - t[2].from), issues);
}

static void parse_version(struct parser *p, struct ast_unit *unit)
{
    const struct token *first = advance(p);
    expect(p, TOKEN_ASSIGNMENT);
    struct str text = token_text(p, expect(p, TOKEN_STRING));
    accept(p, TOKEN_SEMI);
    if (!p->failed)
        unit->version = read_version(p->ruleset, p->file, first, text, p->issues);
}

static void parse_import(struct parser *p, bool first)
{
    struct ast_span span = token_span(advance(p));
    struct str module = token_text(p, expect(p, TOKEN_STRING));
    if (is_at(p, TOKEN_IDENTIFIER)) {
        if (!str_eq(token_text(p, peek(p, 0)), STR("as")))
            fail(p);
        advance(p);
        expect(p, TOKEN_IDENTIFIER);
    }
    expect(p, TOKEN_SEMI);
    if (p->failed)
        return;
    struct str name = literal_string(p->arena, module);
    if (first)
        issues_add(p->issues, RULES_ERROR, p->file, span, "Import statements are not allowed.");
    issues_add(p->issues, RULES_ERROR, p->file, span,
               "Module \"" STR_FMT "\" is not part of the standard library.", STR_ARG(name));
}

static void parse_file(struct parser *p, struct ast_unit *unit)
{
    if (is_at(p, TOKEN_RULES_VERSION))
        parse_version(p, unit);
    for (bool first = true; !p->failed && is_at(p, TOKEN_IMPORT); first = false)
        parse_import(p, first);
    struct ast_service **next_service = &unit->services;
    struct ast_function **next_function = &unit->functions;
    do {
        if (is_at(p, TOKEN_FUNCTION)) {
            *next_function = parse_function(p, NULL);
            next_function = &(*next_function)->next;
        } else if (is_at(p, TOKEN_SERVICE)) {
            *next_service = parse_service(p);
            next_service = &(*next_service)->next;
        } else {
            fail(p);
        }
    } while (!p->failed && !is_at(p, TOKEN_EOF));
}

bool parser_run(struct ast_unit *out, struct ruleset *ruleset, uint32_t file, const struct tokens *tokens,
                struct issue_list *issues, struct parser_stop *stop)
{
    struct parser parser = {
        .ruleset = ruleset,
        .arena = ruleset->arena,
        .file = file,
        .text = ruleset->sources[file].text,
        .tokens = tokens,
        .issues = issues,
    };
    *out = (struct ast_unit){ .version = 1 };
    parse_file(&parser, out);
    *stop = parser.stop;
    return !parser.failed;
}
