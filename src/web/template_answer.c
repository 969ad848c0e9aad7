/* Templates as answers and as texts, and the modules that render templates within templates. */
#include "web/request.h"

#include "base/alloc.h"
#include "base/throw.h"
#include "web/template.h"

#include <stdarg.h>

#include <gust/error.h>
#include <gust/scope.h>

/* ---- the page around modules ---- */

int gust_template_need(gust_template_call *call, enum gust_template_need need, const char *text)
{
    struct gust__rendering *rendering = call->rendering;
    if (!call->module || (unsigned)need > GUST_NEED_BODY)
        return gust_error_set(EINVAL, "gust_template_need is for modules");
    for (struct gust__template_needed *known = rendering->needed; known; known = known->next) {
        if (known->need == need && strcmp(known->text, text) == 0)
            return 0;
    }
    struct gust__template_needed *needed = gust__arena_alloc(rendering->arena, sizeof(*needed));
    const char *copy = gust__arena_strdup(rendering->arena, text);
    if (!needed || !copy)
        return gust_error_set(ENOMEM, NULL);
    *needed = (struct gust__template_needed){NULL, need, copy};
    *rendering->needed_end = needed;
    rendering->needed_end = &needed->next;
    return 0;
}

static int put(struct gust__template_output *output, const char *text)
{
    return gust__template_put(output, text, strlen(text));
}

static int put_needed(struct gust__template_output *output, const struct gust__template_needed *needed)
{
    static const char *const around[][2] = {
        [GUST_NEED_CSS_FILE] = {"<link href=\"", "\" type=\"text/css\" rel=\"stylesheet\"/>\n"},
        [GUST_NEED_CSS] = {"<style type=\"text/css\">\n", "\n</style>\n"},
        [GUST_NEED_HEAD] = {"", "\n"},
        [GUST_NEED_JAVASCRIPT_FILE] = {"<script src=\"", "\" type=\"text/javascript\"></script>\n"},
        [GUST_NEED_JAVASCRIPT] = {"<script type=\"text/javascript\">\n", "\n</script>\n"},
        [GUST_NEED_BODY] = {"", "\n"},
    };
    bool url = needed->need == GUST_NEED_CSS_FILE || needed->need == GUST_NEED_JAVASCRIPT_FILE;
    if (put(output, around[needed->need][0]) < 0 ||
        gust__template_put_escaped(output, needed->text, strlen(needed->text), url ? GUST__ESCAPE_HTML : 0) <
            0)
        return -1;
    return put(output, around[needed->need][1]);
}

static int put_all_needed(struct gust__rendering *rendering, struct gust__template_output *output,
                          enum gust_template_need first, enum gust_template_need last)
{
    for (unsigned need = first; need <= last; need++) {
        for (const struct gust__template_needed *needed = rendering->needed; needed; needed = needed->next) {
            if (needed->need == need && put_needed(output, needed) < 0)
                return -1;
        }
    }
    return 0;
}

/* Puts what was needed into the page, at its end where it has no </head> or </body>. */
static int insert_needed(struct gust__rendering *rendering)
{
    struct gust__template_output page = rendering->output;
    size_t head = rendering->head < page.size ? rendering->head : page.size;
    size_t body = rendering->body < page.size && rendering->body >= head ? rendering->body : page.size;
    struct gust__template_output *output = &rendering->output;
    const char *data = page.data ? page.data : "";
    output->data = NULL;
    output->size = output->capacity = 0;
    output->holds++;
    int result = gust__template_put(output, data, head) < 0 ||
                         put_all_needed(rendering, output, GUST_NEED_CSS_FILE, GUST_NEED_HEAD) < 0 ||
                         gust__template_put(output, data + head, body - head) < 0 ||
                         put_all_needed(rendering, output, GUST_NEED_JAVASCRIPT_FILE, GUST_NEED_BODY) < 0 ||
                         gust__template_put(output, data + body, page.size - body) < 0
                     ? -1
                     : 0;
    output->holds--;
    if (page.heap)
        gust__free(page.data);
    return result;
}

/* ---- rendering ---- */

static void drop_template(struct gust__template *template)
{
    gust__template_drop(template);
}

static void drop_values(json_t *values)
{
    json_decref(values);
}

static void drop_kept(struct gust__rendering *rendering)
{
    for (struct gust__template_kept *kept = rendering->kept; kept; kept = kept->next)
        json_decref(kept->json);
}

