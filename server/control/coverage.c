/* coverage.c - GET :ruleCoverage and :ruleCoverage.html: what the rules in force were exercised with.
 *
 * The JSON is that of Google's emulator 1.19.9; ?format=text and ?format=lcov are ours, for `rules coverage`.
 * The page shows the rules with what each expression came to. Counted since the rules were set; projects
 * without rules of their own share those of the rules file, and its counters. */
#include "server/control/control.h"

#include "server/service/rulesets.h"
#include "server/single_project.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 };

/* Google's emulator answers 429, too, when a report is too large for it. */
static void reply(struct http_call *call, const char *content_type, struct buf *out)
{
    struct status st = status_init(call->arena);
    if (!out->overflowed) {
        http_reply_bytes(call, 200, content_type, out);
        return;
    }
    status_set(&st, STATUS_RESOURCE_EXHAUSTED, "the coverage report is larger than %d MiB",
               ANSWER_MAX / 1048576);
    http_reply_status(call, &st);
}

static void put_report(struct buf *out, const struct ruleset *ruleset, struct arena *arena)
{
    struct buf report;
    buf_init(&report, ANSWER_MAX);
    buf_byte(out, '{');
    control_put_ruleset(out, ruleset, arena);
    if (rules_coverage_json(&report, ruleset, arena)) {
        buf_z(out, ",\"report\":");
        buf_str(out, buf_view(&report));
    }
    buf_z(out, "}\n");
    out->overflowed = out->overflowed || report.overflowed;
    buf_dispose(&report);
}

/* The rules of the call's project, retained; NULL when the call has been refused. */
static struct ruleset *rules_of(struct http_call *call)
{
    struct status st = status_init(call->arena);
    if (single_project_check(call->server->options, http_param(call, 0), &st) == STATUS_OK)
        return rules_registry_get(call->server->rules, http_param(call, 0));
    http_reply_status(call, &st);
    return NULL;
}

void control_coverage(struct http_call *call)
{
    struct str format = http_query(call, "format");
    struct ruleset *ruleset = rules_of(call);
    struct buf out;
    if (!ruleset)
        return;
    buf_init(&out, ANSWER_MAX);
    if (str_eq_z(format, "text"))
        rules_coverage_text(&out, ruleset, call->arena);
    else if (str_eq_z(format, "lcov"))
        rules_coverage_lcov(&out, ruleset, call->arena);
    else
        put_report(&out, ruleset, call->arena);
    reply(call, format.n ? "text/plain; charset=utf-8" : "application/json", &out);
    rules_release(ruleset);
    buf_dispose(&out);
}

/* ---- the page ---- */

static const char *const page_head[] = {
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Rules coverage</title>\n<style>\n",
    "body{font:14px/1.5 sans-serif;margin:2em}pre{line-height:1.7;counter-reset:l}\n",
    "pre>div::before{counter-increment:l;content:counter(l);display:inline-block;width:3em;color:#999}\n",
    ".e{border-bottom:2px solid #2a2}.n{border-bottom:2px solid #c22;background:#fdd}\n",
    ".s{border-bottom:2px solid #c80}.e:hover,.n:hover,.s:hover{background:#ffc}\n",
    "</style>\n<h1>Rules coverage</h1>\n",
    "<p>Point at an expression to see what it came to. <span class=\"e\">Evaluated</span>, ",
    "<span class=\"s\">only short-circuited</span>, <span class=\"n\">never evaluated</span>.</p>\n",
    "<div id=\"rules\"></div>\n<script type=\"application/json\" id=\"data\">",
};
static const char *const page_tail[] = {
    "</script>\n<script>\n",
    "const data = JSON.parse(document.getElementById('data').textContent);\n",
    "const plain = v => { const k = Object.keys(v)[0], x = v[k];\n",
    "  if (k === undefined) return null;\n",
    "  if (k === 'undefined') return x.causeMessage ? 'error: ' + x.causeMessage : 'unknown';\n",
    "  if (k === 'listValue' || k === 'setValue') return '[' + (x.values || []).map(plain).join(', ') + "
    "']';\n",
    "  if (k === 'mapValue') return '{' + Object.entries(x.fields || {}).map(([n, w]) => n + ': ' + "
    "plain(w)).join(', ') + '}';\n",
    "  if (k === 'pathValue') return (x.segments || []).map(s => '/' + (s.simple ?? '{' + "
    "Object.values(s)[0].variableName + '}')).join('');\n",
    "  return k === 'stringValue' ? JSON.stringify(x) : typeof x === 'object' ? JSON.stringify(x) : "
    "String(x); };\n",
    "const tip = n => { const lines = (n.values || []).map(v => (plain(v.value) ?? 'short-circuited') + ': ' "
    "+ v.count + ' times');\n",
    "  if (n.otherValues) lines.push('not told apart: ' + n.otherValues + ' times');\n",
    "  return lines.join('\\n') || 'never evaluated'; };\n",
    "const kind = n => n.otherValues || (n.values || []).some(v => Object.keys(v.value).length) ? 'e' : "
    "n.values ? 's' : 'n';\n",
    "const chars = [...(data.rules.files.length === 1 ? data.rules.files[0].content : '')];\n",
    "const marks = [];\n",
    "const add = n => { const p = n.sourcePosition; marks.push({from: p.currentOffset || 0, to: (p.endOffset "
    "|| 0) + 1, node: n});\n",
    "  (n.children || []).forEach(add); };\n",
    "(data.report || []).forEach(add);\n",
    "marks.sort((a, b) => a.from - b.from || b.to - a.to);\n",
    "const pre = document.createElement('pre');\n",
    "let line = pre.appendChild(document.createElement('div')), next = 0, open = [];\n",
    "const span = m => { const s = document.createElement('span'); s.className = kind(m.node); s.title = "
    "tip(m.node); return s; };\n",
    "let at = line;\n",
    "for (let i = 0; i < chars.length; i++) {\n",
    "  while (open.length && open[open.length - 1].to <= i) { open.pop(); at = at.parentNode; }\n",
    "  for (; next < marks.length && marks[next].from <= i; next++) { open.push(marks[next]); at = "
    "at.appendChild(span(marks[next])); }\n",
    "  if (chars[i] === '\\n') { line = at = pre.appendChild(document.createElement('div'));\n",
    "    for (const m of open) at = at.appendChild(span(m)); continue; }\n",
    "  at.appendChild(document.createTextNode(chars[i]));\n",
    "}\n",
    "document.getElementById('rules').append(data.rules.files.length === 1 ? pre\n",
    "  : 'Only rules of one file are shown; see the JSON.');\n",
    "</script></html>\n",
};

static void put_lines(struct buf *out, const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_z(out, lines[i]);
}

void control_coverage_page(struct http_call *call)
{
    struct ruleset *ruleset = rules_of(call);
    struct buf out, json;
    if (!ruleset)
        return;
    buf_init(&out, ANSWER_MAX);
    buf_init(&json, ANSWER_MAX);
    put_report(&json, ruleset, call->arena);
    put_lines(&out, page_head, sizeof page_head / sizeof page_head[0]);
    for (size_t i = 0; i < json.len; i++) { /* nothing of the rules may end the script */
        if (json.data[i] == '<')
            buf_z(&out, "\\u003c");
        else
            buf_byte(&out, json.data[i]);
    }
    put_lines(&out, page_tail, sizeof page_tail / sizeof page_tail[0]);
    out.overflowed = out.overflowed || json.overflowed;
    reply(call, "text/html; charset=utf-8", &out);
    rules_release(ruleset);
    buf_dispose(&json);
    buf_dispose(&out);
}
