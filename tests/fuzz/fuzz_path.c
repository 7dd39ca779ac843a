/* fuzz_path.c - names, ids, field paths, patterns and timestamps: every text a client can put where a path or
 * a time belongs. The first byte chooses the parser. What a parser accepts must hold what the header
 * promises. */
#include "core/field_path.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/order.h"
#include "core/path.h"

#include <stdio.h>
#include <stdlib.h>

/* Unlike assert, in every build. */
#define CHECK(fact)                                                                                          \
    do {                                                                                                     \
        if (!(fact)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #fact);                         \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static void check_refusal(enum status_code code, const struct status *st)
{
    CHECK(code == STATUS_INVALID_ARGUMENT && st->code == code);
    CHECK(status_message(st)[0] != '\0' && strlen(status_message(st)) < 2 * STATUS_SHOWN);
    CHECK(str_is_utf8(str_of(status_message(st))));
}

typedef enum status_code resource_parser(struct resource_name *out, struct str name, struct status *st);

static void fuzz_resource(struct arena *arena, struct str text, resource_parser *parse, bool nul_allowed)
{
    struct resource_name name;
    struct status st = status_init(arena);
    enum status_code code = parse(&name, text, &st);
    if (code) {
        check_refusal(code, &st);
        return;
    }
    CHECK(str_eq(path_full(arena, name.db, name.path), text));
    CHECK(path_segments(name.path) <= 2 * LIMIT_PATH_PAIRS);
    struct str rest = name.path, id, joined = STR("");
    for (bool collection = true; path_next(&rest, &id); collection = !collection) {
        CHECK(!path_check_id(id, collection, &st) || (nul_allowed && memchr(id.p, '\0', id.n)));
        CHECK(id.n <= LIMIT_ID_BYTES);
        joined = path_join(arena, joined, id);
        CHECK(str_eq(path_last(joined), id));
    }
    CHECK(str_eq(joined, name.path));
    CHECK(order_compare_path(name.path, path_parent(name.path)) >= 0);
}

static void fuzz_database(struct arena *arena, struct str text)
{
    struct database_name name;
    struct status st = status_init(arena);
    enum status_code code = path_parse_database(&name, text, &st);
    if (code)
        check_refusal(code, &st);
    else
        CHECK(name.project.n > 0 && name.database.n > 0);
}

static void fuzz_field_path(struct arena *arena, struct str text)
{
    struct field_path path, again;
    struct status st = status_init(arena);
    enum status_code code = field_path_parse(&path, arena, text, &st);
    if (code) {
        check_refusal(code, &st);
        return;
    }
    struct str printed = field_path_print(arena, &path);
    CHECK(path.n > 0 && path.n <= LIMIT_VALUE_DEPTH);
    CHECK(field_path_parse(&again, arena, printed, &st) == STATUS_OK);
    CHECK(field_path_cmp(&path, &again) == 0 && str_eq(field_path_print(arena, &again), printed));
    struct value value = { .kind = VALUE_INT, .integer = 7 };
    struct value_map map = { 0 }, projected;
    field_path_set(arena, &map, &path, &value);
    CHECK(field_path_get(&map, &path)->integer == 7);
    projected = field_path_project(arena, &map, &path, 1);
    CHECK(field_path_get(&projected, &path)->integer == 7);
}

static void fuzz_pattern(struct str text)
{
    const char *newline = text.n ? memchr(text.p, '\n', text.n) : NULL;
    size_t n = newline ? (size_t)(newline - text.p) : text.n;
    struct str pattern = { text.p, n }, path = str_skip(text, newline ? n + 1 : n);
    if (path_pattern_valid(pattern) && path_segments(path) <= 2 * LIMIT_PATH_PAIRS)
        (void)path_pattern_matches(pattern, path);
    if (path_pattern_valid(pattern) && !memchr(pattern.p, '*', pattern.n) && path_segments(pattern) % 2 == 0)
        CHECK(path_pattern_matches(pattern, pattern));
}

static void fuzz_time(struct str text)
{
    struct timestamp t, again;
    char printed[TIMESTAMP_TEXT_MAX];
    if (!timestamp_parse(&t, text))
        return;
    CHECK(timestamp_is_valid(t));
    size_t n = timestamp_text(printed, t);
    CHECK(timestamp_parse(&again, str_from(printed, n)) && timestamp_cmp(t, again) == 0);
}

/* Two ids, divided by the first slash, as they would be compared and as keys. */
static void fuzz_ids(struct str text)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    size_t n = slash ? (size_t)(slash - text.p) : text.n;
    struct str a = { text.p, n }, b = str_skip(text, slash ? n + 1 : n);
    struct buf key_a, key_b;
    buf_init(&key_a, 1 << 24);
    buf_init(&key_b, 1 << 24);
    CHECK(order_key_id(&key_a, a) && order_key_id(&key_b, b));
    int by_id = order_compare_id(a, b), by_key = str_cmp(buf_view(&key_a), buf_view(&key_b));
    CHECK((by_id < 0) == (by_key < 0) && (by_id > 0) == (by_key > 0));
    buf_dispose(&key_a);
    buf_dispose(&key_b);
}

static void fuzz_escape(struct str text)
{
    struct buf out;
    buf_init(&out, 1 << 24);
    CHECK(log_escape(&out, text));
    CHECK(str_is_utf8(buf_view(&out)));
    for (size_t i = 0; i < out.len; i++)
        CHECK(out.data[i] >= 0x20 && out.data[i] != 0x7F);
    buf_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 20)
        return 0;
    struct arena *arena = arena_new();
    struct str text = { (const char *)data + 1, size - 1 };
    switch (data[0]) {
    case 'd':
        fuzz_resource(arena, text, path_parse_document, false);
        break;
    case 'p':
        fuzz_resource(arena, text, path_parse_parent, false);
        break;
    case 'r':
        fuzz_resource(arena, text, path_parse_reference, true);
        break;
    case 'a':
        fuzz_resource(arena, text, path_parse_resource, false);
        break;
    case 'b':
        fuzz_database(arena, text);
        break;
    case 'f':
        fuzz_field_path(arena, text);
        break;
    case 'm':
        fuzz_pattern(text);
        break;
    case 't':
        fuzz_time(text);
        break;
    case 'i':
        fuzz_ids(text);
        break;
    default:
        fuzz_escape(text);
        break;
    }
    arena_free(arena);
    return 0;
}
