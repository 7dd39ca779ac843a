/* metrics_page.h - writes the text formats of Prometheus (0.0.4) and OpenMetrics (1.0.0); nothing here
 * knows what is counted.
 *
 * A family is page_family and then its samples: page_sample, any number of page_label, one value. */
#ifndef SERVER_OPS_METRICS_PAGE_H
#define SERVER_OPS_METRICS_PAGE_H

#include "core/buf.h"
#include "server/ops/histogram.h"
#include "server/ops/metrics.h"

struct page {
    struct buf *out;
    enum metrics_format format;
    const char *name; /* of the family */
    bool labelled;    /* the sample has a label already */
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* `name` without "_total"; `help` is a constant without line ends and backslashes. */
void page_family(struct page *page, const char *name, enum metric_type type, const char *help);
/* suffix: "_total" for counters, "" for gauges. */
void page_sample(struct page *page, const char *suffix);
void page_label(struct page *page, const char *key, struct str value);
void page_uint(struct page *page, uint64_t value);
void page_seconds(struct page *page, uint64_t ns); /* told in seconds */
/* The whole of a one-sample family after page_family. */
void page_counter(struct page *page, uint64_t value);
void page_gauge(struct page *page, uint64_t value);
/* After the last family. */
void page_end(struct page *page);

enum { METRICS_EXEMPLAR_ID = 118 }; /* 128 characters are allowed, "request_id" among them */
struct page_exemplar {
    char request_id[METRICS_EXEMPLAR_ID];
    size_t n;
    uint64_t value;
    int64_t time_us; /* since 1970 */
};
/* Where the exemplar of a bucket is found; false: it has none. */
struct page_exemplars {
    bool (*find)(void *data, size_t bucket, struct page_exemplar *out);
    void *data;
};
/* All samples of one histogram; key NULL: without a label. exemplars NULL: none. */
void page_histogram(struct page *page, const char *key, struct str value, const struct histogram_scale *scale,
                    const struct histogram_sum *sum, const struct page_exemplars *exemplars);

#endif
