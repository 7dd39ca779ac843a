/* rules_test_world.c - the documents that a case begins with, put where the last case left off. */
#include "server/cli/rules_test.h"

/* Given documents are from later than the request, which no rule sees: one that puts a server timestamp into
 * a document of its own millisecond would wait for the next, and time stands still. */
static void set_time(struct test_world *world, const struct ruletest_case *c)
{
    in_process_set_time(world->server, timestamp_from_us(timestamp_to_us(c->time) + 1000000));
    in_process_set_iam(world->server, false);
}

static enum status_code put(struct test_world *world, write_list writes, struct arena *arena,
                            struct status *st)
{
    struct in_process_answer answer;
    if (writes.n == 0)
        return STATUS_OK;
    in_process_commit(&answer, world->server, &in_process_owner, world->db, writes, arena);
    if (answer.status.code)
        status_copy(st, &answer.status);
    return st->code;
}

/* The newest document of that name; NULL when none is given. */
static const struct ruletest_given *find_given(const struct ruletest_given *newest, struct str path)
{
    while (newest && !str_eq(newest->path, path))
        newest = newest->prev;
    return newest;
}

enum status_code test_world_fill(struct test_world *world, const struct ruletest_case *c, struct arena *arena,
                                 struct status *st)
{
    write_list writes = { 0 };
    if (world->filled && world->given == c->given)
        return STATUS_OK;
    world->filled = false;
    set_time(world, c);
    if (in_process_clear(world->server, world->db, st))
        return st->code;
    for (const struct ruletest_given *g = c->given; g; g = g->prev)
        writes.n++;
    writes.items = ARENA_ARRAY(arena, struct msg_write, writes.n);
    writes.n = 0;
    for (const struct ruletest_given *g = c->given; g; g = g->prev)
        if (find_given(c->given, g->path) == g)
            writes.items[writes.n++] = g->write;
    if (put(world, writes, arena, st))
        return st->code;
    world->filled = true;
    world->given = c->given;
    return STATUS_OK;
}

static struct str name_of(const struct msg_write *write)
{
    return write->operation_case == 2 ? write->delete_name : write->update.name;
}

enum status_code test_world_take_back(struct test_world *world, const struct ruletest_case *c,
                                      struct arena *arena, struct status *st)
{
    write_list writes = { ARENA_ARRAY(arena, struct msg_write, c->writes.n), c->writes.n };
    for (size_t i = 0; i < writes.n; i++) {
        struct str name = name_of(&c->writes.items[i]);
        const struct ruletest_given *given = find_given(c->given, name);
        writes.items[i] =
            given ? given->write : (struct msg_write){ .operation_case = 2, .delete_name = name };
    }
    set_time(world, c);
    return put(world, writes, arena, st);
}
