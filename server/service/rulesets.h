/* rulesets.h - which rules are in force for which project.
 *
 * One default (the rules file, or the open ruleset), and one per project that uploaded its own. A ruleset
 * that is replaced stays alive for the decisions that hold it. */
#ifndef SERVER_SERVICE_RULESETS_H
#define SERVER_SERVICE_RULESETS_H

#include "rules-engine/rules.h"

struct rules_registry;
struct rules_registry *rules_registry_new(void);
void rules_registry_free(struct rules_registry *registry);

/* The ruleset in force, retained: the caller releases it. Never NULL. */
struct ruleset *rules_registry_get(struct rules_registry *registry, struct str project);
/* Takes over one reference. `project` empty: the default for every project without its own. `open` marks
 * the built-in open ruleset, for the summary. */
void rules_registry_set(struct rules_registry *registry, struct str project, struct ruleset *ruleset);
/* Forgets every project's own rules (POST /reset): the default counts again. */
void rules_registry_forget(struct rules_registry *registry);
/* True while some project's decisions could fall to the built-in open ruleset. */
bool rules_registry_default_is_open(struct rules_registry *registry);
/* Calls each(data, project, ruleset) for the default (project "") and every project. */
void rules_registry_each(struct rules_registry *registry,
                         void (*each)(void *data, struct str project, struct ruleset *ruleset), void *data);

#endif
