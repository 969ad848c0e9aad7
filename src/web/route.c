/* Registering routes, and finding the one that a request is for. */
#include "web/app.h"

#include "base/alloc.h"
#include "web/development.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>

static bool is_special(char c)
{
    return c && strchr("\\^$.|?*+()[]{}", c) != NULL;
}

/* A pattern without special characters but escaped punctuation, unescaped; data NULL: it needs PCRE2, or no
 * memory. */
static struct gust__slice literal_of(const char *pattern)
{
    struct gust__slice none = {NULL, 0};
    char *text = gust__malloc(strlen(pattern) + 1), *to = text;
    if (!text)
        return none;
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\' && is_special(at[1]))
            at++;
        else if (is_special(*at)) {
            gust__free(text);
            return none;
        }
        *to++ = *at;
    }
    *to = 0;
    return gust__slice(text, (size_t)(to - text));
}

static pcre2_code *compile(gust_app *app, const char *pattern, uint32_t options)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR text[128];
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                         PCRE2_ANCHORED | PCRE2_ENDANCHORED | options, &code, &offset, NULL);
    if (!compiled) {
        pcre2_get_error_message(code, text, sizeof(text));
        gust__app_mistaken(app, "the pattern \"%s\" is wrong at character %zu: %s", pattern, offset + 1,
                           text);
        return NULL;
    }
    uint32_t groups = 0;
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups >= GUST__MOST_GROUPS)
        gust__app_mistaken(app, "the pattern \"%s\" has more than %d groups", pattern, GUST__MOST_GROUPS - 1);
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* where it is not there, matching goes on without */
    return compiled;
}

void gust__route_free(struct gust__route *route)
{
    if (!route)
        return;
    pcre2_code_free(route->code);
    pcre2_code_free(route->host);
    gust_app_free(route->mounted);
    gust__free((char *)(uintptr_t)route->literal.data);
    gust__free(route->method_name);
    gust__free(route->pattern);
    gust__free(route->name);
    gust__free(route->target);
    gust__free(route);
}

/* Splits "METHOD /path": sets the route's methods, returns where the path begins; NULL: it is malformed. */
static const char *read_method(struct gust__route *route, const char *pattern)
{
    const char *space = strchr(pattern, ' ');
    const char *slash = strchr(pattern, '/');
    route->methods = GUST__METHODS_ANY;
    if (!space || (slash && slash < space))
        return pattern;
    struct gust__slice name = gust__slice_between(pattern, space);
    enum gust__method method = gust__method(name);
    if (name.size == 0)
        return NULL;
    route->methods = 1u << method;
    if (method == GUST__METHOD_OTHER)
        route->method_name = gust__strndup(name.data, name.size);
    return space + strspn(space, " ");
}

static gust_route_options copy_options(const gust_route_options *given)
{
    gust_route_options options = {0};
    memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
    return options;
}

static struct gust__route *new_route(gust_app *app, const char *path, const gust_route_options *options)
{
    struct gust__route *route = gust__calloc(1, sizeof(*route));
    if (!route)
        return NULL;
    route->app = app;
    route->options = copy_options(options);
    route->pattern = gust__strdup(path);
    if (route->options.name)
        route->name = gust__strdup(route->options.name);
    if (!route->pattern || (route->options.name && !route->name)) {
        gust__route_free(route);
        return NULL;
    }
    if (route->name && !gust__pattern_reversible(path))
        gust__app_mistaken(app, "the route \"%s\" has a name, but gust_url_for cannot fill its pattern",
                           path);
    route->literal = literal_of(path);
    if (!route->literal.data)
        route->code = compile(app, path, 0);
    if (route->options.host)
        route->host = compile(app, route->options.host, PCRE2_CASELESS);
    return route;
}

static void add_route(gust_app *app, struct gust__route *route)
{
    if (!route->literal.data || route->mounted) {
        if (app->first_pattern == UINT_MAX)
            app->first_pattern = app->route_count;
    }
    route->order = app->route_count++;
    *app->routes_end = route;
    app->routes_end = &route->next;
}