static void begin(struct gust__rendering *rendering, gust_templates *templates)
{
    int64_t iterations = templates->options.max_iterations, output = templates->options.max_output;
    rendering->templates = templates;
    rendering->iterations = iterations < 0 ? INT64_MAX : iterations;
    rendering->output.max = output < 0 ? SIZE_MAX / 2 : (size_t)output;
    rendering->output.arena = rendering->arena;
    rendering->head = rendering->body = SIZE_MAX;
    rendering->needed_end = &rendering->needed;
}

/* Renders a template by its name; borrows the values. */
static int render(struct gust__rendering *rendering, const char *name, json_t *values)
{
    struct gust__template *template = gust__template_take(rendering->templates, name);
    if (!template)
        return -1;
    GUST_DEFER(drop_template, template);
    if (values && !json_is_object(values))
        return gust_error_set(EINVAL, "%s: the values of a template are an object", name);
    int result = gust__template_run(rendering, template, values);
    if (result == 0 && rendering->depth == 0 && rendering->needed)
        result = insert_needed(rendering);
    return result;
}

/* Values by jansson's format; NULL with the last error set, or with format NULL. */
static json_t *pack(const char *name, const char *format, va_list arguments)
{
    json_error_t error;
    json_t *values = json_vpack_ex(&error, 0, format, arguments);
    if (!values && json_error_code(&error) == json_error_out_of_memory)
        gust_error_set(ENOMEM, NULL);
    else if (!values)
        gust_error_set(EINVAL, "the values of %s: %s, in \"%s\" at character %d", name, error.text, format,
                       error.column);
    return values;
}

/* ---- as an answer ---- */

static gust_templates *templates_of(gust_request *request)
{
    for (gust_app *app = request->app; app; app = app->mount ? app->mount->app : NULL) {
        if (app->templates)
            return app->templates;
    }
    gust_fail(500, "gust_render: the application has no templates: set .template_directory");
}

static struct gust__slice type_of(const char *name)
{
    static const struct {
        const char *end;
        struct gust__slice type;
    } types[] = {
        {".txt", {"text/plain; charset=UTF-8", 25}},
        {".md", {"text/markdown; charset=UTF-8", 28}},
        {".js", {"text/javascript; charset=UTF-8", 30}},
        {".css", {"text/css; charset=UTF-8", 23}},
        {".json", {"application/json", 16}},
        {".xml", {"application/xml; charset=UTF-8", 30}},
        {".svg", {"image/svg+xml; charset=UTF-8", 28}},
    };
    size_t size = strlen(name);
    for (size_t i = 0; i < GUST_LEN(types); i++) {
        size_t end = strlen(types[i].end);
        if (size > end && strcmp(name + size - end, types[i].end) == 0)
            return types[i].type;
    }
    return GUST__SLICE("text/html; charset=UTF-8");
}

static _Noreturn void fail(void)
{
    if (errno == ENOMEM)
        gust__no_memory();
    gust_fail(500, "%s", gust_error_text(gust_error_last()));
}

static int answer(gust_request *request, const char *name, json_t *values)
{
    struct gust__rendering rendering = {.request = request, .arena = &request->exchange->arena};
    if (request->finished)
        return gust_error_set(EALREADY, "the answer has been finished");
    begin(&rendering, templates_of(request));
    GUST_DEFER(drop_kept, &rendering);
    rendering.output.request = request;
    if (!request->has_content_type && !request->exchange->head_sent) {
        gust__answer_add(request, GUST__SLICE("Content-Type"), type_of(name));
        request->has_content_type = true;
    }
    int result = render(&rendering, name, values);
    if (result < 0 && !rendering.output.lost)
        fail();
    return result < 0 ? -1 : gust_write(request, rendering.output.data, rendering.output.size);
}

int gust_render_json(gust_request *request, const char *name, json_t *values)
{
    if (!values)
        gust_fail(500, "gust_render_json: no values");
    GUST_DEFER(drop_values, values);
    return answer(request, name, values);
}

int gust_render(gust_request *request, const char *name, const char *format, ...)
{
    va_list arguments;
    if (!format)
        return answer(request, name, NULL);
    va_start(arguments, format);
    json_t *values = pack(name, format, arguments);
    va_end(arguments);
    if (!values)
        fail();
    return gust_render_json(request, name, values);
}

/* ---- as a text ---- */

struct text {
    gust_templates *templates;
    const char *name;
    json_t *values;
    struct gust__rendering *rendering;
};

static int render_text(void *argument)
{
    struct text *text = argument;
    return render(text->rendering, text->name, text->values) < 0
               ? -1
               : gust__template_put(&text->rendering->output, "", 1);
}

