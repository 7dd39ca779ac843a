/* log.h - messages for the person at the terminal.
 *
 * One shape: what happened, where, what to do. Lines go to stderr, whole, from any thread. Text that came
 * from outside is passed through log_escape first: no control byte, no bidi mark reaches a terminal raw. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Messages below `level` are dropped; default LOG_INFO. Set before threads start. */
void log_set_level(enum log_level level);
/* Lines become JSON objects {"time","level","message"} instead of text. */
void log_set_json(bool json);
/* Writes one line; a trailing newline is added. Longer than 8 KiB is cut. */
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Appends s with control bytes, DEL, invalid UTF-8 and bidirectional marks as \xHH or \u{HEX}. */
bool log_escape(struct buf *out, struct str s);
/* Appends s as a JSON string, quotes included, so that the line is safe to look at too: control bytes, DEL and
 * bidirectional marks as \uHHHH (a reader gets them back), what is no UTF-8 as U+FFFD. */
bool log_json_string(struct buf *out, struct str s);

#endif
