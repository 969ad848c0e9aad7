#include "http/authority.h"
#include "http/http1_fields.h"

#include <endian.h>
#include <errno.h>

static const struct gust__slice methods[] = {
    [GUST__METHOD_OTHER] = {"", 0},          [GUST__METHOD_GET] = {"GET", 3},
    [GUST__METHOD_HEAD] = {"HEAD", 4},       [GUST__METHOD_POST] = {"POST", 4},
    [GUST__METHOD_PUT] = {"PUT", 3},         [GUST__METHOD_DELETE] = {"DELETE", 6},
    [GUST__METHOD_PATCH] = {"PATCH", 5},     [GUST__METHOD_OPTIONS] = {"OPTIONS", 7},
    [GUST__METHOD_CONNECT] = {"CONNECT", 7}, [GUST__METHOD_TRACE] = {"TRACE", 5},
};

enum gust__method gust__method(struct gust__slice name)
{
    for (enum gust__method method = GUST__METHOD_GET; method <= GUST__METHOD_TRACE; method++) {
        if (gust__slice_equals(methods[method], name))
            return method;
    }
    return GUST__METHOD_OTHER;
}

static const char *refuse(struct gust__request_head *head, int status, const char *reason)
{
    gust__http1_set_fault(&head->fault, status, reason);
    return NULL;
}

/* A method that is not GET. -> behind the space, or NULL */
static __attribute__((noinline)) const char *parse_other_method(struct gust__request_head *head,
                                                                const struct gust__http1_input *input,
                                                                const char *at)
{
    const char *name = at;
    while (at < input->end && gust__is(*at, GUST__IS_TOKEN))
        at++;
    if (at == input->end)
        return NULL;
    if (*at != ' ' || at == name)
        return refuse(head, 400, "no method at the start of the request line");
    head->method_name = gust__slice_between(name, at);
    head->method = gust__method(head->method_name);
    return at + 1;
}

/* -> behind the space, or NULL */
GUST__INLINE const char *parse_method(struct gust__request_head *head, const struct gust__http1_input *input,
                                      const char *at)
{
    if (__builtin_expect(input->end - at < 4 || memcmp(at, "GET ", 4) != 0, 0))
        return parse_other_method(head, input, at);
    head->method = GUST__METHOD_GET;
    head->method_name = gust__slice(at, 3);
    return at + 4;
}

/* Splits the target at its '?'. -> behind the space, or NULL */
GUST__INLINE const char *parse_target(enum gust__scan_way way, struct gust__request_head *head,
                                      const struct gust__http1_input *input, const char *at)
{
    const char *target = at;
    at = gust__scan(way, GUST__STOP_NO_PATH, input->start, at, input->end);
    head->path = gust__slice_between(target, at);
    head->query = GUST__SLICE("");
    head->has_query = at < input->end && *at == '?';
    if (head->has_query) {
        const char *query = at + 1;
        do
            at = gust__scan(way, GUST__STOP_NO_PATH, input->start, at + 1, input->end);
        while (at < input->end && *at == '?');
        head->query = gust__slice_between(query, at);
    }
    if (at == input->end)
        return NULL;
    if (*at != ' ' || at == target)
        return refuse(head, 400, "a character in the target that must be percent-encoded, or none");
    head->target = gust__slice_between(target, at);
    return at + 1;
}

static __attribute__((noinline)) bool looks_like_version(const char *at)
{
    return memcmp(at, "HTTP/", 5) == 0 && gust__is(at[5], GUST__IS_DIGIT) && at[6] == '.' &&
           gust__is(at[7], GUST__IS_DIGIT) && at[8] == '\r' && at[9] == '\n';
}

/* -> behind the request line, or NULL */
GUST__INLINE const char *parse_version(struct gust__request_head *head, const struct gust__http1_input *input,
                                       const char *at)
{
    if (input->end - at < 10)
        return NULL;
    if (__builtin_expect(memcmp(at, "HTTP/1.1\r\n", 10) == 0, 1)) {
        head->minor = 1;
        return at + 10;
    }
    if (__builtin_expect(!looks_like_version(at), 0))
        return refuse(head, 400, "no HTTP version at the end of the request line");
    if (__builtin_expect(at[5] != '1', 0))
        return refuse(head, 505, "an HTTP version other than 1.x");
    head->minor = at[7] != '0'; /* a later 1.x is to be taken as the latest one known: RFC 9110 2.5 */
    return at + 10;
}

