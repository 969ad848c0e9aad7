/*
 * For tests and fuzz targets of the parsers: input that ends (or begins) at an unmapped page, and the outcome
 * of reading a head, written out as text so that two outcomes can be compared.
 */
#ifndef GUST_HTTP_TESTING_H
#define GUST_HTTP_TESTING_H

#include "http/http1_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages for inputs up to size bytes, an unmapped page on either side. */
struct testing_guarded {
    char *pages;
    size_t size;
    size_t page;
};

static inline struct testing_guarded testing_guard(size_t size)
{
    struct testing_guarded guarded = {.page = (size_t)sysconf(_SC_PAGESIZE)};
    guarded.size = (size + guarded.page) / guarded.page * guarded.page;
    char *all = mmap(NULL, guarded.size + 2 * guarded.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + guarded.page, guarded.size, PROT_READ | PROT_WRITE) < 0)
        abort();
    guarded.pages = all + guarded.page;
    return guarded;
}

static inline void testing_unguard(struct testing_guarded *guarded)
{
    munmap(guarded->pages - guarded->page, guarded->size + 2 * guarded->page);
}

/* A copy of data whose end is the end of what may be read. */
static inline char *testing_before_guard(struct testing_guarded *guarded, const void *data, size_t size)
{
    char *copy = guarded->pages + guarded->size - size;
    if (size)
        memmove(copy, data, size);
    return copy;
}

/* A copy of data whose start is the start of what may be read. */
static inline char *testing_behind_guard(struct testing_guarded *guarded, const void *data, size_t size)
{
    if (size)
        memmove(guarded->pages, data, size);
    return guarded->pages;
}

struct testing_text {
    char *data;
    size_t size;
    FILE *stream;
};

static inline struct testing_text *testing_text_new(void)
{
    struct testing_text *text = calloc(1, sizeof(*text));
    if (!text || !(text->stream = open_memstream(&text->data, &text->size)))
        abort();
    return text;
}

static inline void testing_text_free(struct testing_text *text)
{
    fclose(text->stream);
    free(text->data);
    free(text);
}

static inline void testing_put(struct testing_text *text, const char *label, struct gust__slice slice)
{
    fprintf(text->stream, "%s=%zu:", label, slice.size);
    if (slice.size)
        fwrite(slice.data, 1, slice.size, text->stream);
    fputc('\n', text->stream);
}

/* Aborts with both texts if they differ. Takes other. */
static inline void testing_compare(struct testing_text *one, struct testing_text *other, const char *what)
{
    fflush(one->stream);
    fflush(other->stream);
    if (one->size != other->size || memcmp(one->data, other->data, one->size) != 0) {
        fprintf(stderr, "%s\n--- one\n%s\n--- other\n%s\n", what, one->data, other->data);
        abort();
    }
    testing_text_free(other);
}

static inline void testing_put_fields(struct testing_text *text, const struct gust__fields *fields)
{
    fprintf(text->stream, "length=%lld chunked=%d close=%d alive=%d upgrade=%d\n",
            (long long)fields->content_length, fields->chunked, fields->close, fields->keep_alive_option,
            fields->upgrade_option);
    for (size_t i = 0; i < fields->count; i++) {
        fprintf(text->stream, "%d ", fields->headers[i].id);
        testing_put(text, "name", fields->headers[i].name);
        testing_put(text, "value", fields->headers[i].value);
    }
    for (size_t i = 0; i < GUST__HEADER_IDS; i++)
        fprintf(text->stream, "%d,",
                gust__fields_has(fields, (enum gust__header_id)i) ? fields->first[i] : -1);
    fputc('\n', text->stream);
}

static inline void testing_put_request(struct testing_text *text, ssize_t length,
                                       const struct gust__request_head *head)
{
    fprintf(text->stream, "length=%zd\n", length);
    if (length < 0)
        fprintf(text->stream, "status=%d reason=%s\n", head->fault.status, head->fault.reason);
    if (length <= 0)
        return;
    fprintf(text->stream, "method=%d form=%d minor=%d query=%d alive=%d expect=%d\n", head->method,
            head->form, head->minor, head->has_query, head->keep_alive, head->expect_continue);
    testing_put(text, "method", head->method_name);
    testing_put(text, "target", head->target);
    testing_put(text, "path", head->path);
    testing_put(text, "query", head->query);
    testing_put(text, "host", head->host);
    testing_put(text, "scheme", head->scheme);
    testing_put(text, "upgrade", head->upgrade);
    testing_put_fields(text, &head->fields);
}

