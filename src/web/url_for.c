/* From a route's name and arguments to its URL: the pattern read backwards. */
#include "web/request.h"

#include "http/url.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <gust/error.h>

enum { MOST_ARGUMENTS = GUST__MOST_GROUPS - 1 };

/* ---- reading a pattern ---- */

/* A piece of a pattern: a character to be copied, a group to be filled, or the end. */
enum piece { LITERAL, GROUP, END, IRREVERSIBLE };

struct reader {
    const char *at;
    unsigned groups; /* capturing groups opened so far, nested ones too */
    unsigned group;  /* the number of the group just read */
    char literal;
};

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind a class that begins at `at`: its first ']' may be a member. NULL: it does not end. */
static const char *skip_class(const char *at)
{
    at++;
    at += *at == '^';
    at += *at == ']';
    for (; *at && *at != ']'; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '[' && at[1] == ':') { /* [:alpha:] */
            const char *end = strstr(at + 2, ":]");
            at = end ? end + 1 : at;
        }
    }
    return *at ? at + 1 : NULL;
}

/* Whether the '(' at `at` opens a group that captures. */
static bool captures(const char *at)
{
    if (at[1] == '*')
        return false;
    if (at[1] != '?')
        return true;
    at += at[2] == 'P' ? 3 : 2;
    return (at[0] == '<' && at[1] != '=' && at[1] != '!') || at[0] == '\'';
}

/* Goes behind the group that begins at reader->at. false: it has what this does not understand. */
static bool skip_group(struct reader *reader)
{
    unsigned depth = 0;
    const char *at = reader->at;
    do {
        if (*at == '\\' && (at[1] == 0 || at[1] == 'Q'))
            return false;
        if (*at == '\\')
            at += 2;
        else if (*at == '[')
            at = skip_class(at);
        else {
            if (*at == '(') {
                reader->groups += captures(at);
                depth++;
            }
            depth -= *at == ')';
            at++;
        }
        if (!at || !*at)
            break;
    } while (depth);
    reader->at = at;
    return at && depth == 0;
}

static enum piece read_piece(struct reader *reader)
{
    const char *at = reader->at;
    if (*at == '$' && !at[1])
        at++;
    reader->at = at;
    if (!*at)
        return END;
    if (*at == '(') {
        reader->group = reader->groups + 1;
        return captures(at) && skip_group(reader) ? GROUP : IRREVERSIBLE;
    }
    if (*at == '\\' && (!at[1] || is_alphanumeric(at[1])))
        return IRREVERSIBLE;
    if (*at != '\\' && strchr("^$.|?*+)[]{}", *at))
        return IRREVERSIBLE;
    at += *at == '\\';
    reader->literal = *at;
    reader->at = at + 1;
    return LITERAL;
}

bool gust__pattern_reversible(const char *pattern)
{
    struct reader reader = {.at = pattern};
    enum piece piece;
    do
        piece = read_piece(&reader);
    while (piece == LITERAL || piece == GROUP);
    return piece == END;
}

/* ---- filling it ---- */

struct filling {
    gust_request *request;
    const struct gust__route *route;
    const char *name;
    const char *arguments[MOST_ARGUMENTS];
    size_t count;
    struct {
        unsigned number;
        size_t start, end;
    } groups[MOST_ARGUMENTS];
    bool slashes; /* stay as they are; else they become %2F */
};

/* Appends an argument at `to`; its end. */
static char *put_argument(char *to, const char *argument, bool slashes)
{
    size_t size = gust__url_encode(to, gust__slice_of(argument), GUST__URL_PATH);
    if (slashes)
        return to + size;
    size_t grown = size;
    for (size_t i = 0; i < size; i++)
        grown += to[i] == '/' ? 2 : 0;
    for (size_t from = size, at = grown; from < at;) { /* from behind: what moves is never overwritten */
        char c = to[--from];
        if (c != '/')
            to[--at] = c;
        else
            memcpy(to + (at -= 3), "%2F", 3);
    }
    return to + grown;
}

