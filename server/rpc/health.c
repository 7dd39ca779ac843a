/* health.c - grpc.health.v1: whether the server answers, for it as a whole ("") and for each service of Firestore's.
 *
 * SERVING from when the server is ready to when it stops. Who asks for another service is told so in each method's own way
 * (the protocol's): Check fails with NOT_FOUND, Watch says SERVICE_UNKNOWN and goes on. */
#include "server/rpc/side.h"

#include "core/messages.h"
#include "server/server.h"

enum serving { HEALTH_SERVING = 1, HEALTH_NOT_SERVING = 2, HEALTH_SERVICE_UNKNOWN = 3 };

struct check_request {
    struct str service;
};
struct check_response {
    int32_t status;
};
/* An entry of map<string, HealthCheckResponse>. */
struct list_entry {
    struct str service;
    struct check_response *response;
};
struct list_request {
    char none;
};
struct list_response {
    REPEATED(struct list_entry) statuses;
};

/* ---- schemas ---- */

static const struct schema_enumerator serving_rows[] = {
    { STR_INIT("UNKNOWN"), 0 },
    { STR_INIT("SERVING"), HEALTH_SERVING },
    { STR_INIT("NOT_SERVING"), HEALTH_NOT_SERVING },
    { STR_INIT("SERVICE_UNKNOWN"), HEALTH_SERVICE_UNKNOWN },
};
static const struct schema_enum serving = { serving_rows, 4 };

static const struct schema_field check_request_fields[] = {
    { .json = STR_INIT("service"),
      .name = STR_INIT("service"),
      .number = 1,
      .type = SCHEMA_STRING,
      .offset = offsetof(struct check_request, service) },
};
const struct schema_message health_check_request = {
    .name = "HealthCheckRequest", .size = sizeof(struct check_request), .fields = check_request_fields, .n = 1
};

static const struct schema_field check_response_fields[] = {
    { .json = STR_INIT("status"),
      .name = STR_INIT("status"),
      .number = 1,
      .type = SCHEMA_ENUM,
      .offset = offsetof(struct check_response, status),
      .enumeration = &serving },
};
const struct schema_message health_check_response = { .name = "HealthCheckResponse",
                                                      .size = sizeof(struct check_response),
                                                      .fields = check_response_fields,
                                                      .n = 1 };

const struct schema_message health_list_request = { .name = "HealthListRequest",
                                                    .size = sizeof(struct list_request) };

static const struct schema_field list_entry_fields[] = {
    { .json = STR_INIT("key"),
      .name = STR_INIT("key"),
      .number = 1,
      .type = SCHEMA_STRING,
      .offset = offsetof(struct list_entry, service) },
    { .json = STR_INIT("value"),
      .name = STR_INIT("value"),
      .number = 2,
      .type = SCHEMA_MESSAGE,
      .pointer = true,
      .presence = SCHEMA_IF_POINTER,
      .offset = offsetof(struct list_entry, response),
      .message = &health_check_response },
};
static const struct schema_message list_entry = { .name = "HealthListResponse.StatusesEntry",
                                                  .size = sizeof(struct list_entry),
                                                  .fields = list_entry_fields,
                                                  .n = 2 };
static const struct schema_field list_response_fields[] = {
    { .json = STR_INIT("statuses"),
      .name = STR_INIT("statuses"),
      .number = 1,
      .type = SCHEMA_MESSAGE,
      .repeated = true,
      .offset = offsetof(struct list_response, statuses),
      .message = &list_entry },
};
const struct schema_message health_list_response = {
    .name = "HealthListResponse", .size = sizeof(struct list_response), .fields = list_response_fields, .n = 1
};

/* ---- answers ---- */

static const struct str services[] = {
    STR_INIT(""),
    STR_INIT("google.firestore.v1.Firestore"),
    STR_INIT("google.firestore.v1beta1.Firestore"),
};
enum { SERVICES = sizeof services / sizeof services[0] };

static bool is_known(struct str service)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (str_eq(service, services[i]))
            return true;
    return false;
}

static struct check_response now(const struct server *server)
{
    bool serves = readiness_reached(&server->readiness) && !atomic_load(&server->stopping);
    return (struct check_response){ serves ? HEALTH_SERVING : HEALTH_NOT_SERVING };
}

void health_check(struct side_call *call, const void *request)
{
    const struct check_request *m = request;
    struct check_response response = now(call->server);
    if (is_known(m->service))
        call->send(call, &response);
    else
        status_set(&call->status, STATUS_NOT_FOUND, "unknown service");
}

void health_list(struct side_call *call, const void *request)
{
    struct list_entry entries[SERVICES];
    struct check_response response = now(call->server);
    struct list_response list = { .statuses = { entries, SERVICES } };
    (void)request;
    for (size_t i = 0; i < SERVICES; i++)
        entries[i] = (struct list_entry){ services[i], &response };
    call->send(call, &list);
}

/* call->state is what was said last. */
static void say(struct side_call *call, enum serving status)
{
    struct check_response response = { (int32_t)status };
    call->state = (int)status;
    call->send(call, &response);
}

void health_watch(struct side_call *call, const void *request)
{
    const struct check_request *m = request;
    say(call, is_known(m->service) ? (enum serving)now(call->server).status : HEALTH_SERVICE_UNKNOWN);
}

void health_changed(struct side_call *call)
{
    enum serving status = (enum serving)now(call->server).status;
    if (call->state != HEALTH_SERVICE_UNKNOWN && call->state != (int)status)
        say(call, status);
}