static int take_absolute_target(struct gust__request_head *head)
{
    struct gust__slice rest = head->path;
    const char *colon = memchr(rest.data, ':', rest.size);
    head->scheme = gust__slice(rest.data, colon ? (size_t)(colon - rest.data) : 0);
    if (!gust__slice_equals_ignoring_case(head->scheme, GUST__SLICE("http")) &&
        !gust__slice_equals_ignoring_case(head->scheme, GUST__SLICE("https")))
        return gust__http1_set_fault(&head->fault, 400, "a target that is neither a path nor an http URL");
    rest = gust__slice_from(rest, head->scheme.size);
    if (!gust__slice_starts_with(rest, GUST__SLICE("://")))
        return gust__http1_set_fault(&head->fault, 400, "an absolute target without //");
    rest = gust__slice_from(rest, 3);
    const char *path = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
    head->host = path ? gust__slice_between(rest.data, path) : rest;
    head->path = gust__slice_from(rest, head->host.size);
    struct gust__authority authority;
    if (!gust__authority_split(head->host, &authority) || authority.host.size == 0)
        return gust__http1_set_fault(&head->fault, 400, "a bad host in the target");
    if (head->path.size == 0) /* for OPTIONS, it means the server itself: RFC 9112 3.2.4 */
        head->path =
            head->method == GUST__METHOD_OPTIONS && !head->has_query ? GUST__SLICE("*") : GUST__SLICE("/");
    head->form = GUST__TARGET_ABSOLUTE;
    return 0;
}

static int take_authority_target(struct gust__request_head *head)
{
    struct gust__authority authority;
    if (!gust__authority_split(head->target, &authority) || authority.host.size == 0 || authority.port < 0)
        return gust__http1_set_fault(&head->fault, 400, "CONNECT without host:port");
    head->host = head->target;
    head->path = GUST__SLICE("");
    head->form = GUST__TARGET_AUTHORITY;
    return 0;
}

/* The forms other than a path. */
static __attribute__((noinline)) int take_other_target(struct gust__request_head *head)
{
    if (head->method == GUST__METHOD_CONNECT)
        return take_authority_target(head);
    if (!gust__slice_equals(head->target, GUST__SLICE("*")))
        return take_absolute_target(head);
    if (head->method != GUST__METHOD_OPTIONS)
        return gust__http1_set_fault(&head->fault, 400, "the target * with a method other than OPTIONS");
    head->form = GUST__TARGET_ASTERISK;
    return 0;
}

/* Digits up to 65535, or none; with at least eight bytes of input before their end, which are looked at as
 * one number: numerals of the same length are ordered as their values are. */