static _Noreturn void wrong_count(const struct filling *filling, const char *how)
{
    gust_fail(500, "gust_url_for(\"%s\"): too %s arguments for \"%s\"", filling->name, how,
              filling->route->pattern);
}

/* The path, in memory that is large enough; its size. */
static size_t fill(struct filling *filling, char *path)
{
    struct reader reader = {.at = filling->route->pattern};
    size_t used = 0;
    char *to = path;
    for (;;) {
        enum piece piece = read_piece(&reader);
        if (piece == LITERAL) {
            *to++ = reader.literal;
        } else if (piece == GROUP) {
            if (used == filling->count)
                wrong_count(filling, "few");
            filling->groups[used].number = reader.group;
            filling->groups[used].start = (size_t)(to - path);
            to = put_argument(to, filling->arguments[used], filling->slashes);
            filling->groups[used++].end = (size_t)(to - path);
        } else if (piece == IRREVERSIBLE) {
            gust_fail(500, "gust_url_for(\"%s\"): \"%s\" cannot be reversed", filling->name,
                      filling->route->pattern);
        } else {
            break;
        }
    }
    if (used < filling->count)
        wrong_count(filling, "many");
    *to = 0;
    return (size_t)(to - path);
}

/* Whether the route gives back the arguments that the path was made of. */
static bool leads_back(const struct filling *filling, struct gust__slice path)
{
    struct gust__web_state *state = gust__web_state(filling->request->exchange->loop);
    if (!state)
        gust__no_memory();
    if (!filling->route->code)
        return true;
    unsigned count = (unsigned)gust__route_groups(filling->route, path, state->match_data);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(state->match_data);
    for (size_t i = 0; i < filling->count; i++) {
        unsigned number = filling->groups[i].number;
        if (number >= count || offsets[2 * number] != filling->groups[i].start ||
            offsets[2 * number + 1] != filling->groups[i].end)
            return false;
    }
    return count;
}

/* Prefixes of the mounts above the route's application, outermost first; their size. to NULL: only that. */
static size_t put_prefixes(const gust_app *app, char *to)
{
    if (!app->mount)
        return 0;
    size_t size = put_prefixes(app->mount->app, to);
    struct gust__slice prefix = app->mount->literal;
    if (to)
        memcpy(to + size, prefix.data, prefix.size);
    return size + prefix.size;
}

/* The name as the request's application knows it, else those around it. */
static const struct gust__route *find_named(const gust_request *request, const char *name)
{
    for (const gust_app *app = request->app; app; app = app->mount ? app->mount->app : NULL) {
        const struct gust__route *route = gust__app_named(app, name);
        if (route)
            return route;
    }
    return NULL;
}

static const char *reverse(struct filling *filling)
{
    size_t room = strlen(filling->route->pattern) + 1;
    size_t prefix = put_prefixes(filling->route->app, NULL);
    for (size_t i = 0; i < filling->count; i++)
        room += 3 * strlen(filling->arguments[i]);
    char *url = gust_alloc(filling->request, prefix + room);
    put_prefixes(filling->route->app, url);
    for (int slashes = 1; slashes >= 0; slashes--) {
        filling->slashes = slashes;
        size_t size = fill(filling, url + prefix);
        if (leads_back(filling, gust__slice(url + prefix, size)))
            return url;
    }
    gust_fail(500, "gust_url_for(\"%s\"): \"%s\" does not match the arguments", filling->name,
              filling->route->pattern);
}

const char *gust_url_for(gust_request *request, const char *name, ...)
{
    struct filling filling = {.request = request, .name = name, .route = find_named(request, name)};
    va_list arguments;
    const char *argument;
    if (!filling.route)
        gust_fail(500, "gust_url_for: no route is named \"%s\"", name);
    va_start(arguments, name);
    while ((argument = va_arg(arguments, const char *)) && filling.count < MOST_ARGUMENTS)
        filling.arguments[filling.count++] = argument;
    va_end(arguments);
    if (argument)
        wrong_count(&filling, "many");
    return reverse(&filling);
}
