/*
 * An application as it serves: routes, middleware, settings. It is built by the calls of gust/web.h, frozen
 * when it is first served, and only read from then on, by any number of loops.
 *
 * Routes are tried in the order of their registration. Most are literal paths, found by hash; a literal that
 * was found still gives way to a pattern or a mount registered before it.
 */
#ifndef GUST_WEB_APP_H
#define GUST_WEB_APP_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>

#include "http/exchange.h"
#include "http/http1_head.h"
#include "http/slice.h"

#include <gust/web.h>

/* Groups of a pattern, group 0 included: what there is room for in a loop's match data. */
enum { GUST__MOST_GROUPS = 64 };

/* A set of methods: one bit for each enum gust__method; a method without a name of ours has its own text. */
#define GUST__METHODS_ANY 0xffffffffu

struct gust__route {
    struct gust__route *next;      /* by registration */
    struct gust__route *same_path; /* the next literal route of the same path, later registered */
    unsigned order;                /* of registration within its application */
    unsigned methods;              /* 1 << enum gust__method, or GUST__METHODS_ANY */
    char *method_name;             /* of a method that has no number; else NULL */
    char *pattern;                 /* the path's pattern as it was given */
    struct gust__slice
        literal;      /* the path, unescaped, when it has no special characters; else data is NULL */
    pcre2_code *code; /* else: anchored at both ends */
    pcre2_code *host; /* .host; NULL: any */
    gust_handler_function *function; /* one function, or */
    const gust_handler *handler;     /* a table, or */
    gust_app *mounted;               /* a sub-application under the literal prefix */
    gust_app *app;                   /* whose route it is */
    gust_route_options options;
    /* of the frozen application: what surrounds the handler's function, worked out once */
    int64_t timeout; /* 0: none */
    bool checked;    /* slashes, turns, tokens or users come before it */
    bool observed;   /* it is told of the client's end, or of its own */
    char *name;
    char *target;             /* of gust_route_redirect */
    int target_status;        /* of gust_route_redirect, gust_route_error */
    _Atomic unsigned running; /* of .max_running: all that changes while it serves */
};

struct gust__default_header {
    struct gust__default_header *next;
    struct gust__slice name, value; /* both NUL-terminated, in one allocation with this */
};

struct gust__middleware {
    gust_handler_function *function;
    void *data;
};

struct gust__hook {
    struct gust__hook *next;
    int (*function)(void *argument);
    void *argument;
};

struct gust_app {
    struct gust__route *routes; /* in order */
    struct gust__route **routes_end;
    struct gust__route **literals; /* a hash table of the frozen application: heads of same_path chains */
    size_t literal_slots;          /* a power of two; 0: no literals */
    unsigned route_count;
    unsigned first_pattern; /* order of the first route that is no literal; UINT_MAX: none */
    struct gust__middleware *middleware;
    size_t middleware_count;
    struct gust__route *not_found; /* a route without pattern */
    gust_handler_function *write_error;
    struct gust__default_header *default_headers;
    struct gust__hook *starts; /* in order */
    struct gust__hook *stops;  /* last first */
    gust_app_settings settings;
    pcre2_match_context *limits;    /* of matching: no pattern may take long */
    struct gust__route *mount;      /* of a mounted application: the route that leads here, of route->app */
    struct gust__middleware *chain; /* of the frozen application: the parents' middleware, then its own */
    size_t chain_count;
    gust_cookie_key single_key[2];        /* .cookie_secret as a list */
    const gust_cookie_key *keys;          /* of the frozen application: its own or its parent's; NULL: none */
    bool xsrf;                            /* of the frozen application: itself or a parent asked for it */
    const struct gust_locales *locales;   /* of the frozen application: its own or its parent's; NULL: none */
    const struct gust_sessions *sessions; /* and these */
    const char *login_url;
    const char *(*current_user)(gust_request *request);
    bool (*has_role)(gust_request *request, const char *user, const char *role);
    const gust_app_settings *compress; /* where .compress is set: its own or its parent's; NULL: nowhere */
    bool decompress_request;           /* of the frozen application: itself or a parent */
    struct gust__static *files;        /* what gust_static serves, in order */
    bool etags, debug, has_default_headers; /* of the frozen application: itself or a parent */
    char *mistake;
    struct gust_templates *templates;      /* NULL: those of the application that it is mounted in */
    struct gust__development *development; /* under `gust dev`: the served application's; else NULL */
    bool frozen;
};

/* A request's route. */
struct gust__match {
    const struct gust__route *route; /* NULL: none */
    struct gust__slice path;         /* behind the prefixes of mounts */
    gust_app *app;                   /* the innermost application that was asked */
    unsigned allowed;                /* methods that the path has routes for; when route is NULL */
    const char *other_allowed;       /* one that has no number */
};

/* The usual case, quickly: a literal path and its method, which no pattern or mount that was registered
 * before takes. NULL: gust__app_find has to look. */
const struct gust__route *gust__app_find_plain(const gust_app *app, const struct gust__request_head *head);

/* Finds the route of a request; only reads the application. match_data belongs to the calling thread. */
void gust__app_find(gust_app *app, const struct gust__request_head *head, pcre2_match_data *match_data,
                    struct gust__match *match);

/* Matches a path that matched before once more, for its groups: the offsets are in match_data. The count of
 * groups including group 0; 0: a literal. */
int gust__route_groups(const struct gust__route *route, struct gust__slice path,
                       pcre2_match_data *match_data);

/* Makes the application ready to serve. 0; -1: EINVAL, and the error's text is the mistake; ENOMEM. */
int gust__app_freeze(gust_app *app);

/* Makes the templates of .template_directory; in debug they are read again when they change. */
void gust__app_check_templates(gust_app *app);

/* Remembers the first set-up mistake. */
void gust__app_mistaken(gust_app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fills a gust__route's name for gust_url_for; NULL: unknown. */
const struct gust__route *gust__app_named(const gust_app *app, const char *name);

/* Checks the settings of gust/secure.h. */
void gust__app_check_keys(gust_app *app);
/* Works out the keys and the protection of an application whose parent is frozen, if it has one. */
void gust__app_inherit_keys(gust_app *app);

/* Whether gust_url_for can fill the pattern: outside its groups it is literal text (url_for.c). */
bool gust__pattern_reversible(const char *pattern);

/* Registers a function as gust_route does; NULL: there is a mistake. */
struct gust__route *gust__route_add(gust_app *app, const char *pattern, gust_handler_function *function);

/* Frees a route that was never linked, or was taken out of its list. NULL is allowed. */
void gust__route_free(struct gust__route *route);

#endif
