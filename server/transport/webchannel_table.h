/* webchannel_table.h - the sessions of a server by their ids, and the passing of time for them. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_TABLE_H
#define SERVER_TRANSPORT_WEBCHANNEL_TABLE_H

#include "server/transport/webchannel_session.h"

/* Lists a new session, with a reference of its own. False: there are LIMIT_CHANNELS already. */
bool channels_add(struct channels *channels, struct channel *channel);
/* The one with this id that still takes requests, with a reference for the caller; NULL: there is none. */
struct channel *channels_find(struct channels *channels, struct str sid);

#endif
