/*
 * Running a program: a machine whose stack, names and loops are laid out once for each rendering. What it
 * writes goes into one piece of memory, which is given away whenever it is full; nothing else is made unless
 * an expression makes a new text or list.
 */
#include "web/template.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <gust/error.h>
#include <gust/scope.h>

struct loop {
    struct gust__value of;
    size_t index, length;
    void *member; /* of an object: the next */
};

/* A {% try %} or {% apply %} that is open. */
struct hold {
    int32_t handler; /* -1: an apply */
    size_t start;    /* of what was written in it */
};

struct frame {
    struct gust__rendering *rendering;
    const struct gust__template *template;
    const struct gust__template_program *program;
    const struct gust__template_instruction *at;
    json_t *data;
    struct gust__value *names;
    struct gust__value *top; /* behind the last */
    struct loop *loops;
    struct hold *holds;
    size_t hold_count;
    const char *failure; /* what was caught, with its place */
    int failure_code;
};

/* ---- output ---- */

enum { OUTPUT_PIECE = 16 << 10 };

static int give(struct gust__template_output *output)
{
    if (output->size == 0)
        return 0;
    int result = gust_write(output->request, output->data, output->size);
    output->given += output->size;
    output->size = 0;
    if (output->capacity > output->max - output->given) /* so that the limit is met here again */
        output->capacity = output->max - output->given;
    output->lost |= result < 0;
    return result;
}

static int enlarge(struct gust__template_output *output, size_t needed)
{
    size_t first = output->request || output->heap ? 4096 : 64; /* else it is a piece on the way */
    size_t capacity = output->capacity ? output->capacity : first;
    while (capacity < needed)
        capacity *= 2;
    capacity = capacity < output->max - output->given ? capacity : output->max - output->given;
    char *larger =
        output->heap ? gust__realloc(output->data, capacity) : gust__arena_alloc(output->arena, capacity);
    if (!larger)
        return gust_error_set(ENOMEM, NULL);
    if (!output->heap && output->size)
        memcpy(larger, output->data, output->size);
    output->data = larger;
    output->capacity = capacity;
    return 0;
}

int gust__template_grow(struct gust__template_output *output, size_t size)
{
    if (size > output->max || output->given + output->size > output->max - size)
        return gust_error_set(EOVERFLOW, "more output than the limit of %zu bytes", output->max);
    if (output->request && !output->holds && output->size + size > OUTPUT_PIECE && give(output) < 0)
        return -1;
    return output->size + size > output->capacity ? enlarge(output, output->size + size) : 0;
}

int gust__template_limit(struct gust__rendering *rendering, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    rendering->limited = true;
    return gust_error_set(EOVERFLOW, "%s", text);
}

const char *gust__template_text_of(struct gust__rendering *rendering, const struct gust__value *value,
                                   size_t *size)
{
    struct gust__template_output text = {.max = SIZE_MAX, .arena = rendering->arena, .holds = 1};
    if (value->kind == GUST__VALUE_TEXT && value->text[value->size] == 0) {
        *size = value->size;
        return value->text;
    }
    if (gust__template_write(&text, value, GUST__ESCAPE_NONE) < 0 || gust__template_put(&text, "", 1) < 0)
        return NULL;
    *size = text.size - 1;
    return text.data;
}

/* ---- values ---- */

static void push(struct frame *frame, struct gust__value value)
{
    *frame->top++ = value;
}

static int do_text(struct frame *frame, const struct gust__template_instruction *at)
{
    return gust__template_put(&frame->rendering->output, frame->program->text + at->a, (size_t)at->b);
}

static int do_write(struct frame *frame, const struct gust__template_instruction *at)
{
    return gust__template_write(&frame->rendering->output, --frame->top, at->how);
}

/* A name's value is looked up in the data once, and kept in its place. */
static int load_unknown(struct frame *frame, const struct gust__template_instruction *at)
{
    const char *name = frame->program->text + frame->program->names[at->a];
    json_t *json = frame->data ? json_object_get(frame->data, name) : NULL;
    if (json)
        frame->names[at->a] = gust__value_of_json(json);
    else if (!at->how)
        return gust_error_set(EINVAL, "unknown name '%s'", name);
    push(frame, frame->names[at->a]);
    return 0;
}

