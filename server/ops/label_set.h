/* label_set.h - the values of one label of a metric: texts from outside, numbered, at most so many of them.
 *
 * A monitoring system keeps a time series for each value, so what clients choose freely (collections) must be
 * bounded. The first values are kept for as long as the set lives; whatever comes after the last free place
 * has the number 0. Looking one up takes no lock; a mutex is taken only to add one. */
#ifndef SERVER_OPS_LABEL_SET_H
#define SERVER_OPS_LABEL_SET_H

#include "core/str.h"

struct label_set;

/* `most` values, each of at most LIMIT_METRIC_LABEL_BYTES. Never NULL. */
struct label_set *label_set_new(size_t most);
void label_set_free(struct label_set *set); /* NULL is allowed */

/* The number of a value, from 1 on, which is added when it is new. 0: there is no place left, or it is too
 * long. */
size_t label_set_number(struct label_set *set, struct str value);
/* How many values there are: numbers 1 to this are in use. Never falls. */
size_t label_set_count(const struct label_set *set);
/* LABEL_OTHER for 0. Valid as long as the set. */
struct str label_set_value(const struct label_set *set, size_t number);

/* What stands for all values without a place. Firestore reserves ids of this form, so no collection has it.
 */
#define LABEL_OTHER "__other__"

#endif
