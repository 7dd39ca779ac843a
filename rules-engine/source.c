/* source.c - see source.h. rules_print_issue draws findings as people know them from rustc and jq:
 *
 *   error: Missing ':' before 'if' condition.
 *     --> firestore.rules:4:19
 *      |
 *    4 |       allow write if true;
 *      |                   ^^
 *      = note: ...
 */
#include "rules-engine/source.h"

#include <stdio.h>

enum { TAB_WIDTH = 4, SHOWN_LINE_BYTES = 200 };

void source_init(struct source *out, struct arena *arena, struct str name, struct str text)
{
    uint32_t n = 1;
    unsigned char all = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
        all |= (unsigned char)text.p[i];
    }
    uint32_t *lines = ARENA_ARRAY(arena, uint32_t, n);
    uint32_t at = 1;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n')
            lines[at++] = (uint32_t)i + 1;
    *out =
        (struct source){ .name = name, .text = text, .lines = lines, .n_lines = n, .is_ascii = all < 0x80 };
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static uint32_t code_points(const struct source *source, uint32_t from, uint32_t to)
{
    uint32_t n = 0;
    if (source->is_ascii)
        return to - from;
    for (uint32_t i = from; i < to; i++)
        n += !is_continuation(source->text.p[i]);
    return n;
}

void source_position(const struct source *source, uint32_t offset, uint32_t *line, uint32_t *column)
{
    if (offset > source->text.n)
        offset = (uint32_t)source->text.n;
    uint32_t low = 0, high = source->n_lines;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    *line = low + 1;
    *column = code_points(source, source->lines[low], offset) + 1;
}

uint32_t source_chars(const struct source *source, uint32_t offset)
{
    uint32_t end = (uint32_t)source->text.n;
    return offset > end ? code_points(source, 0, end) + offset - end : code_points(source, 0, offset);
}

struct str source_line(const struct source *source, uint32_t line)
{
    if (line == 0 || line > source->n_lines)
        return STR("");
    size_t from = source->lines[line - 1];
    size_t to = line < source->n_lines ? source->lines[line] - 1 : source->text.n;
    if (to > from && source->text.p[to - 1] == '\r')
        to--;
    return str_from(source->text.p + from, to - from);
}

/* ---- the picture ---- */

/* Tabs become spaces and control bytes dots, so that the carets stand under what they mean. */
static void put_visible(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\t')
            buf_put(out, "    ", TAB_WIDTH);
        else
            buf_byte(out, c < 0x20 || c == 0x7f ? '.' : c);
    }
}

static void put_repeated(struct buf *out, char c, size_t n)
{
    while (n-- > 0)
        buf_byte(out, (unsigned char)c);
}

/* How many cells the first `bytes` of a line take when put_visible has written them. */
static size_t cells(struct str line, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes && i < line.n; i++)
        n += line.p[i] == '\t' ? TAB_WIDTH : !is_continuation(line.p[i]);
    return n;
}

/* A long line is shown around the finding: the window starts at the beginning of a code point. */
static struct str window(struct str line, size_t *at, size_t *length)
{
    if (line.n <= SHOWN_LINE_BYTES)
        return line;
    size_t from = *at > SHOWN_LINE_BYTES / 2 ? *at - SHOWN_LINE_BYTES / 2 : 0;
    while (from > 0 && is_continuation(line.p[from]))
        from--;
    size_t n = line.n - from < SHOWN_LINE_BYTES ? line.n - from : SHOWN_LINE_BYTES;
    while (n > 0 && from + n < line.n && is_continuation(line.p[from + n]))
        n--;
    *at -= from;
    if (*length > n - *at)
        *length = n - *at;
    return str_from(line.p + from, n);
}

static const struct rules_file *find_file(const struct rules_file *files, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(files[i].name, name))
            return &files[i];
    return NULL;
}

/* The byte offset of a 1-based column counted in code points. */
static size_t column_byte(struct str line, uint32_t column)
{
    size_t i = 0;
    for (uint32_t c = 1; c < column && i < line.n; c++) {
        i++;
        while (i < line.n && is_continuation(line.p[i]))
            i++;
    }
    return i;
}

static void put_excerpt(struct buf *out, const struct rules_issue *issue, const struct rules_file *file,
                        const char *strong, const char *colour_of, const char *off)
{
    struct arena *arena = arena_new();
    struct source source;
    source_init(&source, arena, file->name, file->content);
    struct str line = source_line(&source, issue->line);
    size_t at = column_byte(line, issue->column);
    uint32_t wide = issue->end_offset >= issue->offset ? issue->end_offset - issue->offset + 1 : 1;
    size_t length = column_byte(line, issue->column + wide) - at;
    struct str shown = window(line, &at, &length);
    size_t marks = cells(shown, at + length) - cells(shown, at);
    buf_printf(out, "%s     |%s\n%s%4u |%s ", strong, off, strong, (unsigned)issue->line, off);
    put_visible(out, shown);
    buf_printf(out, "\n%s     |%s ", strong, off);
    put_repeated(out, ' ', cells(shown, at));
    buf_z(out, colour_of);
    put_repeated(out, '^', marks ? marks : 1);
    buf_printf(out, "%s\n", off);
    arena_free(arena);
}

void rules_print_issue(struct buf *out, const struct rules_issue *issue, const struct rules_file *files,
                       size_t n, bool colour)
{
    bool is_error = issue->severity == RULES_ERROR;
    const char *off = colour ? "\033[0m" : "";
    const char *strong = colour ? "\033[1;34m" : "";
    const char *colour_of = !colour ? "" : is_error ? "\033[1;31m" : "\033[1;33m";
    const char *kind = is_error ? "error" : "warning";
    if (issue->lint)
        buf_printf(out, "%s%s[%s]%s: %s\n", colour_of, kind, issue->lint, off, issue->description);
    else
        buf_printf(out, "%s%s%s: %s\n", colour_of, kind, off, issue->description);
    if (issue->has_position && issue->line > 0) {
        buf_printf(out, "%s  -->%s " STR_FMT ":%u:%u\n", strong, off, STR_ARG(issue->file),
                   (unsigned)issue->line, (unsigned)issue->column);
        const struct rules_file *file = find_file(files, n, issue->file);
        if (file)
            put_excerpt(out, issue, file, strong, colour_of, off);
    } else if (issue->file.n > 0) {
        buf_printf(out, "%s  -->%s " STR_FMT "\n", strong, off, STR_ARG(issue->file));
    }
    if (issue->note)
        buf_printf(out, "%s     =%s note: %s\n", strong, off, issue->note);
}
