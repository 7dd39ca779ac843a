/* grammar.c - see grammar.h: the grammar as text, and the reader that turns it into states and edges.
 *
 * Notation: names of rules in lower case, kinds of tokens as messages name them, [ ] one of several tokens,
 * ( | ) * + ? as usual, #n an action that words an error (the table below), @n go on only when the rule
 * was called with a precedence of at most n, rule:n call it with precedence n. A rule `x_ahead` stands in
 * for x when look-ahead walks into it: it describes the same texts without saying the same thing twice,
 * which would double the work at each level of nesting. */
#include "rules-engine/grammar.h"

#include <assert.h>
#include <threads.h>

static const char text[] =
    "ruleset = versionStatement? importStatement* rulesetStatement+ <EOF> ;"
    "versionStatement = 'rules_version' '=' STRING ';'? ;"
    "importStatement = 'import' STRING ';' | 'import' STRING as id ';' ;"
    "rulesetStatement = functionDeclaration | serviceDeclaration ;"
    "serviceDeclaration = 'service' serviceId '{' serviceStatement+ '}' | 'service' serviceId '{' #0 '}' ;"
    "serviceStatement = functionDeclaration | matchRuleDeclaration ;"
    "functionDeclaration = 'function' localFunctionId functionSignature '{' functionBody '}'"
    " | 'function' localFunctionId functionSignature '{' #1 '}'"
    " | 'function' localFunctionId #2 '{' functionBody '}' | 'function' #3 functionSignature '{' "
    "functionBody '}' ;"
    "bindingDeclaration = 'let' localVariableId '=' expression:0 ';' ;"
    "functionSignature = '(' paramList? ')' | '(' paramList? ')' #4 ')' ;"
    "paramList = localVariableId ( ',' localVariableId )* ;"
    "functionBody = bindingDeclaration* returnStatement ;"
    "returnStatement = 'return' expression:0 ';'? ;"
    "matchRuleDeclaration = 'match' pathDecl '{' matchStatement+ '}' | 'match' pathDecl '{' #5 '}'"
    " | #6 pathDecl '{' '}' ;"
    "matchStatement = functionDeclaration | permissionDeclaration | matchRuleDeclaration ;"
    "permissionDeclaration = 'allow' operationId permissionBody? ';'? | 'allow' #7 ;"
    "permissionBody = ':' 'if' expression:0 | #8 'if' expression:0 | ':' #9 expression:0 | ':' 'if' #10 ;"
    "expression = ( simpleExpression:0 | simpleExpression:0 ['--' '++'] #11 | ['--' '++'] #11 "
    "simpleExpression:0"
    " | ['--' '++' '-'] simpleExpression:0 | '!' expression:10 )"
    " ( @9 ['%' '/' '*'] expression:10 | @8 ['-' '+'] expression:9 | @7 ['>' '>=' '<' '<='] expression:8"
    " | @6 ['==' '!='] expression:7 | @4 'in' expression:5 | @3 '&&' expression:4 | @2 '||' expression:3"
    " | @1 '?' expression:0 ':' expression:1 | @5 'is' isOperatorId )* ;"
    "expression_ahead = ( simpleExpression:0 ['--' '++']? | ['--' '++' '-'] simpleExpression:0 | '!' "
    "expression:10 )"
    " ( @9 ['%' '/' '*'] expression:10 | @8 ['-' '+'] expression:9 | @7 ['>' '>=' '<' '<='] expression:8"
    " | @6 ['==' '!='] expression:7 | @4 'in' expression:5 | @3 '&&' expression:4 | @2 '||' expression:3"
    " | @1 '?' expression:0 ':' expression:1 | @5 'is' isOperatorId )* ;"
    "simpleExpression = ( pathExpression | '[' expressionList? ']' | mapExpression"
    " | id '.' memberId '(' expressionList? ')' | '(' expression:0 ')' | localFunctionId '(' expressionList? "
    "')'"
    " | localVariableId | literal )"
    " ( @7 '.' memberId '(' expressionList? ')' | @5 '.' keywordId | @4 '[' listIndex ']' )* ;"
    "simpleExpression_ahead = ( pathExpression | '[' expressionList? ']' | mapExpression"
    " | '(' expression:0 ')' | id ( '(' expressionList? ')' )? | literal )"
    " ( '.' ( id ( '(' expressionList? ')' )? | keyword ) | '[' listIndex ']' )* ;"
    "pathExpression = pathExpressionSegment+ ;"
    "pathExpressionSegment = pathDeclSegment | '/' '$' '(' expression:0 ')' ;"
    "listIndex = expression:0? ':' expression:0? | expression:0 ;"
    "listIndex_ahead = expression:0 ( ':' expression:0? )? | ':' expression:0? ;"
    "mapExpression = '{' mapEntries? '}' ;"
    "mapEntries = mapEntry ( ',' mapEntry )* ','? ;"
    "mapEntry = expression:0 ':' expression:0 ;"
    "expressionList = expression:0 ( ',' expression:0 )* ','? ;"
    "literal = NUM_FLOAT | NUM_INT | STRING | BYTES | 'true' | 'false' | 'null' | UNPAIRED_SINGLE_QUOTE #12"
    " | UNPAIRED_DOUBLE_QUOTE #13 ;"
    "keywordId = IDENTIFIER | keyword ;"
    "keyword = ['allow' 'false' 'function' 'if' 'import' 'in' 'is' 'let' 'null' 'return' 'service' 'match' "
    "'true'"
    " 'arguments' 'break' 'case' 'continue' 'default' 'deny' 'do' 'each' 'else' 'extends' 'for' 'goto' 'not'"
    " 'package' 'switch' 'then' 'var' 'while'] ;"
    "pathDecl = pathDeclSegment+ ;"
    "pathDeclSegment = PATH_SEGMENT | '/' capture | '/' globCapture | #14 '/' ;"
    "globCapture = '{' localVariableId '=' '**' '}' | '{' localVariableId '=' '**' '}' #15 '}' ;"
    "capture = '{' localVariableId '}' | '{' localVariableId '=' '*' '}' | '{' localVariableId '}' #16 '}'"
    " | '{' localVariableId '=' '*' '}' #16 '}' ;"
    "id = IDENTIFIER ;"
    "serviceId = #17 BAD_KEYWORD | SERVICE_IDENTIFIER ;"
    "isOperatorId = id #30 ;"
    "operationId = id ( ',' id )* | id ( ',' id )* #18 ',' ;"
    "memberId = id ;"
    "as = #31 id ;"
    "localVariableId = id ;"
    "localFunctionId = id ;";

