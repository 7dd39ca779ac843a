/* descriptors.h - the services here as gRPC's tools see them: serialized google.protobuf.FileDescriptorProto, without
 * options, and where each symbol is. The data is made by make_descriptors.py. */
#ifndef SERVER_RPC_DESCRIPTORS_H
#define SERVER_RPC_DESCRIPTORS_H

#include "core/str.h"

#include <stdint.h>

struct descriptor_file {
    struct str name; /* "google/firestore/v1/write.proto" */
    const unsigned char *bytes;
    size_t n;
    uint32_t needs; /* bit i: descriptor_files[i]; itself and all that it imports */
};
/* Imports come before who imports them; 32 at most. */
extern const struct descriptor_file descriptor_files[];
extern const size_t descriptor_file_count;

/* Fields and enumerators have no rows: those who ask for them ask for what they are in. */
enum descriptor_kind { DESCRIPTOR_MESSAGE, DESCRIPTOR_ENUM, DESCRIPTOR_SERVICE, DESCRIPTOR_METHOD };
struct descriptor_symbol {
    struct str name; /* "google.firestore.v1.Firestore.Commit" */
    enum descriptor_kind kind;
    unsigned file; /* index */
};
extern const struct descriptor_symbol descriptor_symbols[]; /* in the order of their names */
extern const size_t descriptor_symbol_count;

#endif