static int do_load(struct frame *frame, const struct gust__template_instruction *at)
{
    const struct gust__value *value = &frame->names[at->a];
    if (__builtin_expect(value->kind == GUST__VALUE_MISSING, 0))
        return load_unknown(frame, at);
    push(frame, *value);
    return 0;
}

static int do_store(struct frame *frame, const struct gust__template_instruction *at)
{
    frame->names[at->a] = *--frame->top;
    return 0;
}

static int do_member(struct frame *frame, const struct gust__template_instruction *at)
{
    return gust__value_member(frame->top - 1, frame->program->text + at->a, at->how);
}

static int do_index(struct frame *frame, const struct gust__template_instruction *at)
{
    frame->top--;
    return gust__value_index(frame->top - 1, frame->top, at->how);
}

static int do_null(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    push(frame, (struct gust__value){.kind = GUST__VALUE_NULL});
    return 0;
}

static int do_boolean(struct frame *frame, const struct gust__template_instruction *at)
{
    push(frame, gust__value_boolean(at->a));
    return 0;
}

static int do_integer(struct frame *frame, const struct gust__template_instruction *at)
{
    push(frame, gust__value_integer(frame->program->integers[at->a]));
    return 0;
}

static int do_real(struct frame *frame, const struct gust__template_instruction *at)
{
    push(frame, (struct gust__value){.kind = GUST__VALUE_REAL, .real = frame->program->reals[at->a]});
    return 0;
}

static int do_string(struct frame *frame, const struct gust__template_instruction *at)
{
    push(frame, gust__value_text(frame->program->text + at->a, (size_t)at->b));
    return 0;
}

static int do_list(struct frame *frame, const struct gust__template_instruction *at)
{
    size_t count = (size_t)at->a;
    struct gust__value *list = gust__arena_alloc(frame->rendering->arena, (count + 1) * sizeof(*list));
    if (!list)
        return gust_error_set(ENOMEM, NULL);
    frame->top -= count;
    memcpy(list, frame->top, count * sizeof(*list));
    push(frame, (struct gust__value){.kind = GUST__VALUE_LIST, .size = count, .list = list});
    return 0;
}

static int do_arithmetic(struct frame *frame, const struct gust__template_instruction *at)
{
    frame->top--;
    return gust__value_arithmetic(at->operation, frame->top - 1, frame->top, frame->rendering->arena);
}

static int do_compare(struct frame *frame, const struct gust__template_instruction *at)
{
    frame->top--;
    return gust__value_compare(at->operation, frame->top - 1, frame->top);
}

static int do_not(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    frame->top[-1] = gust__value_boolean(!gust__value_truth(frame->top - 1));
    return 0;
}

static int do_negate(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    return gust__value_negate(frame->top - 1);
}

/* ---- calls ---- */

static int call(struct frame *frame, const struct gust__template_instruction *at,
                struct gust__value *arguments, unsigned count, struct gust__value *result)
{
    const struct gust__template_function *function = frame->template->functions[at->a];
    struct gust_template_call made = {.rendering = frame->rendering,
                                      .arguments = arguments,
                                      .count = count,
                                      .module = function->module,
                                      .result = {.kind = GUST__VALUE_NULL}};
    errno = 0;
    gust_error_clear();
    if (function->function(&made, function->data) < 0) {
        if (!gust_error_last())
            gust_error_set(errno ? errno : EINVAL, NULL);
        int code = errno;
        return gust_error_set(code, "%s(): %s", function->name, gust_error_text(gust_error_last()));
    }
    *result = made.result;
    return 0;
}

static int do_call(struct frame *frame, const struct gust__template_instruction *at)
{
    struct gust__value result;
    struct gust__value *arguments = frame->top - at->b;
    if (call(frame, at, arguments, (unsigned)at->b, &result) < 0)
        return -1;
    frame->top = arguments;
    push(frame, result);
    return 0;
}

