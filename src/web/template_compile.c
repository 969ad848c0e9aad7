/*
 * From statements to a program. Tornado's inheritance needs no run time: a template's program is its oldest
 * ancestor's, with each block replaced by the youngest of its name and each include by the file. So the
 * program is flat, and the place in the HTML is known all the way through.
 *
 * A loop's body is compiled again when it ends in another place than it began with, until both are one.
 */
#include "web/template.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdarg.h>

#include <gust/error.h>

struct block {
    struct block *next;
    struct gust__slice name;
    const struct gust__node *node;
    const struct gust__source *source;
};

/* What a {% break %} or {% continue %} has to leave, innermost first. */
struct scope {
    struct scope *outer;
    const struct gust__node *node; /* a loop, or a try */
    const struct gust__source *source;
    int32_t breaks, continues; /* chains of jumps to be set; -1: none */
    struct gust__place break_place, continue_place;
    int32_t loop;      /* number of a for's; -1 */
    bool in_finally;   /* of a try: its finally is being compiled, or it has none */
    unsigned handlers; /* of a try: that are in force */
};

/* The files that are being compiled, newest first: none of them may be included once more. */
struct entered {
    struct entered *outer;
    const struct gust__source *source;
    unsigned depth;
};

struct compiler {
    struct gust__template_reader *reader;
    struct gust__arena *arena;
    const char *name;
    struct gust__source *sources;
    unsigned source_count;
    struct block *blocks;
    const struct gust__source *source; /* whose statements are compiled */
    struct entered *entered;
    struct scope *scope;
    struct gust__place place;
    size_t work;

    struct gust__template_instruction *code;
    size_t code_count, code_capacity;
    size_t label; /* code behind the last place that is jumped to */
    char *text;
    size_t text_size, text_capacity;
    double *reals;
    size_t real_count, real_capacity;
    int64_t *integers;
    size_t integer_count, integer_capacity;
    uint32_t *names;
    size_t name_count, name_capacity;
    struct gust__template_reference *references;
    size_t reference_count, reference_capacity;
    unsigned height, stack;
    int32_t loops, most_loops;
    uint32_t tries, most_tries;
    bool has_modules;
    unsigned captured; /* within applies and tries */
    unsigned depth;    /* of statements, through blocks and includes */
};

static int wrong(struct compiler *compiler, unsigned line, const char *text)
{
    return gust__template_wrong(compiler->source ? compiler->source->name : compiler->name, line, "%s", text);
}

static const char too_deep[] = "statements that nest deeper than 100 levels, blocks and files included";

/* ---- arrays ---- */

/* Room for one more element of an array that grows. NULL: ENOMEM. */
static void *more(struct compiler *compiler, void *array, size_t count, size_t *capacity, size_t each,
                  size_t extra)
{
    if (count + extra <= *capacity)
        return array;
    size_t larger = *capacity ? *capacity : 64;
    while (larger < count + extra)
        larger *= 2;
    void *memory = gust__arena_alloc(compiler->arena, larger * each);
    if (!memory)
        return NULL;
    if (count)
        memcpy(memory, array, count * each);
    *capacity = larger;
    return memory;
}

