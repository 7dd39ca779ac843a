/* lint_names.c - the lint `shadowed`: names that hide others. */
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/lint_expr.h"

static const struct ast_function *named(const struct ast_function *list, struct str name)
{
    for (const struct ast_function *f = list; f; f = f->next)
        if (str_eq(f->name, name))
            return f;
    return NULL;
}

/* What the name stood for outside of `match`; NULL for nothing. */
static const struct ast_function *hidden_function(const struct lint_pass *pass, const struct ast_function *f,
                                                  const struct ast_service *service)
{
    const struct ast_function *outer = NULL;
    for (const struct ast_match *m = f->declared_in ? f->declared_in->parent : NULL; m && !outer;
         m = m->parent)
        outer = named(m->functions, f->name);
    if (!outer && service && f->declared_in)
        outer = named(service->functions, f->name);
    return outer || !service ? outer : named(pass->ruleset->units[f->file].functions, f->name);
}

static void look_at_variable(struct lint_pass *pass, const struct ast_function *f, struct str name,
                             struct ast_span span)
{
    if (str_eq_z(name, "request") || str_eq_z(name, "resource"))
        lint_add(pass, RULES_WARNING, f->file, span, "choose another name",
                 lint_text(pass, "in this function '" STR_FMT "' is not the request's", STR_ARG(name)));
}

static void look_at_functions(struct lint_pass *pass, const struct ast_function *list,
                              const struct ast_service *service)
{
    for (const struct ast_function *f = list; f; f = f->next) {
        const struct ast_function *hidden = hidden_function(pass, f, service);
        if (hidden) {
            lint_add(pass, RULES_WARNING, f->file, f->name_span, "choose another name",
                     lint_text(pass, "this hides the function '" STR_FMT "' of line %u", STR_ARG(f->name),
                               (unsigned)lint_line(pass->ruleset, hidden->file, hidden->span)));
            lint_relate(pass, hidden->file, hidden->name_span, "this is hidden");
        } else if (builtin_global(f->name)) {
            lint_add(pass, RULES_WARNING, f->file, f->name_span, "choose another name",
                     lint_text(pass, "this hides the built-in function '" STR_FMT "'", STR_ARG(f->name)));
        }
        for (uint32_t i = 0; i < f->n_parameters; i++)
            look_at_variable(pass, f, f->parameters[i], f->parameter_spans[i]);
        for (uint32_t i = 0; i < f->n_lets; i++)
            look_at_variable(pass, f, f->lets[i].name, f->lets[i].name_span);
    }
}

static void look_below(struct lint_pass *pass, const struct ast_match *list,
                       const struct ast_service *service)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        look_at_functions(pass, match->functions, service);
        look_below(pass, match->children, service);
    }
}

void lint_shadowed(struct lint_pass *pass)
{
    for (size_t i = 0; i < pass->ruleset->n_files; i++) {
        look_at_functions(pass, pass->ruleset->units[i].functions, NULL);
        for (const struct ast_service *s = pass->ruleset->units[i].services; s; s = s->next) {
            look_at_functions(pass, s->functions, s);
            look_below(pass, s->matches, s);
        }
    }
}
