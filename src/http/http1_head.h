/*
 * The heads of HTTP/1 messages (RFC 9112): request line or status line, and the header section. No I/O, no
 * allocation, no state but what the caller holds; the results are slices into the caller's bytes.
 *
 *     struct gust__http1_scan scan = {0};                  once for each head
 *     struct gust__header headers[100];
 *     struct gust__request_head head;
 *     ssize_t length = gust__http1_read_request(&scan, &limits, &head, headers, data, size);
 *     if (length > 0)        a head; the body, or the next request, begins at data + length
 *     else if (length == 0)  more bytes are needed: call again with the longer data, from the same first byte
 *     else                   answer head.fault.status and close; head.fault.reason is for the log
 *
 * data may move between calls, as long as its content stays. Reading is linear in total however the bytes
 * drip in, and whatever the split, the outcome is the same. Nothing outside [data, data + size) is read.
 *
 * Strictness. What RFC 9112 lets a recipient tolerate, a server in a chain of servers should not: bare LF,
 * bare CR, line folding, white space before a colon, NUL and other controls, a Content-Length beside a
 * Transfer-Encoding, any coding but "chunked" alone: all of these are refused with 400. One empty line before
 * a request line is skipped (2.2). A list of equal lengths ("Content-Length: 5, 5", or two equal lines) is
 * one length, as 6.3 says. Responses may be folded (5.2 demands that a client takes it), may be of a later
 * HTTP/1.x, and may leave out the space before an empty reason.
 *
 * Left to others: whether a target's percent-encoding is sound and what its path means (http/url.h), and
 * characters that RFC 3986 wants encoded but browsers send, such as '|' and '"'. A Host field may be empty,
 * as its grammar says.
 *
 * Any thread.
 */
#ifndef GUST_HTTP_HTTP1_HEAD_H
#define GUST_HTTP_HTTP1_HEAD_H

#include "http/header_names.h"
#include "http/slice.h"

#include <stdint.h>
#include <sys/types.h>

/* Why a message was refused. */
struct gust__http1_fault {
    int status;         /* to answer: 400, 414, 431 or 505. errno is EMSGSIZE for 414 and 431, else EBADMSG */
    const char *reason; /* static text for the log */
    int before;         /* errno before */
};

struct gust__http1_limits {
    size_t head;    /* bytes of the whole head, with its empty line; above: 431 */
    size_t line;    /* bytes of the first line, with its CRLF; above: 414 */
    size_t headers; /* lines of the header section; above: 431 */
};

#define GUST__HTTP1_DEFAULT_LIMITS                         \
    {                                                      \
        .head = 64 << 10, .line = 16 << 10, .headers = 100 \
    }

/* Where the search for a head's end goes on. {0} before the first byte. */
struct gust__http1_scan {
    size_t scanned;        /* bytes that need no second look */
    size_t line;           /* where the current line begins */
    size_t first_line_end; /* behind the first line's CRLF; 0: not seen yet */
};

/*
 * Looks for the end of a head in data[0, size). -> its length, with the empty line (and an empty line before
 * it); 0: more is needed; -1: fault and errno are set. Of the content it checks only that no control
 * character but HTAB is there and that CR and LF come in pairs.
 */
ssize_t gust__http1_find_head_end(struct gust__http1_scan *scan, const struct gust__http1_limits *limits,
                                  const char *data, size_t size, struct gust__http1_fault *fault);

struct gust__header {
    struct gust__slice name;  /* as it was received */
    struct gust__slice value; /* without the white space around it */
    enum gust__header_id id;
};

/* A header section, and what it says of the message's framing and of the connection. */
struct gust__fields {
    struct gust__header *headers; /* the caller's array */
    size_t count;
    int64_t content_length; /* -1: none was given */
    bool chunked;
    bool close;                                     /* the Connection field has the option "close" */
    bool keep_alive_option;                         /* ... "keep-alive" */
    bool upgrade_option;                            /* ... "upgrade" */
    uint64_t present[(GUST__HEADER_IDS + 63) / 64]; /* a bit for each id that a header has */
    uint16_t first[GUST__HEADER_IDS];               /* index of the first one, where its bit is set */
};

static inline bool gust__fields_has(const struct gust__fields *fields, enum gust__header_id id)
{
    return fields->present[(unsigned)id / 64] >> ((unsigned)id % 64) & 1;
}

/* The first header with an id other than GUST__HEADER_OTHER; NULL: none. */
static inline const struct gust__header *gust__fields_first(const struct gust__fields *fields,
                                                            enum gust__header_id id)
{
    return gust__fields_has(fields, id) ? &fields->headers[fields->first[id]] : NULL;
}