#define MORE(array, extra)                                                                       \
    __extension__({                                                                              \
        void *memory_ = more(compiler, compiler->array##s, compiler->array##_count,              \
                             &compiler->array##_capacity, sizeof(*compiler->array##s), (extra)); \
        if (memory_)                                                                             \
            compiler->array##s = memory_;                                                        \
        memory_;                                                                                 \
    })

static int too_large(struct compiler *compiler, unsigned line)
{
    return wrong(compiler, line, "a template that is too large once everything is in its place");
}

static int emit(struct compiler *compiler, unsigned line, enum gust__operation operation, uint8_t how,
                int32_t a, int32_t b)
{
    void *code = more(compiler, compiler->code, compiler->code_count, &compiler->code_capacity,
                      sizeof(*compiler->code), 1);
    if (!code || compiler->code_count >= GUST__TEMPLATE_MAX_CODE)
        return too_large(compiler, line);
    compiler->code = code;
    compiler->code[compiler->code_count++] = (struct gust__template_instruction){
        (uint8_t)operation, how, (uint16_t)compiler->source->number, line, a, b};
    return 0;
}

/* Appends bytes to the text; -> where they begin, -1: too much. */
static int32_t add_text(struct compiler *compiler, const char *data, size_t size, bool terminated)
{
    void *text = more(compiler, compiler->text, compiler->text_size, &compiler->text_capacity, 1, size + 1);
    if (!text || compiler->text_size + size >= GUST__TEMPLATE_MAX_TEXT)
        return -1;
    compiler->text = text;
    size_t at = compiler->text_size;
    if (size)
        memcpy(compiler->text + at, data, size);
    compiler->text[at + size] = 0;
    compiler->text_size += size + terminated;
    return (int32_t)at;
}

/* The number of a name, which has a place of its own while the program runs. -1: the last error. */
static int32_t number_of_name(struct compiler *compiler, struct gust__slice name, unsigned line)
{
    for (size_t i = 0; i < compiler->name_count; i++) {
        const char *known = compiler->text + compiler->names[i];
        if (strncmp(known, name.data, name.size) == 0 && !known[name.size])
            return (int32_t)i;
    }
    if (compiler->name_count == GUST__TEMPLATE_MAX_NAMES)
        return wrong(compiler, line, "a template with more than 4096 names");
    int32_t text = add_text(compiler, name.data, name.size, true);
    if (text < 0 || !MORE(name, 1))
        return too_large(compiler, line);
    compiler->names[compiler->name_count] = (uint32_t)text;
    return (int32_t)compiler->name_count++;
}

static int32_t number_of_reference(struct compiler *compiler, struct gust__slice name, unsigned line,
                                   bool module)
{
    for (size_t i = 0; i < compiler->reference_count; i++) {
        const char *known = compiler->text + compiler->references[i].name;
        if (compiler->references[i].module == module && strncmp(known, name.data, name.size) == 0 &&
            !known[name.size])
            return (int32_t)i;
    }
    if (compiler->reference_count == GUST__TEMPLATE_MAX_NAMES)
        return wrong(compiler, line, "a template with more than 4096 functions");
    int32_t text = add_text(compiler, name.data, name.size, true);
    if (text < 0 || !MORE(reference, 1))
        return too_large(compiler, line);
    compiler->references[compiler->reference_count] =
        (struct gust__template_reference){(uint32_t)text, line, (uint16_t)compiler->source->number, module};
    return (int32_t)compiler->reference_count++;
}

/* ---- labels ---- */

static int32_t here(struct compiler *compiler)
{
    compiler->label = compiler->code_count;
    return (int32_t)compiler->code_count;
}

/* A jump to what is not known yet; -> its place, for land(). -1: the last error. */
static int32_t jump(struct compiler *compiler, unsigned line, enum gust__operation operation)
{
    return emit(compiler, line, operation, 0, -1, 0) < 0 ? -1 : (int32_t)compiler->code_count - 1;
}

static void land(struct compiler *compiler, int32_t from)
{
    compiler->code[from].a = here(compiler);
}

static int chain_jump(struct compiler *compiler, unsigned line, int32_t *chain)
{
    int32_t at = jump(compiler, line, GUST__DO_JUMP);
    if (at < 0)
        return -1;
    compiler->code[at].a = *chain;
    *chain = at;
    return 0;
}

static void land_chain(struct compiler *compiler, int32_t chain, int32_t target)
{
    while (chain >= 0) {
        int32_t next = compiler->code[chain].a;
        compiler->code[chain].a = target;
        chain = next;
    }
}

/* ---- expressions ---- */

static void push(struct compiler *compiler)
{
    if (++compiler->height > compiler->stack)
        compiler->stack = compiler->height;
}

static int compile_expression(struct compiler *compiler, const struct gust__expression *expression,
                              bool lenient);

static int compile_constant(struct compiler *compiler, const struct gust__expression *expression)
{
    const struct gust__value *value = &expression->constant;
    unsigned line = expression->line;
    push(compiler);
    switch (value->kind) {
    case GUST__VALUE_BOOLEAN:
        return emit(compiler, line, GUST__DO_BOOLEAN, 0, value->boolean, 0);
    case GUST__VALUE_INTEGER:
        if (!MORE(integer, 1))
            return too_large(compiler, line);
        compiler->integers[compiler->integer_count++] = value->integer;
        return emit(compiler, line, GUST__DO_INTEGER, 0, (int32_t)compiler->integer_count - 1, 0);
    case GUST__VALUE_REAL:
        if (!MORE(real, 1))
            return too_large(compiler, line);
        compiler->reals[compiler->real_count++] = value->real;
        return emit(compiler, line, GUST__DO_REAL, 0, (int32_t)compiler->real_count - 1, 0);
    case GUST__VALUE_TEXT: {
        int32_t text = add_text(compiler, value->text, value->size, true);
        return text < 0 ? too_large(compiler, line)
                        : emit(compiler, line, GUST__DO_STRING, 0, text, (int32_t)value->size);
    }
    default:
        return emit(compiler, line, GUST__DO_NULL, 0, 0, 0);
    }
}

static int compile_arguments(struct compiler *compiler, const struct gust__expression *arguments)
{
    for (; arguments; arguments = arguments->next) {
        if (compile_expression(compiler, arguments, false) < 0)
            return -1;
    }
    return 0;
}

/* default(value, otherwise): the first may have unknown names, and the second is only worked out if needed.
 */
static int compile_default(struct compiler *compiler, const struct gust__expression *call)
{
    if (call->count != 2)
        return wrong(compiler, call->line, "default() takes a value and what to use without it");
    if (compile_expression(compiler, call->left, true) < 0)
        return -1;
    int32_t known = jump(compiler, call->line, GUST__DO_DEFAULT);
    compiler->height--;
    if (known < 0 || compile_expression(compiler, call->left->next, false) < 0)
        return -1;
    land(compiler, known);
    return 0;
}

static int compile_call(struct compiler *compiler, const struct gust__expression *call,
                        enum gust__operation operation)
{
    bool module = operation == GUST__DO_MODULE;
    if (operation == GUST__DO_CALL && gust__slice_equals(call->name, GUST__SLICE("default")))
        return compile_default(compiler, call);
    if (compile_arguments(compiler, call->left) < 0)
        return -1;
    compiler->height -= call->count;
    if (operation == GUST__DO_CALL)
        push(compiler);
    int32_t reference = number_of_reference(compiler, call->name, call->line, module);
    return reference < 0 ? -1 : emit(compiler, call->line, operation, 0, reference, (int32_t)call->count);
}

static int compile_list(struct compiler *compiler, const struct gust__expression *list)
{
    if (compile_arguments(compiler, list->left) < 0)
        return -1;
    compiler->height -= list->count;
    push(compiler);
    return emit(compiler, list->line, GUST__DO_LIST, 0, (int32_t)list->count, 0);
}

/* loop.index and so on, in a for. 0: it is something else. */
static int compile_loop_field(struct compiler *compiler, const struct gust__expression *member)
{
    static const char *const fields[] = {"index", "index0", "first", "last", "length"};
    struct scope *scope = compiler->scope;
    while (scope && scope->loop < 0)
        scope = scope->outer;
    if (!scope || member->left->kind != GUST__EXPRESSION_NAME ||
        !gust__slice_equals(member->left->name, GUST__SLICE("loop")))
        return 0;
    for (size_t i = 0; i < GUST_LEN(fields); i++) {
        if (!gust__slice_equals(member->name, gust__slice_of(fields[i])))
            continue;
        push(compiler);
        return emit(compiler, member->line, GUST__DO_LOOP_FIELD, (uint8_t)i, scope->loop, 0) < 0 ? -1 : 1;
    }
    return wrong(compiler, member->line, "a loop has index, index0, first, last and length");
}

static int compile_member(struct compiler *compiler, const struct gust__expression *member, bool lenient)
{
    int loop = compile_loop_field(compiler, member);
    if (loop)
        return loop < 0 ? -1 : 0;
    if (compile_expression(compiler, member->left, lenient) < 0)
        return -1;
    int32_t name = number_of_name(compiler, member->name, member->line);
    return name < 0
               ? -1
               : emit(compiler, member->line, GUST__DO_MEMBER, lenient, (int32_t)compiler->names[name], 0);
}

static int compile_choice(struct compiler *compiler, const struct gust__expression *choice)
{
    if (compile_expression(compiler, choice->third, false) < 0)
        return -1;
    int32_t otherwise = jump(compiler, choice->line, GUST__DO_UNLESS);
    compiler->height--;
    if (otherwise < 0 || compile_expression(compiler, choice->left, false) < 0)
        return -1;
    int32_t end = jump(compiler, choice->line, GUST__DO_JUMP);
    compiler->height--;
    if (end < 0)
        return -1;
    land(compiler, otherwise);
    if (compile_expression(compiler, choice->right, false) < 0)
        return -1;
    land(compiler, end);
    return 0;
}

static int compile_binary(struct compiler *compiler, const struct gust__expression *binary)
{
    if (compile_expression(compiler, binary->left, false) < 0)
        return -1;
    if (binary->operation == GUST__DO_AND || binary->operation == GUST__DO_OR) {
        int32_t end = jump(compiler, binary->line, binary->operation);
        compiler->height--;
        if (end < 0 || compile_expression(compiler, binary->right, false) < 0)
            return -1;
        land(compiler, end);
        return 0;
    }
    if (compile_expression(compiler, binary->right, false) < 0)
        return -1;
    compiler->height--;
    return emit(compiler, binary->line, binary->operation, 0, 0, 0);
}

static int compile_name(struct compiler *compiler, const struct gust__expression *expression, bool lenient)
{
    int32_t name = number_of_name(compiler, expression->name, expression->line);
    push(compiler);
    return name < 0 ? -1 : emit(compiler, expression->line, GUST__DO_LOAD, lenient, name, 0);
}

static int compile_index(struct compiler *compiler, const struct gust__expression *expression, bool lenient)
{
    if (compile_expression(compiler, expression->left, lenient) < 0 ||
        compile_expression(compiler, expression->right, false) < 0)
        return -1;
    compiler->height--;
    return emit(compiler, expression->line, GUST__DO_INDEX, lenient, 0, 0);
}

static int compile_expression(struct compiler *compiler, const struct gust__expression *expression,
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
        return compile_call(compiler, expression, GUST__DO_CALL);
    case GUST__EXPRESSION_LIST:
        return compile_list(compiler, expression);
    case GUST__EXPRESSION_CHOICE:
        return compile_choice(compiler, expression);
    case GUST__EXPRESSION_UNARY:
        if (compile_expression(compiler, expression->left, false) < 0)
            return -1;
        return emit(compiler, expression->line, expression->operation, 0, 0, 0);
    default:
        return compile_binary(compiler, expression);
    }
}

