/* side.c - see side.h. */
#include "server/rpc/side.h"

#define CHECKED &health_check_request, &health_check_response
#define REFLECTED &reflection_request, &reflection_response, reflection_take

const struct side_method side_methods[] = {
    { "/grpc.health.v1.Health/Check", RPC_UNARY, CHECKED, health_check, NULL },
    { "/grpc.health.v1.Health/List", RPC_UNARY, &health_list_request, &health_list_response, health_list,
      NULL },
    { "/grpc.health.v1.Health/Watch", RPC_SERVER_STREAM, CHECKED, health_watch, health_changed },
    { "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", RPC_BIDI, REFLECTED, NULL },
    { "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", RPC_BIDI, REFLECTED, NULL },
};
const size_t side_method_count = sizeof side_methods / sizeof side_methods[0];

const struct side_method *side_by_path(struct str path)
{
    for (size_t i = 0; i < side_method_count; i++)
        if (str_eq_z(path, side_methods[i].path))
            return &side_methods[i];
    return NULL;
}
