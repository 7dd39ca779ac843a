/* syntax.c - see syntax.h.
 *
 * The walk has two modes, as Google's compiler has two passes. The first stops at the first token that
 * does not fit; only when there is one, the second walks again, repairs and reports. Characters that are
 * no token are reported once, when they are first read: those that the first pass had read are lost when
 * the second one starts, so a stray '#' before a syntax error goes unmentioned. */
#include "rules-engine/syntax.h"

#include "rules-engine/literal.h"
#include "rules-engine/predict.h"

#include "core/limits.h"

#include <assert.h>

enum { NAME_TEXT_BYTES = 64 * 1024 }; /* of what stands where a type name should */

struct frame {
    uint32_t context; /* what is open above, for the predictor; holds where the caller goes on */
    uint32_t first_token;
    uint16_t called_at; /* the caller's state with the call */
    uint16_t rule;
    uint8_t precedence;
    bool conjured; /* its token was missing and made up */
};

struct walk {
    const struct grammar *g;
    const struct tokens *tokens;
    struct predictor *predictor;
    struct arena *arena;
    struct issue_list *issues;
    uint32_t file;
    struct frame *frames;
    size_t n_frames, cap_frames;
    uint32_t at;
    uint16_t state;
    bool repairing; /* reports go out; otherwise the first one ends the walk */
    bool stopped;
    uint32_t furthest; /* the last token that was looked at */
    bool in_error;     /* since the last report nothing fitted: further reports are held back */
    bool had_error;
    uint32_t error_at; /* where the last recovery began, and in which states */
    uint64_t error_states[GRAMMAR_STATES / 64 + 1];
    bool has_doubt; /* where a token was first seen that only the end of a rule could explain */
    uint16_t doubt_state;
    uint32_t doubt_context;
    bool broken; /* not only by mistakes that the grammar has words for */
};

static struct frame *top(struct walk *w)
{
    return &w->frames[w->n_frames - 1];
}

static const struct token *token_at(struct walk *w, uint32_t at)
{
    uint32_t i = at < w->tokens->n ? at : w->tokens->n - 1;
    if (i > w->furthest)
        w->furthest = i;
    return &w->tokens->items[i];
}
static unsigned kind_at(struct walk *w, uint32_t at)
{
    return token_at(w, at)->kind;
}

static void consume(struct walk *w)
{
    if (w->at + 1 < w->tokens->n)
        w->at++;
}

/* ---- words ---- */

static struct str token_text(const struct walk *w, const struct token *token)
{
    if (token->kind == TOKEN_EOF)
        return STR("<EOF>");
    return str_from(w->issues->sources[w->file].text.p + token->from, token->to - token->from);
}

/* Some messages show spaces as escapes. A NUL, which would end the message, is one in all of them. */
enum { ESCAPE_NUL = 1, ESCAPE_SPACES = 4 };
static const char *escaped(struct arena *arena, struct str text, size_t n_escapes)
{
    static const char characters[] = { '\0', '\n', '\r', '\t' }, names[] = { '0', 'n', 'r', 't' };
    char *out = arena_alloc(arena, text.n * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *found = memchr(characters, text.p[i], n_escapes);
        if (found)
            out[n++] = '\\';
        out[n++] = found ? names[found - characters] : text.p[i];
    }
    out[n] = '\0';
    return out;
}

static const char *shown(struct walk *w, const struct token *token)
{
    return escaped(w->arena, token_text(w, token), ESCAPE_SPACES);
}

static void report(struct walk *w, const struct token *token, const char *message)
{
    if (w->repairing)
        issues_add(w->issues, RULES_ERROR, w->file, (struct ast_span){ token->from, token->to }, "%s",
                   message);
}

static const char *set_text(struct walk *w, const struct token_set *set)
{
    const char *text = NULL;
    size_t n = 0;
    for (unsigned kind = 0; kind < TOKEN_KINDS; kind++) {
        if (!token_set_has(set, kind))
            continue;
        text = n++ ? arena_printf(w->arena, "%s, %s", text, token_name((enum token_kind)kind))
                   : token_name((enum token_kind)kind);
    }
    return n == 1 ? text : arena_printf(w->arena, "{%s}", n ? text : "");
}

/* ---- what may come ---- */

