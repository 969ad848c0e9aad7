/*
 * Errors as objects, for what carries them from where they happened to where they are read: futures, throws,
 * jobs of a thread. The last error belongs to the context (base/context.h): a coroutine's or the thread's.
 *
 *     future->error = gust__error_take_for(errno);     in the one that failed
 *     ...
 *     return gust__error_put(future->error);           in the one that awaited
 *
 * All functions are for any thread; an error belongs to one thread at a time. None fails: without memory they
 * give the one static out-of-memory error, which free ignores.
 */
#ifndef GUST_BASE_ERROR_INT_H
#define GUST_BASE_ERROR_INT_H

#include <stdarg.h>
#include <stddef.h>
#include <gust/error.h>

enum {
    GUST__ERROR_TEXT = 1023, /* bytes of text at most */
    GUST__ERROR_FRAMES = 32,
    GUST__ERROR_DOMAIN = 15,
};

enum gust__error_flags {
    GUST__ERROR_PLAIN = 0,
    GUST__ERROR_BACKTRACE = 1, /* keep where it happened */
};

struct gust_error {
    int code;
    int detail;
    char domain[GUST__ERROR_DOMAIN + 1];
    const char *text; /* behind the frames, or NULL: strerror's */
    size_t frame_count;
    void *frames[]; /* newest first */
};

/* A new error, the caller's. domain NULL: "errno", whose detail is the code. text NULL or "": strerror's. */
struct gust_error *gust__error_new(const char *domain, int detail, int code, enum gust__error_flags flags,
                                   const char *text);
struct gust_error *gust__error_vnew(const char *domain, int detail, int code, enum gust__error_flags flags,
                                    const char *format, va_list arguments) GUST_PRINTF(5, 0);

/* An error that happened elsewhere, with the return addresses that were taken there. */
struct gust_error *gust__error_from_elsewhere(const char *domain, int detail, int code, void *const *frames,
                                              size_t count, const char *text);

/* Whether an error of this kind is worth a backtrace: see gust_error_backtrace. */
enum gust__error_flags gust__error_usual_flags(const char *domain, int detail, int code);

struct gust_error *gust__error_copy(const struct gust_error *error); /* NULL of NULL */
void gust__error_free(struct gust_error *error);                     /* NULL allowed; errno is kept */

/* Detaches the context's last error: it is the caller's then, and the context has none. NULL: there was none.
 */
struct gust_error *gust__error_take(void);

/* What just failed with this errno value: the last error, detached, if it is of that code; otherwise (the
 * last error is an older story, or a libc call failed) a new one of the code alone. Never NULL. */
struct gust_error *gust__error_take_for(int code);

/* Takes error, makes it the context's last and sets errno to its code. NULL: there is none then, and errno is
 * kept. Returns -1. */
int gust__error_put(struct gust_error *error);

#endif
