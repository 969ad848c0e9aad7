#include "http/http1_fields.h"

#include <errno.h>

const char gust__http1_folded[] = "a header line begins with white space";

int gust__http1_set_fault(struct gust__http1_fault *fault, int status, const char *reason)
{
    fault->status = status;
    fault->reason = reason;
    fault->before = errno;
    errno = status == 414 || status == 431 ? EMSGSIZE : EBADMSG;
    return -1;
}

/* A decimal number without a sign; -1 for anything else and above INT64_MAX. */
static int64_t parse_length(struct gust__slice text)
{
    int64_t length = 0;
    if (text.size == 0)
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        if (!gust__is(text.data[i], GUST__IS_DIGIT) || __builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, text.data[i] - '0', &length))
            return -1;
    }
    return length;
}

/* One line may hold a list, several lines make one; every member must be the same length (RFC 9112 6.3). */
static __attribute__((noinline)) int take_content_length(struct gust__fields *fields, struct gust__slice list,
                                                         struct gust__http1_fault *fault)
{
    const char *comma;
    do {
        comma = list.size ? memchr(list.data, ',', list.size) : NULL;
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        int64_t length = parse_length(gust__slice_trim(gust__slice(list.data, size)));
        if (length < 0)
            return gust__http1_set_fault(fault, 400, "Content-Length is no number");
        if (fields->content_length >= 0 && fields->content_length != length)
            return gust__http1_set_fault(fault, 400, "two Content-Lengths differ");
        fields->content_length = length;
        list = gust__slice_from(list, comma ? size + 1 : size);
    } while (comma);
    return 0;
}

static __attribute__((noinline)) int take_transfer_encoding(struct gust__fields *fields,
                                                            struct gust__slice value,
                                                            struct gust__http1_fault *fault)
{
    if (fields->chunked)
        return gust__http1_set_fault(fault, 400, "two Transfer-Encodings");
    if (!gust__slice_equals_ignoring_case(value, GUST__SLICE("chunked")))
        return gust__http1_set_fault(fault, 400, "a Transfer-Encoding other than chunked");
    fields->chunked = true;
    return 0;
}

static __attribute__((noinline)) void take_connection(struct gust__fields *fields, struct gust__slice list)
{
    struct gust__slice option;
    while (gust__slice_next_member(&list, &option)) {
        if (gust__slice_equals_ignoring_case(option, GUST__SLICE("close")))
            fields->close = true;
        else if (gust__slice_equals_ignoring_case(option, GUST__SLICE("keep-alive")))
            fields->keep_alive_option = true;
        else if (gust__slice_equals_ignoring_case(option, GUST__SLICE("upgrade")))
            fields->upgrade_option = true;
    }
}

/* What a header says of the framing and the connection. */
static inline __attribute__((always_inline)) int take_header(struct gust__fields *fields,
                                                             const struct gust__header *header,
                                                             struct gust__http1_fault *fault)
{
    switch (header->id) {
    case GUST__HEADER_CONTENT_LENGTH:
        return take_content_length(fields, header->value, fault);
    case GUST__HEADER_TRANSFER_ENCODING:
        return take_transfer_encoding(fields, header->value, fault);
    case GUST__HEADER_CONNECTION:
        take_connection(fields, header->value);
        return 0;
    case GUST__HEADER_HOST:
        return gust__fields_has(fields, GUST__HEADER_HOST) ? gust__http1_set_fault(fault, 400, "two Hosts")
                                                           : 0;
    default:
        return 0;
    }
}

static inline void note(struct gust__fields *fields, enum gust__header_id id)
{
    uint64_t *present = &fields->present[(unsigned)id / 64];
    uint64_t bit = (uint64_t)1 << ((unsigned)id % 64);
    if (!(*present & bit))
        fields->first[id] = (uint16_t)fields->count;
    *present |= bit;
}

/* Behind the name that begins at at. */
GUST__INLINE const char *scan_name(enum gust__scan_way way, const struct gust__http1_input *input,
                                   const char *at)
{
    at = gust__scan(way, GUST__STOP_NO_NAME, input->start, at, input->end);
    if (way != GUST__SCAN_SCALAR && at < input->end && *at != ':')
        at = gust__scan_bytes(GUST__STOP_NO_NAME, at, input->end);
    return at;
}

static const char *refuse_name(struct gust__http1_fault *fault, const char *name, const char *stop)
{
    const char *reason = "a header name holds a bad character";
    if (stop == name && (*stop == ' ' || *stop == '\t'))
        reason = gust__http1_folded;
    else if (stop == name)
        reason = "an empty header name";
    else if (*stop == '\r')
        reason = "a header line without a colon";
    gust__http1_set_fault(fault, 400, reason);
    return NULL;
}

