/* From expressions to code: each leaves one value on the stack. */
#include "web/template_emit.h"

#include <gust/error.h>

static int compile_constant(struct gust__compiler *compiler, const struct gust__expression *expression)
{
    const struct gust__value *value = &expression->constant;
    unsigned line = expression->line;
    int32_t number;
    gust__emit_push(compiler);
    switch (value->kind) {
    case GUST__VALUE_BOOLEAN:
        return gust__emit(compiler, line, GUST__DO_BOOLEAN, 0, value->boolean, 0);
    case GUST__VALUE_INTEGER:
        number = gust__emit_integer(compiler, value->integer, line);
        return number < 0 ? -1 : gust__emit(compiler, line, GUST__DO_INTEGER, 0, number, 0);
    case GUST__VALUE_REAL:
        number = gust__emit_real(compiler, value->real, line);
        return number < 0 ? -1 : gust__emit(compiler, line, GUST__DO_REAL, 0, number, 0);
    case GUST__VALUE_TEXT:
        number = gust__emit_bytes(compiler, value->text, value->size, true);
        return number < 0 ? gust__compiler_too_large(compiler, line)
                          : gust__emit(compiler, line, GUST__DO_STRING, 0, number, (int32_t)value->size);
    default:
        return gust__emit(compiler, line, GUST__DO_NULL, 0, 0, 0);
    }
}

int gust__compile_arguments(struct gust__compiler *compiler, const struct gust__expression *arguments)
{
    for (; arguments; arguments = arguments->next) {
        if (gust__compile_expression(compiler, arguments, false) < 0)
            return -1;
    }
    return 0;
}

/* default(value, otherwise): the first may have unknown names, and the second is only worked out if needed.
 */
static int compile_default(struct gust__compiler *compiler, const struct gust__expression *call)
{
    if (call->count != 2)
        return gust__compiler_wrong(compiler, call->line,
                                    "default() takes a value and what to use without it");
    if (gust__compile_expression(compiler, call->left, true) < 0)
        return -1;
    int32_t known = gust__emit_jump(compiler, call->line, GUST__DO_DEFAULT);
    compiler->height--;
    if (known < 0 || gust__compile_expression(compiler, call->left->next, false) < 0)
        return -1;
    gust__emit_land(compiler, known);
    return 0;
}

int gust__compile_call(struct gust__compiler *compiler, const struct gust__expression *call,
                       enum gust__operation operation)
{
    bool module = operation == GUST__DO_MODULE;
    if (operation == GUST__DO_CALL && gust__slice_equals(call->name, GUST__SLICE("default")))
        return compile_default(compiler, call);
    if (gust__compile_arguments(compiler, call->left) < 0)
        return -1;
    compiler->height -= call->count;
    if (operation == GUST__DO_CALL)
        gust__emit_push(compiler);
    int32_t reference = gust__emit_reference(compiler, call->name, call->line, module);
    return reference < 0 ? -1
                         : gust__emit(compiler, call->line, operation, 0, reference, (int32_t)call->count);
}

static int compile_list(struct gust__compiler *compiler, const struct gust__expression *list)
{
    if (gust__compile_arguments(compiler, list->left) < 0)
        return -1;
    compiler->height -= list->count;
    gust__emit_push(compiler);
    return gust__emit(compiler, list->line, GUST__DO_LIST, 0, (int32_t)list->count, 0);
}

/* loop.index and so on, in a for. 0: it is something else. */
static int compile_loop_field(struct gust__compiler *compiler, const struct gust__expression *member)
{
    static const char *const fields[] = {"index", "index0", "first", "last", "length"};
    struct gust__compiler_scope *scope = compiler->scope;
    while (scope && scope->loop < 0)
        scope = scope->outer;
    if (!scope || member->left->kind != GUST__EXPRESSION_NAME ||
        !gust__slice_equals(member->left->name, GUST__SLICE("loop")))
        return 0;
    for (size_t i = 0; i < GUST_LEN(fields); i++) {
        if (!gust__slice_equals(member->name, gust__slice_of(fields[i])))
            continue;
        gust__emit_push(compiler);
        return gust__emit(compiler, member->line, GUST__DO_LOOP_FIELD, (uint8_t)i, scope->loop, 0) < 0 ? -1
                                                                                                       : 1;
    }
    return gust__compiler_wrong(compiler, member->line, "a loop has index, index0, first, last and length");
}