/* Tokens that can come at a state, given what is open. */
static struct token_set expected(struct walk *w, uint16_t state, uint32_t context)
{
    struct token_set set = grammar_next(w->g, state);
    while (set.end && context != 0) {
        struct predict_context caller = predictor_context_at(w->predictor, context);
        struct token_set more = grammar_next(w->g, caller.state);
        set.end = false;
        token_set_add(&set, &more);
        context = caller.parent;
    }
    if (set.end)
        set.bits[0] |= 1u << TOKEN_EOF;
    return set;
}

/* Tokens that some open rule can go on with. */
static struct token_set recovery_set(struct walk *w)
{
    struct token_set set = { 0 };
    for (uint32_t context = top(w)->context; context != 0;) {
        struct predict_context caller = predictor_context_at(w->predictor, context);
        struct token_set more = grammar_next(w->g, caller.state);
        token_set_add(&set, &more);
        context = caller.parent;
    }
    return set;
}

static void skip_until(struct walk *w, const struct token_set *set)
{
    while (kind_at(w, w->at) != TOKEN_EOF && !token_set_has(set, kind_at(w, w->at)))
        consume(w);
}

/* ---- reporting and repairing ---- */

/* Whether this error is the first since something fitted; ends the first pass. */
static bool begin_error(struct walk *w)
{
    if (!w->repairing)
        w->stopped = true;
    if (w->in_error || w->stopped)
        return false;
    w->in_error = w->broken = true;
    return true;
}

static void report_unexpected(struct walk *w, const struct token *token)
{
    const char *text = escaped(w->arena, token_text(w, token), ESCAPE_NUL);
    report(w, token, arena_printf(w->arena, "Unexpected '%s'.", text));
}

/* Never held back: Google's compiler reports these even while it recovers. */
static void report_unwanted(struct walk *w)
{
    report_unexpected(w, token_at(w, w->at));
    w->broken = true;
}

/* Deletes the current token when the one after it is what the state wants. */
static bool delete_token(struct walk *w)
{
    struct token_set wanted = expected(w, w->state, top(w)->context);
    if (!token_set_has(&wanted, kind_at(w, w->at + 1)))
        return false;
    report_unwanted(w);
    consume(w);
    w->in_error = false;
    return true;
}

/* Gives up on the innermost rule: skips to what some open rule can go on with. */
static void recover(struct walk *w)
{
    uint64_t bit = (uint64_t)1 << (w->state % 64);
    if (w->had_error && w->error_at == w->at && (w->error_states[w->state / 64] & bit))
        consume(w); /* the same place twice: one token further, or this would never end */
    w->had_error = true;
    w->error_at = w->at;
    w->error_states[w->state / 64] |= bit;
    struct token_set set = recovery_set(w);
    skip_until(w, &set);
    w->state = predictor_context_at(w->predictor, top(w)->context).state;
    w->n_frames--;
}

static void give_up_rule(struct walk *w)
{
    if (w->stopped)
        return;
    if (w->n_frames > 1)
        recover(w);
    else
        w->n_frames = 0;
}

/* The two ways to fail: no alternative fits, and one certain token does not come. */
static void fail_choice(struct walk *w, uint32_t at)
{
    const struct token *token = token_at(w, at);
    if (begin_error(w))
        report_unexpected(w, token);
    give_up_rule(w);
}

static void fail_match(struct walk *w, uint16_t state, uint32_t context)
{
    const struct token *token = token_at(w, w->at);
    struct token_set wanted = expected(w, state, context);
    if (begin_error(w))
        report(w, token,
               arena_printf(w->arena, "mismatched input '%s' expecting %s", shown(w, token),
                            set_text(w, &wanted)));
    give_up_rule(w);
}

/* ---- one step of the walk ---- */

