/* ast.h - the tree that the parser makes, the checker annotates and everything else walks.
 *
 * Nodes live in the ruleset's arena and are immutable after checking, except the atomic counters. Every
 * node has the byte span of its text; line and column are computed from it only when something is printed
 * (source.h). Names are resolved once: after check.c an identifier carries a slot, a call carries its
 * function or built-in, so that evaluation looks nothing up by name. */
#ifndef RULES_ENGINE_AST_H
#define RULES_ENGINE_AST_H

#include "rules-engine/source.h"

#include <stdatomic.h>

struct ast_span {
    uint32_t from, to; /* byte offsets in the file, `to` exclusive */
};

enum ast_kind {
    AST_NULL, AST_BOOL, AST_INT, AST_FLOAT, AST_STRING, AST_BYTES,
    AST_LIST,      /* items */
    AST_MAP,       /* entries */
    AST_PATH,      /* segments */
    AST_NAME,      /* identifier */
    AST_MEMBER,    /* a.name */
    AST_INDEX,     /* a[b] */
    AST_SLICE,     /* a[b:c]; b or c may be NULL */
    AST_CALL,      /* name(args): user function or global built-in */
    AST_METHOD,    /* a.name(args), or package.name(args) when `package` is set by the checker */
    AST_NOT, AST_NEGATE,
    AST_AND, AST_OR,
    AST_EQ, AST_NE, AST_LT, AST_LE, AST_GT, AST_GE,
    AST_ADD, AST_SUB, AST_MUL, AST_DIV, AST_MOD,
    AST_IN,
    AST_IS,        /* a is type */
    AST_TERNARY,   /* a ? b : c */
};

/* Types for `is` and for messages. */
enum rules_type {
    RT_UNDEFINED, RT_NULL, RT_BOOL, RT_INT, RT_FLOAT, RT_STRING, RT_BYTES, RT_LIST, RT_MAP, RT_SET, RT_PATH,
    RT_TIMESTAMP, RT_DURATION, RT_LATLNG, RT_MAP_DIFF, RT_CONSTRAINT, RT_VECTOR,
    RT_NUMBER, /* only as the right side of `is` */
};
const char *rules_type_name(enum rules_type type);

struct coverage;
struct ast_function;
struct rvalue;          /* rvalue.h */
struct builtin;         /* builtins/builtins.h */
struct builtin_methods; /* the same */

/* Where an identifier's value is found. */
enum ast_scope {
    SCOPE_UNKNOWN,  /* compile warning "Invalid variable name"; evaluates to "Null value error."-like error */
    SCOPE_REQUEST,
    SCOPE_RESOURCE,
    SCOPE_PARAMETER, /* slot in the innermost call frame */
    SCOPE_LET,       /* slot in the innermost call frame */
    SCOPE_WILDCARD,  /* slot among the wildcards bound by the matched path, outermost first */
};

/* What evaluation reads comes first, and where a node stands in its text last: a decision then touches one
 * or two cache lines a node. */
struct ast_node {
    enum ast_kind kind;
    uint32_t id;       /* dense number in the ruleset: coverage indexes by it */
    uint32_t cost;     /* fold.h: expressions that the value counts when it is not walked; 0: always walked */
    uint32_t chain;    /* fold.h: AST_MEMBER, from 1; 0: none */
    const struct rvalue *constant; /* fold.h: or NULL */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct str text; /* AST_STRING, AST_BYTES: unescaped */
        struct {
            struct ast_node **items;
            uint32_t n;
        } list;
        struct {
            struct ast_node **keys, **values; /* a bare identifier key is an AST_NAME: `{a: 1}` uses a's value */
            uint32_t n;
        } map;
        struct {
            struct ast_path_part *parts;
            uint32_t n;
        } path;
        struct {
            struct str name;
            enum ast_scope scope;
            uint32_t slot;
            bool maybe_path; /* SCOPE_WILDCARD: of a match declaration with a {x=**} */
        } name;
        struct {
            struct ast_node *object;
            struct str name;
            struct ast_span name_span;
        } member;
        struct {
            struct ast_node *object, *from, *to; /* AST_INDEX uses from */
        } index;
        struct {
            struct ast_node *object;       /* AST_METHOD only; NULL when package is set */
            struct ast_node **args;
            uint32_t n;
            struct ast_function *function; /* AST_CALL to a user function, else NULL */
            const struct builtin *builtin; /* global or package built-in when known */
            const struct builtin_methods *methods; /* of that name, AST_METHOD; NULL: no type has one */
            void *cached;                  /* e.g. a compiled constant regex; owned by the ruleset's arena */
            struct str package;            /* "math" in math.abs(x); empty otherwise */
            struct str name;
            struct ast_span name_span;
            struct ast_function *namesake; /* AST_METHOD: the user function of that name; not what is called */
        } call;
        struct {
            struct ast_node *a, *b, *c; /* unary: a; binary: a, b; ternary: a ? b : c */
        } op;
        struct {
            struct ast_node *a;
            enum rules_type type;
        } is;
    };
    struct ast_span span; /* without parentheses around it */
    uint32_t start;       /* of the text with its outermost parenthesis */
    uint32_t parentheses; /* how many pairs stand around it */
    uint32_t file;        /* index into the ruleset's files */
    uint32_t height;      /* of the tree below, 1 for a leaf; at most LIMIT_RULES_PARSE_HEIGHT: bounds recursion */
};