/* The next header with the same name (case does not matter) behind header; NULL: none. */
const struct gust__header *gust__fields_next(const struct gust__fields *fields,
                                             const struct gust__header *header);

/* The first header of any name, compared ignoring case; NULL: none. */
const struct gust__header *gust__fields_find(const struct gust__fields *fields, struct gust__slice name);

enum gust__method {
    GUST__METHOD_OTHER, /* a method that gust has no name for: its slice tells it */
    GUST__METHOD_GET,
    GUST__METHOD_HEAD,
    GUST__METHOD_POST,
    GUST__METHOD_PUT,
    GUST__METHOD_DELETE,
    GUST__METHOD_PATCH,
    GUST__METHOD_OPTIONS,
    GUST__METHOD_CONNECT,
    GUST__METHOD_TRACE
};

/* The number of a method's name; methods are case-sensitive (RFC 9110 9.1). */
enum gust__method gust__method(struct gust__slice name);

enum gust__target_form { /* RFC 9112 3.2 */
                         GUST__TARGET_ORIGIN,
                         GUST__TARGET_ABSOLUTE,
                         GUST__TARGET_AUTHORITY, /* CONNECT only */
                         GUST__TARGET_ASTERISK   /* OPTIONS only */
};

struct gust__request_head {
    struct gust__http1_fault fault; /* set when reading or parsing failed; else undefined */
    enum gust__method method;
    enum gust__target_form form;
    struct gust__slice method_name;
    struct gust__slice target; /* as received */
    struct gust__slice path;   /* not decoded; "/" for an absolute target without one, "*" for the asterisk
                                  form,   empty for CONNECT */
    struct gust__slice query;  /* behind '?', not decoded */
    struct gust__slice host;   /* with its port: of an absolute target or authority, else of the Host field */
    struct gust__slice scheme; /* of an absolute target: http or https in any case; else empty */
    struct gust__slice
        upgrade;          /* the first Upgrade field of an HTTP/1.1 request that asks for one; else empty */
    bool has_query;       /* there was a '?' */
    bool keep_alive;      /* the client lets the connection go on (RFC 9112 9.3) */
    bool expect_continue; /* it waits for 100 (Continue) before it sends the body */
    int minor;            /* HTTP/1.minor: 0 or 1 */
    struct gust__fields fields;
};

/*
 * Parses data[0, size), which is exactly one head as gust__http1_find_head_end found it. headers (borrowed,
 * as long as head is used) has room for max_headers, at most 65534. -> 0; -1: head->fault and errno are set,
 * and the rest of head is undefined.
 */
int gust__http1_parse_request(struct gust__request_head *head, struct gust__header *headers,
                              size_t max_headers, const char *data, size_t size);

/* The same, a byte at a time: what the vectorised way is tested against. */
int gust__http1_parse_request_scalar(struct gust__request_head *head, struct gust__header *headers,
                                     size_t max_headers, const char *data, size_t size);

/*
 * Finds the end and parses, in one pass when the whole head is there at once. headers has room for
 * limits->headers. -> the head's length; 0: more is needed; -1: head->fault and errno are set.
 */
ssize_t gust__http1_read_request(struct gust__http1_scan *scan, const struct gust__http1_limits *limits,
                                 struct gust__request_head *head, struct gust__header *headers,
                                 const char *data, size_t size);

/* The bytes of head moved from [from, from + size) to to: points every slice there. */
void gust__http1_rebase_request(struct gust__request_head *head, const char *from, size_t size,
                                const char *to);

struct gust__response_head {
    struct gust__http1_fault fault; /* its status has no meaning to a client but: 0 is no fault */
    int status;                     /* 100 to 999 */
    int minor;                      /* 0 or 1; later minor versions count as 1 */
    bool keep_alive;
    struct gust__slice reason;
    struct gust__slice upgrade; /* as in a request */
    struct gust__fields fields;
};

/*
 * As for requests; data is written to where header lines were folded: the fold becomes spaces. Whether a body
 * follows depends on the request and the status too (RFC 9112 6.3): the caller's part.
 */
int gust__http1_parse_response(struct gust__response_head *head, struct gust__header *headers,
                               size_t max_headers, char *data, size_t size);
int gust__http1_parse_response_scalar(struct gust__response_head *head, struct gust__header *headers,
                                      size_t max_headers, char *data, size_t size);
void gust__http1_rebase_response(struct gust__response_head *head, const char *from, size_t size,
                                 const char *to);

#endif
