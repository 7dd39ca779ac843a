/* single_project.h - --single_project_mode: this server is for one project, --project_id. */
#ifndef SERVER_SINGLE_PROJECT_H
#define SERVER_SINGLE_PROJECT_H

#include "server/options.h"

static inline bool single_project(const struct options *options)
{
    return options->single_project_mode || options->single_project_mode_error;
}
/* Another project: told once on the terminal; INVALID_ARGUMENT with the text of Google's emulator 1.19.9 with
 * --single_project_mode_error. */
enum status_code single_project_check(const struct options *options, struct str project, struct status *st);

#endif