static const char *const actions[] = {
    "The 'service' body must contain at least one declaration.",
    "Missing 'function' body",
    "Missing 'function' signature",
    "Missing 'function' id",
    "Extra closing ')' at the end of parameter list.",
    "The 'match' body must contain at least one declaration.",
    "Missing 'match' keyword before path.",
    "Expected at least one 'operation' after 'allow'.",
    "Missing ':' before 'if' condition.",
    "Missing 'if' before conditional expression.",
    "Missing conditional expression after 'if'.",
    "Increment (++) and decrement (--) operators are not supported.",
    "Missing a closing '",
    "Missing a closing \"",
    "Forward slash '/' found where identifier or binding expected.",
    "Exra closing '}' in path.", /* sic */
    "Extra closing '}' in path.",
    "Cannot use keyword as service name.",
    "Unexpected ','.",
};

const char *grammar_action_text(unsigned action)
{
    return action < sizeof actions / sizeof actions[0] ? actions[action] : NULL;
}

void token_set_add(struct token_set *set, const struct token_set *other)
{
    set->bits[0] |= other->bits[0];
    set->bits[1] |= other->bits[1];
    set->end |= other->end;
}

static void set_put(struct token_set *set, unsigned kind)
{
    set->bits[kind / 64] |= (uint64_t)1 << (kind % 64);
}

/* ---- reading the notation ---- */

struct reader {
    struct grammar *g;
    const char *at;
    uint8_t rule;
};

/* A piece of the graph with one way in and one way out. */
struct piece {
    uint16_t from, to;
};

