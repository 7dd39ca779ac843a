/* rules_report.c - findings of `rules check` for programs: as JSON, as workflow commands of GitHub Actions,
 * and as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"); see rules_check.h. */
#include "core/codec.h"
#include "server/cli/rules_check.h"

#include <inttypes.h>

/* ---- writing ---- */

static void text(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, "\"%s\":", key);
    json_write_string(out, str_is_utf8(value) ? value : STR("(not UTF-8)"));
}

static void text_z(struct buf *out, const char *key, const char *value)
{
    text(out, key, str_of(value));
}

/* The comma before the second and every further thing. */
static void comma(struct buf *out, size_t index)
{
    buf_z(out, index ? "," : "");
}

static const char *level_of(enum rules_severity severity)
{
    return severity == RULES_ERROR ? "error" : "warning";
}

/* ---- JSON ---- */

static void related_json(struct buf *out, const struct rules_issue *issue)
{
    buf_z(out, ",\"related\":[");
    for (size_t i = 0; i < issue->n_related; i++) {
        const struct rules_related *r = &issue->related[i];
        comma(out, i);
        buf_printf(out, "{\"line\":%u,\"column\":%u,", (unsigned)r->line, (unsigned)r->column);
        text(out, "file", r->file);
        json_write_member(out, "message", str_of(r->text));
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

static void finding_json(struct buf *out, const struct check_options *options,
                         const struct checked_file *file, size_t at)
{
    const struct rules_issue *issue = &file->issues.items[at];
    buf_byte(out, '{');
    text_z(out, "id", check_id(issue));
    json_write_member(out, "level", str_of(level_of(issue->severity)));
    if (issue->has_position)
        buf_printf(out, ",\"line\":%u,\"column\":%u", (unsigned)issue->line, (unsigned)issue->column);
    json_write_member(out, "message", str_of(issue->description));
    json_write_member(out, "fix", str_of(issue->note));
    if (issue->n_related)
        related_json(out, issue);
    if (options->baseline)
        buf_printf(out, ",\"new\":%s", file->marks[at].known ? "false" : "true");
    buf_byte(out, '}');
}

static void verdicts_json(struct buf *out, const struct check_options *options,
                          const struct checked_file *file)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < options->n_append_only && file->ruleset; i++) {
        comma(out, i);
        buf_byte(out, '{');
        text(out, "pattern", options->append_only[i]);
        json_write_member(out, "verdict", str_of(check_verdict(arena, file, options->append_only[i])));
        buf_byte(out, '}');
    }
    arena_free(arena);
}

void check_print_json(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n)
{
    buf_z(out, "{\"files\":[");
    for (size_t i = 0; i < n; i++) {
        comma(out, i);
        buf_z(out, "{");
        text(out, "file", files[i].file.name);
        buf_z(out, ",\"findings\":[");
        for (size_t j = 0; j < files[i].issues.n; j++) {
            buf_z(out, j ? ",\n" : "\n");
            finding_json(out, options, &files[i], j);
        }
        buf_z(out, "],\"appendOnly\":[");
        verdicts_json(out, options, &files[i]);
        buf_z(out, "]}");
    }
    buf_z(out, "]}\n");
}

/* ---- workflow commands: ::error file=F,line=N::message ---- */

/* A message goes to the end of the line, a property to the next comma. */
static void write_escaped(struct buf *out, struct str value, bool is_property)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ',')))
            buf_printf(out, "%%%02X", c);
        else
            buf_byte(out, c);
    }
}

static void command(struct buf *out, const struct checked_file *file, const struct rules_issue *issue)
{
    buf_printf(out, "::%s file=", level_of(issue->severity));
    write_escaped(out, file->file.name, true);
    if (issue->has_position && issue->line)
        buf_printf(out, ",line=%u,col=%u", (unsigned)issue->line, (unsigned)issue->column);
    buf_printf(out, ",title=%s::", check_id(issue));
    write_escaped(out, str_of(issue->description), false);
    if (issue->note) {
        buf_z(out, "%0AFix: ");
        write_escaped(out, str_of(issue->note), false);
    }
    buf_byte(out, '\n');
}

void check_print_github(struct buf *out, const struct check_options *options,
                        const struct checked_file *files, size_t n)
{
    (void)options;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < files[i].issues.n; j++)
            if (!files[i].marks[j].known)
                command(out, &files[i], &files[i].issues.items[j]);
}

/* ---- SARIF: places ---- */

/* A path as a URI reference. */
static void write_uri(struct buf *out, struct str path)
{
    static const char plain[] = "/-._~";
    buf_z(out, str_starts(path, STR("/")) ? "\"uri\":\"file://" : "\"uri\":\"");
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        (c && strchr(plain, c));
        if (is_plain)
            buf_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
    buf_byte(out, '"');
}

