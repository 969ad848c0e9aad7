/*
 * What a client sent, told back: the contract that clients and test suites can rely on.
 *
 *     GET /                     OK
 *     POST, PUT, PATCH /        the request's body, read whole first
 *     /echo                     the request's headers as they came, one "Name: value" a line
 *     /cookie                   the cookies, one "name=value" a line
 *     /json/...                 the request as JSON, any method
 *     POST /multipart           the parts of a form as JSON
 *     POST /upload              {"bytes", "sha256"} of a streamed body of up to 600 MB
 *     GET /stream?n=&size=      n chunks of size bytes
 *     GET /delay?ms=            waits
 *     GET /fail?code=           fails three calls deep
 */
#include "digest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <gust/gust.h>
#include <gust/json.h>

enum { MAX_UPLOAD = 600 * 1000 * 1000, MAX_CHUNK = 16 << 20, PIECE = 64 << 10 };

/* ---- the request, told back ---- */

static void ok(gust_request *req)
{
    gust_print(req, "OK");
}

static void body(gust_request *req)
{
    gust_bytes bytes = gust_body(req);
    const char *type = gust_header(req, "Content-Type");
    if (type)
        gust_set_header(req, "Content-Type", type);
    gust_write(req, bytes.data, bytes.len);
}

static void headers_as_text(gust_request *req)
{
    const char *name, *value;
    for (size_t i = 0; gust_header_at(req, i, &name, &value); i++)
        gust_printf(req, "%s: %s\n", name, value);
}

static void cookies(gust_request *req)
{
    const char *name, *value;
    for (size_t i = 0; gust_cookie_at(req, i, &name, &value); i++)
        gust_printf(req, "%s=%s\n", name, value);
}

static json_t *json_headers(gust_request *req)
{
    json_t *list = json_array();
    const char *name, *value;
    GUST_DEFER(json_decref, list); /* what is asked below may end the handler */
    for (size_t i = 0; gust_header_at(req, i, &name, &value); i++)
        json_array_append_new(list, json_pack("[s, s]", name, value));
    return json_incref(list);
}

static json_t *json_arguments(gust_request *req)
{
    json_t *object = json_object();
    const char *name, *value;
    GUST_DEFER(json_decref, object); /* an argument that is not text ends the handler with 400 */
    for (size_t i = 0; gust_arg_at(req, NULL, i, &name, &value); i++) {
        if (!json_object_get(object, name))
            json_object_set_new(object, name, json_array());
        json_array_append_new(json_object_get(object, name), json_string(value));
    }
    return json_incref(object);
}

static void as_json(gust_request *req)
{
    gust_bytes bytes = gust_body(req);
    char sha256[DIGEST_TEXT];
    digest_of(bytes.data, bytes.len, sha256);
    json_t *headers = json_headers(req);
    GUST_DEFER(json_decref, headers);
    json_t *arguments = json_arguments(req);
    GUST_DEFER(json_decref, arguments);
    gust_json(req, "{s:s, s:s, s:s, s:s, s:s, s:O, s:O, s:I, s:s, s:s}", "method", gust_method(req), "uri",
              gust_uri(req), "path", gust_path(req), "query", gust_query(req), "version",
              gust_http_version(req), "headers", headers, "arguments", arguments, "body_length",
              (json_int_t)bytes.len, "body_sha256", sha256, "remote_ip", gust_remote_ip(req));
}

/* ---- forms, part by part as they come ---- */

struct parts {
    json_t *list;
    json_t *current;
    char *data;
    size_t length;
};

static void finish_part(struct parts *parts)
{
    if (parts->current)
        json_object_set_new(parts->current, "data", base64(parts->data, parts->length));
    parts->current = NULL;
    parts->length = 0;
}

static int begin_part(const gust_part *part, void *arg)
{
    struct parts *parts = arg;
    finish_part(parts);
    parts->current = json_pack("{s:s, s:s, s:s?}", "name", part->name, "type",
                               part->file_name ? "file" : "field", "file_name", part->file_name);
    if (!parts->current)
        return gust_error_set(EBADMSG, "a part's name that is not UTF-8");
    return json_array_append_new(parts->list, parts->current);
}

