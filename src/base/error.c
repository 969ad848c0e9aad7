#include "base/error_int.h"
#include "base/alloc.h"
#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/context.h"

#include <errno.h>
#include <gust/scope.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct gust_error out_of_memory = {
    .code = ENOMEM, .detail = ENOMEM, .domain = "errno", .text = "out of memory"};

static const char *describe_code(int code)
{
    const char *text = strerrordesc_np(code);
    return text ? text : "unknown error";
}

/* Cuts before a UTF-8 sequence that the limit split. */
static size_t whole_length(const char *text, size_t length)
{
    size_t at = length;
    while (at > 0 && length - at < 4 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return ((unsigned char)text[at] & 0xc0) == 0x80 ? length : at;
}

static struct gust_error *assemble(const char *domain, int detail, int code, void *const *frames,
                                   size_t count, const char *text)
{
    size_t length = text ? strnlen(text, GUST__ERROR_TEXT + 1) : 0;
    if (length > GUST__ERROR_TEXT)
        length = whole_length(text, GUST__ERROR_TEXT);
    struct gust_error *error = gust__malloc(sizeof(*error) + count * sizeof(void *) + length + 1);
    if (!error)
        return &out_of_memory;
    *error = (struct gust_error){.code = code, .detail = domain ? detail : code, .frame_count = count};
    snprintf(error->domain, sizeof(error->domain), "%s", domain ? domain : "errno");
    if (count)
        memcpy(error->frames, frames, count * sizeof(void *));
    if (length) {
        char *copy = (char *)&error->frames[count];
        memcpy(copy, text, length);
        copy[length] = '\0';
        error->text = copy;
    }
    return error;
}

struct gust_error *gust__error_from_elsewhere(const char *domain, int detail, int code, void *const *frames,
                                              size_t count, const char *text)
{
    return assemble(domain, detail, code, frames, count < GUST__ERROR_FRAMES ? count : GUST__ERROR_FRAMES,
                    text);
}

/* As gust__error_new; from: the return address that is to be the newest frame, NULL: this function's caller.
 */
static __attribute__((noinline)) struct gust_error *new_from(const void *from, const char *domain, int detail,
                                                             int code, enum gust__error_flags flags,
                                                             const char *text)
{
    enum { OWN_FRAMES = 4 }; /* at most so many of ours stand before it, however they were inlined */
    void *frames[GUST__ERROR_FRAMES + OWN_FRAMES];
    size_t count = 0, skip = 0;
    if (flags & GUST__ERROR_BACKTRACE)
        count = gust__backtrace_capture(frames, GUST_LEN(frames), 1);
    while (skip < OWN_FRAMES && skip < count && frames[skip] != from)
        skip++;
    if (skip == OWN_FRAMES || skip == count)
        skip = 0;
    count -= skip;
    if (count > GUST__ERROR_FRAMES)
        count = GUST__ERROR_FRAMES;
    return assemble(domain, detail, code, frames + skip, count, text);
}

struct gust_error *gust__error_new(const char *domain, int detail, int code, enum gust__error_flags flags,
                                   const char *text)
{
    return new_from(__builtin_return_address(0), domain, detail, code, flags, text);
}

static GUST_PRINTF(6, 0) struct gust_error *vnew_from(const void *from, const char *domain, int detail,
                                                      int code, enum gust__error_flags flags,
                                                      const char *format, va_list arguments)
{
    char text[GUST__ERROR_TEXT + 2];
    text[0] = '\0';
    if (format && *format)
        vsnprintf(text, sizeof(text), format, arguments);
    return new_from(from, domain, detail, code, flags, text);
}

struct gust_error *gust__error_vnew(const char *domain, int detail, int code, enum gust__error_flags flags,
                                    const char *format, va_list arguments)
{
    return vnew_from(__builtin_return_address(0), domain, detail, code, flags, format, arguments);
}

enum gust__error_flags gust__error_usual_flags(const char *domain, int detail, int code)
{
    if (domain && strcmp(domain, "http") == 0)
        return detail < 500 ? GUST__ERROR_PLAIN : GUST__ERROR_BACKTRACE;
    switch (code) {
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
    case EALREADY:
    case ECANCELED:
        return GUST__ERROR_PLAIN;
    default:
        return GUST__ERROR_BACKTRACE;
    }
}

struct gust_error *gust__error_copy(const struct gust_error *error)
{
    if (!error)
        return NULL;
    return assemble(error->domain, error->detail, error->code, error->frames, error->frame_count,
                    error->text);
}

void gust__error_free(struct gust_error *error)
{
    if (error != &out_of_memory)
        gust__free(error);
}

/* A scope that ends (scope.c) puts the last error from before back in the end: it must not be freed
 * meanwhile. */
static bool kept(const struct gust__context *context, const struct gust_error *error)
{
    return context->ending && error && context->ending->kept == error;
}

struct gust_error *gust__error_take(void)
{
    struct gust__context *context = gust__context();
    struct gust_error *error = context->error;
    context->error = NULL;
    return kept(context, error) ? gust__error_copy(error) : error;
}

struct gust_error *gust__error_take_for(int code)
{
    const struct gust_error *last = gust__context()->error;
    if (last && last->code == code)
        return gust__error_take();
    return gust__error_new(NULL, 0, code, GUST__ERROR_PLAIN, NULL);
}

int gust__error_put(struct gust_error *error)
{
    struct gust__context *context = gust__context();
    if (context == &gust__thread_context && error)
        gust__context_watch();
    struct gust_error *old = context->error;
    context->error = error;
    if (old != error && !kept(context, old))
        gust__error_free(old);
    if (error)
        errno = error->code;
    return -1;
}

int gust_error_set(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct gust_error *error = vnew_from(__builtin_return_address(0), NULL, 0, code,
                                         gust__error_usual_flags(NULL, 0, code), format, arguments);
    va_end(arguments);
    return gust__error_put(error);
}

int gust_error_set_detail(const char *domain, int detail, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct gust_error *error = vnew_from(__builtin_return_address(0), domain, detail, code,
                                         gust__error_usual_flags(domain, detail, code), format, arguments);
    va_end(arguments);
    return gust__error_put(error);
}

void gust_error_clear(void)
{
    gust__error_put(NULL);
}

const gust_error *gust_error_last(void)
{
    return gust__context()->error;
}

int gust_error_code(const gust_error *error)
{
    return error ? error->code : 0;
}

const char *gust_error_domain(const gust_error *error)
{
    return error ? error->domain : "errno";
}

int gust_error_detail(const gust_error *error)
{
    return error ? error->detail : 0;
}

const char *gust_error_text(const gust_error *error)
{
    if (!error)
        return "";
    return error->text ? error->text : describe_code(error->code);
}

size_t gust_error_backtrace(const gust_error *error, void *const **frames)
{
    *frames = error ? error->frames : NULL;
    return error ? error->frame_count : 0;
}

const char *gust_error_trace(const gust_error *error, char *to, size_t size)
{
    int saved = errno;
    if (size == 0)
        return to;
    struct gust__buffer text = {.max = size - 1};
    if (error)
        gust__backtrace_print(&text, error->frames, error->frame_count);
    size_t length = gust__buffer_length(&text);
    if (length)
        memcpy(to, gust__buffer_bytes(&text), length);
    to[length] = '\0';
    gust__buffer_fini(&text);
    errno = saved;
    return to;
}

const char *gust_error_describe(char *to, size_t size)
{
    int saved = errno;
    const struct gust_error *error = gust_error_last();
    if (!error)
        snprintf(to, size, "%s", describe_code(saved));
    else if (strcmp(error->domain, "errno") == 0)
        snprintf(to, size, "%s", gust_error_text(error));
    else
        snprintf(to, size, "%s (%s %d)", gust_error_text(error), error->domain, error->detail);
    for (size_t i = 0; i < size && to[i]; i++) {
        if (to[i] == '\n' || to[i] == '\r')
            to[i] = ' ';
    }
    errno = saved;
    return to;
}