/* "physicalLocation":{...}; length 0 leaves the region's end out, line 0 the region. */
static void write_place(struct buf *out, struct str file, uint32_t line, uint32_t column, uint32_t offset,
                        uint32_t length)
{
    buf_z(out, "\"physicalLocation\":{\"artifactLocation\":{");
    write_uri(out, file);
    buf_byte(out, '}');
    if (line) {
        buf_printf(out, ",\"region\":{\"startLine\":%u,\"startColumn\":%u", (unsigned)line, (unsigned)column);
        if (length)
            buf_printf(out, ",\"charOffset\":%u,\"charLength\":%u", (unsigned)offset, (unsigned)length);
        buf_byte(out, '}');
    }
    buf_byte(out, '}');
}

static void write_related(struct buf *out, const struct rules_issue *issue)
{
    buf_z(out, ",\"relatedLocations\":[");
    for (size_t i = 0; i < issue->n_related; i++) {
        const struct rules_related *r = &issue->related[i];
        comma(out, i);
        buf_printf(out, "{\"id\":%zu,", i + 1);
        write_place(out, r->file, r->line, r->column, 0, 0);
        buf_z(out, ",\"message\":{");
        text_z(out, "text", r->text);
        buf_z(out, "}}");
    }
    buf_byte(out, ']');
}

/* ---- SARIF: results and rules ---- */

static void write_result(struct buf *out, const struct check_options *options,
                         const struct checked_file *file, size_t at)
{
    const struct rules_issue *issue = &file->issues.items[at];
    struct arena *arena = arena_new();
    const char *message = issue->note ? arena_printf(arena, "%s. Fix: %s.", issue->description, issue->note)
                                      : issue->description;
    uint32_t length = issue->end_offset >= issue->offset ? issue->end_offset - issue->offset + 1 : 0;
    buf_byte(out, '{');
    text_z(out, "ruleId", check_id(issue));
    json_write_member(out, "level", str_of(level_of(issue->severity)));
    buf_z(out, ",\"message\":{");
    text_z(out, "text", message);
    buf_z(out, "},\"locations\":[{");
    write_place(out, file->file.name, issue->has_position ? issue->line : 0, issue->column, issue->offset,
                length);
    buf_z(out, "}]");
    if (issue->n_related)
        write_related(out, issue);
    buf_printf(out, ",\"partialFingerprints\":{\"cinderlogFinding/v1\":\"%016" PRIx64 ":%u\"}",
               file->marks[at].line_hash, file->marks[at].which);
    if (options->baseline)
        json_write_member(out, "baselineState", str_of(file->marks[at].known ? "unchanged" : "new"));
    buf_byte(out, '}');
    arena_free(arena);
}

static void write_results(struct buf *out, const struct check_options *options,
                          const struct checked_file *file, size_t *written)
{
    for (size_t i = 0; i < file->issues.n; i++) {
        buf_z(out, (*written)++ ? ",\n" : "\n");
        write_result(out, options, file, i);
    }
}

static void write_rule(struct buf *out, const struct rules_lint_info *info)
{
    buf_byte(out, '{');
    text_z(out, "id", info->id);
    buf_z(out, ",\"shortDescription\":{");
    text_z(out, "text", info->doc);
    buf_printf(out, "},\"defaultConfiguration\":{\"level\":\"%s\"},\"properties\":{\"tags\":[\"security\"",
               level_of(info->severity));
    if (info->cwe)
        buf_printf(out, ",\"external/cwe/cwe-%s\",\"owasp/%s\"", info->cwe + strlen("CWE-"), info->owasp);
    buf_z(out, "]}}");
}

static void write_rules(struct buf *out)
{
    static const struct rules_lint_info compiler[] = {
        { "compile-error", "rules that Firebase refuses", RULES_ERROR, NULL, NULL },
        { "compile-warning", "a warning of the rules compiler", RULES_WARNING, NULL, NULL },
    };
    const struct rules_lint_info *info;
    for (size_t i = 0; (info = rules_lint_info(i)); i++) {
        write_rule(out, info);
        buf_z(out, ",\n");
    }
    write_rule(out, &compiler[0]);
    buf_z(out, ",\n");
    write_rule(out, &compiler[1]);
}

void check_print_sarif(struct buf *out, const struct check_options *options, const struct checked_file *files,
                       size_t n)
{
    size_t written = 0;
    buf_z(out,
          "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{"
          "\"tool\":{\"driver\":{\"name\":\"cinderlog\",\"version\":\"" CINDERLOG_VERSION "\",\"rules\":[\n");
    write_rules(out);
    buf_z(out, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[");
    for (size_t i = 0; i < n; i++)
        write_results(out, options, &files[i], &written);
    buf_z(out, "]}]}\n");
}