static int add_to_part(const void *bytes, size_t length, void *arg)
{
    struct parts *parts = arg;
    char *larger = realloc(parts->data, parts->length + length + 1);
    if (!larger)
        return gust_error_set(ENOMEM, "a part of %zu bytes", parts->length + length);
    parts->data = larger;
    memcpy(parts->data + parts->length, bytes, length);
    parts->length += length;
    return 0;
}

static void free_parts(struct parts *parts)
{
    json_decref(parts->list);
    free(parts->data);
}

static void multipart(gust_request *req)
{
    struct parts parts = {.list = json_array()};
    GUST_DEFER(free_parts, &parts);
    if (gust_form_each(req, begin_part, add_to_part, &parts) < 0)
        gust_fail(400, "%s", gust_error_text(gust_error_last()));
    finish_part(&parts);
    gust_json_value(req, json_incref(parts.list));
}

/* ---- streams ---- */

static void upload(gust_request *req)
{
    char *piece = gust_alloc(req, PIECE);
    char sha256[DIGEST_TEXT];
    int64_t bytes = 0;
    ssize_t got;
    struct digest *digest = digest_new();
    if (!digest)
        gust_fail(503, NULL);
    GUST_DEFER(digest_free, digest);
    while ((got = gust_read_body(req, piece, PIECE)) > 0) {
        digest_add(digest, piece, (size_t)got);
        bytes += got;
    }
    if (got < 0)
        return; /* the answer is what stands for that failure: 413, 408, 400 */
    digest_end(digest, sha256);
    gust_json(req, "{s:I, s:s}", "bytes", (json_int_t)bytes, "sha256", sha256);
}

/* A whole number from the query within bounds, or 400. */
static int64_t number(gust_request *req, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
    const char *text = gust_query_arg(req, name);
    char *end;
    if (!text)
        return otherwise;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text || errno || value < min || value > max)
        gust_fail(400, "%s must be %lld..%lld", name, (long long)min, (long long)max);
    return value;
}

static void stream(gust_request *req)
{
    int64_t count = number(req, "n", 10, 0, 1 << 30);
    size_t size = (size_t)number(req, "size", 1024, 1, MAX_CHUNK);
    char *chunk = malloc(size);
    if (!chunk)
        gust_fail(503, NULL);
    GUST_DEFER(free, chunk);
    memset(chunk, 'x', size);
    for (int64_t i = 0; i < count; i++) {
        if (gust_write(req, chunk, size) < 0 || gust_flush(req) < 0)
            return; /* the client went: nobody is left to tell */
    }
}

static void delay(gust_request *req)
{
    int64_t ms = number(req, "ms", 100, 0, 600000);
    if (gust_sleep(GUST_MS(ms)) < 0)
        gust_throw(errno, "the wait was cut short");
    gust_printf(req, "waited %lld ms\n", (long long)ms);
}

/* ---- a failure three calls deep ---- */

static void third(int code)
{
    gust_fail(code, "failed on request");
}

static void second(int code)
{
    third(code);
}

static void first(int code)
{
    second(code);
}

static void fail(gust_request *req)
{
    first((int)number(req, "code", 500, 400, 599));
}

int main(int argc, char **argv)
{
    gust_app *app = gust_app_new();
    gust_route(app, "GET /", ok);
    gust_route(app, "POST /", body);
    gust_route(app, "PUT /", body);
    gust_route(app, "PATCH /", body);
    gust_route(app, "/echo", headers_as_text);
    gust_route(app, "/cookie", cookies);
    gust_route(app, "/json/.*", as_json);
    gust_route(app, "POST /multipart", multipart, .stream_body = true);
    gust_route(app, "POST /upload", upload, .max_body = MAX_UPLOAD, .stream_body = true);
    gust_route(app, "GET /stream", stream);
    gust_route(app, "GET /delay", delay);
    gust_route(app, "GET /fail", fail);
    return gust_main(app, argc, argv);
}