static void skip_spaces(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static bool accept(struct reader *r, char c)
{
    skip_spaces(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static struct str read_word(struct reader *r)
{
    skip_spaces(r);
    const char *from = r->at;
    if (*r->at == '\'') {
        do
            r->at++;
        while (*r->at != '\'');
        r->at++;
    } else {
        while ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z') || *r->at == '_' ||
               *r->at == '<' || *r->at == '>')
            r->at++;
    }
    assert(r->at > from);
    return str_from(from, (size_t)(r->at - from));
}

static uint8_t read_number(struct reader *r)
{
    unsigned n = 0;
    while (*r->at >= '0' && *r->at <= '9')
        n = n * 10 + (unsigned)(*r->at++ - '0');
    return (uint8_t)n;
}

static uint16_t add_state(struct reader *r, enum grammar_state_type type)
{
    struct grammar *g = r->g;
    assert(g->n_states < GRAMMAR_STATES);
    g->states[g->n_states] = (struct grammar_state){ .type = (uint8_t)type, .rule = r->rule };
    return g->n_states++;
}

/* Edges of a state stand side by side: a state gets all of its edges in one go. */
static void set_edges(struct reader *r, uint16_t state, const struct grammar_edge *edges, size_t n)
{
    struct grammar *g = r->g;
    assert(g->n_edges + n <= GRAMMAR_EDGES && g->states[state].n_edges == 0);
    g->states[state].first_edge = g->n_edges;
    g->states[state].n_edges = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        g->edges[g->n_edges++] = edges[i];
}

/* `from` gets the edges of a plain state, or an edge to any other: fewer empty steps to walk. */
static void connect(struct reader *r, uint16_t from, uint16_t to)
{
    const struct grammar_state *state = &r->g->states[to];
    if (state->type == STATE_PLAIN && state->n_edges > 0) {
        r->g->states[from].first_edge = state->first_edge;
        r->g->states[from].n_edges = state->n_edges;
        return;
    }
    set_edges(r, from, &(struct grammar_edge){ .kind = EDGE_EMPTY, .target = to }, 1);
}

static struct piece one_edge(struct reader *r, struct grammar_edge edge)
{
    struct piece piece = { add_state(r, STATE_PLAIN), add_state(r, STATE_PLAIN) };
    edge.target = piece.to;
    set_edges(r, piece.from, &edge, 1);
    return piece;
}

static uint8_t token_of(struct str name)
{
    for (int kind = 0; kind < TOKEN_KINDS; kind++)
        if (str_eq_z(name, token_name((enum token_kind)kind)))
            return (uint8_t)kind;
    assert(false && "a token of the grammar");
    return 0;
}

static uint8_t rule_of(struct grammar *g, struct str name)
{
    for (uint8_t i = 0; i < g->n_rules; i++)
        if (str_eq(name, g->names[i]))
            return i;
    assert(false && "a rule of the grammar");
    return 0;
}

static struct piece read_choice(struct reader *r);

static struct piece read_set(struct reader *r)
{
    assert(r->g->n_sets < GRAMMAR_SETS);
    struct token_set *set = &r->g->sets[r->g->n_sets];
    while (!accept(r, ']'))
        set_put(set, token_of(read_word(r)));
    return one_edge(r, (struct grammar_edge){ .kind = EDGE_SET, .value = (uint8_t)r->g->n_sets++ });
}

static struct piece read_atom(struct reader *r)
{
    if (accept(r, '(')) {
        struct piece piece = read_choice(r);
        accept(r, ')');
        return piece;
    }
    if (accept(r, '['))
        return read_set(r);
    if (accept(r, '#'))
        return one_edge(r, (struct grammar_edge){ .kind = EDGE_ACTION, .value = read_number(r) });
    if (accept(r, '@'))
        return one_edge(r, (struct grammar_edge){ .kind = EDGE_PRECEDENCE, .value = read_number(r) });
    struct str word = read_word(r);
    if (word.p[0] >= 'a' && word.p[0] <= 'z') {
        struct grammar_edge edge = { .kind = EDGE_RULE, .value = rule_of(r->g, word) };
        if (*r->at == ':') {
            r->at++;
            edge.precedence = read_number(r);
        }
        return one_edge(r, edge);
    }
    return one_edge(r, (struct grammar_edge){ .kind = EDGE_TOKEN, .value = token_of(word) });
}

static struct piece repeat(struct reader *r, struct piece body)
{
    struct piece piece = { add_state(r, STATE_LOOP_ENTRY), add_state(r, STATE_PLAIN) };
    struct grammar_edge edges[] = { { .kind = EDGE_EMPTY, .target = body.from },
                                    { .kind = EDGE_EMPTY, .target = piece.to } };
    set_edges(r, piece.from, edges, 2);
    r->g->states[piece.from].optional = true;
    uint16_t back = add_state(r, STATE_LOOP_BACK);
    connect(r, body.to, back);
    connect(r, back, piece.from);
    return piece;
}

static struct piece repeat_once(struct reader *r, struct piece body)
{
    struct piece piece = { add_state(r, STATE_PLUS), add_state(r, STATE_PLAIN) };
    set_edges(r, piece.from, &(struct grammar_edge){ .kind = EDGE_EMPTY, .target = body.from }, 1);
    uint16_t back = add_state(r, STATE_PLUS_BACK);
    connect(r, body.to, back);
    struct grammar_edge edges[] = { { .kind = EDGE_EMPTY, .target = body.from },
                                    { .kind = EDGE_EMPTY, .target = piece.to } };
    set_edges(r, back, edges, 2);
    r->g->states[back].optional = true;
    return piece;
}

static struct piece maybe(struct reader *r, struct piece body)
{
    struct piece piece = { add_state(r, STATE_BLOCK), body.to };
    r->g->states[piece.from].optional = true;
    struct grammar_edge edges[] = { { .kind = EDGE_EMPTY, .target = body.from },
                                    { .kind = EDGE_EMPTY, .target = body.to } };
    set_edges(r, piece.from, edges, 2);
    return piece;
}

static struct piece read_sequence(struct reader *r)
{
    struct piece all = { 0, 0 };
    bool any = false;
    for (skip_spaces(r); *r->at != '|' && *r->at != ')' && *r->at != ';'; skip_spaces(r)) {
        struct piece piece = read_atom(r);
        if (accept(r, '*'))
            piece = repeat(r, piece);
        else if (accept(r, '+'))
            piece = repeat_once(r, piece);
        else if (accept(r, '?'))
            piece = maybe(r, piece);
        if (any)
            connect(r, all.to, piece.from);
        else
            all.from = piece.from;
        all.to = piece.to;
        any = true;
    }
    assert(any);
    return all;
}

static struct piece read_choice(struct reader *r)
{
    struct piece alternatives[16];
    size_t n = 0;
    do {
        assert(n < 16);
        alternatives[n++] = read_sequence(r);
    } while (accept(r, '|'));
    if (n == 1)
        return alternatives[0];
    struct piece piece = { add_state(r, STATE_BLOCK), add_state(r, STATE_PLAIN) };
    r->g->states[piece.to].block_end = true;
    struct grammar_edge edges[16];
    for (size_t i = 0; i < n; i++) {
        edges[i] = (struct grammar_edge){ .kind = EDGE_EMPTY, .target = alternatives[i].from };
        connect(r, alternatives[i].to, piece.to);
    }
    set_edges(r, piece.from, edges, n);
    return piece;
}

/* The names first, so that rules can call rules further down. */
static void read_names(struct grammar *g)
{
    struct reader r = { .g = g, .at = text };
    while (*r.at) {
        assert(g->n_rules < GRAMMAR_RULES);
        g->names[g->n_rules++] = read_word(&r);
        r.at = strstr(r.at, " ;") + 2;
    }
    for (uint8_t i = 0; i < g->n_rules; i++) {
        g->twin[i] = i;
        for (uint8_t j = 0; j < g->n_rules; j++) {
            if (str_starts(g->names[j], g->names[i]) &&
                str_eq_z(str_skip(g->names[j], g->names[i].n), "_ahead"))
                g->twin[i] = j;
        }
    }
}

/* An alternative ends where its block ends, without a state of its own in between: two alternatives that
 * end in the same rule are then in the same place, and told apart no longer (ANTLR does this, so we must). */
static void cut_tails(struct grammar *g)
{
    for (uint16_t i = 0; i < g->n_edges; i++) {
        const struct grammar_state *q = &g->states[g->edges[i].target];
        if (q->type != STATE_PLAIN || q->block_end || q->n_edges != 1 ||
            g->edges[q->first_edge].kind != EDGE_EMPTY)
            continue;
        uint16_t r = g->edges[q->first_edge].target;
        if (g->states[r].block_end || g->states[r].type == STATE_LOOP_BACK ||
            g->states[r].type == STATE_PLUS_BACK)
            g->edges[i].target = r;
    }
}

/* ---- what can come next ---- */

static void next_from(const struct grammar *g, uint16_t state, struct token_set *out, bool *seen)
{
    if (seen[state])
        return;
    seen[state] = true;
    if (g->states[state].type == STATE_STOP)
        out->end = true;
    for (unsigned i = 0; i < g->states[state].n_edges; i++) {
        const struct grammar_edge *edge = &g->edges[g->states[state].first_edge + i];
        if (edge->kind == EDGE_TOKEN)
            set_put(out, edge->value);
        else if (edge->kind == EDGE_SET)
            token_set_add(out, &g->sets[edge->value]);
        else if (edge->kind == EDGE_RULE)
            token_set_add(out, &g->first[edge->value]); /* no rule is empty */
        else
            next_from(g, edge->target, out, seen);
    }
}

struct token_set grammar_next(const struct grammar *g, uint16_t state)
{
    struct token_set set = { 0 };
    bool seen[GRAMMAR_STATES] = { false };
    next_from(g, state, &set, seen);
    return set;
}

static void compute_first(struct grammar *g)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint8_t i = 0; i < g->n_rules; i++) {
            struct token_set set = grammar_next(g, g->start[i]);
            assert(!set.end);
            if (memcmp(set.bits, g->first[i].bits, sizeof set.bits) != 0)
                changed = true;
            g->first[i] = set;
        }
    }
}

