/* limits.h - every maximum that something from outside can reach, with where the number comes from.
 *
 * "docs" = public Firestore quotas page; "1.19.9" = observed on Google's emulator; "ours" = chosen here.
 * Hitting one is an error message to whoever hit it, never a failure.
 *
 * Limits of production (docs) that are not here, because what they bound is not emulated: the sizes of index entries
 * (7.5 KiB each, 8 MiB together), composite indexes, index exemptions, writes per second. An indexed value is compared
 * whole, where production's indexes cut it at 1,500 bytes. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

enum {
    /* Documents and names */
    LIMIT_DOCUMENT_BYTES = 1048576, /* docs; 1.19.9: "maximum entity size is 1048576 bytes" */
    LIMIT_STRING_BYTES = 1048487,   /* 1.19.9: one string or bytes value */
    LIMIT_ID_BYTES = 1500,          /* docs, 1.19.9 */
    LIMIT_FIELD_NAME_BYTES = 1500,  /* docs, 1.19.9 */
    LIMIT_PATH_PAIRS = 100,         /* docs; 1.19.9: "Cannot exceed 100 elements." */
    LIMIT_DOCUMENT_NAME_BYTES = 6144, /* docs; 1.19.9 has none */
    LIMIT_INDEX_ENTRIES = 40000,    /* docs: of one document; 1.19.9 counts none */
    LIMIT_VALUE_DEPTH = 20,         /* docs, 1.19.9: nested maps and arrays; segments of a field path */
    LIMIT_VECTOR_DIMENSIONS = 2048, /* docs, 1.19.9 */

    /* Messages */
    LIMIT_MESSAGE_BYTES = 10 * 1024 * 1024,    /* docs: request size, on every transport */
    LIMIT_MESSAGE_DEPTH = 100,                 /* ours: nesting while decoding, above any valid message */
    LIMIT_JSON_KEY_BYTES = 4096,               /* ours */
    LIMIT_REQUEST_ARENA = 256 * 1024 * 1024,   /* ours: decoded size of one request and its answer */
    LIMIT_RESPONSE_BUFFER = 256 * 1024,        /* ours: a stream parks above this until the client reads */
    LIMIT_RESPONSE_BYTES = 64 * 1024 * 1024,   /* ours: one message or unary answer */

    /* Queries */
    LIMIT_QUERY_FILTERS = 100,     /* 1.19.9: filters + sort orders + ancestor */
    LIMIT_QUERY_PARTS = 10000,     /* ours: filters, orders or fields to read at all before they are counted */
    LIMIT_QUERY_DISJUNCTIONS = 30, /* docs, 1.19.9 */
    LIMIT_QUERY_NOT_IN = 10,       /* docs, 1.19.9 */
    LIMIT_QUERY_PRODUCT = 60,      /* 1.19.9: disjunctions while AND is multiplied out */
    LIMIT_QUERY_VALUE_BYTES = 1500, /* 1.19.9: size of a filter's operand, as values are counted */
    LIMIT_SORT_MEMORY = 4 * 1024 * 1024,  /* ours: rows that a sort holds; the rest goes to a temporary file */
    LIMIT_SORT_BYTES = 256 * 1024 * 1024, /* ours: the same where no temporary file can be made */
    LIMIT_SORT_INLINE = 16 * 1024,        /* ours: a larger document is not sorted with its row, but read again */
    LIMIT_SPILL_DISK_FREE = 64 * 1024 * 1024, /* ours: what temporary files leave free on the disk */
    LIMIT_NEAREST = 1000,          /* docs, 1.19.9: documents that findNearest may find */
    LIMIT_AGGREGATIONS = 5,        /* docs; 1.19.9 fails from six on */
    LIMIT_INDEXES = 64,            /* ours: field indexes of one store; writes pay for each of their collection */
    LIMIT_INDEX_WISHES = 8,        /* ours: indexes waiting to be built */
    LIMIT_INDEX_VALUE_BYTES = 1500, /* docs: of an indexed value; a field with a longer one gets no index */
    LIMIT_INDEX_ELEMENTS = 1000,   /* ours: of an indexed array; the same */
    LIMIT_LIST_PAGE = 150,         /* 1.19.9: even when more is asked */
    LIMIT_LIST_PAGE_DEFAULT = 30,  /* 1.19.9 */
    LIMIT_COLLECTION_IDS_PAGE = 10000, /* ours; 1.19.9 gives all of them */
    LIMIT_PARTITIONS = 1000,       /* ours: cuts that PartitionQuery finds, however many are asked for */

    /* Writes */
    LIMIT_COMMIT_WRITES = 10000,      /* ours: of one commit or batch; the 500 of old docs was lifted in 2023 */
    LIMIT_DOCUMENT_TRANSFORMS = 500,  /* docs: on one document in one commit; 1.19.9 counts none */
    LIMIT_BATCH_ROWS = 1000,          /* ours: one group commit */
    LIMIT_BATCH_BYTES = 4 * 1024 * 1024,
    LIMIT_WRITER_QUEUE = 65536,       /* ours: commits waiting; above: RESOURCE_EXHAUSTED */
    LIMIT_PREPARE_TRIES = 3,          /* ours: then a ticket holds back other writers of those paths */

    /* Transactions */
    LIMIT_TRANSACTIONS = 10000,     /* ours: open at once */
    LIMIT_TRANSACTION_IDLE_S = 60,  /* docs, 1.19.9 */
    LIMIT_TRANSACTION_TOTAL_S = 270, /* docs */
    LIMIT_LOCK_WAIT_MS = 2000,      /* 1.19.9 */
    LIMIT_TRANSACTION_LOCKS = 100000, /* ours: documents one transaction may read */

    /* Connections */
    LIMIT_CONNECTIONS = 4000,            /* ours: then 503 from the accept loop; lowered to fit RLIMIT_NOFILE */
    LIMIT_HEADER_BYTES = 24 * 1024,      /* ours: request line + headers, HTTP/1.1 and HTTP/2 */
    LIMIT_HEADER_COUNT = 100,            /* ours */
    LIMIT_STREAMS_PER_CONNECTION = 250,  /* ours: SETTINGS_MAX_CONCURRENT_STREAMS */
    LIMIT_REQUEST_READ_S = 20,           /* ours: whole request must have arrived, against slow senders */
    LIMIT_IDLE_CONNECTION_S = 600,       /* ours: HTTP/1.1 keep-alive without a request */
    LIMIT_UNREAD_S = 600,                /* ours: an HTTP/2 answer of which the client takes nothing, as with a window of 0 */
    LIMIT_UNREAD_BYTES = 256 * 1024 * 1024, /* ours: of an HTTP/2 connection that takes nothing; above, it is ended at once */
    /* HTTP/2: what asks for nothing (http2_watch.h), of one connection at once and a second; above: ENHANCE_YOUR_CALM. Ours */
    LIMIT_HTTP2_PINGS = 1000,
    LIMIT_HTTP2_PINGS_S = 50,            /* clients' keepalive: one in 10 s at most */
    LIMIT_HTTP2_SETTINGS = 100,
    LIMIT_HTTP2_SETTINGS_S = 10,         /* clients: one, at the beginning */
    LIMIT_HTTP2_EMPTY = 1000,
    LIMIT_HTTP2_EMPTY_S = 100,
    LIMIT_HTTP2_RESETS = 1000,
    LIMIT_HTTP2_RESETS_S = 100,
    LIMIT_HTTP2_LARGE_HEADERS = 100,     /* each is answered 431 */
    LIMIT_HTTP2_LARGE_HEADERS_S = 10,
    LIMIT_HTTP2_CONTINUATIONS = 8,       /* of one header block; as newer releases of nghttp2 have it */
    LIMIT_STREAM_MESSAGES = 1000,        /* ours: messages of one stream that wait to be read */
    LIMIT_STREAM_CHUNK = 1024 * 1024,    /* ours: bytes that the socket hands over at once, above any frame */
    LIMIT_LISTEN_TARGETS = 1000,         /* ours: of one stream */
    LIMIT_LISTEN_DOCUMENTS = 1000,       /* ours: of one target */
    LIMIT_LISTEN_NEWS = 32 * 1024,       /* ours: bytes of changes that wait for one target; then it reads the ledger */
    LIMIT_LISTEN_WINDOW = 10000,         /* ours: results of a query with a limit that are compared; above, all are sent */
    LIMIT_WRITE_KEPT = 100,              /* ours: answers of one Write stream, for when it breaks; clients have 10 under way */
    LIMIT_WRITE_KEPT_BYTES = 256 * 1024, /* ours: the same in bytes */
    LIMIT_WRITE_BROKEN = 100,            /* ours: Write streams that broke and may be taken up again */
    LIMIT_LISTEN_BEAT_S = 30,            /* ours: a stream on which nothing happens says so; clients give up after 120 s */
    LIMIT_CHANNELS = 2000,               /* ours: sessions of browsers (WebChannel) at once; above: RESOURCE_EXHAUSTED */
    LIMIT_CHANNEL_ANSWER = 128 * 1024,   /* ours: bytes after which a back channel ends, so that its client acknowledges them */
    LIMIT_CHANNEL_BEAT_S = 10,           /* 1.19.9: a back channel on which nothing happens says so; clients give up after 45 s */
    LIMIT_CHANNEL_IDLE_S = 60,           /* ours: a session whose client neither reads nor says anything ends */
    LIMIT_CALLS_QUEUED = 20000,          /* ours: calls waiting for a worker; above: RESOURCE_EXHAUSTED */

    /* Metrics: values that one label may have, the rest counts as __other__ (ours) */
    LIMIT_METRIC_COLLECTIONS = 500,
    LIMIT_METRIC_RULES = 500,
    LIMIT_METRIC_CLIENTS = 50,
    LIMIT_METRIC_FAULTS = 50,
    LIMIT_METRIC_LABEL_BYTES = 200,      /* of one value */

    /* Faults (all ours) */
    LIMIT_FAULTS = 64,             /* set at once */
    LIMIT_FAULT_BYTES = 4096,      /* one fault as text or JSON */
    LIMIT_FAULT_WAIT_MS = 600000,  /* latency, and how long a stalled call is kept before its connection is reset */
    LIMIT_FAULT_NUMBER = 1000000000, /* nth, count, seed, messages */
    LIMIT_QUOTA_DATABASES = 256,   /* with buckets of their own; any further ones share one */

    /* Rules (source: docs and 1.19.9) */
    LIMIT_RULES_SOURCE_BYTES = 1024 * 1024, /* 1.19.9 accepts >1 MB, production 256 KB: we warn above that */
    LIMIT_RULES_EXPRESSIONS = 1000,
    LIMIT_RULES_LOOKUPS = 10,       /* distinct get/exists per operation */
    LIMIT_RULES_LOOKUPS_BATCH = 20, /* per multi-document request */
    LIMIT_RULES_PARAMETERS = 7,
    LIMIT_RULES_LETS = 11,          /* documented as 10; 1.19.9 accepts 11 */
    LIMIT_RULES_CALL_DEPTH = 20,
    LIMIT_RULES_AST_DEPTH = 100,
    LIMIT_RULES_MATCH_DEPTH = 10,
    LIMIT_RULES_WILDCARDS = 20,
    LIMIT_RULES_PATH_SEGMENTS = 100,
    LIMIT_RULES_REGEX_NESTING = 20, /* groups inside of groups */
    LIMIT_RULES_FILES = 16,         /* ours */
    LIMIT_RULES_ISSUES = 1000,      /* ours: findings kept of one compilation */
    LIMIT_RULES_NESTING = 300,      /* ours: brackets, matches, operators while parsing; three times the AST depth */
    LIMIT_RULES_PARSE_HEIGHT = 2000, /* ours: of an expression tree, chains of one operator included */
    LIMIT_RULES_LINT_STEPS = 2000000, /* ours: expressions that one lint looks at in all */
    LIMIT_RULES_LINT_ALLOWS = 2000, /* ours: above, allows are not compared with each other */
    LIMIT_RULES_SYNTAX_STEPS = 4000000, /* ours: work to explain a syntax error; then a plain message */
    LIMIT_COVERAGE_VALUES = 16,     /* ours: different values kept of one expression, beside true and false */
    LIMIT_COVERAGE_LOOKS = 1000,    /* ours: evaluations of one that are told apart; later ones are only counted */
    LIMIT_COVERAGE_VALUE_BYTES = 16 * 1024,     /* ours: of one value as JSON; larger ones are only counted */
    LIMIT_COVERAGE_BYTES = 8 * 1024 * 1024,     /* ours: of all values that one shard keeps */
    LIMIT_RULES_RECORD = 16 * 1024 * 1024, /* ours: of one evaluation, for the Requests feed */

    /* The Requests feed */
    LIMIT_FEED_KEPT = 50,                      /* of Google's emulator: evaluations told to whoever comes later; */
    LIMIT_FEED_BYTES = 16 * 1024 * 1024,       /* ours: and fewer when they are large */
    LIMIT_FEED_LISTENERS = 16,                 /* ours: then 503 */
    LIMIT_FEED_UNREAD = 32 * 1024 * 1024,      /* ours: a listener that leaves more unread is dropped */
    LIMIT_WEBSOCKET_FRAME = 64 * 1024,         /* ours: of a client; what it says is read and dropped */
    LIMIT_RULES_ARENA = 64 * 1024 * 1024, /* ours: memory of one decision */
};

#endif