static int do_module(struct frame *frame, const struct gust__template_instruction *at)
{
    struct gust__value result;
    if (call(frame, at, frame->top - at->b, (unsigned)at->b, &result) < 0)
        return -1;
    frame->top -= at->b;
    if (result.kind == GUST__VALUE_NULL)
        return 0;
    return gust__template_write(&frame->rendering->output, &result, GUST__ESCAPE_NONE);
}

/* ---- jumps ---- */

static void go(struct frame *frame, int32_t to)
{
    frame->at = frame->program->code + to;
}

static int do_jump(struct frame *frame, const struct gust__template_instruction *at)
{
    go(frame, at->a);
    return 0;
}

static int do_unless(struct frame *frame, const struct gust__template_instruction *at)
{
    if (!gust__value_truth(--frame->top))
        go(frame, at->a);
    return 0;
}

static int do_and(struct frame *frame, const struct gust__template_instruction *at)
{
    if (gust__value_truth(frame->top - 1))
        frame->top--;
    else
        go(frame, at->a);
    return 0;
}

static int do_or(struct frame *frame, const struct gust__template_instruction *at)
{
    if (gust__value_truth(frame->top - 1))
        go(frame, at->a);
    else
        frame->top--;
    return 0;
}

static int do_default(struct frame *frame, const struct gust__template_instruction *at)
{
    if (frame->top[-1].kind > GUST__VALUE_NULL)
        go(frame, at->a);
    else
        frame->top--;
    return 0;
}

static int do_unpack(struct frame *frame, const struct gust__template_instruction *at)
{
    struct gust__value value = *--frame->top;
    ssize_t length = gust__value_length(&value);
    if (length != at->a || (value.kind == GUST__VALUE_JSON && json_is_object(value.json)))
        return gust_error_set(EINVAL, "%s that is not %d values", gust__value_kind_name(&value), at->a);
    for (size_t i = (size_t)length; i-- > 0;)
        push(frame, gust__value_at(&value, i));
    return 0;
}

/* ---- loops ---- */

static int do_loop_begin(struct frame *frame, const struct gust__template_instruction *at)
{
    struct loop *loop = &frame->loops[at->a];
    *loop = (struct loop){.of = *--frame->top};
    ssize_t length = gust__value_length(&loop->of);
    if (length < 0)
        return gust_error_set(EINVAL, "{%% for %%} in %s", gust__value_kind_name(&loop->of));
    loop->length = (size_t)length;
    if (loop->of.kind == GUST__VALUE_JSON && json_is_object(loop->of.json))
        loop->member = json_object_iter(loop->of.json);
    return 0;
}

static int do_count(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    if (frame->rendering->iterations-- > 0)
        return 0;
    return gust__template_limit(frame->rendering, "more iterations of loops than the limit");
}

static int push_member(struct frame *frame, struct loop *loop, bool pair)
{
    const char *key = json_object_iter_key(loop->member);
    if (pair)
        push(frame, gust__value_of_json(json_object_iter_value(loop->member)));
    push(frame, gust__value_text(key, strlen(key)));
    loop->member = json_object_iter_next(loop->of.json, loop->member);
    return 0;
}

static int do_loop_next(struct frame *frame, const struct gust__template_instruction *at)
{
    struct loop *loop = &frame->loops[at->a];
    bool object = loop->of.kind == GUST__VALUE_JSON && json_is_object(loop->of.json);
    if (object ? !loop->member : loop->index >= loop->length) {
        go(frame, at->b);
        return 0;
    }
    if (do_count(frame, at) < 0)
        return -1;
    size_t index = loop->index++;
    if (object)
        return push_member(frame, loop, at->how == 2);
    push(frame, gust__value_at(&loop->of, index));
    struct gust__template_instruction pair = {.a = 2};
    return at->how == 2 ? do_unpack(frame, &pair) : 0;
}

