/* metrics_page.c - see metrics_page.h. */
#include "server/ops/metrics_page.h"

#include <inttypes.h>

/* ---- samples ---- */

void page_family(struct page *page, const char *name, enum metric_type type, const char *help)
{
    static const char *const types[] = { "counter", "gauge", "histogram" };
    /* A counter's family has the suffix in its name in one format and has it not in the other. */
    const char *total = type == METRIC_COUNTER && page->format == METRICS_PROMETHEUS ? "_total" : "";
    page->name = name;
    buf_printf(page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total, types[type]);
}

void page_sample(struct page *page, const char *suffix)
{
    buf_z(page->out, page->name);
    buf_z(page->out, suffix);
    page->labelled = false;
}

/* Backslash, quote and line end are all that both formats escape. */
static void put_escaped(struct buf *out, struct str value)
{
    size_t from = 0;
    for (size_t i = 0; i < value.n; i++) {
        const char *escaped = value.p[i] == '\\'   ? "\\\\"
                              : value.p[i] == '"'  ? "\\\""
                              : value.p[i] == '\n' ? "\\n"
                                                   : NULL;
        if (!escaped)
            continue;
        buf_put(out, value.p + from, i - from);
        buf_z(out, escaped);
        from = i + 1;
    }
    if (value.n > from)
        buf_put(out, value.p + from, value.n - from);
}

void page_label(struct page *page, const char *key, struct str value)
{
    buf_z(page->out, page->labelled ? "," : "{");
    buf_z(page->out, key);
    buf_z(page->out, "=\"");
    put_escaped(page->out, value);
    buf_z(page->out, "\"");
    page->labelled = true;
}

static void end_labels(struct page *page)
{
    buf_z(page->out, page->labelled ? "} " : " ");
}

static void put_uint(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buf_put(out, digits + at, sizeof digits - at);
}

static void put_seconds(struct buf *out, uint64_t ns)
{
    buf_printf(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

void page_uint(struct page *page, uint64_t value)
{
    end_labels(page);
    put_uint(page->out, value);
    buf_z(page->out, "\n");
}

void page_seconds(struct page *page, uint64_t ns)
{
    end_labels(page);
    put_seconds(page->out, ns);
    buf_z(page->out, "\n");
}

void page_counter(struct page *page, uint64_t value)
{
    page_sample(page, "_total");
    page_uint(page, value);
}

void page_gauge(struct page *page, uint64_t value)
{
    page_sample(page, "");
    page_uint(page, value);
}

void page_end(struct page *page)
{
    if (page->format == METRICS_OPENMETRICS)
        buf_z(page->out, "# EOF\n");
}

/* ---- histograms ---- */

static void put_exemplar(struct page *page, const struct page_exemplar *e)
{
    buf_z(page->out, " # {request_id=\"");
    put_escaped(page->out, str_from(e->request_id, e->n));
    buf_z(page->out, "\"} ");
    put_seconds(page->out, e->value);
    buf_printf(page->out, " %" PRId64 ".%06" PRId64, e->time_us / 1000000, e->time_us % 1000000);
}

static void histogram_sample(struct page *page, const char *suffix, const char *key, struct str value)
{
    page_sample(page, suffix);
    if (key)
        page_label(page, key, value);
}

void page_histogram(struct page *page, const char *key, struct str value, const struct histogram_scale *scale,
                    const struct histogram_sum *sum, const struct page_exemplars *exemplars)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= scale->n; i++) {
        struct page_exemplar exemplar;
        count += sum->buckets[i];
        histogram_sample(page, "_bucket", key, value);
        page_label(page, "le", str_of(i < scale->n ? scale->texts[i] : "+Inf"));
        end_labels(page);
        put_uint(page->out, count);
        if (page->format == METRICS_OPENMETRICS && exemplars && sum->buckets[i] &&
            exemplars->find(exemplars->data, i, &exemplar))
            put_exemplar(page, &exemplar);
        buf_z(page->out, "\n");
    }
    histogram_sample(page, "_sum", key, value);
    if (scale->seconds)
        page_seconds(page, sum->sum);
    else
        page_uint(page, sum->sum);
    histogram_sample(page, "_count", key, value);
    page_uint(page, count);
}