static inline void testing_put_response(struct testing_text *text, ssize_t length,
                                        const struct gust__response_head *head)
{
    fprintf(text->stream, "length=%zd\n", length);
    if (length < 0)
        fprintf(text->stream, "status=%d reason=%s\n", head->fault.status, head->fault.reason);
    if (length <= 0)
        return;
    fprintf(text->stream, "status=%d minor=%d alive=%d\n", head->status, head->minor, head->keep_alive);
    testing_put(text, "reason", head->reason);
    testing_put(text, "upgrade", head->upgrade);
    testing_put_fields(text, &head->fields);
}

/* Feeds data[0, sizes[0]), then data[0, sizes[1]) and so on until there is an outcome. */
static inline struct testing_text *testing_read_request(struct testing_guarded *guarded,
                                                        const struct gust__http1_limits *limits,
                                                        const char *data, const size_t *sizes, size_t count)
{
    struct testing_text *text = testing_text_new();
    struct gust__http1_scan scan = {0};
    struct gust__request_head head;
    struct gust__header headers[128];
    ssize_t length = 0;
    for (size_t i = 0; i < count && length == 0; i++) {
        const char *copy = testing_before_guard(guarded, data, sizes[i]);
        length = gust__http1_read_request(&scan, limits, &head, headers, copy, sizes[i]);
    }
    testing_put_request(text, length, &head);
    return text;
}

/* Aborts unless a request has one outcome: split in two anywhere, byte by byte, at either side of an unmapped
 * page, and by the scalar parser. */
static inline void testing_check_request(const struct gust__http1_limits *limits, const char *data,
                                         size_t size)
{
    struct testing_guarded guarded = testing_guard(size);
    struct testing_text *whole = testing_read_request(&guarded, limits, data, &size, 1);
    size_t *drips = calloc(size + 1, sizeof(*drips));
    for (size_t split = 0; split < size; split++) {
        size_t sizes[] = {split, size};
        testing_compare(whole, testing_read_request(&guarded, limits, data, sizes, 2), "split");
        drips[split] = split + 1;
    }
    if (size)
        testing_compare(whole, testing_read_request(&guarded, limits, data, drips, size), "byte by byte");
    free(drips);
    struct gust__http1_scan scan = {0};
    struct gust__request_head head;
    struct gust__header headers[128];
    const char *copy = testing_behind_guard(&guarded, data, size);
    ssize_t length = gust__http1_find_head_end(&scan, limits, copy, size, &head.fault);
    if (length > 0 &&
        gust__http1_parse_request_scalar(&head, headers, limits->headers, copy, (size_t)length) < 0)
        length = -1;
    struct testing_text *scalar = testing_text_new();
    testing_put_request(scalar, length, &head);
    testing_compare(whole, scalar, "scalar");
    testing_text_free(whole);
    testing_unguard(&guarded);
}

/* The same for a response. */
static inline struct testing_text *testing_read_response(struct testing_guarded *guarded,
                                                         const struct gust__http1_limits *limits,
                                                         const char *data, size_t size, size_t split,
                                                         bool scalar)
{
    struct testing_text *text = testing_text_new();
    struct gust__http1_scan scan = {0};
    struct gust__response_head head;
    struct gust__header headers[128];
    char *copy = testing_before_guard(guarded, data, split);
    ssize_t length = gust__http1_find_head_end(&scan, limits, copy, split, &head.fault);
    copy = length == 0 ? testing_before_guard(guarded, data, size) : copy;
    if (length == 0)
        length = gust__http1_find_head_end(&scan, limits, copy, size, &head.fault);
    int (*parse)(struct gust__response_head *, struct gust__header *, size_t, char *, size_t) =
        scalar ? gust__http1_parse_response_scalar : gust__http1_parse_response;
    if (length > 0 && parse(&head, headers, limits->headers, copy, (size_t)length) < 0)
        length = -1;
    testing_put_response(text, length, &head);
    return text;
}

static inline void testing_check_response(const struct gust__http1_limits *limits, const char *data,
                                          size_t size)
{
    struct testing_guarded guarded = testing_guard(size);
    struct testing_text *whole = testing_read_response(&guarded, limits, data, size, size, false);
    for (size_t split = 0; split < size; split++)
        testing_compare(whole, testing_read_response(&guarded, limits, data, size, split, false), "split");
    testing_compare(whole, testing_read_response(&guarded, limits, data, size, size, true), "scalar");
    testing_text_free(whole);
    testing_unguard(&guarded);
}

#endif