GUST__INLINE bool is_port(const char *at, const char *end)
{
    uint64_t text;
    if (end - at > 5)
        return false;
    uint64_t numeral = ((uint64_t)1 << (8 * (end - at))) - 1;
    memcpy(&text, end - sizeof(text), sizeof(text));
    text = (be64toh(text) & numeral) | (UINT64_C(0x3030303030303030) & ~numeral);
    bool digits = (text & (text + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) ==
                  UINT64_C(0x3030303030303030);
    return digits && text <= UINT64_C(0x3030303635353335); /* "00065535" */
}

/* Whether a Host is a name or an IPv4 address as nearly all are, maybe with a port: a quick yes. */
GUST__INLINE bool is_plain_host(const struct gust__http1_input *input, struct gust__slice host)
{
    const char *end = host.data + host.size;
    const char *at = gust__scan(GUST__SCAN_FAST, GUST__STOP_NO_HOST, input->start, host.data, end);
    return at == end || (*at == ':' && end - input->start >= 8 && is_port(at + 1, end));
}

static __attribute__((noinline)) bool is_host(struct gust__slice host)
{
    struct gust__authority authority;
    /* RFC 3986 would allow the comma; here it is two Hosts that somebody on the way has joined. */
    return gust__authority_split(host, &authority) && !memchr(authority.host.data, ',', authority.host.size);
}

GUST__INLINE int take_host(enum gust__scan_way way, struct gust__request_head *head,
                           const struct gust__http1_input *input)
{
    const struct gust__header *host = gust__fields_first(&head->fields, GUST__HEADER_HOST);
    if (!host)
        return head->minor == 0 ? 0 : gust__http1_set_fault(&head->fault, 400, "no Host");
    if (!(way == GUST__SCAN_FAST && is_plain_host(input, host->value)) && !is_host(host->value))
        return gust__http1_set_fault(&head->fault, 400, "a bad Host");
    if (head->form == GUST__TARGET_ORIGIN || head->form == GUST__TARGET_ASTERISK)
        head->host = gust__slice_fresh(host->value);
    return 0;
}

/* What needs the whole head. */
GUST__INLINE int finish(enum gust__scan_way way, struct gust__request_head *head,
                        const struct gust__http1_input *input)
{
    const struct gust__fields *fields = &head->fields;
    if (take_host(way, head, input) < 0 || gust__http1_check_framing(fields, head->minor, &head->fault) < 0)
        return -1;
    head->keep_alive = gust__http1_keeps_alive(fields, head->minor);
    head->upgrade = gust__http1_upgrade(fields, head->minor);
    const struct gust__header *expect = gust__fields_first(fields, GUST__HEADER_EXPECT);
    head->expect_continue = expect && head->minor >= 1 &&
                            gust__slice_equals_ignoring_case(expect->value, GUST__SLICE("100-continue"));
    return 0;
}

/* -> the head's length; 0: the input ends before; -1: refused */
GUST__INLINE ssize_t parse(enum gust__scan_way way, struct gust__request_head *head,
                           struct gust__header *headers, size_t max_headers, const char *data, size_t size)
{
    struct gust__http1_input input = {data, data + size};
    head->fault.status = 0;
    head->fields.headers = headers;
    const char *at = data;
    if (size >= 2 && at[0] == '\r' && at[1] == '\n')
        at += 2;
    at = parse_method(head, &input, at);
    if (at)
        at = parse_target(way, head, &input, at);
    if (at)
        at = parse_version(head, &input, at);
    if (!at)
        return head->fault.status ? -1 : 0;
    head->form = GUST__TARGET_ORIGIN;
    head->host = GUST__SLICE("");
    head->scheme = GUST__SLICE("");
    bool other = *head->target.data != '/' || head->method == GUST__METHOD_CONNECT;
    if (__builtin_expect(other, 0) && take_other_target(head) < 0)
        return -1;
    at = way == GUST__SCAN_SCALAR
             ? gust__http1_fields_scalar(&head->fields, max_headers, &input, at, &head->fault)
             : gust__http1_fields_fast(&head->fields, max_headers, &input, at, &head->fault);
    if (!at)
        return head->fault.status ? -1 : 0;
    return finish(way, head, &input) < 0 ? -1 : at - data;
}

/* A head that ends early or late is none. */
static int whole(struct gust__request_head *head, ssize_t length, size_t size)
{
    if (length < 0)
        return -1;
    return length > 0 && (size_t)length == size
               ? 0
               : gust__http1_set_fault(&head->fault, 400, "the head is cut short");
}

int gust__http1_parse_request(struct gust__request_head *head, struct gust__header *headers,
                              size_t max_headers, const char *data, size_t size)
{
    return whole(head, parse(GUST__SCAN_FAST, head, headers, max_headers, data, size), size);
}

int gust__http1_parse_request_scalar(struct gust__request_head *head, struct gust__header *headers,
                                     size_t max_headers, const char *data, size_t size)
{
    return whole(head, parse(GUST__SCAN_SCALAR, head, headers, max_headers, data, size), size);
}

/* Whether the head that was read in one pass keeps to the limits. The version behind the target is 11 bytes.
 */
static bool within(const struct gust__http1_limits *limits, const struct gust__request_head *head,
                   ssize_t length)
{
    const char *line_end = head->target.data + head->target.size + 11;
    return (size_t)length <= limits->head && (size_t)(line_end - head->method_name.data) <= limits->line;
}

/*
 * One pass reads a good head that is all there. Whatever else happens in it decides nothing: the search for
 * the end, which gives the same outcome however the bytes are split, is asked then.
 */
ssize_t gust__http1_read_request(struct gust__http1_scan *scan, const struct gust__http1_limits *limits,
                                 struct gust__request_head *head, struct gust__header *headers,
                                 const char *data, size_t size)
{
    if (scan->scanned == 0) {
        ssize_t length = parse(GUST__SCAN_FAST, head, headers, limits->headers, data, size);
        if (length > 0 && within(limits, head, length))
            return length;
        if (head->fault.status)
            errno = head->fault.before;
    }
    ssize_t length = gust__http1_find_head_end(scan, limits, data, size, &head->fault);
    if (length > 0 && gust__http1_parse_request(head, headers, limits->headers, data, (size_t)length) < 0)
        return -1;
    return length;
}

void gust__http1_rebase_request(struct gust__request_head *head, const char *from, size_t size,
                                const char *to)
{
    struct gust__slice *slices[] = {&head->method_name, &head->target, &head->path,   &head->query,
                                    &head->host,        &head->scheme, &head->upgrade};
    for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++)
        gust__slice_rebase(slices[i], from, size, to);
    gust__fields_rebase(&head->fields, from, size, to);
}
