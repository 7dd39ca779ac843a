/* submit.h - a commit made outside of any request, by a thread that may wait for it: rules of a file, example
 * data. */
#ifndef SERVER_SUBMIT_H
#define SERVER_SUBMIT_H

#include "storage/storage.h"

/* Submits and returns when it is done; done and user of the commit are used here. Its status is also the
 * answer. */
enum status_code submit_and_wait(struct store *store, struct store_commit *commit);

#endif
