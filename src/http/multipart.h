/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1), fed in pieces as the body comes. Parts are not kept:
 * callbacks get them as they pass, so that an upload of any size needs no memory but a part's header.
 *
 *     static const struct gust__multipart_callbacks callbacks = {begin_part, take_data, end_part};
 *     struct gust__multipart multipart;
 *     struct gust__slice boundary;
 *     char scratch[GUST__MULTIPART_DEFAULT_HEADER];
 *     if (gust__multipart_boundary(content_type, &boundary) < 0 ||
 *         gust__multipart_init(&multipart, boundary, &callbacks, context) < 0) ...                  answer
 * 400 multipart.scratch = scratch, multipart.scratch_size = sizeof(scratch); gust__multipart_feed(&multipart,
 * data, size);                                            0, as often as needed
 *     gust__multipart_finish(&multipart);                                                      0: it was
 * whole
 *
 * The first fault ends it: -1, every later call too. Each byte is looked at a bounded number of times,
 * whatever comes. A file name is what the client says and never a path: it may be "../../x".
 *
 * Strict: nothing before the first boundary but an empty line, each part has a Content-Disposition of
 * form-data with a name, header lines as in HTTP/1. What comes behind the last boundary is ignored, as RFC
 * 2046 says. Any thread.
 */
#ifndef GUST_HTTP_MULTIPART_H
#define GUST_HTTP_MULTIPART_H

#include "http/http1_head.h"

enum {
    GUST__MULTIPART_DEFAULT_PARTS = 100,
    GUST__MULTIPART_DEFAULT_HEADER = 10 << 10,
    GUST__MULTIPART_MAX_HEADERS = 16, /* lines of a part's header */
    GUST__MULTIPART_MAX_BOUNDARY = 70 /* RFC 2046 5.1.1 */
};

struct gust__multipart_part {
    struct gust__slice name;     /* unquoted; never NULL, may be empty */
    struct gust__slice filename; /* of filename* if that is there, then UTF-8; else of filename, unquoted */
    bool has_filename;
    struct gust__slice content_type; /* empty: none was given */
    const struct gust__header
        *headers; /* the value of Content-Disposition was used up: name and filename lie there */
    size_t header_count;
};

/* What is called as parts pass. Everything given is valid during the call only. -1 with errno ends the
 * parsing: feed returns -1 with that errno. A part's data may come in any number of calls, none with nothing.
 */
struct gust__multipart_callbacks {
    int (*begin)(void *context, const struct gust__multipart_part *part);
    int (*data)(void *context, struct gust__slice data);
    int (*end)(void *context);
};

struct gust__multipart {
    struct gust__http1_fault fault; /* status 400; 0 if it was a callback that ended the parsing */
    char *scratch;                  /* room for one part's header, the caller's; set after init */
    size_t scratch_size;            /* its size is the limit of a part's header */
    size_t max_parts;               /* GUST__MULTIPART_DEFAULT_PARTS unless changed after init */
    const struct gust__multipart_callbacks *callbacks;
    void *context;
    int state;
    size_t parts;
    size_t header_size;
    size_t matched; /* bytes of delimiter that ended what was fed */
    size_t delimiter_size;
    char delimiter[4 + GUST__MULTIPART_MAX_BOUNDARY]; /* CRLF, "--", boundary */
};

/* The boundary in a Content-Type field, a slice of it. -> 0; -1 and EBADMSG: it is not multipart/form-data,
 * or its boundary is missing, empty, too long or has other characters than RFC 2046 allows */
int gust__multipart_boundary(struct gust__slice content_type, struct gust__slice *boundary);

/* Readies a parser; boundary is copied, callbacks and context are borrowed. -> 0; -1 and EBADMSG: a boundary
 * that gust__multipart_boundary would not have given */
int gust__multipart_init(struct gust__multipart *multipart, struct gust__slice boundary,
                         const struct gust__multipart_callbacks *callbacks, void *context);

/* Goes on with data[0, size). -> 0; -1: EBADMSG, malformed; EMSGSIZE, above a limit; or a callback's errno */
int gust__multipart_feed(struct gust__multipart *multipart, const char *data, size_t size);

/* The body has ended. -> 0; -1 and EBADMSG: before its last boundary */
int gust__multipart_finish(struct gust__multipart *multipart);

#endif
