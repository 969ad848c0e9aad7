/* The end of a head: the one place that knows how bytes drip in. */
#include "http/http1_fields.h"

/* How much of the data may be looked at before a limit is broken. */
static size_t bound_of(const struct gust__http1_scan *scan, const struct gust__http1_limits *limits)
{
    size_t line = scan->line + limits->line;
    if (scan->first_line_end == 0 && line > scan->line && line < limits->head)
        return line;
    return limits->head;
}

static int refuse_size(const struct gust__http1_scan *scan, struct gust__http1_fault *fault)
{
    if (scan->first_line_end == 0)
        return gust__http1_set_fault(fault, 414, "the first line is too long");
    return gust__http1_set_fault(fault, 431, "the head is too long");
}

/* A CRLF at the place scanned. -> true at the empty line that ends the head. */
static bool end_line(struct gust__http1_scan *scan)
{
    size_t begin = scan->line;
    bool empty = scan->scanned == begin;
    scan->scanned += 2;
    scan->line = scan->scanned;
    if (!empty && scan->first_line_end == 0)
        scan->first_line_end = scan->scanned;
    return empty && begin > 0;
}

/* As gust__http1_find_head_end, up to the bound. */
static ssize_t find_within(struct gust__http1_scan *scan, const char *data, size_t size,
                           struct gust__http1_fault *fault)
{
    while (scan->scanned < size) {
        const char *stop =
            gust__scan(GUST__SCAN_FAST, GUST__STOP_NO_VALUE, data, data + scan->scanned, data + size);
        scan->scanned = (size_t)(stop - data);
        if (size - scan->scanned < 2 && (scan->scanned == size || *stop == '\r'))
            return 0;
        if (stop[0] != '\r' || stop[1] != '\n')
            return gust__http1_set_fault(fault, 400, "a control character in the head");
        if (!end_line(scan))
            continue;
        if (scan->first_line_end == 0)
            return gust__http1_set_fault(fault, 400, "empty lines and no first line");
        return (ssize_t)scan->scanned;
    }
    return 0;
}

ssize_t gust__http1_find_head_end(struct gust__http1_scan *scan, const struct gust__http1_limits *limits,
                                  const char *data, size_t size, struct gust__http1_fault *fault)
{
    for (;;) {
        size_t bound = bound_of(scan, limits);
        ssize_t length = find_within(scan, data, size < bound ? size : bound, fault);
        if (length != 0)
            return length;
        if (bound == bound_of(scan, limits))
            return size < bound ? 0 : refuse_size(scan, fault);
    }
}
