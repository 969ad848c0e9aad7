#include "http/fetch_request.h"
#include "base/alloc.h"
#include "base/options.h"
#include "http/authority.h"
#include "http/characters.h"
#include "http/header_check.h"
#include "http/header_names.h"
#include "http/http1_head.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* For "%.*s". What is longer than an int can say is cut: it is refused anyway. */
#define TEXT(slice) (int)((slice).size < 4096 ? (slice).size : 4096), (slice).data

/* ---- the URL ---- */

/* What the URL says, whatever its scheme. */
struct target {
    struct gust__slice path;
    struct gust__slice query;
    bool has_query;
    char host[GUST__FETCH_ADDRESS]; /* for the Host field */
};

/* The scheme in front of "://", empty if there is none. */
static struct gust__slice scheme_of(struct gust__slice url)
{
    size_t size = 0;
    while (size < url.size && (gust__is(url.data[size], GUST__IS_UNRESERVED) || url.data[size] == '+'))
        size++;
    bool found = gust__slice_starts_with(gust__slice_from(url, size), GUST__SLICE("://"));
    return gust__slice(url.data, found ? size : 0);
}

static int bad_url(const char *url, const char *why)
{
    return gust_error_set(EINVAL, "%.200s: %s", url, why);
}

static void cut_at(struct gust__slice *text, char delimiter, struct gust__slice *rest, bool *found)
{
    char *place = text->size ? memchr(text->data, delimiter, text->size) : NULL;
    *found = place;
    *rest = place ? gust__slice_between(place + 1, text->data + text->size) : GUST__SLICE("");
    if (place)
        text->size = (size_t)(place - text->data);
}

/* "//%2Fpath/of/target?query": what stands behind the scheme. */
static int split_local(struct gust__fetch_request *request, struct target *target, const char *url,
                       struct gust__slice rest)
{
    static const char prefix[] = "unix:";
    const size_t prefix_size = sizeof(prefix) - 1;
    struct gust__slice fragment;
    bool has_fragment;
    if (!gust__slice_consists_of(rest, GUST__IS_TARGET))
        return bad_url(url, "it has characters that must be encoded");
    struct gust__slice socket = gust__slice(rest.data, gust__slice_size_before(rest, "/?#"));
    if (socket.size + prefix_size >= sizeof(request->address))
        return bad_url(url, "the socket's path is too long");
    memcpy(request->address, prefix, prefix_size);
    ssize_t size = gust__url_decode(request->address + prefix_size, socket, GUST__URL_PATH);
    if (size < 0)
        return bad_url(url, "the socket's path is not encoded well");
    request->address[prefix_size + (size_t)size] = '\0';
    if (request->address[prefix_size] != '/' && request->address[prefix_size] != '@')
        return bad_url(url, "it names no socket, as in http+unix://%2Frun%2Fsocket/path");
    target->path = gust__slice_from(rest, socket.size);
    cut_at(&target->path, '#', &fragment, &has_fragment);
    cut_at(&target->path, '?', &target->query, &target->has_query);
    if (target->path.size == 0)
        target->path = GUST__SLICE("/");
    strcpy(target->host, "localhost");
    return 0;
}

static int split_tcp(struct gust__fetch_request *request, struct target *target, const char *url)
{
    struct gust__url parts;
    if (gust__url_split(gust__slice_of(url), &parts) < 0)
        return bad_url(url, "no URL, or one with characters that must be encoded");
    if (parts.has_user)
        return bad_url(url, "a user in a URL is not sent; give an Authorization header");
    if (parts.host.size > 255)
        return bad_url(url, "the host's name is too long");
    char host[260];
    snprintf(host, sizeof(host), parts.bracketed ? "[%.*s]" : "%.*s", TEXT(parts.host));
    for (char *at = host; *at; at++)
        *at = (char)gust__lower(*at);
    snprintf(request->address, sizeof(request->address), "%s:%d", host, parts.port);
    strcpy(target->host, parts.port == 80 ? host : request->address);
    target->path = parts.path;
    target->query = parts.query;
    target->has_query = parts.has_query;
    return 0;
}

static int split(struct gust__fetch_request *request, struct target *target, const char *url)
{
    struct gust__slice text = url ? gust__slice_of(url) : GUST__SLICE("");
    struct gust__slice scheme = scheme_of(text);
    if (scheme.size == 0)
        return bad_url(url ? url : "NULL", "no URL with a scheme, as http://host/path");
    if (gust__slice_equals_ignoring_case(scheme, GUST__SLICE("http")))
        return split_tcp(request, target, url);
    if (gust__slice_equals_ignoring_case(scheme, GUST__SLICE("http+unix")))
        return split_local(request, target, url, gust__slice_from(text, scheme.size + 3));
    return gust_error_set(EPROTONOSUPPORT, "%.200s: the scheme %.*s is not supported", url, TEXT(scheme));
}