/* ---- text and values ---- */

static int put_text(struct compiler *compiler, unsigned line, const char *data, size_t size)
{
    struct gust__template_instruction *last =
        compiler->code_count > compiler->label ? &compiler->code[compiler->code_count - 1] : NULL;
    bool joins =
        last && last->operation == GUST__DO_TEXT && (size_t)(last->a + last->b) == compiler->text_size;
    int32_t at = size ? add_text(compiler, data, size, false) : 0;
    if (at < 0)
        return too_large(compiler, line);
    if (joins)
        compiler->code[compiler->code_count - 1].b += (int32_t)size;
    else if (size)
        return emit(compiler, line, GUST__DO_TEXT, 0, at, (int32_t)size);
    return 0;
}

/* Where in a text of the page </head> or </body> stands; NULL: nowhere. */
static const char *find_mark(const char *data, size_t size, int *which)
{
    for (const char *at = data; (at = memmem(at, size - (size_t)(at - data), "</", 2)); at += 2) {
        struct gust__slice rest = gust__slice(at, size - (size_t)(at - data));
        *which = gust__slice_starts_with(rest, GUST__SLICE("</body>"));
        if (*which || gust__slice_starts_with(rest, GUST__SLICE("</head>")))
            return at;
    }
    return NULL;
}

/* Here goes what modules need. */
static int mark(struct compiler *compiler, unsigned line, int which)
{
    if (compiler->captured)
        return 0;
    return emit(compiler, line, GUST__DO_MARK, (uint8_t)which, 0, 0);
}