static int do_loop_field(struct frame *frame, const struct gust__template_instruction *at)
{
    const struct loop *loop = &frame->loops[at->a];
    switch (at->how) {
    case GUST__LOOP_FIRST:
        push(frame, gust__value_boolean(loop->index == 1));
        break;
    case GUST__LOOP_LAST:
        push(frame, gust__value_boolean(loop->index == loop->length));
        break;
    case GUST__LOOP_LENGTH:
        push(frame, gust__value_integer((int64_t)loop->length));
        break;
    default:
        push(frame, gust__value_integer((int64_t)loop->index - (at->how == GUST__LOOP_INDEX0)));
    }
    return 0;
}

/* ---- apply, try ---- */

static void hold(struct frame *frame, int32_t handler)
{
    frame->rendering->output.holds++;
    frame->holds[frame->hold_count++] = (struct hold){handler, frame->rendering->output.size};
}

static struct hold release(struct frame *frame)
{
    frame->rendering->output.holds--;
    return frame->holds[--frame->hold_count];
}

static int do_capture(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    hold(frame, -1);
    return 0;
}

/* The function's first argument is what was written since the capture. */
static int do_apply(struct frame *frame, const struct gust__template_instruction *at)
{
    struct gust__template_output *output = &frame->rendering->output;
    struct gust__value arguments[1 + GUST__TEMPLATE_MAX_ARGUMENTS], result;
    size_t start = release(frame).start, size = output->size - start;
    const char *text =
        gust__arena_memdup(frame->rendering->arena, output->data ? output->data + start : "", size);
    if (!text)
        return gust_error_set(ENOMEM, NULL);
    output->size = start;
    frame->top -= at->b;
    arguments[0] = gust__value_text(text, size);
    memcpy(arguments + 1, frame->top, (size_t)at->b * sizeof(*arguments));
    if (call(frame, at, arguments, (unsigned)at->b + 1, &result) < 0)
        return -1;
    return gust__template_write(output, &result, GUST__ESCAPE_NONE);
}

static int do_try(struct frame *frame, const struct gust__template_instruction *at)
{
    hold(frame, at->a);
    return 0;
}

static int do_try_end(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    release(frame);
    return 0;
}

static int do_failure(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    push(frame, gust__value_text(frame->failure, strlen(frame->failure)));
    return 0;
}

static int do_raise(struct frame *frame, const struct gust__template_instruction *at)
{
    (void)at;
    return gust_error_set(frame->failure_code, "%s", frame->failure);
}

static int do_mark(struct frame *frame, const struct gust__template_instruction *at)
{
    struct gust__rendering *rendering = frame->rendering;
    if (rendering->depth > 1)
        return 0;
    if (at->how)
        rendering->body = rendering->output.size;
    else if (rendering->head == SIZE_MAX)
        rendering->head = rendering->output.size;
    return 0;
}

/* ---- the machine ---- */

typedef int operation(struct frame *frame, const struct gust__template_instruction *at);

static operation *const operations[GUST__DO_COUNT_OF] = {
    [GUST__DO_TEXT] = do_text,
    [GUST__DO_WRITE] = do_write,
    [GUST__DO_LOAD] = do_load,
    [GUST__DO_MEMBER] = do_member,
    [GUST__DO_INDEX] = do_index,
    [GUST__DO_NULL] = do_null,
    [GUST__DO_BOOLEAN] = do_boolean,
    [GUST__DO_INTEGER] = do_integer,
    [GUST__DO_REAL] = do_real,
    [GUST__DO_STRING] = do_string,
    [GUST__DO_LIST] = do_list,
    [GUST__DO_CALL] = do_call,
    [GUST__DO_MODULE] = do_module,
    [GUST__DO_ADD... GUST__DO_MODULO] = do_arithmetic,
    [GUST__DO_EQUAL... GUST__DO_NOT_IN] = do_compare,
    [GUST__DO_NOT] = do_not,
    [GUST__DO_NEGATE] = do_negate,
    [GUST__DO_JUMP] = do_jump,
    [GUST__DO_UNLESS] = do_unless,
    [GUST__DO_AND] = do_and,
    [GUST__DO_OR] = do_or,
    [GUST__DO_DEFAULT] = do_default,
    [GUST__DO_STORE] = do_store,
    [GUST__DO_UNPACK] = do_unpack,
    [GUST__DO_LOOP_BEGIN] = do_loop_begin,
    [GUST__DO_LOOP_NEXT] = do_loop_next,
    [GUST__DO_LOOP_FIELD] = do_loop_field,
    [GUST__DO_COUNT] = do_count,
    [GUST__DO_CAPTURE] = do_capture,
    [GUST__DO_APPLY] = do_apply,
    [GUST__DO_TRY] = do_try,
    [GUST__DO_TRY_END] = do_try_end,
    [GUST__DO_FAILURE] = do_failure,
    [GUST__DO_RAISE] = do_raise,
    [GUST__DO_MARK] = do_mark,
};