/* ---- the options ---- */

static int choose_body(struct gust__fetch_request *request)
{
    gust_fetch_options *options = &request->options;
    if ((options->body.data != NULL) + (options->json != NULL) + (options->produce != NULL) > 1)
        return gust_error_set(EINVAL, "only one of body, json and produce can be given");
    request->body = options->body;
    if (options->json)
        request->body = (gust_bytes){options->json, strlen(options->json)};
    return 0;
}

static bool has_body(const struct gust__fetch_request *request)
{
    return request->body.data || request->options.produce;
}

static int choose_method(struct gust__fetch_request *request)
{
    request->method = request->options.method;
    if (!request->method)
        request->method = has_body(request) ? "POST" : "GET";
    struct gust__slice name = gust__slice_of(request->method);
    if (gust__header_check_name(name) < 0)
        return gust_error_set(EINVAL, "%.40s is no method", request->method);
    enum gust__method method = gust__method(name);
    if (method == GUST__METHOD_CONNECT)
        return gust_error_set(EINVAL, "CONNECT asks for a tunnel, not for an answer");
    if (method == GUST__METHOD_TRACE && has_body(request))
        return gust_error_set(EINVAL, "a TRACE request has no body (RFC 9110 9.3.8)");
    request->answer_is_head = method == GUST__METHOD_HEAD;
    bool idempotent = method == GUST__METHOD_GET || method == GUST__METHOD_HEAD ||
                      method == GUST__METHOD_PUT || method == GUST__METHOD_DELETE ||
                      method == GUST__METHOD_OPTIONS || method == GUST__METHOD_TRACE;
    request->may_repeat = idempotent && !request->options.produce;
    return 0;
}

static void fill_defaults(gust_fetch_options *options)
{
    if (options->timeout == 0)
        options->timeout = GUST_S(20);
    if (options->connect_timeout == 0)
        options->connect_timeout = GUST_S(20);
    if (options->max_body == 0)
        options->max_body = GUST__FETCH_MAX_BODY;
}

/* ---- the head ---- */

/* What the user's headers decided already. */
struct given {
    bool host;
    bool content_type;
    bool user_agent;
};

static int no_room(void)
{
    if (errno == ENOBUFS)
        return gust_error_set(EINVAL, "the request's head is longer than %d bytes", GUST__FETCH_MAX_HEAD);
    return -1;
}

static int put(struct gust__fetch_request *request, struct gust__slice text)
{
    return gust__buffer_append(&request->head, text.data, text.size) < 0 ? no_room() : 0;
}

static int put_header(struct gust__fetch_request *request, struct gust__slice name, struct gust__slice value)
{
    if (put(request, name) < 0 || put(request, GUST__SLICE(": ")) < 0 || put(request, value) < 0)
        return -1;
    return put(request, GUST__SLICE("\r\n"));
}

static int put_request_line(struct gust__fetch_request *request, const struct target *target)
{
    if (put(request, gust__slice_of(request->method)) < 0 || put(request, GUST__SLICE(" ")) < 0 ||
        put(request, target->path) < 0)
        return -1;
    if (target->has_query && (put(request, GUST__SLICE("?")) < 0 || put(request, target->query) < 0))
        return -1;
    return put(request, GUST__SLICE(" HTTP/1.1\r\n"));
}

static int check_host(struct gust__slice value, struct given *given)
{
    struct gust__authority authority;
    if (given->host)
        return gust_error_set(EINVAL, "a second Host header");
    if (!gust__authority_split(value, &authority))
        return gust_error_set(EINVAL, "%.*s is no host", TEXT(value));
    given->host = true;
    return 0;
}

/* Notes what need not be added, and refuses what would contradict the framing, which is gust's. */
static int check_known(struct gust__slice name, struct gust__slice value, struct given *given)
{
    switch (gust__header_id(name)) {
    case GUST__HEADER_CONTENT_LENGTH:
    case GUST__HEADER_TRANSFER_ENCODING:
    case GUST__HEADER_CONNECTION:
        return gust_error_set(EINVAL, "the header %.*s is written by gust_fetch itself", TEXT(name));
    case GUST__HEADER_HOST:
        return check_host(value, given);
    case GUST__HEADER_CONTENT_TYPE:
        given->content_type = true;
        return 0;
    case GUST__HEADER_USER_AGENT:
        given->user_agent = true;
        return 0;
    default:
        return 0;
    }
}

