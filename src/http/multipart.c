/*
 * A delimiter begins with the only CR that is in it. So when a match breaks off, no shorter match can be
 * under way: the search needs no way back, and is linear.
 */
#include "http/multipart.h"

#include "http/http1_fields.h"
#include "http/multipart_part.h"
#include "http/parameters.h"

#include <errno.h>

enum state {
    START,       /* no byte yet */
    PREAMBLE,    /* before the first delimiter; nothing may be there */
    BODY,        /* of a part */
    BEHIND,      /* a delimiter: "--", or the end of the line */
    SECOND_DASH, /* of the last delimiter */
    PADDING,     /* white space behind a delimiter */
    LINE_FEED,   /* the end of the delimiter's line */
    HEADER,      /* of a part */
    EPILOGUE,    /* behind the last delimiter: anything */
    BROKEN
};

static bool is_boundary(struct gust__slice text)
{
    static const char punctuation[] = "'()+_,-./:=? ";
    if (text.size == 0 || text.size > GUST__MULTIPART_MAX_BOUNDARY || text.data[text.size - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char lower = gust__lower(text.data[i]);
        bool alphanumeric = gust__is(text.data[i], GUST__IS_DIGIT) || (lower >= 'a' && lower <= 'z');
        if (!alphanumeric && (lower == '\0' || !strchr(punctuation, lower)))
            return false;
    }
    return true;
}

int gust__multipart_boundary(struct gust__slice content_type, struct gust__slice *boundary)
{
    struct gust__parameter parameter;
    struct gust__slice type = gust__parameters_begin(&content_type);
    bool found = false;
    int more = 0;
    if (gust__slice_equals_ignoring_case(type, GUST__SLICE("multipart/form-data"))) {
        while (!found && (more = gust__parameters_next(&content_type, &parameter)) > 0)
            found = gust__slice_equals_ignoring_case(parameter.name, GUST__SLICE("boundary"));
    }
    if (found && is_boundary(parameter.value)) {
        *boundary = parameter.value;
        return 0;
    }
    errno = EBADMSG;
    return -1;
}

int gust__multipart_init(struct gust__multipart *multipart, struct gust__slice boundary,
                         const struct gust__multipart_callbacks *callbacks, void *context)
{
    *multipart = (struct gust__multipart){
        .max_parts = GUST__MULTIPART_DEFAULT_PARTS,
        .callbacks = callbacks,
        .context = context,
        .delimiter = "\r\n--",
        .delimiter_size = 4 + boundary.size,
    };
    if (!is_boundary(boundary)) {
        multipart->state = BROKEN;
        errno = EBADMSG;
        return -1;
    }
    memcpy(multipart->delimiter + 4, boundary.data, boundary.size);
    return 0;
}

/* The status is 400 for limits too: there is no other for a body's inside. */
static int refuse(struct gust__multipart *multipart, int error, const char *reason)
{
    gust__http1_set_fault(&multipart->fault, 400, reason);
    errno = error;
    return -1;
}

/* The functions below take bytes from at on. -> behind those taken; NULL: refused, or a callback's -1 */

/* Hands over [from, to) of a part's data. */
static bool emit(struct gust__multipart *multipart, const char *from, const char *to)
{
    if (from == to)
        return true;
    if (multipart->state == PREAMBLE) {
        refuse(multipart, EBADMSG, "a multipart body does not begin with its boundary");
        return false;
    }
    return multipart->callbacks->data(multipart->context, gust__slice_between(from, to)) == 0;
}

/* A delimiter is whole; what stands before it in this feed was handed over. */
static bool end_part(struct gust__multipart *multipart)
{
    bool preamble = multipart->state == PREAMBLE;
    multipart->matched = 0;
    multipart->state = BEHIND;
    return preamble || multipart->callbacks->end(multipart->context) == 0;
}

/*
 * What was matched in earlier feeds (carried bytes) is no longer in data. If the match breaks off, it is
 * handed over from the delimiter itself, whose bytes are the same.
 */
static const char *take_body(struct gust__multipart *multipart, const char *at, const char *end)
{
    const char *from = at;
    const char *delimiter = multipart->delimiter;
    size_t carried = multipart->matched;
    while (at < end) {
        if (multipart->matched == 0) {
            const char *found = memchr(at, '\r', (size_t)(end - at));
            multipart->matched = found != NULL;
            at = found ? found + 1 : end;
        } else if (*at == delimiter[multipart->matched]) {
            at++;
            if (++multipart->matched == multipart->delimiter_size)
                return emit(multipart, from, at - (multipart->delimiter_size - carried)) &&
                               end_part(multipart)
                           ? at
                           : NULL;
        } else {
            if (!emit(multipart, delimiter, delimiter + carried))
                return NULL;
            carried = multipart->matched = 0;
        }
    }
    return emit(multipart, from, end - (multipart->matched - carried)) ? end : NULL;
}

/* The first delimiter's CRLF may be missing. */
static const char *take_start(struct gust__multipart *multipart, const char *at)
{
    multipart->state = PREAMBLE;
    multipart->matched = *at == '\r' ? 0 : 2;
    return at;
}

static const char *begin_header(struct gust__multipart *multipart, const char *at)
{
    if (multipart->parts == multipart->max_parts) {
        refuse(multipart, EMSGSIZE, "a multipart body has too many parts");
        return NULL;
    }
    multipart->parts++;
    multipart->header_size = 0;
    multipart->state = HEADER;
    return at + 1;
}

static const char *take_behind(struct gust__multipart *multipart, const char *at)
{
    enum state state = (enum state)multipart->state;
    if (state == LINE_FEED && *at == '\n')
        return begin_header(multipart, at);
    if (state == SECOND_DASH && *at == '-')
        multipart->state = EPILOGUE;
    else if (state == BEHIND && *at == '-')
        multipart->state = SECOND_DASH;
    else if ((state == BEHIND || state == PADDING) && (*at == ' ' || *at == '\t'))
        multipart->state = PADDING;
    else if ((state == BEHIND || state == PADDING) && *at == '\r')
        multipart->state = LINE_FEED;
    else {
        refuse(multipart, EBADMSG, "garbage behind a multipart boundary");
        return NULL;
    }
    return at + 1;
}

/* The header is whole, without its empty line. */
static bool begin_part(struct gust__multipart *multipart)
{
    struct gust__header headers[GUST__MULTIPART_MAX_HEADERS];
    struct gust__multipart_part part;
    ssize_t count = gust__http1_parse_lines(headers, GUST__MULTIPART_MAX_HEADERS, multipart->scratch,
                                            multipart->header_size, &multipart->fault);
    if (count < 0) {
        refuse(multipart, errno, multipart->fault.reason);
        return false;
    }
    part.headers = headers;
    part.header_count = (size_t)count;
    if (gust__multipart_read_part(&part, headers, multipart->scratch, &multipart->fault) < 0)
        return false;
    multipart->state = BODY;
    return multipart->callbacks->begin(multipart->context, &part) == 0;
}

/* Keeps a line, or what has come of it. The empty line ends the header. */
static const char *take_header(struct gust__multipart *multipart, const char *at, const char *end)
{
    const char *line_feed = memchr(at, '\n', (size_t)(end - at));
    const char *stop = line_feed ? line_feed + 1 : end;
    size_t size = (size_t)(stop - at), old = multipart->header_size;
    if (size > multipart->scratch_size - old) {
        refuse(multipart, EMSGSIZE, "the header of a part is too long");
        return NULL;
    }
    memcpy(multipart->scratch + old, at, size);
    multipart->header_size += size;
    const char *header = multipart->scratch;
    size = multipart->header_size;
    bool empty_line =
        line_feed && size >= 2 && header[size - 2] == '\r' && (size == 2 || header[size - 3] == '\n');
    if (empty_line) {
        multipart->header_size -= 2;
        if (!begin_part(multipart))
            return NULL;
    }
    return stop;
}

static const char *take(struct gust__multipart *multipart, const char *at, const char *end)
{
    switch ((enum state)multipart->state) {
    case START:
        return take_start(multipart, at);
    case PREAMBLE:
    case BODY:
        return take_body(multipart, at, end);
    case HEADER:
        return take_header(multipart, at, end);
    case EPILOGUE:
        return end;
    case BROKEN:
        errno = EBADMSG;
        return NULL;
    default:
        return take_behind(multipart, at);
    }
}

int gust__multipart_feed(struct gust__multipart *multipart, const char *data, size_t size)
{
    const char *end = data + size;
    for (const char *at = data; at < end;) {
        at = take(multipart, at, end);
        if (!at) {
            multipart->state = BROKEN;
            return -1;
        }
    }
    return 0;
}

int gust__multipart_finish(struct gust__multipart *multipart)
{
    if (multipart->state == EPILOGUE)
        return 0;
    if (multipart->state != BROKEN)
        refuse(multipart, EBADMSG, "a multipart body ends before its last boundary");
    multipart->state = BROKEN;
    errno = EBADMSG;
    return -1;
}