/* A throw from a function of the template goes on when everything is given back. */
char *gust_render_text_json(gust_templates *templates, size_t *length, const char *name, json_t *values)
{
    char first[4096];
    struct gust__arena arena;
    struct gust__rendering rendering = {.request = gust_current(), .arena = &arena, .output.heap = true};
    struct text text = {templates, name, values, &rendering};
    gust__arena_init(&arena, first, sizeof(first), GUST__TEMPLATE_MAX_MEMORY);
    begin(&rendering, templates);
    int result = gust__catch(render_text, &text);
    bool thrown = result < 0 && gust__caught();
    int code = errno;
    drop_kept(&rendering);
    gust__arena_fini(&arena);
    drop_values(values);
    if (result < 0)
        gust__free(rendering.output.data);
    if (thrown)
        gust_throw_last();
    errno = code;
    if (result < 0)
        return NULL;
    if (length)
        *length = rendering.output.size - 1;
    return rendering.output.data;
}

char *gust_render_text(gust_templates *templates, size_t *length, const char *name, const char *format, ...)
{
    json_t *values = NULL;
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        values = pack(name, format, arguments);
        va_end(arguments);
        if (!values)
            return NULL;
    }
    return gust_render_text_json(templates, length, name, values);
}

/* ---- in modules ---- */

int gust_template_render_json(gust_template_call *call, const char *name, json_t *values)
{
    GUST_DEFER(drop_values, values);
    if (!call->module)
        return gust_error_set(EINVAL, "gust_template_render is for modules");
    return render(call->rendering, name, values);
}

int gust_template_render(gust_template_call *call, const char *name, const char *format, ...)
{
    json_t *values = NULL;
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        values = pack(name, format, arguments);
        va_end(arguments);
        if (!values)
            return -1;
    }
    return gust_template_render_json(call, name, values);
}

/* ---- JSON arguments and results ---- */

/* Takes json; it is gone with the rendering. */
static int keep(struct gust__rendering *rendering, json_t *json)
{
    struct gust__template_kept *kept = json ? gust__arena_alloc(rendering->arena, sizeof(*kept)) : NULL;
    if (!kept) {
        json_decref(json);
        return gust_error_set(ENOMEM, NULL);
    }
    *kept = (struct gust__template_kept){rendering->kept, json};
    rendering->kept = kept;
    return 0;
}

static json_t *to_json(const struct gust__value *value, unsigned depth)
{
    json_t *array;
    switch (value->kind) {
    case GUST__VALUE_BOOLEAN:
        return json_boolean(value->boolean);
    case GUST__VALUE_INTEGER:
        return json_integer(value->integer);
    case GUST__VALUE_REAL:
        return json_real(value->real);
    case GUST__VALUE_TEXT:
        return json_stringn(value->text, value->size);
    case GUST__VALUE_JSON:
        return json_incref(value->json);
    case GUST__VALUE_LIST:
    case GUST__VALUE_RANGE:
        array = depth < 64 ? json_array() : NULL;
        for (size_t i = 0; array && i < value->size; i++) {
            struct gust__value element = gust__value_at(value, i);
            json_array_append_new(array, to_json(&element, depth + 1));
        }
        return array;
    default:
        return json_null();
    }
}

json_t *gust_template_json(gust_template_call *call, unsigned index)
{
    if (index >= call->count) {
        gust_error_set(EINVAL, "argument %u is missing", index + 1);
        return NULL;
    }
    const struct gust__value *value = &call->arguments[index];
    if (value->kind == GUST__VALUE_JSON)
        return value->json;
    json_t *json = to_json(value, 0);
    return keep(call->rendering, json) < 0 ? NULL : json;
}

int gust_template_return_json(gust_template_call *call, json_t *value)
{
    if (keep(call->rendering, value) < 0)
        return -1;
    call->result = gust__value_of_json(value);
    return 0;
}

/* ---- of an application ---- */

void gust_app_templates(gust_app *app, gust_templates *templates)
{
    if (app && app->frozen)
        gust__app_mistaken(app, "the application was changed after it had begun to serve");
    else if (app && !templates)
        gust__app_mistaken(app, "templates: %s", strerror(errno));
    if (!app || app->frozen) {
        gust_templates_free(templates);
        return;
    }
    gust_templates_free(app->templates);
    app->templates = templates;
    gust__app_check_templates(app);
}

void gust__app_check_templates(gust_app *app)
{
    if (app->settings.template_directory && !app->templates)
        gust_app_templates(app, gust_templates_new(.directory = app->settings.template_directory));
    if (app->templates && app->settings.debug)
        app->templates->options.reload = true;
}
