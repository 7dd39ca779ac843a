/* nearest.h - findNearest: documents by how near a vector field of theirs is to a given vector.
 *
 * Every document that the query matches is measured: there is no index. The arithmetic is that of Google's
 * emulator 1.19.9 to the last bit (tests/oracle, group "nearest"): plain sums in the order of the components,
 * the cosine distance being 1 - a.b / sqrt(a.a * b.b). There a distance that is not a number counts as the
 * greatest. Unlike there, and as the API documents it, the field may lie inside a map. */
#ifndef STORAGE_NEAREST_H
#define STORAGE_NEAREST_H

#include "core/field_path.h"
#include "core/messages.h"

struct nearest {
    struct field_path field;
    const struct value_list *to; /* doubles */
    int32_t measure;             /* enum msg_distance, known */
    uint64_t limit;
    bool has_threshold;
    double threshold;        /* the greatest distance, or the least dot product, that is in the result */
    struct str result_field; /* the name, not path, of the field that gets the distance; empty: none */
};

/* INVALID_ARGUMENT for what is wrong with one of its parts. */
enum status_code nearest_convert(struct nearest **out, const struct msg_find_nearest *message,
                                 struct arena *arena, struct status *st);
/* What Google's emulator only looks at after the rest of the query: result field and threshold. */
enum status_code nearest_check(const struct nearest *nearest, struct status *st);

/* The distance of a document. False: it has no vector of that dimension there, or is beyond the threshold. */
bool nearest_distance(double *out, const struct nearest *nearest, const struct value_map *fields);
/* Appends an order key (order.h): nearest first. False when buf overflowed. */
bool nearest_key(struct buf *out, const struct nearest *nearest, double distance);
/* Sets the result field, if one is wanted; the changed map is in arena. */
void nearest_set_result(struct value_map *fields, const struct nearest *nearest, struct arena *arena);

#endif