/* One header line. -> behind its CRLF, or NULL. */
GUST__INLINE const char *parse_line(enum gust__scan_way way, const struct gust__http1_input *input,
                                    const char *at, struct gust__header *header,
                                    struct gust__http1_fault *fault)
{
    const char *name = at;
    at = scan_name(way, input, at);
    if (at == input->end)
        return NULL;
    if (__builtin_expect(*at != ':' || at == name, 0))
        return refuse_name(fault, name, at);
    header->name = gust__slice_between(name, at);
    do
        at++;
    while (at < input->end && (*at == ' ' || *at == '\t'));
    const char *value = at;
    at = gust__scan(way, GUST__STOP_NO_VALUE, input->start, at, input->end);
    if (input->end - at < 2)
        return NULL;
    if (__builtin_expect(at[0] != '\r' || at[1] != '\n', 0)) {
        gust__http1_set_fault(fault, 400, "a control character in a header value");
        return NULL;
    }
    const char *stop = at;
    while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    header->value = gust__slice_between(value, stop);
    return at + 2;
}

GUST__INLINE const char *parse_fields(enum gust__scan_way way, struct gust__fields *fields, size_t max,
                                      const struct gust__http1_input *input, const char *at,
                                      struct gust__http1_fault *fault)
{
    fields->count = 0;
    fields->content_length = -1;
    fields->chunked = fields->close = fields->keep_alive_option = fields->upgrade_option = false;
    memset(fields->present, 0, sizeof(fields->present));
    while (at < input->end && *at != '\r') {
        if (fields->count == max) {
            gust__http1_set_fault(fault, 431, "too many header lines");
            return NULL;
        }
        struct gust__header *header = &fields->headers[fields->count];
        at = parse_line(way, input, at, header, fault);
        if (!at)
            return NULL;
        header->id = gust__header_id(header->name);
        if (take_header(fields, header, fault) < 0)
            return NULL;
        note(fields, header->id);
        fields->count++;
    }
    if (input->end - at < 2 || at[1] != '\n')
        return NULL;
    return at + 2;
}

const char *gust__http1_fields_fast(struct gust__fields *fields, size_t max,
                                    const struct gust__http1_input *input, const char *at,
                                    struct gust__http1_fault *fault)
{
    return parse_fields(GUST__SCAN_FAST, fields, max, input, at, fault);
}

const char *gust__http1_fields_scalar(struct gust__fields *fields, size_t max,
                                      const struct gust__http1_input *input, const char *at,
                                      struct gust__http1_fault *fault)
{
    return parse_fields(GUST__SCAN_SCALAR, fields, max, input, at, fault);
}

ssize_t gust__http1_parse_lines(struct gust__header *headers, size_t max, const char *data, size_t size,
                                struct gust__http1_fault *fault)
{
    struct gust__http1_input input = {data, data + size};
    size_t count = 0;
    fault->status = 0;
    for (const char *at = data; at < input.end; count++) {
        if (count == max)
            return gust__http1_set_fault(fault, 431, "too many header lines");
        at = parse_line(GUST__SCAN_FAST, &input, at, &headers[count], fault);
        if (!at)
            return fault->status ? -1 : gust__http1_set_fault(fault, 400, "a header line is cut short");
        headers[count].id = gust__header_id(headers[count].name);
    }
    return (ssize_t)count;
}

int gust__http1_check_chunked(const struct gust__fields *fields, int minor, struct gust__http1_fault *fault)
{
    if (minor == 0)
        return gust__http1_set_fault(fault, 400, "a Transfer-Encoding in HTTP/1.0");
    if (fields->content_length >= 0)
        return gust__http1_set_fault(fault, 400, "a Content-Length beside a Transfer-Encoding");
    return 0;
}

const struct gust__header *gust__fields_next(const struct gust__fields *fields,
                                             const struct gust__header *header)
{
    const struct gust__header *end = fields->headers + fields->count;
    for (const struct gust__header *next = header + 1; next < end; next++) {
        if (next->id == header->id &&
            (next->id != GUST__HEADER_OTHER || gust__slice_equals_ignoring_case(next->name, header->name)))
            return next;
    }
    return NULL;
}

const struct gust__header *gust__fields_find(const struct gust__fields *fields, struct gust__slice name)
{
    enum gust__header_id id = gust__header_id(name);
    if (id != GUST__HEADER_OTHER)
        return gust__fields_first(fields, id);
    for (size_t i = 0; i < fields->count; i++) {
        if (gust__slice_equals_ignoring_case(fields->headers[i].name, name))
            return &fields->headers[i];
    }
    return NULL;
}

void gust__fields_rebase(struct gust__fields *fields, const char *from, size_t size, const char *to)
{
    for (size_t i = 0; i < fields->count; i++) {
        gust__slice_rebase(&fields->headers[i].name, from, size, to);
        gust__slice_rebase(&fields->headers[i].value, from, size, to);
    }
}
