/*
 * Reading up to a PCRE2 pattern.
 *
 * Bytes come in pieces, and a match must not depend on where they were cut. So a search is told that more may
 * come (PCRE2_PARTIAL_HARD): it gives a match only when no further byte could change it, and otherwise says
 * where the match that may come would begin; the next search starts there. At the end of the stream, and at
 * the limit, what is there is all.
 */
#include "net/stream.h"
#include "base/alloc.h"

#include <gust/error.h>

#include <errno.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MATCH_LIMIT = 1000000, /* steps of one search: what a hostile peer can make us do */
    DEPTH_LIMIT = 10000,   /* of nested backtracking */
    HEAP_LIMIT = 4 << 10,  /* KiB */
};

struct gust__stream_pattern {
    char *text;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

void gust__stream_pattern_free(struct gust__stream_pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->context);
    pcre2_match_data_free(pattern->data);
    pcre2_code_free(pattern->code);
    gust__free(pattern->text);
    gust__free(pattern);
}

static void *allocate(size_t size, void *unused)
{
    (void)unused;
    return gust__malloc(size);
}

static void give_back(void *memory, void *unused)
{
    (void)unused;
    gust__free(memory);
}

static pcre2_code *compile_text(const char *text, pcre2_general_context *general)
{
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    if (!context)
        return NULL;
    int code;
    size_t offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (compiled || code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return compiled;
    char message[200] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof(message));
    gust_error_set(EINVAL, "the pattern \"%s\": %s, at character %zu", text, message, offset);
    return NULL;
}

static int fill_in(struct gust__stream_pattern *pattern, const char *text, pcre2_general_context *general)
{
    pattern->code = compile_text(text, general);
    if (!pattern->code)
        return -1;
    pattern->text = gust__strdup(text);
    pattern->data = pcre2_match_data_create_from_pattern(pattern->code, general);
    pattern->context = pcre2_match_context_create(general);
    if (!pattern->text || !pattern->data || !pattern->context)
        return -1;
    pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->context, HEAP_LIMIT);
    return 0;
}

static struct gust__stream_pattern *new_pattern(const char *text)
{
    errno = ENOMEM;
    pcre2_general_context *general = pcre2_general_context_create(allocate, give_back, NULL);
    struct gust__stream_pattern *pattern = general ? gust__calloc(1, sizeof(*pattern)) : NULL;
    if (pattern && fill_in(pattern, text, general) < 0) {
        int code = errno;
        gust__stream_pattern_free(pattern);
        pattern = NULL;
        errno = code;
    }
    pcre2_general_context_free(general); /* what was made with it has a copy */
    return pattern;
}

static struct gust__stream_pattern *pattern_of(gust_stream *stream, const char *text)
{
    if (stream->pattern && strcmp(stream->pattern->text, text) == 0)
        return stream->pattern;
    struct gust__stream_pattern *pattern = new_pattern(text);
    if (!pattern)
        return NULL;
    gust__stream_pattern_free(stream->pattern);
    return stream->pattern = pattern;
}

/* ---- searching ---- */

struct search {
    struct gust__stream_pattern *pattern;
    size_t from;  /* no match begins before */
    size_t found; /* where the match ends */
};

/* 1: found; 0: not in these bytes; -1: the search gave up. last: no further bytes come. */
static int search(struct search *search, const char *data, size_t size, bool last)
{
    struct gust__stream_pattern *pattern = search->pattern;
    uint32_t options = last ? 0 : PCRE2_PARTIAL_HARD;
    if (search->from == 0)
        options |= PCRE2_NOTEMPTY_ATSTART; /* nothing read is the end's sign */
    int result = pcre2_match(pattern->code, (PCRE2_SPTR)data, size, search->from, options, pattern->data,
                             pattern->context);
    const size_t *ends = pcre2_get_ovector_pointer(pattern->data);
    if (result >= 0 && ends[1] > 0) {
        search->found = ends[1];
        return 1;
    }
    if (result == PCRE2_ERROR_PARTIAL || result == PCRE2_ERROR_NOMATCH || result >= 0) {
        search->from = result == PCRE2_ERROR_PARTIAL ? ends[0] : size;
        return 0;
    }
    if (result == PCRE2_ERROR_NOMEMORY)
        return gust_error_set(ENOMEM, NULL);
    char message[200] = "";
    pcre2_get_error_message(result, (PCRE2_UCHAR *)message, sizeof(message));
    return gust_error_set(EOVERFLOW, "the pattern \"%s\": %s", pattern->text, message);
}

/* The peer has ended: what is held is all there is. */
static ssize_t read_last(gust_stream *stream, struct search *at, size_t held, gust_bytes *bytes)
{
    int found = search(at, gust__buffer_bytes(&stream->in), held, true);
    if (found > 0)
        return gust__stream_hand_out(stream, at->found, bytes);
    if (found == 0)
        errno = ENODATA;
    return -1;
}

static ssize_t read_match(gust_stream *stream, struct search *at, size_t max, gust_bytes *bytes)
{
    for (;;) {
        size_t held = gust__buffer_length(&stream->in);
        size_t within = held < max ? held : max;
        const char *data = within ? gust__buffer_bytes(&stream->in) : "";
        size_t from = at->from;
        int found = search(at, data, within, held >= max);
        if (found < 0)
            return -1;
        if (found)
            return gust__stream_hand_out(stream, at->found, bytes);
        int more = gust__stream_more(stream, max);
        if (more < 0 && errno == ENODATA) {
            at->from = from;
            return read_last(stream, at, within, bytes);
        }
        if (more <= 0)
            return more;
    }
}

ssize_t gust_stream_read_until_pattern(gust_stream *stream, const char *pattern, size_t max,
                                       gust_bytes *bytes)
{
    *bytes = (gust_bytes){"", 0};
    if (max > stream->max_read)
        max = stream->max_read;
    if (gust__stream_read_begin(stream) < 0)
        return -1;
    struct search at = {.pattern = pattern_of(stream, pattern)};
    ssize_t got = at.pattern ? read_match(stream, &at, max, bytes) : -1;
    gust__stream_read_end(stream);
    return got;
}