/* Tokens after a rule, wherever it is called. */
static void compute_follow(const struct grammar *g, struct token_set *follow)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint16_t s = 0; s < g->n_states; s++) {
            for (unsigned i = 0; i < g->states[s].n_edges; i++) {
                const struct grammar_edge *edge = &g->edges[g->states[s].first_edge + i];
                if (edge->kind != EDGE_RULE)
                    continue;
                struct token_set set = grammar_next(g, edge->target), before = follow[edge->value];
                if (set.end)
                    token_set_add(&set, &follow[g->states[s].rule]);
                set.end = false;
                token_set_add(&follow[edge->value], &set);
                changed = changed || memcmp(before.bits, follow[edge->value].bits, sizeof before.bits) != 0;
            }
        }
    }
}

/* A choice is decided by one token when no token begins two of its alternatives, and no precedence matters.
 */
static bool one_token_decides(const struct grammar *g, const struct token_set *follow, uint16_t state)
{
    struct token_set all = { 0 };
    for (unsigned i = 0; i < g->states[state].n_edges; i++) {
        uint16_t target = g->edges[g->states[state].first_edge + i].target;
        const struct grammar_state *to = &g->states[target];
        if (to->n_edges > 0 && g->edges[to->first_edge].kind == EDGE_PRECEDENCE)
            return false;
        struct token_set set = grammar_next(g, target);
        if (set.end)
            token_set_add(&set, &follow[g->states[state].rule]);
        if ((set.bits[0] & all.bits[0]) || (set.bits[1] & all.bits[1]))
            return false;
        token_set_add(&all, &set);
    }
    return true;
}

