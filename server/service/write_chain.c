/* write_chain.c - see write_chain.h. */
#include "server/service/write_chain.h"

#include <stdio.h>

enum { OP_DELETE = 2, OP_VERIFY = 5, PRE_EXISTS = 1, PRE_VERSION = 2 };

static const char *const kind_names[] = {
    [CHAIN_INSERT] = "insert",
    [CHAIN_UPDATE] = "update",
    [CHAIN_UPSERT] = "upsert",
    [CHAIN_DELETE] = "delete",
};

/* What a write alone comes to, and whether it says that the document exists or not. */
struct link {
    enum write_chain_kind kind;
    bool wants_missing, wants_existing;
    bool has_version;
    int64_t version_us;
};

static struct link link_of(const struct msg_write *write)
{
    const struct msg_precondition *pre = write->current_document;
    struct link link = { 0 };
    bool is_delete = write->operation_case == OP_DELETE;
    if (pre && pre->condition_case == PRE_EXISTS) {
        link.wants_existing = pre->exists;
        link.wants_missing = !pre->exists;
    } else if (pre && pre->condition_case == PRE_VERSION) {
        link.has_version = true;
        link.version_us = timestamp_to_us(pre->update_time);
        link.wants_existing = !is_delete; /* a delete of a version is compared by version alone */
    }
    link.kind = write->operation_case == OP_VERIFY ? CHAIN_VERIFY
                : is_delete                        ? CHAIN_DELETE
                : link.wants_missing               ? CHAIN_INSERT
                : link.wants_existing              ? CHAIN_UPDATE
                                                   : CHAIN_UPSERT;
    return link;
}

static const char *show_version(char out[96], bool has, int64_t us)
{
    if (has)
        snprintf(out, 96, "VersionPrecondition{exactBaseVersion=%lld, maxBaseVersion=null}", (long long)us);
    else
        snprintf(out, 96, "null");
    return out;
}

static enum status_code check_verify(const struct write_chain *chain, const struct link *link,
                                     struct status *st)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "the same document cannot be %s in a single request",
                      link->kind != CHAIN_VERIFY    ? "verified and then written"
                      : chain->kind == CHAIN_VERIFY ? "verified more than once"
                                                    : "written and then verified");
}

static enum status_code check(const struct write_chain *chain, const struct link *link, struct status *st)
{
    char before[96], after[96];
    if (chain->kind == CHAIN_NONE)
        return STATUS_OK;
    if (chain->kind == CHAIN_VERIFY || link->kind == CHAIN_VERIFY)
        return check_verify(chain, link, st);
    if (chain->kind == CHAIN_DELETE ? link->wants_existing : link->wants_missing)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Cannot %s then %s an entity in the same request.",
                          kind_names[chain->kind], kind_names[link->kind]);
    if (link->has_version && !(chain->has_version && chain->version_us == link->version_us))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Cannot collapse mutations with different version preconditions (%s and %s)",
                          show_version(before, chain->has_version, chain->version_us),
                          show_version(after, true, link->version_us));
    return STATUS_OK;
}

enum status_code write_chain_add(struct write_chain *chain, const struct msg_write *write, struct status *st)
{
    struct link link = link_of(write);
    enum status_code code = check(chain, &link, st);
    if (chain->kind == CHAIN_NONE) {
        *chain = (struct write_chain){ link.kind, link.has_version, link.version_us };
    } else if (link.kind == CHAIN_DELETE) {
        chain->kind = CHAIN_DELETE;
    } else if (chain->kind == CHAIN_DELETE) {
        chain->kind = CHAIN_UPSERT; /* a new life, whether it was there before or not */
    }
    return code;
}
