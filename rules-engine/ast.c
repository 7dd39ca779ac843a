/* ast.c - see ast.h. */
#include "rules-engine/ast.h"

static void visit_all(struct ast_node *const *items, uint32_t n, ast_visitor *visit, void *data)
{
    for (uint32_t i = 0; i < n; i++)
        visit(data, items[i]);
}

static void visit_present(struct ast_node *const *items, uint32_t n, ast_visitor *visit, void *data)
{
    for (uint32_t i = 0; i < n; i++)
        if (items[i])
            visit(data, items[i]);
}

void ast_each_child(const struct ast_node *node, ast_visitor *visit, void *data)
{
    switch (node->kind) {
    case AST_NULL:
    case AST_BOOL:
    case AST_INT:
    case AST_FLOAT:
    case AST_STRING:
    case AST_BYTES:
    case AST_NAME:
        return;
    case AST_LIST:
        visit_all(node->list.items, node->list.n, visit, data);
        return;
    case AST_MAP:
        visit_all(node->map.keys, node->map.n, visit, data);
        visit_all(node->map.values, node->map.n, visit, data);
        return;
    case AST_PATH:
        for (uint32_t i = 0; i < node->path.n; i++)
            visit_present(&node->path.parts[i].expr, 1, visit, data);
        return;
    case AST_MEMBER:
        visit(data, node->member.object);
        return;
    case AST_INDEX:
    case AST_SLICE:
        visit_present((struct ast_node *[]){ node->index.object, node->index.from, node->index.to }, 3, visit,
                      data);
        return;
    case AST_CALL:
    case AST_METHOD:
        visit_present(&node->call.object, 1, visit, data);
        visit_all(node->call.args, node->call.n, visit, data);
        return;
    case AST_IS:
        visit(data, node->is.a);
        return;
    default:
        visit_present((struct ast_node *[]){ node->op.a, node->op.b, node->op.c }, 3, visit, data);
        return;
    }
}