/* The token of an edge: matched, or repaired by deleting the one before it or by making it up. */
static void match(struct walk *w, const struct grammar_edge *edge, bool fits)
{
    if (!fits && w->repairing && !delete_token(w)) {
        struct token_set after = expected(w, edge->target, top(w)->context);
        if (!token_set_has(&after, kind_at(w, w->at))) {
            if (w->has_doubt)
                fail_match(w, w->doubt_state, w->doubt_context);
            else
                fail_match(w, w->state, top(w)->context);
            return;
        }
        struct token_set wanted = expected(w, w->state, top(w)->context);
        const struct token *token = token_at(w, w->at);
        if (begin_error(w))
            report(w, token,
                   arena_printf(w->arena, "missing %s at '%s'", set_text(w, &wanted), shown(w, token)));
        top(w)->conjured = true;
        w->state = edge->target;
        return;
    }
    if (!fits && !w->repairing) {
        w->stopped = true;
        return;
    }
    w->in_error = false;
    consume(w);
    w->state = edge->target;
}

/* Before a choice: is the next token possible at all? False when the rule was given up. */
static bool look_first(struct walk *w)
{
    const struct grammar_state *state = &w->g->states[w->state];
    if (w->in_error || !w->repairing)
        return true;
    struct token_set next = grammar_next(w->g, w->state);
    if (token_set_has(&next, kind_at(w, w->at))) {
        w->has_doubt = false;
        return true;
    }
    if (next.end) {
        if (!w->has_doubt) {
            w->has_doubt = true;
            w->doubt_state = w->state;
            w->doubt_context = top(w)->context;
        }
        return true;
    }
    if (state->type == STATE_LOOP_BACK || state->type == STATE_PLUS_BACK) {
        report_unwanted(w);
        struct token_set set = expected(w, w->state, top(w)->context), more = recovery_set(w);
        token_set_add(&set, &more);
        skip_until(w, &set);
        return true;
    }
    if (delete_token(w))
        return true;
    fail_match(w, w->state, top(w)->context);
    return false;
}

/* The only alternative that the next token begins; optional parts and loops are passed by otherwise. */
static unsigned choose_by_token(struct walk *w, const struct grammar_state *state)
{
    unsigned kind = kind_at(w, w->at);
    for (unsigned i = 0; i < state->n_edges; i++) {
        uint16_t target = w->g->edges[state->first_edge + i].target;
        struct token_set next = grammar_next(w->g, target);
        if (token_set_has(&next, kind))
            return i + 1;
    }
    return state->optional ? state->n_edges : 0;
}

static void choose(struct walk *w)
{
    const struct grammar_state *state = &w->g->states[w->state];
    uint32_t error = w->at;
    unsigned alternative = state->one_token
                               ? choose_by_token(w, state)
                               : predictor_choose(w->predictor, !w->repairing, w->state, top(w)->context,
                                                  top(w)->precedence, w->at, &error, &w->furthest);
    if (predictor_gave_up(w->predictor))
        w->stopped = true;
    else if (alternative == 0)
        fail_choice(w, error);
    else
        w->state = w->g->edges[state->first_edge + alternative - 1].target;
}

static void call(struct walk *w, const struct grammar_edge *edge)
{
    if (w->n_frames == w->cap_frames) {
        size_t cap = w->cap_frames * 2;
        w->frames = arena_grow(w->arena, w->frames, w->n_frames * sizeof *w->frames, cap * sizeof *w->frames);
        w->cap_frames = cap;
    }
    uint32_t context = predictor_context(w->predictor, top(w)->context, edge->target, top(w)->precedence);
    w->frames[w->n_frames++] = (struct frame){ .context = context,
                                               .first_token = w->at,
                                               .called_at = w->state,
                                               .rule = edge->value,
                                               .precedence = edge->precedence };
    w->state = w->g->start[edge->value];
}

/* The text of a name that may be missing or wrong: "<missing IDENTIFIER>", or all that was skipped for it. */
static struct str name_text(struct walk *w)
{
    if (top(w)->conjured)
        return STR("<missing IDENTIFIER>");
    struct buf text;
    buf_init(&text, NAME_TEXT_BYTES);
    for (uint32_t i = top(w)->first_token; i < w->at && !text.overflowed; i++)
        buf_str(&text, token_text(w, &w->tokens->items[i]));
    struct str name = arena_str(w->arena, buf_view(&text));
    buf_dispose(&text);
    return name;
}

static void act(struct walk *w, unsigned action)
{
    const struct token *token = token_at(w, w->at);
    enum rules_type type;
    if (grammar_action_text(action)) {
        report(w, token, grammar_action_text(action));
    } else if (action == ACTION_TYPE_NAME) {
        struct str name = name_text(w);
        if (!literal_type(&type, name))
            report(w, token, literal_type_refusal(w->arena, name));
    } else if (action == ACTION_AS && !str_eq(token_text(w, token), STR("as"))) {
        report(w, token, "Import statement with alias must use the format 'as <alias>'");
    }
}

