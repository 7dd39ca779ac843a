/* protobuf_read.h - what the two readers of protobuf share: the state, the pieces, and the calls from the
 * reader by table (protobuf_read.c) into the one for values (protobuf_value.c). Internal to core.
 *
 * All functions return false with a fault in the reader. *p is where they begin and, on success, where they
 * ended; none reads at or past `end`. */
#ifndef CORE_PROTOBUF_READ_H
#define CORE_PROTOBUF_READ_H

#include "core/codec_fault.h"
#include "core/limits.h"
#include "core/schema.h"
#include "core/wire.h"

struct pb_reader {
    struct arena *arena;
    uint32_t depth; /* of the message being read; the outermost is 1 */
    struct codec_fault fault;
};

/* What a list or map needs to know between its pieces. */
struct pb_run {
    bool grown, unsorted;
};

static inline bool pb_malformed(struct pb_reader *r, const char *what)
{
    return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s", what);
}
static inline bool pb_bad_varint(struct pb_reader *r)
{
    return pb_malformed(r, "a varint is cut off or too long");
}
static inline bool pb_bad_length(struct pb_reader *r)
{
    return pb_malformed(r, "a length reaches past the end of its message");
}

static inline bool pb_may_nest(struct pb_reader *r, uint32_t levels)
{
    if (r->depth + levels > LIMIT_MESSAGE_DEPTH) {
        codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "nested more than %d levels deep",
                        LIMIT_MESSAGE_DEPTH);
        return false;
    }
    return true;
}

static inline bool pb_bytes(struct pb_reader *r, struct str *out, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *after;
    if (!wire_length(p, end, &after))
        return pb_bad_length(r);
    *out = str_from(*p, (size_t)(after - *p));
    *p = after;
    return true;
}

static inline bool pb_whole_text(struct pb_reader *r, struct str *out, const uint8_t *p, const uint8_t *end)
{
    *out = str_from(p, (size_t)(end - p));
    return str_is_utf8(*out) || pb_malformed(r, "text is not valid UTF-8");
}

static inline bool pb_text(struct pb_reader *r, struct str *out, const uint8_t **p, const uint8_t *end)
{
    return pb_bytes(r, out, p, end) && (str_is_utf8(*out) || pb_malformed(r, "text is not valid UTF-8"));
}

static inline bool pb_varint(struct pb_reader *r, uint64_t *out, const uint8_t **p, const uint8_t *end)
{
    if (wire_varint(p, end, out))
        return true;
    pb_bad_varint(r);
    return false; /* said here for compilers that do not see it through the call */
}

static inline bool pb_double(struct pb_reader *r, double *out, const uint8_t **p, const uint8_t *end)
{
    uint64_t bits;
    if (!wire_fixed64(p, end, &bits))
        return pb_malformed(r, "a fixed-width number is cut off");
    double d = wire_double(bits);
    /* One NaN for all: what is inside does not survive JSON either. */
    *out = d == d ? d : __builtin_nan("");
    return true;
}

/* Past the unknown field whose tag was read. */
bool pb_skip(struct pb_reader *r, uint64_t tag, const uint8_t **p, const uint8_t *end);
/* How many fields with this tag follow each other, the first tag having been read. */
size_t pb_count_run(uint32_t tag, const uint8_t *p, const uint8_t *end);
/* A whole google.protobuf.Timestamp, merged into *out. */
bool pb_timestamp(struct pb_reader *r, struct timestamp *out, const uint8_t *p, const uint8_t *end);
/* A whole Value, merged into *out. */
bool pb_value(struct pb_reader *r, struct value *out, const uint8_t *p, const uint8_t *end);
/* All map entries, or Values of a list, that follow each other under `tag`, the first having been read. */
bool pb_entries(struct pb_reader *r, struct value_map *map, struct pb_run *run, uint32_t tag,
                const uint8_t **at, const uint8_t *end);
bool pb_values(struct pb_reader *r, struct value_list *list, struct pb_run *run, uint32_t tag,
               const uint8_t **at, const uint8_t *end);
/* Brings a map in order when all its entries are read. */
bool pb_sort_entries(struct pb_reader *r, struct value_map *map, const struct pb_run *run);

#endif
