/* duration.h - lengths of time as people write them: "250ms", "1.5s", "2m", "1h30m", "30d". */
#ifndef SERVER_DURATION_H
#define SERVER_DURATION_H

#include "core/str.h"

#define DURATION_FORM "a duration such as 250ms, 1.5s, 2m, 1h30m or 30d"

/* Microseconds of one or more numbers with a unit (us, ms, s, m, h, d), each with at most nine digits;
 * together below 1,000 years. False for anything else, DURATION_FORM says what is wanted. */
bool duration_parse(int64_t *us, struct str text);

#endif
