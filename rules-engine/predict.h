/* predict.h - look-ahead: which alternative of a choice fits the tokens to come.
 *
 * As ANTLR's adaptive LL(*): all alternatives are followed at once, first without knowing what follows the
 * rule (anything that can follow it anywhere), then, where two alternatives cannot be told apart that way,
 * with what is really open. One alternative left: taken. None: the last that had come to the end of the
 * rule, else there is an error at the token where they died. */
#ifndef RULES_ENGINE_PREDICT_H
#define RULES_ENGINE_PREDICT_H

#include "rules-engine/grammar.h"

/* Return addresses of the rules that are open, as a shared list; 0 is its end. */
struct predict_context {
    uint32_t parent;
    uint16_t state;     /* where the caller goes on */
    uint8_t precedence; /* the caller's own */
};

struct predictor;

/* Lives in arena; `tokens` must outlive it. */
struct predictor *predictor_new(struct arena *arena, const struct grammar *g, const struct tokens *tokens);
uint32_t predictor_context(struct predictor *p, uint32_t parent, uint16_t state, uint8_t precedence);
struct predict_context predictor_context_at(const struct predictor *p, uint32_t context);

/* 1 for the first alternative, 0 for an error, whose token is *error. *furthest is raised to the last token
 * looked at. `context` and `precedence` are those of the open rule. Quickly: without what is really open; of
 * alternatives that cannot be told apart then, the first is taken (ANTLR's SLL mode). */
unsigned predictor_choose(struct predictor *p, bool quickly, uint16_t state, uint32_t context,
                          uint8_t precedence, uint32_t at, uint32_t *error, uint32_t *furthest);
/* Whether the work limit was hit; answers are meaningless then. */
bool predictor_gave_up(const struct predictor *p);

#endif
