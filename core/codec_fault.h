/* codec_fault.h - what a decoder found wrong, and where: "writes[3].update.fields.a.integerValue".
 *
 * The place costs nothing until something fails: each level puts its own name in front while the failure
 * travels up. Also what both decoders share about maps. Internal to core. */
#ifndef CORE_CODEC_FAULT_H
#define CORE_CODEC_FAULT_H

#include "core/value.h"

struct codec_fault {
    enum status_code code;
    char reason[224];
    char path[320]; /* filled from the end */
    size_t path_at;
    bool path_cut; /* the outermost names did not fit */
};

void codec_fault_init(struct codec_fault *fault);
/* Says what is wrong; always returns false, for `return codec_fault_set(...)`. */
bool codec_fault_set(struct codec_fault *fault, enum status_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));
/* Puts ".name" or "[index]" in front of the path; always returns false. */
bool codec_fault_in(struct codec_fault *fault, struct str name) __attribute__((cold));
bool codec_fault_at(struct codec_fault *fault, size_t index) __attribute__((cold));
/* Writes "<intro> <path>: <reason>." into st and returns the code. */
enum status_code codec_fault_status(const struct codec_fault *fault, struct status *st, const char *intro);

/* What a message may quote of text from outside: at most 80 bytes, cut between characters. */
struct str codec_quote(struct str text);

/* Room for `size` more bytes of decoded data in the request's arena, or NULL and a fault. */
void *codec_alloc(struct codec_fault *fault, struct arena *arena, size_t size);
/* Room for `add` more elements after the list's n, which the caller counts. The first call allocates
 * exactly; later ones (*grown) double, so that a list that comes in pieces costs linear time. Begin with
 * *grown true when elements come one by one. */
void *codec_list_grow(struct codec_fault *fault, struct arena *arena, void *list, size_t add, size_t element,
                      bool *grown);
/* Sorts by key bytes; stable, so that of equal keys the last given stays last. */
bool codec_sort_fields(struct codec_fault *fault, struct arena *arena, struct value_map *map);
/* Of equal neighbours keeps the last. */
void codec_unique_fields(struct value_map *map);

#endif
