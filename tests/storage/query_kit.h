/* query_kit.h - queries, fields and answers as short text: JSON with ' for ". */
#ifndef TESTS_STORAGE_QUERY_KIT_H
#define TESTS_STORAGE_QUERY_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/codec.h"
#include "storage/plan.h"
#include "storage/query.h"

#define QUERY_DB ((struct database_name){ STR_INIT("p"), STR_INIT("(default)") })
/* The documents root, for references in JSON. */
#define QUERY_ROOT "projects/p/databases/(default)/documents/"

/* Each fails the test when the text is no such message. */
struct value_map kit_fields(struct arena *arena, const char *json);
struct value *kit_value(struct arena *arena, const char *json);
struct msg_structured_query *kit_query(struct arena *arena, const char *json);
struct query_plan *kit_plan(struct arena *arena, const char *json);
/* The message of a query's refusal, "OK" when there is none; *code may be NULL. */
const char *kit_refusal(struct arena *arena, const char *parent, const char *json, enum status_code *code);

#endif