static int compile_text(struct compiler *compiler, const struct gust__node *node)
{
    const char *at = node->text.data, *end = at + node->text.size, *found;
    int which = 0;
    const char *problem = gust__place_text(&compiler->place, at, node->text.size);
    if (problem)
        return wrong(compiler, node->line, problem);
    while ((found = find_mark(at, (size_t)(end - at), &which))) {
        if (put_text(compiler, node->line, at, (size_t)(found - at)) < 0 ||
            mark(compiler, node->line, which) < 0 || put_text(compiler, node->line, found, 2) < 0)
            return -1;
        at = found + 2;
    }
    return put_text(compiler, node->line, at, (size_t)(end - at));
}

static bool is_builtin_escape(const char *name)
{
    return strcmp(name, "xhtml_escape") == 0 || strcmp(name, "escape") == 0;
}

static int compile_write(struct compiler *compiler, const struct gust__node *node)
{
    uint8_t how = GUST__ESCAPE_NONE;
    const char *escape = node->raw ? NULL : compiler->source->autoescape;
    struct gust__place raw = compiler->place;
    const char *problem =
        gust__place_value(escape && is_builtin_escape(escape) ? &compiler->place : &raw, &how);
    if (escape && is_builtin_escape(escape) && problem)
        return wrong(compiler, node->line, problem);
    if (!problem) /* what is raw is believed to be what fits here */
        compiler->place = escape && is_builtin_escape(escape) ? compiler->place : raw;
    if (compile_expression(compiler, node->expression, false) < 0)
        return -1;
    compiler->height = 0;
    if (!escape || !is_builtin_escape(escape))
        how = GUST__ESCAPE_NONE;
    if (escape && !is_builtin_escape(escape)) {
        int32_t reference = number_of_reference(compiler, gust__slice_of(escape), node->line, false);
        if (reference < 0 || emit(compiler, node->line, GUST__DO_CALL, 0, reference, 1) < 0)
            return -1;
    }
    return emit(compiler, node->line, GUST__DO_WRITE, how, 0, 0);
}

static int compile_module(struct compiler *compiler, const struct gust__node *node)
{
    if (!gust__place_is_text(&compiler->place))
        return gust__template_wrong(compiler->source->name, node->line, "a {%% module %%} %s",
                                    gust__place_name(&compiler->place));
    compiler->has_modules = true;
    return compile_call(compiler, node->expression, GUST__DO_MODULE);
}

/* ---- control ---- */

static int compile_nodes(struct compiler *compiler, const struct gust__node *node);

static int join(struct compiler *compiler, unsigned line, const char *what, const struct gust__place *other)
{
    struct gust__place one = compiler->place;
    if (gust__place_join(&compiler->place, other))
        return 0;
    return gust__template_wrong(compiler->source->name, line, "%s in different places: %s, %s", what,
                                gust__place_name(&one), gust__place_name(other));
}

static int compile_if(struct compiler *compiler, const struct gust__node *node)
{
    if (compile_expression(compiler, node->expression, false) < 0)
        return -1;
    compiler->height = 0;
    int32_t otherwise = jump(compiler, node->line, GUST__DO_UNLESS);
    struct gust__place start = compiler->place;
    if (otherwise < 0 || compile_nodes(compiler, node->body) < 0)
        return -1;
    int32_t end = node->has_otherwise ? jump(compiler, node->line, GUST__DO_JUMP) : 0;
    if (end < 0)
        return -1;
    land(compiler, otherwise);
    struct gust__place first = compiler->place;
    compiler->place = start;
    if (node->has_otherwise) {
        if (compile_nodes(compiler, node->otherwise) < 0)
            return -1;
        land(compiler, end);
    }
    return join(compiler, node->line, "the branches of {% if %} end", &first);
}