/* Names the place of the last error, unless it has one: of a failure that goes on, or of an inner template.
 */
static void name_place(struct frame *frame, const struct gust__template_instruction *at)
{
    const struct gust__template_program *program = frame->program;
    int code = errno;
    if (at->operation != GUST__DO_RAISE)
        gust_error_set(code, "%s:%u: %s", program->text + program->files[at->file], at->line,
                       gust_error_text(gust_error_last()));
}

/* Goes to the innermost {% try %}: what it wrote is dropped. false: there is none, or nothing may catch this.
 */
static bool catch_failure(struct frame *frame)
{
    struct gust__rendering *rendering = frame->rendering;
    int code = errno;
    if (rendering->limited || code == EOVERFLOW || code == ENOMEM)
        return false;
    while (frame->hold_count) {
        struct hold held = release(frame);
        rendering->output.size = held.start;
        if (held.handler < 0)
            continue;
        frame->failure_code = code;
        frame->failure = gust__arena_strdup(rendering->arena, gust_error_text(gust_error_last()));
        frame->top = frame->names + frame->program->name_count;
        go(frame, held.handler);
        return frame->failure != NULL;
    }
    return false;
}

static int run(struct frame *frame)
{
    for (;;) {
        const struct gust__template_instruction *at = frame->at++;
        if (at->operation == GUST__DO_END)
            return 0;
        if (__builtin_expect(operations[at->operation](frame, at) == 0, 1))
            continue;
        if (frame->rendering->output.lost)
            return -1;
        name_place(frame, at);
        if (!catch_failure(frame))
            return -1;
    }
}

static void leave(struct gust__rendering *rendering, unsigned holds)
{
    rendering->depth--;
    rendering->output.holds = holds;
}

int gust__template_run(struct gust__rendering *rendering, const struct gust__template *template, json_t *data)
{
    const struct gust__template_program *program = template->program;
    size_t values = program->name_count + program->stack + 2;
    struct frame frame = {
        .rendering = rendering,
        .template = template,
        .program = program,
        .at = program->code,
        .data = data,
        .names = gust__arena_alloc(rendering->arena, values * sizeof(struct gust__value)),
        .loops = gust__arena_alloc(rendering->arena, (program->loops + 1) * sizeof(struct loop)),
        .holds = gust__arena_alloc(rendering->arena, (program->tries + 1) * sizeof(struct hold))};
    if (!frame.names || !frame.loops || !frame.holds)
        return gust_error_set(ENOMEM, NULL);
    memset(frame.names, 0, program->name_count * sizeof(struct gust__value));
    frame.top = frame.names + program->name_count;
    if (rendering->depth == GUST__TEMPLATE_MAX_DEPTH)
        return gust__template_limit(rendering, "modules that render one another, deeper than 16");
    rendering->depth++;
    GUST_DEFER(leave, rendering, rendering->output.holds);
    if (program->has_modules && rendering->depth == 1)
        rendering->output.holds++; /* until it is whole: modules may want to write into its head */
    return run(&frame);
}