static int compile_member(struct gust__compiler *compiler, const struct gust__expression *member,
                          bool lenient)
{
    int loop = compile_loop_field(compiler, member);
    if (loop)
        return loop < 0 ? -1 : 0;
    if (gust__compile_expression(compiler, member->left, lenient) < 0)
        return -1;
    int32_t name = gust__emit_name(compiler, member->name, member->line);
    return name < 0 ? -1
                    : gust__emit(compiler, member->line, GUST__DO_MEMBER, lenient,
                                 (int32_t)compiler->names[name], 0);
}

static int compile_choice(struct gust__compiler *compiler, const struct gust__expression *choice)
{
    if (gust__compile_expression(compiler, choice->third, false) < 0)
        return -1;
    int32_t otherwise = gust__emit_jump(compiler, choice->line, GUST__DO_UNLESS);
    compiler->height--;
    if (otherwise < 0 || gust__compile_expression(compiler, choice->left, false) < 0)
        return -1;
    int32_t end = gust__emit_jump(compiler, choice->line, GUST__DO_JUMP);
    compiler->height--;
    if (end < 0)
        return -1;
    gust__emit_land(compiler, otherwise);
    if (gust__compile_expression(compiler, choice->right, false) < 0)
        return -1;
    gust__emit_land(compiler, end);
    return 0;
}

static int compile_binary(struct gust__compiler *compiler, const struct gust__expression *binary)
{
    if (gust__compile_expression(compiler, binary->left, false) < 0)
        return -1;
    if (binary->operation == GUST__DO_AND || binary->operation == GUST__DO_OR) {
        int32_t end = gust__emit_jump(compiler, binary->line, binary->operation);
        compiler->height--;
        if (end < 0 || gust__compile_expression(compiler, binary->right, false) < 0)
            return -1;
        gust__emit_land(compiler, end);
        return 0;
    }
    if (gust__compile_expression(compiler, binary->right, false) < 0)
        return -1;
    compiler->height--;
    return gust__emit(compiler, binary->line, binary->operation, 0, 0, 0);
}

static int compile_name(struct gust__compiler *compiler, const struct gust__expression *expression,
                        bool lenient)
{
    int32_t name = gust__emit_name(compiler, expression->name, expression->line);
    gust__emit_push(compiler);
    return name < 0 ? -1 : gust__emit(compiler, expression->line, GUST__DO_LOAD, lenient, name, 0);
}

static int compile_index(struct gust__compiler *compiler, const struct gust__expression *expression,
                         bool lenient)
{
    if (gust__compile_expression(compiler, expression->left, lenient) < 0 ||
        gust__compile_expression(compiler, expression->right, false) < 0)
        return -1;
    compiler->height--;
    return gust__emit(compiler, expression->line, GUST__DO_INDEX, lenient, 0, 0);
}

int gust__compile_expression(struct gust__compiler *compiler, const struct gust__expression *expression,
                             bool lenient)
{
    switch (expression->kind) {
    case GUST__EXPRESSION_CONSTANT:
        return compile_constant(compiler, expression);
    case GUST__EXPRESSION_NAME:
        return compile_name(compiler, expression, lenient);
    case GUST__EXPRESSION_MEMBER:
        return compile_member(compiler, expression, lenient);
    case GUST__EXPRESSION_INDEX:
        return compile_index(compiler, expression, lenient);
    case GUST__EXPRESSION_CALL:
        return gust__compile_call(compiler, expression, GUST__DO_CALL);
    case GUST__EXPRESSION_LIST:
        return compile_list(compiler, expression);
    case GUST__EXPRESSION_CHOICE:
        return compile_choice(compiler, expression);
    case GUST__EXPRESSION_UNARY:
        if (gust__compile_expression(compiler, expression->left, false) < 0)
            return -1;
        return gust__emit(compiler, expression->line, expression->operation, 0, 0, 0);
    default:
        return compile_binary(compiler, expression);
    }
}