/* The head of one pass through a loop; -> the jump that leaves it, -1. */
static int32_t compile_loop_head(struct compiler *compiler, const struct gust__node *node, int32_t loop)
{
    if (node->kind == GUST__NODE_WHILE) {
        if (compile_expression(compiler, node->expression, false) < 0)
            return -1;
        compiler->height = 0;
        int32_t leave = jump(compiler, node->line, GUST__DO_UNLESS);
        return leave < 0 || emit(compiler, node->line, GUST__DO_COUNT, 0, 0, 0) < 0 ? -1 : leave;
    }
    bool pair = node->variable_count == 2;
    if (emit(compiler, node->line, GUST__DO_LOOP_NEXT, pair ? 2 : 1, loop, -1) < 0)
        return -1;
    int32_t leave = (int32_t)compiler->code_count - 1;
    push(compiler);
    push(compiler);
    if (node->variable_count > 2) {
        for (unsigned i = 0; i < node->variable_count; i++)
            push(compiler);
        if (emit(compiler, node->line, GUST__DO_UNPACK, 0, (int32_t)node->variable_count, 0) < 0)
            return -1;
    }
    for (unsigned i = 0; i < node->variable_count; i++) {
        int32_t name = number_of_name(compiler, node->variables[i], node->line);
        if (name < 0 || emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    compiler->height = 0;
    return leave;
}

/* Compiles the loop once with the place that its body is believed to begin in; 1: it does. */
static int compile_pass(struct compiler *compiler, const struct gust__node *node, struct scope *scope,
                        int32_t *leave, struct gust__place *start)
{
    compiler->place = *start;
    scope->breaks = scope->continues = -1;
    scope->break_place = scope->continue_place = gust__place_nowhere;
    int32_t again = here(compiler);
    *leave = compile_loop_head(compiler, node, scope->loop);
    if (*leave < 0 || compile_nodes(compiler, node->body) < 0 ||
        join(compiler, node->line, "passes of the loop end", &scope->continue_place) < 0)
        return -1;
    land_chain(compiler, scope->continues, here(compiler));
    if (emit(compiler, node->line, GUST__DO_JUMP, 0, again, 0) < 0)
        return -1;
    struct gust__place before = *start, after = compiler->place;
    compiler->place = *start;
    if (join(compiler, node->line, "a pass of the loop begins and ends", &after) < 0)
        return -1;
    *start = compiler->place;
    return memcmp(start, &before, sizeof(before)) == 0;
}

static int compile_passes(struct compiler *compiler, const struct gust__node *node, struct scope *scope,
                          int32_t *leave)
{
    struct gust__place start = compiler->place;
    size_t code = compiler->code_count;
    for (int tries = 0; tries < 8; tries++) {
        compiler->code_count = code;
        int result = compile_pass(compiler, node, scope, leave, &start);
        if (result)
            return result < 0 ? -1 : 0;
    }
    return wrong(compiler, node->line, "a loop whose passes begin and end in different places");
}

static int compile_loop(struct compiler *compiler, const struct gust__node *node)
{
    struct scope scope = {.outer = compiler->scope, .node = node, .source = compiler->source, .loop = -1};
    int32_t leave;
    if (node->kind == GUST__NODE_FOR) {
        scope.loop = compiler->loops;
        if (compile_expression(compiler, node->expression, false) < 0 ||
            emit(compiler, node->line, GUST__DO_LOOP_BEGIN, 0, scope.loop, 0) < 0)
            return -1;
        compiler->height = 0;
        compiler->loops++;
        compiler->most_loops =
            compiler->loops > compiler->most_loops ? compiler->loops : compiler->most_loops;
    }
    compiler->scope = &scope;
    int result = compile_passes(compiler, node, &scope, &leave);
    compiler->scope = scope.outer;
    compiler->loops -= node->kind == GUST__NODE_FOR;
    if (result < 0)
        return -1;
    int32_t end = here(compiler);
    if (node->kind == GUST__NODE_FOR)
        compiler->code[leave].b = end;
    else
        compiler->code[leave].a = end;
    if (compile_nodes(compiler, node->otherwise) < 0 ||
        join(compiler, node->line, "the ways out of the loop end", &scope.break_place) < 0)
        return -1;
    land_chain(compiler, scope.breaks, here(compiler));
    return 0;
}

/* Ends the tries between here and the loop, with their finallys. */
static int leave_tries(struct compiler *compiler, unsigned line)
{
    struct scope *kept = compiler->scope, *scope = kept;
    const struct gust__source *source = compiler->source;
    int result = 0;
    for (; result == 0 && scope->node->kind == GUST__NODE_TRY; scope = scope->outer) {
        for (unsigned i = 0; i < scope->handlers && result == 0; i++)
            result = emit(compiler, line, GUST__DO_TRY_END, 0, 0, 0);
        if (result < 0 || scope->in_finally)
            continue;
        compiler->scope = scope->outer;
        compiler->source = scope->source;
        result = compile_nodes(compiler, scope->node->finally);
        compiler->source = source;
    }
    compiler->scope = kept;
    return result;
}

static int compile_break(struct compiler *compiler, const struct gust__node *node)
{
    bool is_break = node->kind == GUST__NODE_BREAK;
    struct scope *scope = compiler->scope;
    while (scope && scope->node->kind == GUST__NODE_TRY)
        scope = scope->outer;
    if (!scope || scope->node->kind == GUST__NODE_APPLY) /* of a block that is used there, too */
        return wrong(compiler, node->line, "{% break %} or {% continue %} outside of a loop");
    if (leave_tries(compiler, node->line) < 0)
        return -1;
    struct gust__place *met = is_break ? &scope->break_place : &scope->continue_place;
    if (!gust__place_join(met, &compiler->place))
        return wrong(compiler, node->line,
                     "this {% break %} or {% continue %} is in another place than others");
    compiler->place = gust__place_nowhere;
    return chain_jump(compiler, node->line, is_break ? &scope->breaks : &scope->continues);
}

/* ---- try ---- */

static int32_t begin_try(struct compiler *compiler, struct scope *scope, unsigned line)
{
    scope->handlers++;
    compiler->captured++;
    if (++compiler->tries > compiler->most_tries)
        compiler->most_tries = compiler->tries;
    return jump(compiler, line, GUST__DO_TRY);
}

static void end_try(struct compiler *compiler, struct scope *scope)
{
    scope->handlers--;
    compiler->captured--;
    compiler->tries--;
}

/* try, except, else: what fails in the first is written off, and the second goes on. */
static int compile_handled(struct compiler *compiler, const struct gust__node *node, struct scope *scope)
{
    struct gust__place start = compiler->place;
    int32_t handler = begin_try(compiler, scope, node->line);
    if (handler < 0 || compile_nodes(compiler, node->body) < 0 ||
        emit(compiler, node->line, GUST__DO_TRY_END, 0, 0, 0) < 0)
        return -1;
    end_try(compiler, scope);
    if (compile_nodes(compiler, node->otherwise) < 0)
        return -1;
    int32_t end = jump(compiler, node->line, GUST__DO_JUMP);
    if (end < 0)
        return -1;
    land(compiler, handler);
    struct gust__place first = compiler->place;
    compiler->place = start;
    if (node->variable_count) {
        int32_t name = number_of_name(compiler, node->variables[0], node->line);
        push(compiler);
        compiler->height = 0;
        if (name < 0 || emit(compiler, node->line, GUST__DO_FAILURE, 0, 0, 0) < 0 ||
            emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    if (compile_nodes(compiler, node->handler) < 0)
        return -1;
    land(compiler, end);
    return join(compiler, node->line, "the branches of {% try %} end", &first);
}

static int compile_finally(struct compiler *compiler, const struct gust__node *node, struct scope *scope)
{
    struct gust__place start = compiler->place;
    int32_t failed = begin_try(compiler, scope, node->line);
    if (failed < 0 ||
        (node->has_handler ? compile_handled(compiler, node, scope) : compile_nodes(compiler, node->body)) <
            0 ||
        emit(compiler, node->line, GUST__DO_TRY_END, 0, 0, 0) < 0)
        return -1;
    end_try(compiler, scope);
    scope->in_finally = true;
    if (compile_nodes(compiler, node->finally) < 0)
        return -1;
    int32_t end = jump(compiler, node->line, GUST__DO_JUMP);
    if (end < 0)
        return -1;
    land(compiler, failed);
    struct gust__place kept = compiler->place;
    compiler->place = start; /* what is written here is lost with the failure that goes on */
    if (compile_nodes(compiler, node->finally) < 0 || emit(compiler, node->line, GUST__DO_RAISE, 0, 0, 0) < 0)
        return -1;
    compiler->place = kept;
    land(compiler, end);
    return 0;
}

static int compile_try(struct compiler *compiler, const struct gust__node *node)
{
    struct scope scope = {.outer = compiler->scope,
                          .node = node,
                          .source = compiler->source,
                          .loop = -1,
                          .in_finally = !node->has_finally};
    compiler->scope = &scope;
    int result =
        node->has_finally ? compile_finally(compiler, node, &scope) : compile_handled(compiler, node, &scope);
    compiler->scope = scope.outer;
    return result;
}

/* ---- set, apply ---- */

static int compile_set(struct compiler *compiler, const struct gust__node *node)
{
    if (compile_expression(compiler, node->expression, false) < 0)
        return -1;
    if (node->variable_count > 1) {
        for (unsigned i = 0; i < node->variable_count; i++)
            push(compiler);
        if (emit(compiler, node->line, GUST__DO_UNPACK, 0, (int32_t)node->variable_count, 0) < 0)
            return -1;
    }
    compiler->height = 0;
    for (unsigned i = 0; i < node->variable_count; i++) {
        int32_t name = number_of_name(compiler, node->variables[i], node->line);
        if (name < 0 || emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    return 0;
}

static int compile_apply(struct compiler *compiler, const struct gust__node *node)
{
    const struct gust__expression *function = node->expression;
    struct gust__place start = compiler->place;
    struct scope scope = {.outer = compiler->scope, .node = node, .source = compiler->source, .loop = -1};
    if (++compiler->tries > compiler->most_tries)
        compiler->most_tries = compiler->tries;
    compiler->captured++;
    compiler->scope = &scope;
    int result =
        emit(compiler, node->line, GUST__DO_CAPTURE, 0, 0, 0) < 0 || compile_nodes(compiler, node->body) < 0
            ? -1
            : 0;
    compiler->scope = scope.outer;
    compiler->captured--;
    compiler->tries--;
    if (result < 0)
        return -1;
    push(compiler);
    if (compile_arguments(compiler, function->left) < 0)
        return -1;
    compiler->height = 0;
    int32_t reference = number_of_reference(compiler, function->name, node->line, false);
    if (reference < 0 ||
        emit(compiler, node->line, GUST__DO_APPLY, 0, reference, (int32_t)function->count) < 0)
        return -1;
    return join(compiler, node->line, "{% apply %} begins and ends", &start);
}

/* ---- files and blocks ---- */

static struct gust__source *find_source(struct compiler *compiler, const char *name)
{
    for (struct gust__source *source = compiler->sources; source; source = source->next) {
        if (strcmp(source->name, name) == 0)
            return source;
    }
    return NULL;
}

/* The file as one of the program's, read when it is first needed. line is where it is asked for. */
static struct gust__source *load(struct compiler *compiler, const struct gust__source *from, unsigned line,
                                 struct gust__slice wanted)
{
    char name[GUST__TEMPLATE_MAX_NAME + 1];
    struct gust__source *source = NULL;
    if (gust__template_resolve(name, from ? from->name : NULL, wanted) < 0) {
        gust__template_wrong(from ? from->name : compiler->name, line, "%.*s is no name of a template",
                             (int)(wanted.size < 100 ? wanted.size : 100), wanted.data);
        return NULL;
    }
    if ((source = find_source(compiler, name)))
        return source;
    source = gust__arena_calloc(compiler->arena, 1, sizeof(*source));
    const char *kept = gust__arena_strdup(compiler->arena, name);
    if (!source || !kept || compiler->source_count == GUST__TEMPLATE_MAX_FILES) {
        wrong(compiler, line, "a template of too many files");
        return NULL;
    }
    *source = (struct gust__source){.name = kept,
                                    .autoescape = compiler->reader->autoescape,
                                    .number = compiler->source_count,
                                    .next = compiler->sources};
    source->text.data = compiler->reader->read(compiler->reader, compiler->arena, name, &source->text.size);
    if (!source->text.data) {
        int code = errno;
        if (from)
            gust_error_set(EINVAL, "%s:%u: %s: %s", from->name, line, name, strerror(code));
        else
            gust_error_set(code, "the template %s: %s", name, strerror(code));
        return NULL;
    }
    if (gust__template_parse(compiler->arena, source, compiler->reader->whitespace) < 0)
        return NULL;
    compiler->source_count++;
    compiler->sources = source;
    return source;
}

/* Checks that the file is not being entered already. */
static int enter(struct compiler *compiler, struct entered *entered, const struct gust__source *source,
                 unsigned line, const struct gust__source *from)
{
    const char *name = from ? from->name : compiler->name;
    *entered =
        (struct entered){compiler->entered, source, compiler->entered ? compiler->entered->depth + 1 : 1};
    for (struct entered *outer = compiler->entered; outer; outer = outer->outer) {
        if (outer->source == source)
            return gust__template_wrong(name, line, "%s leads back to itself", source->name);
    }
    if (entered->depth > GUST__TEMPLATE_MAX_DEPTH)
        return gust__template_wrong(name, line, "files that extend or include one another, deeper than 16");
    compiler->entered = entered;
    return 0;
}

static int compile_include(struct compiler *compiler, const struct gust__node *node)
{
    const struct gust__source *from = compiler->source;
    struct gust__source *source = load(compiler, from, node->line, node->text);
    struct entered entered;
    if (!source || enter(compiler, &entered, source, node->line, from) < 0)
        return -1;
    compiler->source = source;
    int result = compile_nodes(compiler, source->nodes);
    compiler->source = from;
    compiler->entered = entered.outer;
    return result;
}

static struct block *find_block(struct compiler *compiler, struct gust__slice name)
{
    for (struct block *block = compiler->blocks; block; block = block->next) {
        if (gust__slice_equals(block->name, name))
            return block;
    }
    return NULL;
}

static int compile_block(struct compiler *compiler, const struct gust__node *node)
{
    const struct block *block = find_block(compiler, node->text);
    const struct gust__source *from = compiler->source;
    compiler->source = block->source;
    int result = compile_nodes(compiler, block->node->body);
    compiler->source = from;
    return result;
}

static int collect_blocks(struct compiler *compiler, const struct gust__source *source,
                          const struct gust__node *node);

static int collect_block(struct compiler *compiler, const struct gust__source *source,
                         const struct gust__node *node)
{
    struct block *block = find_block(compiler, node->text);
    if (!block) {
        block = gust__arena_calloc(compiler->arena, 1, sizeof(*block));
        if (!block)
            return too_large(compiler, node->line);
        block->next = compiler->blocks;
        compiler->blocks = block;
    }
    block->name = node->text;
    block->node = node;
    block->source = source;
    return 0;
}

static int collect_included(struct compiler *compiler, const struct gust__source *from,
                            const struct gust__node *node)
{
    struct gust__source *source = load(compiler, from, node->line, node->text);
    struct entered entered;
    if (!source || enter(compiler, &entered, source, node->line, from) < 0)
        return -1;
    int result = collect_blocks(compiler, source, source->nodes);
    compiler->entered = entered.outer;
    return result;
}

/* The blocks of a file and of what it includes: the last of a name counts. */
static int collect_blocks(struct compiler *compiler, const struct gust__source *source,
                          const struct gust__node *node)
{
    if (node && compiler->depth == GUST__TEMPLATE_MAX_STATEMENTS)
        return gust__template_wrong(source->name, node->line, "%s", too_deep);
    compiler->depth++;
    for (; node; node = node->next) {
        if (++compiler->work > GUST__TEMPLATE_MAX_WORK)
            return too_large(compiler, node->line);
        if (node->kind == GUST__NODE_BLOCK && collect_block(compiler, source, node) < 0)
            return -1;
        if (node->kind == GUST__NODE_INCLUDE && collect_included(compiler, source, node) < 0)
            return -1;
        if (collect_blocks(compiler, source, node->body) < 0 ||
            collect_blocks(compiler, source, node->otherwise) < 0 ||
            collect_blocks(compiler, source, node->handler) < 0 ||
            collect_blocks(compiler, source, node->finally) < 0)
            return -1;
    }
    compiler->depth--;
    return 0;
}

static int compile_node(struct compiler *compiler, const struct gust__node *node)
{
    switch (node->kind) {
    case GUST__NODE_TEXT:
        return compile_text(compiler, node);
    case GUST__NODE_WRITE:
        return compile_write(compiler, node);
    case GUST__NODE_BLOCK:
        return compile_block(compiler, node);
    case GUST__NODE_INCLUDE:
        return compile_include(compiler, node);
    case GUST__NODE_APPLY:
        return compile_apply(compiler, node);
    case GUST__NODE_SET:
        return compile_set(compiler, node);
    case GUST__NODE_IF:
        return compile_if(compiler, node);
    case GUST__NODE_FOR:
    case GUST__NODE_WHILE:
        return compile_loop(compiler, node);
    case GUST__NODE_TRY:
        return compile_try(compiler, node);
    case GUST__NODE_MODULE:
        return compile_module(compiler, node);
    case GUST__NODE_EXTENDS:
        return wrong(compiler, node->line, "{% extends %} in an included file, or inside a statement");
    default:
        return compile_break(compiler, node);
    }
}

static int compile_nodes(struct compiler *compiler, const struct gust__node *node)
{
    if (node && compiler->depth == GUST__TEMPLATE_MAX_STATEMENTS)
        return wrong(compiler, node->line, too_deep);
    compiler->depth++;
    for (; node; node = node->next) {
        if (++compiler->work > GUST__TEMPLATE_MAX_WORK)
            return too_large(compiler, node->line);
        if (compile_node(compiler, node) < 0)
            return -1;
    }
    compiler->depth--;
    return 0;
}

static const struct gust__node *find_extends(const struct gust__source *source)
{
    const struct gust__node *node = source->nodes;
    while (node && node->kind != GUST__NODE_EXTENDS)
        node = node->next;
    return node;
}

/* Reads the template and its ancestors, and collects their blocks, the oldest first; -> the oldest. */
static struct gust__source *load_ancestors(struct compiler *compiler)
{
    struct gust__source *chain[GUST__TEMPLATE_MAX_DEPTH + 1];
    unsigned count = 0;
    struct gust__source *source = load(compiler, NULL, 1, gust__slice_of(compiler->name));
    const struct gust__node *extends = NULL;
    struct entered entered[GUST__TEMPLATE_MAX_DEPTH + 1];
    do {
        if (!source || enter(compiler, &entered[count], source, extends ? extends->line : 1,
                             count ? chain[count - 1] : NULL) < 0)
            return NULL;
        chain[count++] = source;
        extends = find_extends(source);
        if (extends)
            source = load(compiler, source, extends->line, extends->text);
    } while (extends);
    compiler->entered = NULL;
    for (unsigned i = count; i-- > 0;) {
        struct entered one;
        if (enter(compiler, &one, chain[i], 1, NULL) < 0 ||
            collect_blocks(compiler, chain[i], chain[i]->nodes) < 0)
            return NULL;
        compiler->entered = NULL;
    }
    return chain[count - 1];
}

/* ---- the program ---- */

static void *copy(char **to, const void *from, size_t size)
{
    void *at = *to;
    if (size)
        memcpy(at, from, size);
    *to += (size + 15) & ~(size_t)15;
    return at;
}

static uint32_t *file_names(struct compiler *compiler)
{
    uint32_t *files = gust__arena_alloc(compiler->arena, (compiler->source_count + 1) * sizeof(*files));
    for (struct gust__source *source = compiler->sources; files && source; source = source->next) {
        int32_t at = add_text(compiler, source->name, strlen(source->name), true);
        if (at < 0)
            return NULL;
        files[source->number] = (uint32_t)at;
    }
    return files;
}

static struct gust__template_program *assemble(struct compiler *compiler)
{
    uint32_t *files = file_names(compiler);
    int32_t name = files ? add_text(compiler, compiler->name, strlen(compiler->name), true) : -1;
    size_t size = sizeof(struct gust__template_program) + 8 * 16 + compiler->text_size +
                  compiler->code_count * sizeof(*compiler->code) +
                  8 * (compiler->real_count + compiler->integer_count) +
                  4 * (compiler->name_count + compiler->source_count) +
                  compiler->reference_count * sizeof(*compiler->references);
    struct gust__template_program *program = name < 0 ? NULL : gust__malloc(size);
    if (!program) {
        gust_error_set(ENOMEM, NULL);
        return NULL;
    }
    char *at = (char *)program + ((sizeof(*program) + 15) & ~(size_t)15);
    *program = (struct gust__template_program){
        .name = (uint32_t)name,
        .text_size = (uint32_t)compiler->text_size,
        .code_count = (uint32_t)compiler->code_count,
        .real_count = (uint32_t)compiler->real_count,
        .integer_count = (uint32_t)compiler->integer_count,
        .name_count = (uint32_t)compiler->name_count,
        .file_count = compiler->source_count,
        .reference_count = (uint32_t)compiler->reference_count,
        .stack = compiler->stack,
        .loops = (uint32_t)compiler->most_loops,
        .tries = compiler->most_tries,
        .has_modules = compiler->has_modules,
    };
    program->code = copy(&at, compiler->code, compiler->code_count * sizeof(*compiler->code));
    program->reals = copy(&at, compiler->reals, compiler->real_count * sizeof(double));
    program->integers = copy(&at, compiler->integers, compiler->integer_count * sizeof(int64_t));
    program->names = copy(&at, compiler->names, compiler->name_count * sizeof(uint32_t));
    program->files = copy(&at, files, compiler->source_count * sizeof(uint32_t));
    program->references =
        copy(&at, compiler->references, compiler->reference_count * sizeof(*compiler->references));
    program->text = copy(&at, compiler->text, compiler->text_size);
    return program;
}

static struct gust__template_program *compile(struct compiler *compiler)
{
    struct gust__source *oldest = load_ancestors(compiler);
    struct entered entered;
    if (!oldest || enter(compiler, &entered, oldest, 1, NULL) < 0)
        return NULL;
    compiler->source = oldest;
    gust__place_begin(&compiler->place, compiler->name);
    if (compile_nodes(compiler, oldest->nodes) < 0)
        return NULL;
    const char *open = gust__place_end(&compiler->place);
    if (open) {
        gust__template_wrong(oldest->name, 1, "the template ends %s", open);
        return NULL;
    }
    if (emit(compiler, 1, GUST__DO_END, 0, 0, 0) < 0)
        return NULL;
    return assemble(compiler);
}

struct gust__template_program *gust__template_compile(struct gust__template_reader *reader, const char *name)
{
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 64 << 20);
    struct compiler *compiler = gust__arena_calloc(&arena, 1, sizeof(*compiler));
    struct gust__template_program *program = NULL;
    if (compiler) {
        compiler->reader = reader;
        compiler->arena = &arena;
        compiler->name = name;
        program = compile(compiler);
    } else {
        gust_error_set(ENOMEM, NULL);
    }
    gust__arena_fini(&arena);
    return program;
}

void gust__template_program_free(struct gust__template_program *program)
{
    gust__free(program);
}
