/* format.c - see format.h and FORMAT.md. The first byte of every hashed text says what it is, so that no
 * leaf can pass for a chain value, a body or a node of the tree that may come later (01). */
#include "storage/format.h"

#include <assert.h>

enum { DOMAIN_LEAF = 0x00, DOMAIN_CHAIN = 0x02, DOMAIN_BODY = 0x03, DOMAIN_GENESIS = 0x04 };

static const char genesis_name[] = "cinderlog ledger 1";

static void put_domain(struct sha256 *h, unsigned char domain)
{
    sha256_init(h);
    sha256_update(h, &domain, 1);
}

void format_genesis(unsigned char out[FORMAT_HASH], const unsigned char ledger_id[FORMAT_LEDGER_ID])
{
    struct sha256 h;
    put_domain(&h, DOMAIN_GENESIS);
    sha256_update(&h, genesis_name, sizeof genesis_name - 1);
    sha256_update(&h, ledger_id, FORMAT_LEDGER_ID);
    sha256_final(&h, out);
}

void format_body_digest(unsigned char out[FORMAT_HASH], const unsigned char salt[FORMAT_SALT],
                        struct str bytes)
{
    struct sha256 h;
    put_domain(&h, DOMAIN_BODY);
    sha256_update(&h, salt, FORMAT_SALT);
    sha256_update(&h, bytes.p, bytes.n);
    sha256_final(&h, out);
}

void format_chain(unsigned char out[FORMAT_HASH], const unsigned char before[FORMAT_HASH],
                  const unsigned char leaf[FORMAT_HASH])
{
    struct sha256 h;
    put_domain(&h, DOMAIN_CHAIN);
    sha256_update(&h, before, FORMAT_HASH);
    sha256_update(&h, leaf, FORMAT_HASH);
    sha256_final(&h, out);
}

/* The leaf's text is gathered in one piece where it fits: most hash updates would be of 4 or 8 bytes. */
struct gather {
    struct sha256 h;
    size_t n;
    unsigned char bytes[1024];
};

static void gather_flush(struct gather *g)
{
    sha256_update(&g->h, g->bytes, g->n);
    g->n = 0;
}

static void gather_text(struct gather *g, struct str s)
{
    assert(s.n <= UINT32_MAX);
    if (g->n + 4 > sizeof g->bytes)
        gather_flush(g);
    for (int shift = 24; shift >= 0; shift -= 8)
        g->bytes[g->n++] = (unsigned char)(s.n >> shift);
    if (s.n > sizeof g->bytes - g->n)
        gather_flush(g);
    if (s.n > sizeof g->bytes) {
        sha256_update(&g->h, s.p, s.n);
    } else if (s.n) {
        memcpy(g->bytes + g->n, s.p, s.n);
        g->n += s.n;
    }
}

static void gather_number(struct gather *g, uint64_t n)
{
    char be[8];
    for (int i = 0; i < 8; i++)
        be[i] = (char)(unsigned char)(n >> (56 - 8 * i));
    gather_text(g, str_from(be, sizeof be));
}

void format_leaf(unsigned char out[FORMAT_HASH], const struct format_entry *e)
{
    assert(e->rules_digest.n == 0 || e->rules_digest.n == FORMAT_HASH);
    assert(e->body_digest.n == 0 || e->body_digest.n == FORMAT_HASH);
    struct gather g;
    g.n = 0;
    put_domain(&g.h, DOMAIN_LEAF);
    gather_number(&g, e->seq);
    gather_text(&g, e->kind);
    gather_number(&g, e->commit_seq);
    gather_number(&g, (uint64_t)e->time_us);
    gather_text(&g, e->project);
    gather_text(&g, e->database);
    gather_text(&g, e->path);
    gather_text(&g, e->operation);
    gather_number(&g, e->prev);
    gather_text(&g, e->principal);
    gather_text(&g, e->request_id);
    gather_text(&g, e->decision);
    gather_text(&g, e->rules_digest);
    gather_text(&g, e->body_digest);
    gather_flush(&g);
    sha256_final(&g.h, out);
}
