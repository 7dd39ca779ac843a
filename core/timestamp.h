/* timestamp.h - a point in time as google.protobuf.Timestamp has it, and its RFC 3339 text. */
#ifndef CORE_TIMESTAMP_H
#define CORE_TIMESTAMP_H

#include "core/buf.h"

/* Valid range 0001-01-01T00:00:00Z .. 9999-12-31T23:59:59.999999999Z; nanos 0..999999999. */
struct timestamp {
    int64_t seconds;
    int32_t nanos;
};
#define TIMESTAMP_MIN_SECONDS INT64_C(-62135596800)
#define TIMESTAMP_MAX_SECONDS INT64_C(253402300799)

bool timestamp_is_valid(struct timestamp t);
int timestamp_cmp(struct timestamp a, struct timestamp b);
/* Microseconds since 1970, rounded down; and back. */
int64_t timestamp_to_us(struct timestamp t);
struct timestamp timestamp_from_us(int64_t us);

/* Parses RFC 3339 with any offset ("2026-11-24T05:44:37.897795Z", "...+02:00"; 'T' and 'Z' in either
 * case, 0 to 9 fraction digits). False when malformed or out of range. Keeps nanoseconds. */
bool timestamp_parse(struct timestamp *out, struct str text);
/* Writes it in UTC with 0, 3, 6 or 9 fraction digits, the fewest that lose nothing. */
bool timestamp_print(struct buf *out, struct timestamp t);
enum { TIMESTAMP_TEXT_MAX = 40 };
/* The same into a NUL-terminated array; returns its length. */
size_t timestamp_text(char out[TIMESTAMP_TEXT_MAX], struct timestamp t);

/* The civil date of a day count since 1970-01-01 (proleptic Gregorian), and back. */
void timestamp_civil(int64_t days, int *year, int *month, int *day);
int64_t timestamp_days(int year, int month, int day);

#endif
