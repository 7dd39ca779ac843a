/* page_token.h - where a list stands, as text that the client brings back: base64 of a position and of which
 * list it is, with a checksum. It needs no server state and stays valid when documents come and go. */
#ifndef STORAGE_PAGE_TOKEN_H
#define STORAGE_PAGE_TOKEN_H

#include "core/messages.h"
#include "core/path.h"

/* Which list a token belongs to: a checksum of whatever tells lists apart. Never 0. */
uint32_t page_list_id(const struct str *parts, size_t n);
struct str page_token_make(struct arena *arena, uint32_t list, const struct msg_cursor *position);
/* INVALID_ARGUMENT "invalid page token", also for one of another list. */
enum status_code page_token_parse(struct msg_cursor **position, struct arena *arena, struct str token,
                                  uint32_t list, struct status *st);

#endif
