/* reflection.c - grpc.reflection.v1 and v1alpha, which are the same but for the name: what services are here, and the
 * files that describe them (descriptors.h). A file comes with all that it imports.
 *
 * There are no extensions, so asking for one is asking for what is not there. */
#include "core/messages.h"
#include "server/rpc/descriptors.h"
#include "server/rpc/side.h"

#include <stdlib.h>

struct extension_request {
    struct str containing_type;
    int32_t number;
};
struct reflection_request_message {
    struct str host;
    uint32_t which;                     /* the oneof's number */
    struct str name;                    /* of 3, 4, 6, 7 */
    struct extension_request extension; /* of 5 */
};
struct file_response {
    REPEATED(struct str) files;
};
struct numbers_response {
    struct str base_type;
    REPEATED(int32_t) numbers;
};
struct service_response {
    struct str name;
};
struct list_services_response {
    REPEATED(struct service_response) services;
};
struct error_response {
    int32_t code;
    struct str message;
};
struct reflection_response_message {
    struct str valid_host;
    struct reflection_request_message *original;
    uint32_t which;
    struct file_response files;
    struct numbers_response numbers;
    struct list_services_response services;
    struct error_response error;
};

/* Numbers of the oneofs. */
enum { BY_NAME = 3, BY_SYMBOL = 4, BY_EXTENSION = 5, EXTENSIONS_OF = 6, LIST_SERVICES = 7 };
enum { FILES = 4, NUMBERS = 5, SERVICES = 6, ERROR = 7 };

/* ---- schemas ---- */

/* clang-format off */
#define FIELD(num, camel, snake, kind, T, m) \
    .json = STR_INIT(camel), .name = STR_INIT(snake), .number = (num), .type = (kind), .offset = offsetof(T, m)
#define CASE(T) .presence = SCHEMA_IF_CASE, .has_offset = offsetof(T, which)
#define MESSAGE(id, api_name, T, rows) \
    id = { .name = (api_name), .size = sizeof(T), .fields = (rows), .n = sizeof(rows) / sizeof((rows)[0]) }

static const struct schema_field extension_request_fields[] = {
    { FIELD(1, "containingType", "containing_type", SCHEMA_STRING, struct extension_request, containing_type) },
    { FIELD(2, "extensionNumber", "extension_number", SCHEMA_INT32, struct extension_request, number) },
};
static const struct schema_message MESSAGE(extension_request, "ExtensionRequest", struct extension_request,
                                           extension_request_fields);

#define ASKED(num, camel, snake) \
    { FIELD(num, camel, snake, SCHEMA_STRING, struct reflection_request_message, name), \
      CASE(struct reflection_request_message) }
static const struct schema_field request_fields[] = {
    { FIELD(1, "host", "host", SCHEMA_STRING, struct reflection_request_message, host) },
    ASKED(BY_NAME, "fileByFilename", "file_by_filename"),
    ASKED(BY_SYMBOL, "fileContainingSymbol", "file_containing_symbol"),
    { FIELD(BY_EXTENSION, "fileContainingExtension", "file_containing_extension", SCHEMA_MESSAGE,
            struct reflection_request_message, extension),
      CASE(struct reflection_request_message), .message = &extension_request },
    ASKED(EXTENSIONS_OF, "allExtensionNumbersOfType", "all_extension_numbers_of_type"),
    ASKED(LIST_SERVICES, "listServices", "list_services"),
};
const struct schema_message MESSAGE(reflection_request, "ServerReflectionRequest", struct reflection_request_message,
                                    request_fields);

/* Bytes; they are only written, and that is as strings are. core has no repeated bytes. */
static const struct schema_field file_fields[] = {
    { FIELD(1, "fileDescriptorProto", "file_descriptor_proto", SCHEMA_STRING, struct file_response, files),
      .repeated = true },
};
static const struct schema_message MESSAGE(file_response, "FileDescriptorResponse", struct file_response, file_fields);

static const struct schema_field numbers_fields[] = {
    { FIELD(1, "baseTypeName", "base_type_name", SCHEMA_STRING, struct numbers_response, base_type) },
    { FIELD(2, "extensionNumber", "extension_number", SCHEMA_INT32, struct numbers_response, numbers),
      .repeated = true },
};
static const struct schema_message MESSAGE(numbers_response, "ExtensionNumberResponse", struct numbers_response,
                                           numbers_fields);

static const struct schema_field service_fields[] = {
    { FIELD(1, "name", "name", SCHEMA_STRING, struct service_response, name) },
};
static const struct schema_message MESSAGE(service_response, "ServiceResponse", struct service_response, service_fields);
static const struct schema_field services_fields[] = {
    { FIELD(1, "service", "service", SCHEMA_MESSAGE, struct list_services_response, services), .repeated = true,
      .message = &service_response },
};
static const struct schema_message MESSAGE(services_response, "ListServiceResponse", struct list_services_response,
                                           services_fields);

