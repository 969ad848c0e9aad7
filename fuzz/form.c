/*
 * Queries, cookies, urlencoded and multipart forms and JSON bodies through the web layer: what comes out is
 * text, each list ends, and the answer is 200 or 400. The first byte chooses the body's type, the first line
 * behind it is the query and the cookies, the rest the body. A NUL may stand anywhere.
 */
#include "web/testing.h"

#include "http/utf8.h"

#include <stdint.h>

#include <gust/json.h>

static void check_text(const char *text)
{
    if (text && !gust__utf8_valid(gust__slice_of(text)))
        abort();
}

static void check_lists(gust_request *request)
{
    const char *name, *value;
    const gust_file *file;
    for (size_t i = 0; gust_arg_at(request, NULL, i, &name, &value); i++) {
        check_text(name);
        check_text(value);
        if (!gust_arg(request, name))
            abort();
    }
    for (size_t i = 0; gust_cookie_at(request, i, &name, &value); i++) {
        check_text(name);
        check_text(value);
    }
    for (size_t i = 0; (file = gust_file_at(request, NULL, i)); i++) {
        check_text(file->name);
        check_text(file->file_name);
        check_text(file->content_type);
        if ((file->fd < 0) == (file->length > 16) || (file->fd < 0 && file->data.data[file->length]))
            abort();
    }
}

struct bound {
    int8_t small;
    uint64_t large;
    const char *text;
    double number;
    bool flag;
};

static const gust_field fields[] = {
    GUST_INT(struct bound, small),     GUST_INT(struct bound, large), GUST_TEXT(struct bound, text),
    GUST_DOUBLE(struct bound, number), GUST_BOOL(struct bound, flag),
};

static void show(gust_request *request)
{
    struct bound bound = {0};
    gust_cookie(request, "a");
    gust_path_arg(request, 1);
    check_lists(request);
    gust_bind(request, fields, GUST_LEN(fields), &bound);
    check_text(bound.text);
    if (gust_query_arg(request, "json"))
        gust_json_value(request, json_incref(gust_json_body(request)));
}

static int take_part(const gust_part *part, void *argument)
{
    (void)argument;
    check_text(part->name);
    check_text(part->file_name);
    return 0;
}

static int take_data(const void *bytes, size_t length, void *argument)
{
    (void)argument;
    return memchr(bytes, '!', length) ? -1 : 0;
}

static void stream(gust_request *request)
{
    gust_form_each(request, take_part, take_data, NULL);
}

static gust_app *make(void)
{
    gust_app *app = gust_app_new();
    gust_route(app, "/stream", stream, .stream_body = true);
    gust_route(app, "/(.*)", show);
    gust_app_set(app, .spool_above = 16, .max_arguments = 20, .max_parts = 5);
    return app;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=XX", "application/json", "text/plain"};
    static gust_app *app;
    size_t room = 2 * size + 512;
    char *text = malloc(room);
    if (!app)
        app = make();
    if (size == 0 || !text)
        return free(text), 0;
    const uint8_t *line = data + 1, *end = memchr(line, '\n', size - 1);
    int length = end ? (int)(end - line) : 0;
    size_t used = (size_t)snprintf(
        text, size + 512,
        "POST /%s?%.*s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nCookie: ", data[0] & 4 ? "stream" : "x",
        length, (const char *)line, types[data[0] & 3]);
    for (int i = 0; i < length && line[i]; i++)
        text[used++] = (char)line[i];
    used += (size_t)snprintf(text + used, 32, "\r\n\r\n");
    line += end ? length + 1 : 0;
    memcpy(text + used, line, size - (size_t)(line - data));
    used += size - (size_t)(line - data);
    gust__test_options.piece = data[0] >> 3;
    struct gust__test_answer *answer = gust__test_bytes(app, text, used);
    if (answer && answer->status != 200 && answer->status != 400)
        abort();
    free(text);
    return 0;
}