static struct gust__route *register_route(gust_app *app, const char *pattern,
                                          const gust_route_options *options)
{
    struct gust__route scratch = {0};
    if (!app)
        return NULL;
    if (app->frozen) {
        gust__app_mistaken(app, "the route \"%s\" came after the application had begun to serve", pattern);
        return NULL;
    }
    const char *path = read_method(&scratch, pattern);
    if (!path || (path[0] != '/' && path[0] != '*' && path[0] != '(' && path[0] != '.')) {
        gust__app_mistaken(app, "the route \"%s\" is not \"METHOD /path\" or \"/path\"", pattern);
        gust__free(scratch.method_name);
        return NULL;
    }
    struct gust__route *route = new_route(app, path, options);
    if (!route) {
        gust__app_mistaken(app, "out of memory for the route \"%s\"", pattern);
        gust__free(scratch.method_name);
        return NULL;
    }
    route->methods = scratch.methods;
    route->method_name = scratch.method_name;
    return route;
}

void gust_route_with(gust_app *app, const char *pattern, gust_handler_function *function,
                     const gust_route_options *options)
{
    struct gust__route *route = register_route(app, pattern, options);
    if (!route)
        return;
    if (!function)
        gust__app_mistaken(app, "the route \"%s\" has no function", pattern);
    route->function = function;
    add_route(app, route);
}

struct gust__route *gust__route_add(gust_app *app, const char *pattern, gust_handler_function *function)
{
    static const gust_route_options none = {.size = sizeof(none)};
    struct gust__route *route = register_route(app, pattern, &none);
    if (!route)
        return NULL;
    route->function = function;
    add_route(app, route);
    return route;
}

static unsigned methods_of(const gust_handler *handler)
{
    unsigned methods = 0;
    methods |= handler->get ? 1u << GUST__METHOD_GET : 0; /* answers HEAD too: gust__app_find */
    methods |= handler->head ? 1u << GUST__METHOD_HEAD : 0;
    methods |= handler->post ? 1u << GUST__METHOD_POST : 0;
    methods |= handler->put ? 1u << GUST__METHOD_PUT : 0;
    methods |= handler->patch ? 1u << GUST__METHOD_PATCH : 0;
    methods |= handler->del ? 1u << GUST__METHOD_DELETE : 0;
    methods |= handler->options ? 1u << GUST__METHOD_OPTIONS : 0;
    return methods;
}

void gust_handle_with(gust_app *app, const char *path_pattern, const gust_handler *handler,
                      const gust_route_options *options)
{
    struct gust__route *route = register_route(app, path_pattern, options);
    if (!route)
        return;
    if (route->methods != GUST__METHODS_ANY)
        gust__app_mistaken(app, "gust_handle(\"%s\"): the table names the methods", path_pattern);
    route->methods = methods_of(handler);
    route->handler = handler;
    if (!route->options.state_size)
        route->options.state_size = handler->state_size;
    add_route(app, route);
}

void gust_mount(gust_app *app, const char *prefix, gust_app *sub)
{
    static const gust_route_options none = {.size = sizeof(none)};
    size_t length = strlen(prefix);
    struct gust__route *route = sub ? register_route(app, prefix, &none) : NULL;
    if (!route) {
        if (app && !sub)
            gust__app_mistaken(app, "out of memory for what is mounted at \"%s\"", prefix);
        gust_app_free(sub);
        return;
    }
    if (sub == app || sub->mount) {
        gust__app_mistaken(app, "what is mounted at \"%s\" is mounted already", prefix);
        gust__route_free(route);
        return;
    }
    if (!route->literal.data || length < 2 || prefix[length - 1] == '/')
        gust__app_mistaken(app, "gust_mount: \"%s\" is not a plain prefix as \"/admin\"", prefix);
    sub->mount = route;
    route->mounted = sub;
    add_route(app, route);
}

/* ---- freezing ---- */