/* Visits every expression directly below a node, in the order of its text. */
typedef void ast_visitor(void *data, struct ast_node *node);
void ast_each_child(const struct ast_node *node, ast_visitor *visit, void *data);

/* A part of a path expression or of a match declaration. */
enum ast_part_kind {
    PART_LITERAL,  /* /users  (URL-decoded) */
    PART_BINDING,  /* /{x} or /{x=*} */
    PART_GLOB,     /* /{x=**} */
    PART_EXPR,     /* /$(expr), expressions only */
};
struct ast_path_part {
    enum ast_part_kind kind;
    struct str text;        /* literal, or the variable's name */
    struct ast_node *expr;
    struct ast_span span;
};

struct ast_let {
    struct str name;
    struct ast_span span, name_span;
    struct ast_node *value;
};

struct ast_function {
    struct str name;
    struct ast_span span, name_span;
    uint32_t file;
    struct str *parameters;
    struct ast_span *parameter_spans;
    uint32_t n_parameters;
    struct ast_let *lets;
    uint32_t n_lets;
    struct ast_node *body;
    struct ast_match *declared_in; /* NULL at file or service level */
    bool used;                     /* reachable from an allow */
    bool called, called_by_function; /* by anything; by a function */
    struct ast_function *duplicate_of; /* the first of that name in the scope: a compile error */
    struct ast_function *next_duplicate; /* of the same name and scope, from the first on */
    uint8_t call_state;            /* these three are calls.c's own */
    uint32_t call_stamp, call_height;
    struct function_facts *facts;  /* types.c's own */
    struct ast_function *next;     /* in the same scope, source order */
};

enum ast_method_bits {
    METHOD_GET = 1, METHOD_LIST = 2, METHOD_CREATE = 4, METHOD_UPDATE = 8, METHOD_DELETE = 16,
    METHOD_READ = 3, METHOD_WRITE = 28,
};

struct ast_allow {
    struct ast_span span;      /* from `allow` to the end of the condition or ';' */
    uint32_t file;
    unsigned methods;          /* METHOD_ bits; unknown names add none */
    const char *methods_text;  /* as written, joined by ", " */
    struct ast_span *method_spans;
    uint32_t n_methods;
    struct ast_node *condition; /* NULL: always true */
    struct ast_match *match;
    struct ast_allow *next;
    uint32_t index;            /* dense number in the ruleset, source order */
    _Atomic uint64_t evaluated, granted;
};

struct ast_match {
    struct ast_span span, path_span;
    uint32_t file;
    struct ast_path_part *parts;
    uint32_t n_parts;
    struct ast_match *parent;            /* NULL directly under a service */
    struct ast_match *children, *next;   /* source order */
    struct ast_allow *allows;
    struct ast_function *functions;
    /* Filled by check.c: parts of all enclosing matches and this one. */
    struct ast_path_part *full;
    uint32_t n_full;
    uint32_t n_wildcards;                /* in full: their slots are numbered in order */
    uint32_t overlaid;                   /* parts behind the glob that lie over those that follow: match.h */
    bool never_matches;                  /* v1 glob in the middle, or what is overlaid does not fit */
};

struct ast_service {
    struct str name; /* "cloud.firestore" */
    struct ast_span span, name_span;
    uint32_t file;
    struct ast_match *matches;
    struct ast_function *functions;
    struct ast_service *next;
};

struct ast_unit {
    int version; /* 1 or 2 */
    struct ast_service *services;
    struct ast_function *functions; /* file level */
};

/* Everything a compiled ruleset holds. rules.h's opaque struct. */
struct ruleset {
    atomic_int references;
    struct arena *arena;
    struct rules_file *files;
    size_t n_files;
    struct source *sources; /* one per file: source_position() of a span */
    struct ast_unit *units; /* one per file */
    uint32_t n_nodes, n_allows;
    struct coverage *coverage; /* coverage.h: counts while the rest stays as it is */
    struct ast_allow **allows; /* by index */
    _Atomic uint32_t first_decisions; /* up to LIMIT_COVERAGE_LOOKS: rules_watched */
    unsigned char digest[32];
};

#endif