static const struct schema_field error_fields[] = {
    { FIELD(1, "errorCode", "error_code", SCHEMA_INT32, struct error_response, code) },
    { FIELD(2, "errorMessage", "error_message", SCHEMA_STRING, struct error_response, message) },
};
static const struct schema_message MESSAGE(error_response, "ErrorResponse", struct error_response, error_fields);

#define TOLD(num, camel, snake, m, sub) \
    { FIELD(num, camel, snake, SCHEMA_MESSAGE, struct reflection_response_message, m), \
      CASE(struct reflection_response_message), .message = &(sub) }
static const struct schema_field response_fields[] = {
    { FIELD(1, "validHost", "valid_host", SCHEMA_STRING, struct reflection_response_message, valid_host) },
    { FIELD(2, "originalRequest", "original_request", SCHEMA_MESSAGE, struct reflection_response_message, original),
      .pointer = true, .presence = SCHEMA_IF_POINTER, .message = &reflection_request },
    TOLD(FILES, "fileDescriptorResponse", "file_descriptor_response", files, file_response),
    TOLD(NUMBERS, "allExtensionNumbersResponse", "all_extension_numbers_response", numbers, numbers_response),
    TOLD(SERVICES, "listServicesResponse", "list_services_response", services, services_response),
    TOLD(ERROR, "errorResponse", "error_response", error, error_response),
};
const struct schema_message MESSAGE(reflection_response, "ServerReflectionResponse", struct reflection_response_message,
                                    response_fields);
/* clang-format on */

/* ---- answers ---- */

static void not_found(struct reflection_response_message *r, struct arena *arena, const char *what,
                      struct str name)
{
    r->which = ERROR;
    r->error.code = STATUS_NOT_FOUND;
    r->error.message = str_of(arena_printf(arena, "%s not found: " STR_FMT, what, STR_ARG(name)));
}

static void give_file(struct reflection_response_message *r, struct arena *arena, size_t file)
{
    struct str *all = ARENA_ARRAY(arena, struct str, descriptor_file_count);
    size_t n = 0;
    for (size_t i = descriptor_file_count; i-- > 0;) /* the one that was asked for comes first */
        if (descriptor_files[file].needs >> i & 1)
            all[n++] = str_from(descriptor_files[i].bytes, descriptor_files[i].n);
    r->which = FILES;
    r->files.files.items = all;
    r->files.files.n = n;
}

static void by_name(struct reflection_response_message *r, struct arena *arena, struct str name)
{
    for (size_t i = 0; i < descriptor_file_count; i++) {
        if (str_eq(name, descriptor_files[i].name)) {
            give_file(r, arena, i);
            return;
        }
    }
    not_found(r, arena, "File", name);
}

static int compare_symbol(const void *name, const void *row)
{
    return str_cmp(*(const struct str *)name, ((const struct descriptor_symbol *)row)->name);
}

static const struct descriptor_symbol *find_symbol(struct str name)
{
    return bsearch(&name, descriptor_symbols, descriptor_symbol_count, sizeof descriptor_symbols[0],
                   compare_symbol);
}

static void by_symbol(struct reflection_response_message *r, struct arena *arena, struct str name)
{
    const struct descriptor_symbol *symbol = find_symbol(name);
    if (symbol)
        give_file(r, arena, symbol->file);
    else
        not_found(r, arena, "Symbol", name);
}

static void extensions_of(struct reflection_response_message *r, struct arena *arena, struct str type)
{
    const struct descriptor_symbol *symbol = find_symbol(type);
    if (!symbol || symbol->kind != DESCRIPTOR_MESSAGE) {
        not_found(r, arena, "Type", type);
        return;
    }
    r->which = NUMBERS;
    r->numbers.base_type = type;
}

static void list_services(struct reflection_response_message *r, struct arena *arena)
{
    struct service_response *all = ARENA_ARRAY(arena, struct service_response, descriptor_symbol_count);
    size_t n = 0;
    for (size_t i = 0; i < descriptor_symbol_count; i++)
        if (descriptor_symbols[i].kind == DESCRIPTOR_SERVICE)
            all[n++].name = descriptor_symbols[i].name;
    r->which = SERVICES;
    r->services.services.items = all;
    r->services.services.n = n;
}

void reflection_take(struct side_call *call, const void *request)
{
    struct reflection_request_message m = *(const struct reflection_request_message *)request;
    struct reflection_response_message r = { .valid_host = m.host, .original = &m };
    switch (m.which) {
    case BY_NAME:
        by_name(&r, call->arena, m.name);
        break;
    case BY_SYMBOL:
        by_symbol(&r, call->arena, m.name);
        break;
    case BY_EXTENSION:
        not_found(&r, call->arena, "Extension of", m.extension.containing_type);
        break;
    case EXTENSIONS_OF:
        extensions_of(&r, call->arena, m.name);
        break;
    case LIST_SERVICES:
        list_services(&r, call->arena);
        break;
    default:
        status_set(&call->status, STATUS_INVALID_ARGUMENT, "message_request is not set");
        return;
    }
    call->send(call, &r);
}