static bool is_twin(const struct grammar *g, unsigned rule)
{
    for (unsigned i = 0; i < g->n_rules; i++)
        if (i != rule && g->twin[i] == rule)
            return true;
    return false;
}

static void collect_after(struct grammar *g)
{
    uint16_t n = 0;
    for (unsigned rule = 0; rule < g->n_rules; rule++) {
        g->after_first[rule] = n;
        for (uint16_t s = 0; s < g->n_states; s++) {
            for (unsigned i = 0; i < g->states[s].n_edges; i++) {
                const struct grammar_edge *edge = &g->edges[g->states[s].first_edge + i];
                if (edge->kind == EDGE_RULE && edge->value == rule && !is_twin(g, g->states[s].rule))
                    g->after[n++] = edge->target;
            }
        }
    }
    g->after_first[g->n_rules] = n;
}

static struct grammar the_grammar;

static void build(void)
{
    struct grammar *g = &the_grammar;
    read_names(g);
    struct reader r = { .g = g, .at = text };
    for (r.rule = 0; r.rule < g->n_rules; r.rule++) {
        read_word(&r);
        accept(&r, '=');
        struct piece piece = read_choice(&r);
        accept(&r, ';');
        g->start[r.rule] = piece.from;
        g->stop[r.rule] = add_state(&r, STATE_STOP);
        connect(&r, piece.to, g->stop[r.rule]);
    }
    cut_tails(g);
    collect_after(g);
    compute_first(g);
    struct token_set follow[GRAMMAR_RULES] = { 0 };
    compute_follow(g, follow);
    for (uint16_t s = 0; s < g->n_states; s++)
        if (g->states[s].n_edges > 1)
            g->states[s].one_token = one_token_decides(g, follow, s);
}

const struct grammar *grammar_get(void)
{
    static once_flag once = ONCE_FLAG_INIT;
    call_once(&once, build);
    return &the_grammar;
}
