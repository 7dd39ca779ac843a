/* firebase_json.h - what a project folder of the Firebase CLI says about this server: firebase.json and
 * .firebaserc.
 *
 *   { "firestore": { "rules": "firestore.rules" },                         or a list of such, one a database
 *     "emulators": { "firestore": { "host": "127.0.0.1", "port": 8080, "websocketPort": 9150 } } }
 *   { "projects": { "default": "demo-shop" } }                             .firebaserc
 *
 * Both may hold comments, as firebase-tools 15 takes them. Everything else in them is somebody else's and
 * passed over; what is read here must have its type. */
#ifndef SERVER_FIREBASE_JSON_H
#define SERVER_FIREBASE_JSON_H

#include "core/status.h"

struct firebase_folder {
    const char *host;    /* emulators.firestore; NULL: not said */
    const char *rules;   /* of the database (default), else of the first one with rules; NULL: not said */
    const char *project; /* projects.default of .firebaserc; NULL: not said */
    uint16_t port, websocket_port;
    bool port_given, websocket_port_given;
    bool other_rules; /* another database has rules in another file */
};

enum { FIREBASE_JSON_MAX = 1024 * 1024 };

/* Both: fill in what the text says and leave the rest; texts are in arena. INVALID_ARGUMENT "NAME:LINE: why".
 */
enum status_code firebase_json_parse(struct firebase_folder *out, struct arena *arena, struct str text,
                                     struct status *st);
enum status_code firebaserc_parse(struct firebase_folder *out, struct arena *arena, struct str text,
                                  struct status *st);

/* Those of the working directory; what is not there says nothing. INVALID_ARGUMENT as above, or when one
 * cannot be read or is larger than FIREBASE_JSON_MAX. */
enum status_code firebase_folder_read(struct firebase_folder *out, struct arena *arena, struct status *st);

#endif
