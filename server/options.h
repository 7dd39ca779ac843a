/* options.h - what the command line and the environment chose, in one struct.
 *
 * options.c has the one table that parses flags and CINDERLOG_* variables and prints --help. Strings are
 * borrowed from argv, the environment or the options' own arena and live as long as the process. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "core/status.h"
#include "server/firebase_json.h"
#include "storage/storage.h"

struct owner_as_option {
    uint16_t port; /* 0: the main port; else a second listener on that port */
    const char *file;
};

enum { OPTIONS_MAX_LIST = 64 }; /* repeated values of one option */

enum audit_scope {
    AUDIT_ALL,
    AUDIT_WRITES, /* and denials */
    AUDIT_DENIED,
};

struct options {
    const char *host;      /* default "127.0.0.1" and ::1 ("localhost") */
    uint16_t port;         /* 0: any free one */
    uint16_t websocket_port; /* a second one, for the Requests feed; 0: any free one */
    bool websocket_port_given;
    const char *port_file; /* written when serving: the port and a newline */
    const char *data;
    bool data_given, fresh;
    const char *rules; /* NULL: firebase.json, firestore.rules, else open */
    const char *project_id;
    struct str seed[OPTIONS_MAX_LIST]; /* files and directories, loaded in this order */
    size_t n_seed;
    struct str append_only[OPTIONS_MAX_LIST];
    size_t n_append_only;
    struct owner_as_option owner_as[OPTIONS_MAX_LIST];
    size_t n_owner_as;
    const char *owner_iam; /* list, role or file; NULL: not given */
    enum store_durability durability;
    bool allow_reset, record_denied_body, lock_control, fail_if_unexercised;
    struct str allow_origin[OPTIONS_MAX_LIST], allow_host[OPTIONS_MAX_LIST];
    size_t n_allow_origin, n_allow_host;
    bool log_json;
    const char *request_log;      /* file; NULL: none */
    enum audit_scope audit;       /* which calls it is told of */
    struct str audit_redact[OPTIONS_MAX_LIST];
    size_t n_audit_redact;
    struct str expect[OPTIONS_MAX_LIST];
    size_t n_expect;
    const char *request_id_field; /* default "request_id" */
    const char *summary;          /* file for the exit summary as JSON; NULL: text on stderr only */
    struct str fault[OPTIONS_MAX_LIST], quota[OPTIONS_MAX_LIST]; /* fault.h, quota.h have their forms */
    size_t n_fault, n_quota;
    bool fault_header, allow_clock;
    bool single_project_mode, single_project_mode_error;
    unsigned workers; /* 0: one per core */
    bool stands_in;   /* what is not said is as in Google's emulator: nothing is found in the working directory */
    struct firebase_folder folder; /* what it says; those above hold what of it is in force */
};

enum options_command {
    OPTIONS_SERVE,
    OPTIONS_EXEC,
    OPTIONS_STAND_IN, /* serve, started as Google's emulator is (cli/shim.h) */
};

/* Reads firebase.json, then CINDERLOG_*, then argv[first..argc), each over what was there before; stops at "--" and
 * returns its index in *rest (argc without one). Defaults are those of the command. INVALID_ARGUMENT with a sentence
 * that names the nearest option for an unknown one. Notices (options of Google's emulator that have no effect here)
 * are logged once each.
 *
 * OPTIONS_STAND_IN reads no folder, keeps nothing (data is :memory:), and passes over words and, with a notice,
 * options that it does not know, as Google's emulator does. */
enum status_code options_parse(struct options *out, enum options_command command, int argc, char **argv, int first,
                               int *rest, struct status *st);
/* The project that this run is about: --project_id, else GOOGLE_CLOUD_PROJECT or GCLOUD_PROJECT, else what .firebaserc
 * says, else "demo-cinderlog". */
const char *options_project(const struct options *options);
/* The options as --help and README print them, from the same table. */
void options_print_help(struct buf *out);
/* Splits "HOST:PORT" ("[::1]:8080", ":8080", "8080"); host is "127.0.0.1" when absent. */
bool options_parse_address(struct str text, struct arena *arena, const char **host, uint16_t *port);
/* The candidate nearest to `word` by edit distance; NULL when none is near. */
const char *options_nearest(struct str word, const char *const *candidates, size_t n);

#endif
