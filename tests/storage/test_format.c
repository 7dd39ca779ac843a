/* test_format.c - the frozen hashes against golden values that an independent program computed, and the page
 * that freezes them against the program. */
#include "storage/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s (tests run in tests/)", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)n, f), (size_t)n);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* The vectors are flat and written by one program: a member is found behind the one before it. */
static struct str member(const char **at, const char *name)
{
    char quoted[40];
    snprintf(quoted, sizeof quoted, "\"%s\": ", name);
    const char *p = strstr(*at, quoted);
    if (!p)
        fail_msg("no member %s", name);
    p += strlen(quoted);
    p += *p == '"';
    *at = p;
    return str_from(p, strcspn(p, "\",\n"));
}

static struct str hex(struct arena *arena, struct str text)
{
    unsigned char *out = arena_alloc(arena, text.n / 2 + 1);
    assert_true(hex_parse(out, text.n / 2, text));
    return str_from(out, text.n / 2);
}

static int64_t number(struct str text)
{
    return strtoll(text.p, NULL, 10);
}

static void assert_hash(const unsigned char *hash, struct str expected)
{
    assert_int_equal(expected.n, FORMAT_HASH);
    assert_memory_equal(hash, expected.p, FORMAT_HASH);
}

static struct format_entry read_entry(struct arena *a, const char **at)
{
    struct format_entry e = { 0 };
    e.seq = (uint64_t)number(member(at, "seq"));
    e.kind = hex(a, member(at, "kind"));
    e.commit_seq = (uint64_t)number(member(at, "commit_seq"));
    e.time_us = number(member(at, "time"));
    e.project = hex(a, member(at, "project"));
    e.database = hex(a, member(at, "database"));
    e.path = hex(a, member(at, "path"));
    e.operation = hex(a, member(at, "operation"));
    e.prev = (uint64_t)number(member(at, "prev"));
    e.principal = hex(a, member(at, "principal"));
    e.request_id = hex(a, member(at, "request_id"));
    e.decision = hex(a, member(at, "decision"));
    e.rules_digest = hex(a, member(at, "rules_digest"));
    e.body_digest = hex(a, member(at, "body_digest"));
    return e;
}

static void golden_vectors_hold(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *text = read_file("storage/vectors.json");
    const char *at = text;
    unsigned char chain[FORMAT_HASH], hash[FORMAT_HASH];
    size_t n = 0;
    struct str id = hex(arena, member(&at, "ledger_id"));
    format_genesis(chain, (const unsigned char *)id.p);
    assert_hash(chain, hex(arena, member(&at, "chain_0")));
    while (strstr(at, "\"seq\"")) {
        struct format_entry e = read_entry(arena, &at);
        struct str salt = hex(arena, member(&at, "salt")), body = hex(arena, member(&at, "body"));
        if (salt.n) {
            format_body_digest(hash, (const unsigned char *)salt.p, body);
            assert_hash(hash, e.body_digest);
        }
        format_leaf(hash, &e);
        assert_hash(hash, hex(arena, member(&at, "leaf")));
        format_chain(chain, chain, hash);
        assert_hash(chain, hex(arena, member(&at, "chain")));
        n++;
    }
    assert_int_equal(n, 10);
    free(text);
    arena_free(arena);
}

static void every_column_changes_the_leaf(void **state)
{
    (void)state;
    static const unsigned char digest[FORMAT_HASH] = { 1 };
    const struct format_entry base = { .seq = 1, .kind = STR("write"), .commit_seq = 1, .time_us = 5 };
    struct format_entry changed[14];
    unsigned char leaves[15][FORMAT_HASH];
    for (size_t i = 0; i < 14; i++)
        changed[i] = base;
    changed[0].seq = 2;
    changed[1].kind = STR("note");
    changed[2].commit_seq = 2;
    changed[3].time_us = 6;
    changed[4].project = changed[5].database = changed[6].path = changed[7].operation = STR("x");
    changed[8].prev = 1;
    changed[9].principal = changed[10].request_id = changed[11].decision = STR("x");
    changed[12].rules_digest = changed[13].body_digest = str_from(digest, sizeof digest);
    format_leaf(leaves[14], &base);
    for (size_t i = 0; i < 14; i++)
        format_leaf(leaves[i], &changed[i]);
    for (size_t i = 0; i < 15; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(leaves[i], leaves[j], FORMAT_HASH);
}

/* A text at every length around the gathering buffer's size gives what one piece gives. */
static void long_texts_hash_like_short_ones(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'a', sizeof text);
    for (size_t n = 900; n < 1100; n++) {
        unsigned char leaf[FORMAT_HASH], expected[FORMAT_HASH];
        const struct format_entry e = {
            .seq = 1, .commit_seq = 1, .path = { text, n }, .principal = { text, 4000 }
        };
        struct buf buf;
        buf_init(&buf, 100000);
        buf_byte(&buf, 0);
        const struct str fields[] = { STR("\0\0\0\0\0\0\0\1"),
                                      { 0 },
                                      STR("\0\0\0\0\0\0\0\1"),
                                      STR("\0\0\0\0\0\0\0\0"),
                                      { 0 },
                                      { 0 },
                                      e.path,
                                      { 0 },
                                      STR("\0\0\0\0\0\0\0\0"),
                                      e.principal,
                                      { 0 },
                                      { 0 },
                                      { 0 },
                                      { 0 } };
        for (size_t i = 0; i < 14; i++) {
            const unsigned char be[4] = { 0, 0, (unsigned char)(fields[i].n >> 8),
                                          (unsigned char)fields[i].n };
            buf_put(&buf, be, 4);
            buf_str(&buf, fields[i]);
        }
        sha256_of(expected, buf.data, buf.len);
        format_leaf(leaf, &e);
        assert_memory_equal(leaf, expected, FORMAT_HASH);
        buf_dispose(&buf);
    }
}

static void the_page_states_the_schema(void **state)
{
    (void)state;
    char *page = read_file("../storage/FORMAT.md");
    for (size_t i = 0; i < 3; i++)
        if (!strstr(page, ledger_schema[i]))
            fail_msg("FORMAT.md does not state: %s", ledger_schema[i]);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors_hold),
        cmocka_unit_test(every_column_changes_the_leaf),
        cmocka_unit_test(long_texts_hash_like_short_ones),
        cmocka_unit_test(the_page_states_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
