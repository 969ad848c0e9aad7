/*
 * From statements to a program. Tornado's inheritance needs no run time: a template's program is its oldest
 * ancestor's, with each block replaced by the youngest of its name and each include by the file. So the
 * program is flat, and the place in the HTML is known all the way through.
 *
 * A loop's body is compiled again when it ends in another place than it began with, until both are one.
 */
#include "web/template_emit.h"

#include "base/alloc.h"

#include <errno.h>

#include <gust/error.h>

static const char too_deep[] = "statements that nest deeper than 100 levels, blocks and files included";

/* ---- text and values ---- */

static int put_text(struct gust__compiler *compiler, unsigned line, const char *data, size_t size)
{
    struct gust__template_instruction *last =
        compiler->code_count > compiler->label ? &compiler->code[compiler->code_count - 1] : NULL;
    bool joins =
        last && last->operation == GUST__DO_TEXT && (size_t)(last->a + last->b) == compiler->text_size;
    int32_t at = size ? gust__emit_bytes(compiler, data, size, false) : 0;
    if (at < 0)
        return gust__compiler_too_large(compiler, line);
    if (joins)
        compiler->code[compiler->code_count - 1].b += (int32_t)size;
    else if (size)
        return gust__emit(compiler, line, GUST__DO_TEXT, 0, at, (int32_t)size);
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
static int mark(struct gust__compiler *compiler, unsigned line, int which)
{
    if (compiler->captured)
        return 0;
    return gust__emit(compiler, line, GUST__DO_MARK, (uint8_t)which, 0, 0);
}

static int compile_text(struct gust__compiler *compiler, const struct gust__node *node)
{
    const char *at = node->text.data, *end = at + node->text.size, *found;
    int which = 0;
    const char *problem = gust__place_text(&compiler->place, at, node->text.size);
    if (problem)
        return gust__compiler_wrong(compiler, node->line, problem);
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

static int compile_write(struct gust__compiler *compiler, const struct gust__node *node)
{
    uint8_t how = GUST__ESCAPE_NONE;
    const char *escape = node->raw ? NULL : compiler->source->autoescape;
    struct gust__place raw = compiler->place;
    const char *problem =
        gust__place_value(escape && is_builtin_escape(escape) ? &compiler->place : &raw, &how);
    if (escape && is_builtin_escape(escape) && problem)
        return gust__compiler_wrong(compiler, node->line, problem);
    if (!problem) /* what is raw is believed to be what fits here */
        compiler->place = escape && is_builtin_escape(escape) ? compiler->place : raw;
    if (gust__compile_expression(compiler, node->expression, false) < 0)
        return -1;
    compiler->height = 0;
    if (!escape || !is_builtin_escape(escape))
        how = GUST__ESCAPE_NONE;
    if (escape && !is_builtin_escape(escape)) {
        int32_t reference = gust__emit_reference(compiler, gust__slice_of(escape), node->line, false);
        if (reference < 0 || gust__emit(compiler, node->line, GUST__DO_CALL, 0, reference, 1) < 0)
            return -1;
    }
    return gust__emit(compiler, node->line, GUST__DO_WRITE, how, 0, 0);
}

static int compile_module(struct gust__compiler *compiler, const struct gust__node *node)
{
    if (!gust__place_is_text(&compiler->place))
        return gust__template_wrong(compiler->source->name, node->line, "a {%% module %%} %s",
                                    gust__place_name(&compiler->place));
    compiler->has_modules = true;
    return gust__compile_call(compiler, node->expression, GUST__DO_MODULE);
}

/* ---- control ---- */

static int compile_nodes(struct gust__compiler *compiler, const struct gust__node *node);

static int join(struct gust__compiler *compiler, unsigned line, const char *what,
                const struct gust__place *other)
{
    struct gust__place one = compiler->place;
    if (gust__place_join(&compiler->place, other))
        return 0;
    return gust__template_wrong(compiler->source->name, line, "%s in different places: %s, %s", what,
                                gust__place_name(&one), gust__place_name(other));
}

static int compile_if(struct gust__compiler *compiler, const struct gust__node *node)
{
    if (gust__compile_expression(compiler, node->expression, false) < 0)
        return -1;
    compiler->height = 0;
    int32_t otherwise = gust__emit_jump(compiler, node->line, GUST__DO_UNLESS);
    struct gust__place start = compiler->place;
    if (otherwise < 0 || compile_nodes(compiler, node->body) < 0)
        return -1;
    int32_t end = node->has_otherwise ? gust__emit_jump(compiler, node->line, GUST__DO_JUMP) : 0;
    if (end < 0)
        return -1;
    gust__emit_land(compiler, otherwise);
    struct gust__place first = compiler->place;
    compiler->place = start;
    if (node->has_otherwise) {
        if (compile_nodes(compiler, node->otherwise) < 0)
            return -1;
        gust__emit_land(compiler, end);
    }
    return join(compiler, node->line, "the branches of {% if %} end", &first);
}

/* The head of one pass through a loop; -> the jump that leaves it, -1. */
static int32_t compile_loop_head(struct gust__compiler *compiler, const struct gust__node *node, int32_t loop)
{
    if (node->kind == GUST__NODE_WHILE) {
        if (gust__compile_expression(compiler, node->expression, false) < 0)
            return -1;
        compiler->height = 0;
        int32_t leave = gust__emit_jump(compiler, node->line, GUST__DO_UNLESS);
        return leave < 0 || gust__emit(compiler, node->line, GUST__DO_COUNT, 0, 0, 0) < 0 ? -1 : leave;
    }
    bool pair = node->variable_count == 2;
    if (gust__emit(compiler, node->line, GUST__DO_LOOP_NEXT, pair ? 2 : 1, loop, -1) < 0)
        return -1;
    int32_t leave = (int32_t)compiler->code_count - 1;
    gust__emit_push(compiler);
    gust__emit_push(compiler);
    if (node->variable_count > 2) {
        for (unsigned i = 0; i < node->variable_count; i++)
            gust__emit_push(compiler);
        if (gust__emit(compiler, node->line, GUST__DO_UNPACK, 0, (int32_t)node->variable_count, 0) < 0)
            return -1;
    }
    for (unsigned i = 0; i < node->variable_count; i++) {
        int32_t name = gust__emit_name(compiler, node->variables[i], node->line);
        if (name < 0 || gust__emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    compiler->height = 0;
    return leave;
}

/* Compiles the loop once with the place that its body is believed to begin in; 1: it does. */
static int compile_pass(struct gust__compiler *compiler, const struct gust__node *node,
                        struct gust__compiler_scope *scope, int32_t *leave, struct gust__place *start)
{
    compiler->place = *start;
    scope->breaks = scope->continues = -1;
    scope->break_place = scope->continue_place = gust__place_nowhere;
    int32_t again = gust__emit_here(compiler);
    *leave = compile_loop_head(compiler, node, scope->loop);
    if (*leave < 0 || compile_nodes(compiler, node->body) < 0 ||
        join(compiler, node->line, "passes of the loop end", &scope->continue_place) < 0)
        return -1;
    gust__emit_land_chain(compiler, scope->continues, gust__emit_here(compiler));
    if (gust__emit(compiler, node->line, GUST__DO_JUMP, 0, again, 0) < 0)
        return -1;
    struct gust__place before = *start, after = compiler->place;
    compiler->place = *start;
    if (join(compiler, node->line, "a pass of the loop begins and ends", &after) < 0)
        return -1;
    *start = compiler->place;
    return memcmp(start, &before, sizeof(before)) == 0;
}

static int compile_passes(struct gust__compiler *compiler, const struct gust__node *node,
                          struct gust__compiler_scope *scope, int32_t *leave)
{
    struct gust__place start = compiler->place;
    size_t code = compiler->code_count;
    for (int tries = 0; tries < 8; tries++) {
        compiler->code_count = code;
        int result = compile_pass(compiler, node, scope, leave, &start);
        if (result)
            return result < 0 ? -1 : 0;
    }
    return gust__compiler_wrong(compiler, node->line,
                                "a loop whose passes begin and end in different places");
}

static int compile_loop(struct gust__compiler *compiler, const struct gust__node *node)
{
    struct gust__compiler_scope scope = {
        .outer = compiler->scope, .node = node, .source = compiler->source, .loop = -1};
    int32_t leave;
    if (node->kind == GUST__NODE_FOR) {
        scope.loop = compiler->loops;
        if (gust__compile_expression(compiler, node->expression, false) < 0 ||
            gust__emit(compiler, node->line, GUST__DO_LOOP_BEGIN, 0, scope.loop, 0) < 0)
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
    int32_t end = gust__emit_here(compiler);
    if (node->kind == GUST__NODE_FOR)
        compiler->code[leave].b = end;
    else
        compiler->code[leave].a = end;
    if (compile_nodes(compiler, node->otherwise) < 0 ||
        join(compiler, node->line, "the ways out of the loop end", &scope.break_place) < 0)
        return -1;
    gust__emit_land_chain(compiler, scope.breaks, gust__emit_here(compiler));
    return 0;
}

/* Ends the tries between here and the loop, with their finallys. */
static int leave_tries(struct gust__compiler *compiler, unsigned line)
{
    struct gust__compiler_scope *kept = compiler->scope, *scope = kept;
    const struct gust__source *source = compiler->source;
    int result = 0;
    for (; result == 0 && scope->node->kind == GUST__NODE_TRY; scope = scope->outer) {
        for (unsigned i = 0; i < scope->handlers && result == 0; i++)
            result = gust__emit(compiler, line, GUST__DO_TRY_END, 0, 0, 0);
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

static int compile_break(struct gust__compiler *compiler, const struct gust__node *node)
{
    bool is_break = node->kind == GUST__NODE_BREAK;
    struct gust__compiler_scope *scope = compiler->scope;
    while (scope && scope->node->kind == GUST__NODE_TRY)
        scope = scope->outer;
    if (!scope || scope->node->kind == GUST__NODE_APPLY) /* of a block that is used there, too */
        return gust__compiler_wrong(compiler, node->line, "{% break %} or {% continue %} outside of a loop");
    if (leave_tries(compiler, node->line) < 0)
        return -1;
    struct gust__place *met = is_break ? &scope->break_place : &scope->continue_place;
    if (!gust__place_join(met, &compiler->place))
        return gust__compiler_wrong(compiler, node->line,
                                    "this {% break %} or {% continue %} is in another place than others");
    compiler->place = gust__place_nowhere;
    return gust__emit_chained_jump(compiler, node->line, is_break ? &scope->breaks : &scope->continues);
}

/* ---- try ---- */

static int32_t begin_try(struct gust__compiler *compiler, struct gust__compiler_scope *scope, unsigned line)
{
    scope->handlers++;
    compiler->captured++;
    if (++compiler->tries > compiler->most_tries)
        compiler->most_tries = compiler->tries;
    return gust__emit_jump(compiler, line, GUST__DO_TRY);
}

static void end_try(struct gust__compiler *compiler, struct gust__compiler_scope *scope)
{
    scope->handlers--;
    compiler->captured--;
    compiler->tries--;
}

/* try, except, else: what fails in the first is written off, and the second goes on. */
static int compile_handled(struct gust__compiler *compiler, const struct gust__node *node,
                           struct gust__compiler_scope *scope)
{
    struct gust__place start = compiler->place;
    int32_t handler = begin_try(compiler, scope, node->line);
    if (handler < 0 || compile_nodes(compiler, node->body) < 0 ||
        gust__emit(compiler, node->line, GUST__DO_TRY_END, 0, 0, 0) < 0)
        return -1;
    end_try(compiler, scope);
    if (compile_nodes(compiler, node->otherwise) < 0)
        return -1;
    int32_t end = gust__emit_jump(compiler, node->line, GUST__DO_JUMP);
    if (end < 0)
        return -1;
    gust__emit_land(compiler, handler);
    struct gust__place first = compiler->place;
    compiler->place = start;
    if (node->variable_count) {
        int32_t name = gust__emit_name(compiler, node->variables[0], node->line);
        gust__emit_push(compiler);
        compiler->height = 0;
        if (name < 0 || gust__emit(compiler, node->line, GUST__DO_FAILURE, 0, 0, 0) < 0 ||
            gust__emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    if (compile_nodes(compiler, node->handler) < 0)
        return -1;
    gust__emit_land(compiler, end);
    return join(compiler, node->line, "the branches of {% try %} end", &first);
}

static int compile_finally(struct gust__compiler *compiler, const struct gust__node *node,
                           struct gust__compiler_scope *scope)
{
    struct gust__place start = compiler->place;
    int32_t failed = begin_try(compiler, scope, node->line);
    if (failed < 0 ||
        (node->has_handler ? compile_handled(compiler, node, scope) : compile_nodes(compiler, node->body)) <
            0 ||
        gust__emit(compiler, node->line, GUST__DO_TRY_END, 0, 0, 0) < 0)
        return -1;
    end_try(compiler, scope);
    scope->in_finally = true;
    if (compile_nodes(compiler, node->finally) < 0)
        return -1;
    int32_t end = gust__emit_jump(compiler, node->line, GUST__DO_JUMP);
    if (end < 0)
        return -1;
    gust__emit_land(compiler, failed);
    struct gust__place kept = compiler->place;
    compiler->place = start; /* what is written here is lost with the failure that goes on */
    if (compile_nodes(compiler, node->finally) < 0 ||
        gust__emit(compiler, node->line, GUST__DO_RAISE, 0, 0, 0) < 0)
        return -1;
    compiler->place = kept;
    gust__emit_land(compiler, end);
    return 0;
}

static int compile_try(struct gust__compiler *compiler, const struct gust__node *node)
{
    struct gust__compiler_scope scope = {.outer = compiler->scope,
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

static int compile_set(struct gust__compiler *compiler, const struct gust__node *node)
{
    if (gust__compile_expression(compiler, node->expression, false) < 0)
        return -1;
    if (node->variable_count > 1) {
        for (unsigned i = 0; i < node->variable_count; i++)
            gust__emit_push(compiler);
        if (gust__emit(compiler, node->line, GUST__DO_UNPACK, 0, (int32_t)node->variable_count, 0) < 0)
            return -1;
    }
    compiler->height = 0;
    for (unsigned i = 0; i < node->variable_count; i++) {
        int32_t name = gust__emit_name(compiler, node->variables[i], node->line);
        if (name < 0 || gust__emit(compiler, node->line, GUST__DO_STORE, 0, name, 0) < 0)
            return -1;
    }
    return 0;
}

static int compile_apply(struct gust__compiler *compiler, const struct gust__node *node)
{
    const struct gust__expression *function = node->expression;
    struct gust__place start = compiler->place;
    struct gust__compiler_scope scope = {
        .outer = compiler->scope, .node = node, .source = compiler->source, .loop = -1};
    if (++compiler->tries > compiler->most_tries)
        compiler->most_tries = compiler->tries;
    compiler->captured++;
    compiler->scope = &scope;
    int result = gust__emit(compiler, node->line, GUST__DO_CAPTURE, 0, 0, 0) < 0 ||
                         compile_nodes(compiler, node->body) < 0
                     ? -1
                     : 0;
    compiler->scope = scope.outer;
    compiler->captured--;
    compiler->tries--;
    if (result < 0)
        return -1;
    gust__emit_push(compiler);
    if (gust__compile_arguments(compiler, function->left) < 0)
        return -1;
    compiler->height = 0;
    int32_t reference = gust__emit_reference(compiler, function->name, node->line, false);
    if (reference < 0 ||
        gust__emit(compiler, node->line, GUST__DO_APPLY, 0, reference, (int32_t)function->count) < 0)
        return -1;
    return join(compiler, node->line, "{% apply %} begins and ends", &start);
}

/* ---- files and blocks ---- */

static struct gust__source *find_source(struct gust__compiler *compiler, const char *name)
{
    for (struct gust__source *source = compiler->sources; source; source = source->next) {
        if (strcmp(source->name, name) == 0)
            return source;
    }
    return NULL;
}

/* The file as one of the program's, read when it is first needed. line is where it is asked for. */
static struct gust__source *load(struct gust__compiler *compiler, const struct gust__source *from,
                                 unsigned line, struct gust__slice wanted)
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
        gust__compiler_wrong(compiler, line, "a template of too many files");
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
static int enter(struct gust__compiler *compiler, struct gust__entered *entered,
                 const struct gust__source *source, unsigned line, const struct gust__source *from)
{
    const char *name = from ? from->name : compiler->name;
    *entered = (struct gust__entered){compiler->entered, source,
                                      compiler->entered ? compiler->entered->depth + 1 : 1};
    for (struct gust__entered *outer = compiler->entered; outer; outer = outer->outer) {
        if (outer->source == source)
            return gust__template_wrong(name, line, "%s leads back to itself", source->name);
    }
    if (entered->depth > GUST__TEMPLATE_MAX_DEPTH)
        return gust__template_wrong(name, line, "files that extend or include one another, deeper than 16");
    compiler->entered = entered;
    return 0;
}

static int compile_include(struct gust__compiler *compiler, const struct gust__node *node)
{
    const struct gust__source *from = compiler->source;
    struct gust__source *source = load(compiler, from, node->line, node->text);
    struct gust__entered entered;
    if (!source || enter(compiler, &entered, source, node->line, from) < 0)
        return -1;
    compiler->source = source;
    int result = compile_nodes(compiler, source->nodes);
    compiler->source = from;
    compiler->entered = entered.outer;
    return result;
}

static struct gust__block *find_block(struct gust__compiler *compiler, struct gust__slice name)
{
    for (struct gust__block *block = compiler->blocks; block; block = block->next) {
        if (gust__slice_equals(block->name, name))
            return block;
    }
    return NULL;
}

static int compile_block(struct gust__compiler *compiler, const struct gust__node *node)
{
    const struct gust__block *block = find_block(compiler, node->text);
    const struct gust__source *from = compiler->source;
    compiler->source = block->source;
    int result = compile_nodes(compiler, block->node->body);
    compiler->source = from;
    return result;
}

static int collect_blocks(struct gust__compiler *compiler, const struct gust__source *source,
                          const struct gust__node *node);

static int collect_block(struct gust__compiler *compiler, const struct gust__source *source,
                         const struct gust__node *node)
{
    struct gust__block *block = find_block(compiler, node->text);
    if (!block) {
        block = gust__arena_calloc(compiler->arena, 1, sizeof(*block));
        if (!block)
            return gust__compiler_too_large(compiler, node->line);
        block->next = compiler->blocks;
        compiler->blocks = block;
    }
    block->name = node->text;
    block->node = node;
    block->source = source;
    return 0;
}

static int collect_included(struct gust__compiler *compiler, const struct gust__source *from,
                            const struct gust__node *node)
{
    struct gust__source *source = load(compiler, from, node->line, node->text);
    struct gust__entered entered;
    if (!source || enter(compiler, &entered, source, node->line, from) < 0)
        return -1;
    int result = collect_blocks(compiler, source, source->nodes);
    compiler->entered = entered.outer;
    return result;
}

/* The blocks of a file and of what it includes: the last of a name counts. */
static int collect_blocks(struct gust__compiler *compiler, const struct gust__source *source,
                          const struct gust__node *node)
{
    if (node && compiler->depth == GUST__TEMPLATE_MAX_STATEMENTS)
        return gust__template_wrong(source->name, node->line, "%s", too_deep);
    compiler->depth++;
    for (; node; node = node->next) {
        if (++compiler->work > GUST__TEMPLATE_MAX_WORK)
            return gust__compiler_too_large(compiler, node->line);
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

static int compile_node(struct gust__compiler *compiler, const struct gust__node *node)
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
        return gust__compiler_wrong(compiler, node->line,
                                    "{% extends %} in an included file, or inside a statement");
    default:
        return compile_break(compiler, node);
    }
}

static int compile_nodes(struct gust__compiler *compiler, const struct gust__node *node)
{
    if (node && compiler->depth == GUST__TEMPLATE_MAX_STATEMENTS)
        return gust__compiler_wrong(compiler, node->line, too_deep);
    compiler->depth++;
    for (; node; node = node->next) {
        if (++compiler->work > GUST__TEMPLATE_MAX_WORK)
            return gust__compiler_too_large(compiler, node->line);
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
static struct gust__source *load_ancestors(struct gust__compiler *compiler)
{
    struct gust__source *chain[GUST__TEMPLATE_MAX_DEPTH + 1];
    unsigned count = 0;
    struct gust__source *source = load(compiler, NULL, 1, gust__slice_of(compiler->name));
    const struct gust__node *extends = NULL;
    struct gust__entered entered[GUST__TEMPLATE_MAX_DEPTH + 1];
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
        struct gust__entered one;
        if (enter(compiler, &one, chain[i], 1, NULL) < 0 ||
            collect_blocks(compiler, chain[i], chain[i]->nodes) < 0)
            return NULL;
        compiler->entered = NULL;
    }
    return chain[count - 1];
}

static struct gust__template_program *compile(struct gust__compiler *compiler)
{
    struct gust__source *oldest = load_ancestors(compiler);
    struct gust__entered entered;
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
    if (gust__emit(compiler, 1, GUST__DO_END, 0, 0, 0) < 0)
        return NULL;
    return gust__emit_program(compiler);
}

struct gust__template_program *gust__template_compile(struct gust__template_reader *reader, const char *name)
{
    struct gust__arena arena;
    gust__arena_init(&arena, NULL, 0, 64 << 20);
    struct gust__compiler *compiler = gust__arena_calloc(&arena, 1, sizeof(*compiler));
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
