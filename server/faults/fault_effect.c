/* fault_effect.c - what can happen to a call, one row each: see fault.h. */
#include "server/faults/fault.h"

/* Messages: what production's clients report with these codes (public issue threads of the client libraries);
 * plain words where no such text is known. */
const struct fault_effect fault_effects[] = {
    { "RESOURCE_EXHAUSTED", FAULT_STATUS, STATUS_RESOURCE_EXHAUSTED, "Quota exceeded.",
      "over quota; retry=1s unless it says otherwise" },
    { "UNAVAILABLE", FAULT_STATUS, STATUS_UNAVAILABLE,
      "The service is temporarily unavailable. Please retry with exponential backoff.", "not reachable" },
    { "DEADLINE_EXCEEDED", FAULT_STATUS, STATUS_DEADLINE_EXCEEDED,
      "The datastore operation timed out, or the data was temporarily unavailable.", "too slow" },
    { "ABORTED", FAULT_STATUS, STATUS_ABORTED, "Too much contention on these documents. Please try again.",
      "contention" },
    { "PERMISSION_DENIED", FAULT_STATUS, STATUS_PERMISSION_DENIED, "Missing or insufficient permissions.",
      "not allowed" },
    { "UNAUTHENTICATED", FAULT_STATUS, STATUS_UNAUTHENTICATED,
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
      "valid "
      "authentication credential.",
      "token expired" },
    { "INTERNAL", FAULT_STATUS, STATUS_INTERNAL, "An internal error occurred.", "a bug at the other side" },
    { "CANCELLED", FAULT_STATUS, STATUS_CANCELLED, "The operation was cancelled.", NULL },
    { "UNKNOWN", FAULT_STATUS, STATUS_UNKNOWN, "An unknown error occurred.", NULL },
    { "INVALID_ARGUMENT", FAULT_STATUS, STATUS_INVALID_ARGUMENT, "Request contains an invalid argument.",
      NULL },
    { "NOT_FOUND", FAULT_STATUS, STATUS_NOT_FOUND, "Requested entity was not found.", NULL },
    { "ALREADY_EXISTS", FAULT_STATUS, STATUS_ALREADY_EXISTS, "Requested entity already exists.", NULL },
    { "FAILED_PRECONDITION", FAULT_STATUS, STATUS_FAILED_PRECONDITION, "Precondition check failed.", NULL },
    { "OUT_OF_RANGE", FAULT_STATUS, STATUS_OUT_OF_RANGE, "Out of range.", NULL },
    { "UNIMPLEMENTED", FAULT_STATUS, STATUS_UNIMPLEMENTED,
      "Operation is not implemented, or supported, or enabled.", NULL },
    { "DATA_LOSS", FAULT_STATUS, STATUS_DATA_LOSS, "Unrecoverable data loss or corruption.", NULL },
    { "delay", FAULT_DELAY, STATUS_OK, NULL, "answered after latency=, otherwise as always" },
    { "reset", FAULT_RESET, STATUS_OK, NULL, "TCP reset of the connection; the call does not run" },
    { "stall", FAULT_STALL, STATUS_OK, NULL, "never answered; the call does not run" },
    { "lost-answer", FAULT_LOST, STATUS_OK, NULL,
      "the call runs (its entry is in the ledger), then the connection is "
      "closed without a byte of the answer" },
    { "truncate", FAULT_TRUNCATE, STATUS_OK, NULL, "the call runs; its answer breaks off after messages=" },
    { "goaway", FAULT_GOAWAY, STATUS_OK, NULL,
      "answered; the connection takes no further call (GOAWAY, connection: close)" },
};
const size_t fault_effect_count = sizeof fault_effects / sizeof fault_effects[0];
