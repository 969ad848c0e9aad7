/*
 * JSON by jansson: answers packed or given as values, and the body parsed once.
 *
 * A throw must not leave through jansson's frames. So what is called from there runs under a catcher of its
 * own, and the throw goes on when jansson has returned.
 */
#include "web/request.h"

#include "base/throw.h"

#include <stdarg.h>
#include <string.h>

#include <gust/error.h>
#include <gust/json.h>

/* jansson parses and frees by recursion, about 300 bytes of stack a level, and allows 2048 levels: more than
 * a coroutine's stack holds. */
enum { MOST_LEVELS = 128 };

/* ---- writing ---- */

struct writing {
    gust_request *request;
    const char *data;
    size_t size;
    bool thrown, failed; /* a write did */
};

static int write_piece(void *argument)
{
    struct writing *writing = argument;
    return gust_write(writing->request, writing->data, writing->size);
}

/* Pieces are as small as a comma: what fits is copied at once. */
static int take_text(const char *data, size_t size, void *argument)
{
    struct writing *writing = argument;
    gust_request *request = writing->request;
    if (size <= request->output_capacity - request->output_size &&
        request->output_size + size <= GUST__OUTPUT_MAX) {
        memcpy(request->output + request->output_size, data, size);
        request->output_size += size;
        return 0;
    }
    writing->data = data;
    writing->size = size;
    int result = gust__catch(write_piece, writing);
    writing->failed = result < 0;
    writing->thrown = result < 0 && gust__caught();
    return result;
}

static void set_type(gust_request *request)
{
    static const struct gust__slice name = {"Content-Type", 12}, value = {"application/json", 16};
    if ((request->has_content_type && !request->has_default_type) || request->exchange->head_sent)
        return;
    if (request->has_default_type)
        gust_clear_header(request, name.data);
    gust__answer_add(request, name, value);
    request->has_content_type = true;
}

static int write_value(gust_request *request, const json_t *value)
{
    struct writing writing = {.request = request};
    if (request->finished)
        return gust_error_set(EALREADY, "the answer has been finished");
    set_type(request);
    errno = 0;
    if (json_dump_callback(value, take_text, &writing, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return 0;
    if (writing.thrown)
        gust_throw_last();
    if (writing.failed)
        return -1;
    if (errno == ENOMEM)
        gust__no_memory();
    gust_fail(500, "gust_json: a value that cannot be written, as one that contains itself");
}

static void drop(json_t *value)
{
    json_decref(value);
}

int gust_json_value(gust_request *request, json_t *value)
{
    if (!value)
        gust_fail(500, "gust_json_value: no value");
    GUST_DEFER(drop, value);
    return write_value(request, value);
}

int gust_json(gust_request *request, const char *format, ...)
{
    json_error_t error;
    va_list arguments;
    va_start(arguments, format);
    json_t *value = json_vpack_ex(&error, 0, format, arguments);
    va_end(arguments);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        gust__no_memory();
    if (!value)
        gust_fail(500, "gust_json: %s, in \"%s\" at character %d", error.text, format, error.column);
    return gust_json_value(request, value);
}

/* ---- reading ---- */

/* How deep the text nests, in one look at each byte; whether it is JSON is for jansson. */
static unsigned levels_of(struct gust__slice text)
{
    unsigned level = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            deepest = ++level > deepest ? level : deepest;
        else if (!in_string && (c == '}' || c == ']') && level)
            level--;
    }
    return deepest;
}

static json_t *parse(gust_request *request)
{
    struct gust__slice body = request->exchange->body;
    json_error_t error;
    if (body.size > request->app->settings.max_memory)
        gust_fail(413, "a JSON body of %zu bytes", body.size);
    if (levels_of(body) > MOST_LEVELS)
        gust_fail(400, "the JSON body nests deeper than %d levels", MOST_LEVELS);
    json_t *value =
        json_loadb(body.size ? body.data : "", body.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (value)
        return value;
    if (json_error_code(&error) == json_error_out_of_memory)
        gust__no_memory();
    gust_fail(400, "the body is not JSON: line %d, column %d: %s", error.line, error.column, error.text);
}

json_t *gust_json_body(gust_request *request)
{
    if (!request->json)
        request->json = parse(request);
    return request->json;
}

void gust__json_end(gust_request *request)
{
    json_decref(request->json);
    request->json = NULL;
}