static uint32_t hash_path(struct gust__slice path)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < path.size; i++)
        hash = (hash ^ (unsigned char)path.data[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* The slot of a path: that of its chain, or the empty one where it would go. */
static inline struct gust__route **literal_slot(const gust_app *app, struct gust__slice path)
{
    size_t mask = app->literal_slots - 1;
    for (size_t at = hash_path(path) & mask;; at = (at + 1) & mask) {
        if (!app->literals[at] || gust__slice_equals(app->literals[at]->literal, path))
            return &app->literals[at];
    }
}

static int index_literals(gust_app *app)
{
    size_t count = 0;
    for (struct gust__route *route = app->routes; route; route = route->next)
        count += route->literal.data && !route->mounted;
    if (!count)
        return 0;
    app->literal_slots = 4;
    while (app->literal_slots < 2 * count)
        app->literal_slots *= 2;
    app->literals = gust__calloc(app->literal_slots, sizeof(*app->literals));
    if (!app->literals)
        return -1;
    for (struct gust__route *route = app->routes; route; route = route->next) {
        if (!route->literal.data || route->mounted)
            continue;
        struct gust__route **end = literal_slot(app, route->literal);
        while (*end)
            end = &(*end)->same_path;
        *end = route;
    }
    return 0;
}

static int chain_middleware(gust_app *app)
{
    gust_app *parent = app->mount ? app->mount->app : NULL;
    size_t before = parent ? parent->chain_count : 0;
    app->chain_count = before + app->middleware_count;
    if (!app->chain_count)
        return 0;
    app->chain = gust__calloc(app->chain_count, sizeof(*app->chain));
    if (!app->chain)
        return -1;
    if (before)
        memcpy(app->chain, parent->chain, before * sizeof(*app->chain));
    if (app->middleware_count)
        memcpy(app->chain + before, app->middleware, app->middleware_count * sizeof(*app->chain));
    return 0;
}

/* What holds for whole parts of a site: a mounted application has it when its parent has. */
static void inherit_settings(gust_app *app)
{
    const gust_app *parent = app->mount ? app->mount->app : NULL;
    app->etags = app->settings.etags || (parent && parent->etags);
    app->locales = app->settings.locales ? app->settings.locales : parent ? parent->locales : NULL;
    app->sessions = app->settings.sessions ? app->settings.sessions : parent ? parent->sessions : NULL;
    app->login_url = app->settings.login_url ? app->settings.login_url : parent ? parent->login_url : NULL;
    app->current_user = app->settings.current_user ? app->settings.current_user
                        : parent                   ? parent->current_user
                                                   : NULL;
    app->has_role = app->settings.has_role ? app->settings.has_role : parent ? parent->has_role : NULL;
    app->debug = app->settings.debug || (parent && parent->debug);
    app->compress = app->settings.compress ? &app->settings : parent ? parent->compress : NULL;
    app->decompress_request = app->settings.decompress_request || (parent && parent->decompress_request);
    app->has_default_headers = app->default_headers || (parent && parent->has_default_headers);
}

/* What serving asks of a route, so that most requests ask once. */
static void prepare_route(const gust_app *app, struct gust__route *route)
{
    const gust_route_options *options = &route->options;
    int64_t timeout = options->timeout ? options->timeout : app->settings.timeout;
    const gust_handler *handler = route->handler;
    route->timeout = timeout > 0 ? timeout : 0;
    route->checked = options->slash || options->max_running || (app->xsrf && !options->no_xsrf) ||
                     options->login || options->role;
    route->observed =
        options->cancel_when_gone || (handler && (handler->on_connection_close || handler->on_finish));
}

int gust__app_freeze(gust_app *app)
{
    const char *mistake = gust_app_mistake(app);
    if (mistake)
        return gust_error_set(EINVAL, "%s", mistake);
    if (app->frozen)
        return 0;
    if (index_literals(app) < 0 || chain_middleware(app) < 0)
        return gust_error_set(ENOMEM, "out of memory for the routes");
    if (gust__development_begin(app) < 0)
        return gust_error_set(ENOMEM, "out of memory for the development pages");
    gust__app_inherit_keys(app);
    inherit_settings(app);
    for (struct gust__route *route = app->routes; route; route = route->next) {
        prepare_route(app, route);
        if (route->mounted && gust__app_freeze(route->mounted) < 0)
            return -1;
    }
    app->frozen = true;
    return 0;
}

/* ---- finding ---- */

static int run_pattern(const gust_app *app, const pcre2_code *code, struct gust__slice subject,
                       pcre2_match_data *match_data)
{
    return pcre2_match(code, (PCRE2_SPTR)subject.data, subject.size, 0, 0, match_data, app->limits);
}

static struct gust__slice without_port(struct gust__slice host)
{
    size_t size = host.size;
    while (size && host.data[size - 1] >= '0' && host.data[size - 1] <= '9')
        size--;
    return size && host.data[size - 1] == ':' ? gust__slice(host.data, size - 1) : host;
}

/* HEAD is looked for twice: first as HEAD, which only a route of its own fits, then as GET. */
static inline __attribute__((always_inline)) bool method_fits(const struct gust__route *route,
                                                              const struct gust__request_head *head,
                                                              enum gust__method method)
{
    if (route->methods == GUST__METHODS_ANY)
        return method != GUST__METHOD_HEAD;
    if (method != GUST__METHOD_OTHER)
        return route->methods >> method & 1;
    return route->method_name && gust__slice_equals(gust__slice_of(route->method_name), head->method_name);
}

static bool host_fits(const struct gust__route *route, const struct gust__request_head *head,
                      pcre2_match_data *match_data)
{
    return !route->host || run_pattern(route->app, route->host, without_port(head->host), match_data) > 0;
}

static bool path_fits(const struct gust__route *route, struct gust__slice path, pcre2_match_data *match_data)
{
    if (route->literal.data)
        return gust__slice_equals(route->literal, path);
    return route->code && run_pattern(route->app, route->code, path, match_data) > 0;
}

static void note_allowed(struct gust__match *match, const struct gust__route *route)
{
    match->allowed |= route->methods;
    if (route->method_name)
        match->other_allowed = route->method_name;
}

/* What stands behind a mount's prefix; false: the path is not below it. */
static bool below_prefix(const struct gust__route *mount, struct gust__slice path, struct gust__slice *rest)
{
    if (!gust__slice_starts_with(path, mount->literal))
        return false;
    *rest = gust__slice_from(path, mount->literal.size);
    if (rest->size == 0)
        *rest = GUST__SLICE("/");
    return rest->data[0] == '/';
}

static bool find_in(gust_app *app, const struct gust__request_head *head, enum gust__method method,
                    struct gust__slice path, pcre2_match_data *match_data, struct gust__match *match);

/* Whether this route, or one of what it mounts, answers the request. */
static bool try_route(struct gust__route *route, const struct gust__request_head *head,
                      enum gust__method method, struct gust__slice path, pcre2_match_data *match_data,
                      struct gust__match *match)
{
    struct gust__slice rest;
    if (route->mounted)
        return below_prefix(route, path, &rest) &&
               find_in(route->mounted, head, method, rest, match_data, match);
    if (!path_fits(route, path, match_data) || !host_fits(route, head, match_data))
        return false;
    if (!method_fits(route, head, method)) {
        note_allowed(match, route);
        return false;
    }
    match->route = route;
    match->path = path;
    match->app = route->app;
    return true;
}

static bool find_in(gust_app *app, const struct gust__request_head *head, enum gust__method method,
                    struct gust__slice path, pcre2_match_data *match_data, struct gust__match *match)
{
    struct gust__route *literal = app->literal_slots ? *literal_slot(app, path) : NULL;
    while (literal && !(method_fits(literal, head, method) && host_fits(literal, head, match_data))) {
        if (host_fits(literal, head, match_data))
            note_allowed(match, literal);
        literal = literal->same_path;
    }
    unsigned before = literal ? literal->order : UINT_MAX;
    if (app->first_pattern < before) {
        for (struct gust__route *route = app->routes; route && route->order < before; route = route->next) {
            if (!(route->literal.data && !route->mounted) &&
                try_route(route, head, method, path, match_data, match))
                return true;
        }
    }
    if (!literal) {
        if (!match->app || (app->mount && app->mount->app == match->app))
            match->app = app;
        return false;
    }
    match->route = literal;
    match->path = path;
    match->app = app;
    return true;
}

const struct gust__route *gust__app_find_plain(const gust_app *app, const struct gust__request_head *head)
{
    const struct gust__route *literal = app->literal_slots ? *literal_slot(app, head->path) : NULL;
    bool plain = literal && literal->order < app->first_pattern && !literal->host &&
                 method_fits(literal, head, head->method);
    return plain ? literal : NULL;
}

void gust__app_find(gust_app *app, const struct gust__request_head *head, pcre2_match_data *match_data,
                    struct gust__match *match)
{
    gust_app *ours =
        app->development ? gust__development_app(app->development, head->path.data, head->path.size) : NULL;
    if (ours)
        app = ours;
    *match = (struct gust__match){.path = head->path};
    if (find_in(app, head, head->method, head->path, match_data, match))
        return;
    if (head->method == GUST__METHOD_HEAD)
        find_in(app, head, GUST__METHOD_GET, head->path, match_data, match);
}

int gust__route_groups(const struct gust__route *route, struct gust__slice path, pcre2_match_data *match_data)
{
    int count = route->code ? run_pattern(route->app, route->code, path, match_data) : 0;
    return count > 0 ? count : 0;
}

const struct gust__route *gust__app_named(const gust_app *app, const char *name)
{
    for (const struct gust__route *route = app->routes; route; route = route->next) {
        const struct gust__route *found = route->mounted ? gust__app_named(route->mounted, name) : NULL;
        if (found)
            return found;
        if (route->name && strcmp(route->name, name) == 0)
            return route;
    }
    return NULL;
}