static void return_to_caller(struct walk *w)
{
    bool conjured = top(w)->conjured;
    if (w->n_frames > 1)
        w->state = predictor_context_at(w->predictor, top(w)->context).state;
    w->n_frames--;
    /* A missing name is missing in the rules that consist of it. */
    if (w->n_frames > 0 && conjured)
        top(w)->conjured = true;
}

static void step(struct walk *w)
{
    const struct grammar_state *state = &w->g->states[w->state];
    const struct grammar_edge *edge = &w->g->edges[state->first_edge];
    switch ((enum grammar_state_type)state->type) {
    case STATE_STOP:
        return_to_caller(w);
        return;
    case STATE_BLOCK:
    case STATE_LOOP_ENTRY:
    case STATE_PLUS_BACK:
        if (look_first(w) && !w->stopped)
            choose(w);
        return;
    case STATE_LOOP_BACK:
        if (look_first(w) && !w->stopped) {
            w->state = edge->target;
            choose(w);
        }
        return;
    case STATE_PLUS:
        if (look_first(w))
            w->state = edge->target;
        return;
    case STATE_PLAIN:
        break;
    }
    switch ((enum grammar_edge_kind)edge->kind) {
    case EDGE_TOKEN:
        match(w, edge, kind_at(w, w->at) == edge->value);
        return;
    case EDGE_SET:
        match(w, edge, token_set_has(&w->g->sets[edge->value], kind_at(w, w->at)));
        return;
    case EDGE_RULE:
        call(w, edge);
        return;
    case EDGE_ACTION:
        act(w, edge->value);
        break;
    case EDGE_EMPTY:
    case EDGE_PRECEDENCE:
        break;
    }
    w->state = edge->target;
}

static void run(struct walk *w, bool repairing)
{
    w->repairing = repairing;
    w->stopped = w->in_error = w->had_error = w->has_doubt = false;
    memset(w->error_states, 0, sizeof w->error_states);
    w->at = w->furthest = 0;
    w->state = w->g->start[0];
    w->frames[0] = (struct frame){ 0 };
    w->n_frames = 1;
    while (w->n_frames > 0 && !w->stopped)
        step(w);
}

/* ---- the two passes ---- */

static void report_lexer_errors(struct issue_list *issues, uint32_t file, const struct tokens *tokens,
                                uint32_t from_token)
{
    struct arena *arena = arena_new();
    for (uint32_t i = 0; i < tokens->n_errors; i++) {
        const struct lexer_error *error = &tokens->errors[i];
        struct str text = str_from(issues->sources[file].text.p + error->from, error->to - error->from);
        if (error->before >= from_token)
            issues_add(issues, RULES_ERROR, file, (struct ast_span){ error->at, error->at + 1 },
                       "token recognition error at: '%s'", escaped(arena, text, ESCAPE_SPACES));
    }
    arena_free(arena);
}

void syntax_report_no_tokens(struct issue_list *issues, uint32_t file, const struct tokens *tokens)
{
    report_lexer_errors(issues, file, tokens, 0);
}

bool syntax_explain(struct issue_list *issues, uint32_t file, const struct tokens *tokens, bool *broken)
{
    struct arena *arena = arena_new();
    const struct grammar *g = grammar_get();
    struct walk walk = {
        .g = g,
        .tokens = tokens,
        .predictor = predictor_new(arena, g, tokens),
        .arena = arena,
        .issues = issues,
        .file = file,
        .frames = ARENA_ARRAY(arena, struct frame, 64),
        .cap_frames = 64,
    };
    size_t before = issues->n;
    run(&walk, false);
    uint32_t lost = walk.stopped ? walk.furthest + 1 : 0;
    run(&walk, true);
    bool explained = !predictor_gave_up(walk.predictor);
    *broken = walk.broken;
    if (explained)
        report_lexer_errors(issues, file, tokens, lost);
    else
        issues_drop(issues, before);
    explained = explained && issues->n > before;
    arena_free(arena);
    return explained;
}
