/* principal.h - who asks: the token of a request, turned into a principal.
 *
 * Forms (observed on Google's emulator 1.19.9; differences from it are ours where it answers 500):
 *   absent, or empty                   anonymous: request.auth == null
 *   Bearer owner (any case), ya29.*    owner: admin
 *   Bearer header.payload.signature    user: payload read, nothing verified (exp of 1970 is normal); uid = sub
 *   anything else                      INVALID_ARGUMENT "invalid jwt" (bad token) or UNAUTHENTICATED naming
 *                                      the scheme that is not understood
 * What owner means is the server's choice (--owner-as, --owner-iam): principal_resolve applies it. */
#ifndef SERVER_AUTH_PRINCIPAL_H
#define SERVER_AUTH_PRINCIPAL_H

#include "core/value.h"

enum principal_kind {
    PRINCIPAL_ANONYMOUS,
    PRINCIPAL_USER,  /* decided by rules */
    PRINCIPAL_OWNER, /* admin: rules do not apply; IAM does with --owner-iam */
};

struct principal {
    enum principal_kind kind;
    bool was_owner;        /* an owner token that --owner-as turned into a user */
    bool has_uid;
    struct str uid;
    struct value_map token; /* all claims */
    struct str label;      /* for ledger and logs: "owner", "anonymous", "user:<uid>", "user:?" */
    uint64_t iam;          /* PRINCIPAL_OWNER: permission bits in force, IAM_ALL without --owner-iam */
};

/* Permissions as --owner-iam names them (Google's IAM names). */
enum iam_permission {
    IAM_ENTITIES_CREATE = 1, /* datastore.entities.create */
    IAM_ENTITIES_UPDATE = 2,
    IAM_ENTITIES_DELETE = 4,
    IAM_ENTITIES_GET = 8,
    IAM_ENTITIES_LIST = 16,
    IAM_DATABASES_GET = 32, /* datastore.databases.get: transactions */
    IAM_ALL = 63,
};
const char *iam_permission_name(enum iam_permission permission);
/* "datastore.entities.create,datastore.entities.get" or the short "create,get,list", or a role name
 * ("roles/datastore.user", "roles/datastore.viewer"). INVALID_ARGUMENT names what is unknown. */
enum status_code iam_parse_list(uint64_t *bits, struct str list, struct status *st);
/* A file: the same separated by newlines or commas, '#' comments, or JSON {"includedPermissions": [...]} as
 * `gcloud iam roles describe --format=json` prints it. */
enum status_code iam_parse_file(uint64_t *bits, const char *path, struct status *st);

/* What the server makes of owner tokens, one for each listener. */
struct owner_policy {
    bool as_user;            /* --owner-as: the principal below instead of owner */
    struct principal user;
    uint64_t iam;            /* IAM_ALL when --owner-iam was not given */
    bool iam_given;
};
/* Reads {"uid":"svc","token":{...}} for --owner-as; the result lives in arena. */
enum status_code owner_policy_read(struct owner_policy *out, struct arena *arena, const char *path, struct status *st);

/* authorization: the header's value, empty when absent. */
enum status_code principal_from_header(struct principal *out, struct arena *arena, struct str authorization,
                                       const struct owner_policy *policy, struct status *st);

#endif
