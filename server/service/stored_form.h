/* stored_form.h - a document's fields as the ledger keeps them, whoever writes them. */
#ifndef SERVER_SERVICE_STORED_FORM_H
#define SERVER_SERVICE_STORED_FORM_H

#include "core/value.h"

/* What is lost on the way in: nanoseconds of times and, of what came as JSON, the sign of zeros (1.19.9). In
 * place. */
void stored_form_round(struct value_map *fields, bool from_json);
/* The encoding, in arena. INVALID_ARGUMENT when it is larger than a message may be. */
enum status_code stored_form_encode(struct str *out, struct arena *arena, const struct value_map *fields,
                                    struct status *st);

#endif
