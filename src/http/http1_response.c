#include "http/http1_fields.h"

static const char *refuse(struct gust__response_head *head, const char *reason)
{
    gust__http1_set_fault(&head->fault, 400, reason);
    return NULL;
}

/* "HTTP/1.1 200": a later minor version speaks as 1.1 does (RFC 9110 2.5). -> behind the code, or NULL */
static const char *parse_status(struct gust__response_head *head, const char *at)
{
    if (memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || !gust__is(at[7], GUST__IS_DIGIT) || at[8] != ' ')
        return refuse(head, "no HTTP version at the start of the status line");
    if (at[5] != '1')
        return refuse(head, "an HTTP version other than 1.x");
    head->minor = at[7] != '0';
    at += 9;
    if (!gust__is(at[0], GUST__IS_DIGIT) || !gust__is(at[1], GUST__IS_DIGIT) ||
        !gust__is(at[2], GUST__IS_DIGIT))
        return refuse(head, "a bad status code");
    head->status = (at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0');
    return head->status >= 100 ? at + 3 : refuse(head, "a status code below 100");
}

/* -> behind the line, or NULL */
static const char *parse_reason(enum gust__scan_way way, struct gust__response_head *head,
                                const struct gust__http1_input *input, const char *at)
{
    if (*at != ' ' && *at != '\r')
        return refuse(head, "a bad status code");
    const char *reason = at + (*at == ' ');
    at = gust__scan(way, GUST__STOP_NO_VALUE, input->start, reason, input->end);
    if (input->end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return refuse(head, "a control character in the status line");
    head->reason = gust__slice_between(reason, at);
    return at + 2;
}

static const char *parse_fields(enum gust__scan_way way, struct gust__response_head *head, size_t max_headers,
                                const struct gust__http1_input *input, const char *at)
{
    if (way == GUST__SCAN_SCALAR)
        return gust__http1_fields_scalar(&head->fields, max_headers, input, at, &head->fault);
    return gust__http1_fields_fast(&head->fields, max_headers, input, at, &head->fault);
}

static int parse(enum gust__scan_way way, struct gust__response_head *head, struct gust__header *headers,
                 size_t max_headers, const char *data, size_t size)
{
    const size_t shortest = sizeof("HTTP/1.1 200\r\n\r\n") - 1;
    struct gust__http1_input input = {data, data + size};
    head->fault.status = 0;
    head->fields.headers = headers;
    const char *at = size >= shortest ? parse_status(head, data) : refuse(head, "the head is cut short");
    if (at)
        at = parse_reason(way, head, &input, at);
    if (at)
        at = parse_fields(way, head, max_headers, &input, at);
    if (at == input.end)
        return gust__http1_check_framing(&head->fields, head->minor, &head->fault);
    if (at || head->fault.status == 0)
        refuse(head, "the head is cut short");
    return -1;
}

/* The line breaks before lines that begin with white space become spaces (RFC 9112 5.2). The first header
 * line has nothing before it that it could belong to (2.2): it stays refused. */
static void unfold(char *data, size_t size)
{
    char *end = data + size;
    char *line = memchr(data, '\n', size);
    if (!line || line + 1 == end || line[1] == ' ' || line[1] == '\t')
        return;
    for (line = memchr(line + 1, '\n', (size_t)(end - line - 1)); line && line + 1 < end;
         line = memchr(line + 1, '\n', (size_t)(end - line - 1))) {
        if (line[1] == ' ' || line[1] == '\t')
            line[-1] = line[0] = ' ';
    }
}

static int parse_unfolded(enum gust__scan_way way, struct gust__response_head *head,
                          struct gust__header *headers, size_t max_headers, char *data, size_t size)
{
    int result = parse(way, head, headers, max_headers, data, size);
    if (result < 0 && head->fault.reason == gust__http1_folded) {
        unfold(data, size);
        result = parse(way, head, headers, max_headers, data, size);
    }
    if (result < 0)
        return -1;
    head->keep_alive = gust__http1_keeps_alive(&head->fields, head->minor);
    head->upgrade = gust__http1_upgrade(&head->fields, head->minor);
    return 0;
}

int gust__http1_parse_response(struct gust__response_head *head, struct gust__header *headers,
                               size_t max_headers, char *data, size_t size)
{
    return parse_unfolded(GUST__SCAN_FAST, head, headers, max_headers, data, size);
}

int gust__http1_parse_response_scalar(struct gust__response_head *head, struct gust__header *headers,
                                      size_t max_headers, char *data, size_t size)
{
    return parse_unfolded(GUST__SCAN_SCALAR, head, headers, max_headers, data, size);
}

void gust__http1_rebase_response(struct gust__response_head *head, const char *from, size_t size,
                                 const char *to)
{
    gust__slice_rebase(&head->reason, from, size, to);
    gust__slice_rebase(&head->upgrade, from, size, to);
    gust__fields_rebase(&head->fields, from, size, to);
}
