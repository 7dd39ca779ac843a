/* single_project.c - see single_project.h. */
#include "server/single_project.h"

#include "core/log.h"

#include <stdatomic.h>

enum status_code single_project_check(const struct options *o, struct str project, struct status *st)
{
    static atomic_bool told;
    char shown[STATUS_SHOWN];
    if (!single_project(o) || str_eq_z(project, o->project_id))
        return STATUS_OK;
    status_show(shown, project);
    if (o->single_project_mode_error)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "Multiple projectIds are not permitted in single project mode. Requested project ID %s, but the "
            "emulator is configured for %s. To opt-out of single project mode add/set the "
            "'\"singleProjectMode\": false' property in the firebase.json emulators config.",
            shown, o->project_id);
    if (!atomic_exchange(&told, true))
        log_warn("a request names project %s, but this server is for %s (--single_project_mode); it is "
                 "answered all "
                 "the same",
                 shown, o->project_id);
    return STATUS_OK;
}
