/* readiness.h - whether the server can answer yet and, until then, what it is busy with.
 *
 * Sockets listen from the first moment, so that a port that is taken costs no recovery and a probe gets an
 * answer. Until readiness_done() the loop answers by itself what needs neither store nor workers, and refuses
 * everything else with the text below, UNAVAILABLE: clients retry that. Thread-safe: one thread starts the
 * server, the loop asks. */
#ifndef SERVER_READINESS_H
#define SERVER_READINESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct readiness {
    atomic_bool ready;
    _Atomic(const char *) step; /* NULL: nothing that takes long */
    atomic_uint percent;        /* of the step; READINESS_UNKNOWN: its end is not known */
};
enum { READINESS_TEXT = 128, READINESS_UNKNOWN = 101 };

/* What the start is busy with. `step` must stay valid (a constant); total 0: unknown. */
void readiness_step(struct readiness *readiness, const char *step, uint64_t done, uint64_t total);
/* Whatever the loop may reach through the server is there: it is seen by whoever sees ready. */
void readiness_done(struct readiness *readiness);
bool readiness_reached(const struct readiness *readiness);
/* "starting: rebuilding derived state, 41%"; returns out. */
const char *readiness_text(char out[READINESS_TEXT], const struct readiness *readiness);

#endif
