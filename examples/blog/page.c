/* What all pages have in common: the layout, messages, errors, lists in pages. */
#include "blog.h"
#include "store.h"

#include <gust/json.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char message_value[] = "message"; /* in the session */

/* The message that the last page left; it is shown once. */
static const char *take_message(gust_request *req)
{
    const char *message = gust_session_get(req, message_value);
    if (!message)
        return "";
    message = gust_strdup(req, message);
    gust_session_set(req, message_value, NULL);
    return message;
}

struct layout {
    const char *user, *message;
    bool admin;
};

/* Asks for all of it before there is a value to lose: each may end the handler. */
static struct layout read_layout(gust_request *req)
{
    struct layout layout = {.user = gust_user(req)};
    layout.admin = layout.user && is_admin(req);
    layout.message = take_message(req);
    return layout;
}

static void show(gust_request *req, const char *template, const struct layout *layout, const char *problem,
                 json_t *values)
{
    const char *path = gust_path(req);
    json_t *around =
        json_pack("{s:s, s:s?, s:b, s:s, s:s, s:s}", "site_title", blog.title, "user", layout->user, "admin",
                  layout->admin, "message", layout->message, "path", path, "problem", problem);
    if (!around || !values || json_object_update(values, around) < 0) {
        json_decref(around);
        json_decref(values);
        gust_fail(503, "out of memory for a page");
    }
    json_decref(around);
    gust_render_json(req, template, values);
}

void page(gust_request *req, const char *template, const char *format, ...)
{
    struct layout layout = read_layout(req);
    va_list arguments;
    va_start(arguments, format);
    json_t *values = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    show(req, template, &layout, "", values);
}

void page_with_problem(gust_request *req, const char *problem, const char *template, const char *format, ...)
{
    struct layout layout = read_layout(req);
    va_list arguments;
    va_start(arguments, format);
    json_t *values = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    gust_set_status(req, 422);
    show(req, template, &layout, problem, values);
}

void go_on(gust_request *req, const char *path, const char *message)
{
    gust_session_set(req, message_value, message);
    gust_redirect(req, path, 303);
}

/* ---- errors ---- */

/* What a handler said with gust_fail; of the server's own errors nothing is told. */
static const char *reason(gust_request *req)
{
    const gust_error *error = gust_error_last();
    if (gust_status(req) < 500 && error && strcmp(gust_error_domain(error), "http") == 0 &&
        gust_error_detail(error) == gust_status(req))
        return gust_error_text(error);
    return "This did not work.";
}

void page_of_error(gust_request *req)
{
    const char *text = gust_strdup(req, reason(req));
    int status = gust_status(req);
    struct layout layout = {.message = ""};
    if (status < 500) /* else what the layout asks for may be what is broken */
        layout = read_layout(req);
    show(req, "error.html", &layout, "", json_pack("{s:i, s:s}", "status", status, "text", text));
}

void page_not_found(gust_request *req)
{
    (void)req;
    gust_fail(404, "There is nothing here.");
}

/* ---- what a request asks for ---- */

int64_t path_number(gust_request *req, unsigned group)
{
    errno = 0;
    int64_t number = strtoimax(gust_path_arg(req, group), NULL, 10);
    if (errno)
        gust_fail(404, "There is nothing here.");
    return number;
}

const char *long_text(gust_request *req, const char *name)
{
    const char *text = "", *value;
    for (size_t i = 0; gust_arg_at(req, name, i, NULL, &value); i++)
        text = value;
    return text;
}

int64_t page_number(gust_request *req)
{
    const char *text = gust_query_arg(req, "page");
    char *end;
    long number = text ? strtol(text, &end, 10) : 1;
    if (text && (end == text || *end || number < 1 || number > 1000000))
        gust_fail(404, "There is no such page.");
    return number;
}

int64_t cut_page(json_t *rows, int64_t number)
{
    if (json_array_size(rows) <= PER_PAGE)
        return 0;
    json_array_remove(rows, PER_PAGE);
    return number + 1;
}
