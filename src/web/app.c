/* Building an application: what gust/web.h registers before it is served. */
#include "web/app.h"

#include "base/alloc.h"
#include "http/header_check.h"
#include "web/development.h"
#include "web/files.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>
#include <gust/template.h>

static const gust_app_settings default_settings = {
    .size = sizeof(gust_app_settings),
    .max_body = 100 << 20,
    .max_header = 64 << 10,
    .max_headers = 100,
    .idle_timeout = GUST_S(75),
    .header_timeout = GUST_S(20),
    .write_timeout = GUST_S(60),
    .max_memory = 16 << 20,
    .max_arguments = 1000,
    .max_parts = 100,
    .spool_above = 1 << 20,
    .server = "gust",
    .compress_min = 1024,
};

/* Bounds for the matching of a pattern: far beyond what a sound one needs for a target of 16 KiB. */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 10000, HEAP_LIMIT_KIB = 1024 };

gust_app *gust_app_new(void)
{
    gust_app *app = gust__calloc(1, sizeof(*app));
    if (!app)
        return NULL;
    app->limits = pcre2_match_context_create(NULL);
    if (!app->limits) {
        gust__free(app);
        errno = ENOMEM;
        return NULL;
    }
    pcre2_set_match_limit(app->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(app->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(app->limits, HEAP_LIMIT_KIB);
    app->routes_end = &app->routes;
    app->first_pattern = UINT_MAX;
    app->settings = default_settings;
    return app;
}

static void free_hooks(struct gust__hook *hook)
{
    while (hook) {
        struct gust__hook *next = hook->next;
        gust__free(hook);
        hook = next;
    }
}

void gust_app_free(gust_app *app)
{
    if (!app)
        return;
    for (struct gust__route *route = app->routes, *next; route; route = next) {
        next = route->next;
        gust__route_free(route);
    }
    gust__route_free(app->not_found);
    while (app->default_headers) {
        struct gust__default_header *header = app->default_headers;
        app->default_headers = header->next;
        gust__free(header);
    }
    gust__static_free(app->files);
    free_hooks(app->starts);
    free_hooks(app->stops);
    pcre2_match_context_free(app->limits);
    gust__free(app->middleware);
    gust__free(app->chain);
    gust__free(app->literals);
    gust__free(app->mistake);
    gust_templates_free(app->templates);
    if (!app->mount)
        gust__development_free(app->development);
    gust__free(app);
}

void gust__app_mistaken(gust_app *app, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (app->mistake)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    app->mistake = gust__strdup(text);
}

const char *gust_app_mistake(const gust_app *app)
{
    if (!app)
        return "out of memory";
    if (app->mistake)
        return app->mistake;
    for (const struct gust__route *route = app->routes; route; route = route->next) {
        if (route->mounted && gust_app_mistake(route->mounted))
            return gust_app_mistake(route->mounted);
    }
    return NULL;
}

/* True when a set-up call may change the application. */
static bool may_change(gust_app *app)
{
    if (!app)
        return false;
    if (app->frozen)
        gust__app_mistaken(app, "the application was changed after it had begun to serve");
    return !app->frozen;
}

void gust_use(gust_app *app, gust_handler_function *function, void *data)
{
    if (!may_change(app))
        return;
    struct gust__middleware *larger =
        gust__realloc(app->middleware, (app->middleware_count + 1) * sizeof(*larger));
    if (!larger) {
        gust__app_mistaken(app, "out of memory for middleware");
        return;
    }
    app->middleware = larger;
    app->middleware[app->middleware_count++] = (struct gust__middleware){function, data};
}

void gust_write_error(gust_app *app, gust_handler_function *function)
{
    if (may_change(app))
        app->write_error = function;
}

void gust_default_header(gust_app *app, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    if (!may_change(app))
        return;
    if (gust__header_check_name(gust__slice_of(name)) < 0 ||
        gust__header_check_value(gust__slice_of(value)) < 0) {
        gust__app_mistaken(app, "gust_default_header: \"%s\" cannot be a header", name);
        return;
    }
    struct gust__default_header *header = gust__malloc(sizeof(*header) + name_size + value_size + 2);
    if (!header) {
        gust__app_mistaken(app, "out of memory for the header %s", name);
        return;
    }
    char *texts = (char *)(header + 1);
    memcpy(texts, name, name_size + 1);
    memcpy(texts + name_size + 1, value, value_size + 1);
    *header = (struct gust__default_header){app->default_headers, gust__slice(texts, name_size),
                                            gust__slice(texts + name_size + 1, value_size)};
    app->default_headers = header;
}

void gust_not_found(gust_app *app, gust_handler_function *function, void *data)
{
    if (!may_change(app))
        return;
    if (!app->not_found)
        app->not_found = gust__calloc(1, sizeof(*app->not_found));
    if (!app->not_found) {
        gust__app_mistaken(app, "out of memory for gust_not_found");
        return;
    }
    app->not_found->app = app;
    app->not_found->function = function;
    app->not_found->options.data = data;
}

static struct gust__hook *new_hook(gust_app *app, int (*function)(void *), void *argument)
{
    struct gust__hook *hook = gust__malloc(sizeof(*hook));
    if (hook)
        *hook = (struct gust__hook){NULL, function, argument};
    else
        gust__app_mistaken(app, "out of memory for a start or stop function");
    return hook;
}

void gust_on_start(gust_app *app, int (*function)(void *argument), void *argument)
{
    struct gust__hook *hook = may_change(app) ? new_hook(app, function, argument) : NULL;
    struct gust__hook **end = hook ? &app->starts : NULL;
    if (!hook)
        return;
    while (*end)
        end = &(*end)->next;
    *end = hook;
}

void gust_on_stop(gust_app *app, int (*function)(void *argument), void *argument)
{
    struct gust__hook *hook = may_change(app) ? new_hook(app, function, argument) : NULL;
    if (!hook)
        return;
    hook->next = app->stops;
    app->stops = hook;
}

/* Copies a member that was given: one that lies within the caller's version of the struct and is not zero. */
#define TAKE(member)                                                                                     \
    do {                                                                                                 \
        if (offsetof(gust_app_settings, member) + sizeof(given->member) <= given->size && given->member) \
            app->settings.member = given->member;                                                        \
    } while (0)

void gust_app_set_with(gust_app *app, const gust_app_settings *given)
{
    if (!may_change(app))
        return;
    TAKE(max_body);
    TAKE(timeout);
    TAKE(max_header);
    TAKE(max_headers);
    TAKE(idle_timeout);
    TAKE(header_timeout);
    TAKE(body_timeout);
    TAKE(write_timeout);
    TAKE(max_memory);
    TAKE(max_requests);
    TAKE(max_arguments);
    TAKE(max_parts);
    TAKE(spool_above);
    TAKE(spool_directory);
    TAKE(server);
    TAKE(no_keep_alive);
    TAKE(cookie_secret);
    TAKE(cookie_keys);
    TAKE(xsrf_cookies);
    TAKE(etags);
    TAKE(debug);
    TAKE(locales);
    TAKE(compress);
    TAKE(compress_min);
    TAKE(compress_types);
    TAKE(decompress_request);
    TAKE(sessions);
    TAKE(login_url);
    TAKE(current_user);
    TAKE(has_role);
    TAKE(template_directory);
    TAKE(trust_request_id);
    gust__app_check_keys(app);
    gust__app_check_templates(app);
}
#undef TAKE
