/* control.c - the table of control routes: Google's emulator endpoints and ours. A new one is a row. */
#include "server/control/control.h"

const struct http_route control_routes[] = {
    { "GET", "/", control_root, true },
    { "PUT", "/emulator/v1/projects/*:securityRules", control_put_rules, false },
    { "GET", "/emulator/v1/projects/*:securityRules", control_get_rules, false },
    { "POST", "/emulator/v1/projects/*:export", control_export, false },
    { "GET", "/emulator/v1/projects/*:ruleCoverage", control_coverage, false },
    { "GET", "/emulator/v1/projects/*:ruleCoverage.html", control_coverage_page, false },
    { "DELETE", "/emulator/v1/projects/*/databases/*/documents", control_delete_documents, false },
    { "DELETE", "/emulator/v1/projects/*/databases/*/documents/**", control_delete_documents, false },
    { "POST", "/reset", control_reset, false },
    { "POST", "/shutdown", control_shutdown, false },
    { "GET", "/healthz", control_health, true },
    { "GET", "/readyz", control_ready, true },
    { "GET", "/metrics", control_metrics, false },
    { "GET", "/requests", control_requests, true },
    { "GET", "/cinderlog/v1/checkpoint", control_checkpoint, false },
    { "GET", "/cinderlog/v1/stats", control_stats, false },
    { "GET", "/cinderlog/v1/entries", control_entries, false },
    { "GET", "/cinderlog/v1/projects/*/databases/*/entries", control_entries, false },
    { "GET", "/cinderlog/v1/summary", control_summary, false },
    { "GET", "/cinderlog/v1/faults", control_get_faults, false },
    { "POST", "/cinderlog/v1/faults", control_post_fault, false },
    { "DELETE", "/cinderlog/v1/faults", control_delete_faults, false },
    { "DELETE", "/cinderlog/v1/faults/*", control_delete_faults, false },
    { "GET", "/cinderlog/v1/clock", control_get_clock, false },
    { "POST", "/cinderlog/v1/clock", control_post_clock, false },
    { "DELETE", "/cinderlog/v1/clock", control_delete_clock, false },
};
const size_t control_route_count = sizeof control_routes / sizeof control_routes[0];