static int put_users_header(struct gust__fetch_request *request, const char *line, struct given *given)
{
    struct gust__slice name = gust__slice_of(line), value;
    bool found;
    cut_at(&name, ':', &value, &found);
    value = gust__slice_trim(value);
    if (!found || gust__header_check_name(name) < 0 || gust__header_check_value(value) < 0)
        return gust_error_set(EINVAL, "\"%.80s\" is no header", line);
    if (check_known(name, value, given) < 0)
        return -1;
    return put_header(request, name, value);
}

static int put_users_headers(struct gust__fetch_request *request, struct given *given)
{
    const char *const *lines = request->options.headers;
    while (lines && *lines) {
        if (put_users_header(request, *lines++, given) < 0)
            return -1;
    }
    return 0;
}

static int put_content_type(struct gust__fetch_request *request, const struct given *given)
{
    const char *type = request->options.content_type;
    if (type && given->content_type)
        return gust_error_set(EINVAL, "a content_type and a Content-Type header");
    if (!type && !given->content_type && request->options.json)
        type = "application/json";
    if (!type)
        return 0;
    if (gust__header_check_value(gust__slice_of(type)) < 0)
        return gust_error_set(EINVAL, "\"%.80s\" is no content_type", type);
    return put_header(request, GUST__SLICE("Content-Type"), gust__slice_of(type));
}

/* A method that usually has a body says so when it has none (RFC 9110 8.6). */
static int put_framing(struct gust__fetch_request *request)
{
    char digits[24];
    if (request->options.produce)
        return put_header(request, GUST__SLICE("Transfer-Encoding"), GUST__SLICE("chunked"));
    enum gust__method method = gust__method(gust__slice_of(request->method));
    bool expects = method == GUST__METHOD_POST || method == GUST__METHOD_PUT || method == GUST__METHOD_PATCH;
    if (!request->body.data && !expects)
        return 0;
    snprintf(digits, sizeof(digits), "%zu", request->body.len);
    return put_header(request, GUST__SLICE("Content-Length"), gust__slice_of(digits));
}

static int put_own_headers(struct gust__fetch_request *request, const struct given *given)
{
    static const char agent[] = "gust/" GUST_VERSION_STRING;
    if (!given->user_agent && put_header(request, GUST__SLICE("User-Agent"), gust__slice_of(agent)) < 0)
        return -1;
    if (request->options.no_keep_alive &&
        put_header(request, GUST__SLICE("Connection"), GUST__SLICE("close")) < 0)
        return -1;
    if (put_content_type(request, given) < 0 || put_framing(request) < 0)
        return -1;
    return put(request, GUST__SLICE("\r\n"));
}

/* Host comes first (RFC 9110 7.2): a recipient need not look far, and a user's own stands where he put it. */
static int make_head(struct gust__fetch_request *request, const struct target *target)
{
    struct given given = {0};
    const char *const *lines = request->options.headers;
    bool users_host = false;
    while (lines && *lines)
        users_host |= strncasecmp(*lines++, "host:", 5) == 0;
    if (put_request_line(request, target) < 0)
        return -1;
    if (!users_host && put_header(request, GUST__SLICE("Host"), gust__slice_of(target->host)) < 0)
        return -1;
    if (put_users_headers(request, &given) < 0)
        return -1;
    return put_own_headers(request, &given);
}

_Thread_local const char *gust__fetch_relative_to;

static int init_relative(struct gust__fetch_request *request, const char *path,
                         const gust_fetch_options *options)
{
    size_t size = strlen(gust__fetch_relative_to) + strlen(path) + 1;
    char *url = gust__malloc(size);
    if (!url)
        return -1;
    snprintf(url, size, "%s%s", gust__fetch_relative_to, path);
    int result = gust__fetch_request_init(request, url, options);
    gust__free(url);
    return result;
}

int gust__fetch_request_init(struct gust__fetch_request *request, const char *url,
                             const gust_fetch_options *options)
{
    struct target target;
    if (gust__fetch_relative_to && url && url[0] == '/')
        return init_relative(request, url, options);
    *request = (struct gust__fetch_request){.head.max = GUST__FETCH_MAX_HEAD};
    gust__options_read(&request->options, sizeof(request->options), options);
    fill_defaults(&request->options);
    if (split(request, &target, url) < 0 || choose_body(request) < 0 || choose_method(request) < 0)
        return -1;
    return make_head(request, &target);
}

void gust__fetch_request_fini(struct gust__fetch_request *request)
{
    gust__buffer_fini(&request->head);
}
