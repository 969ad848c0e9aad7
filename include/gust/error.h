/*
 * Errors. A function that fails returns -1 or NULL and sets errno, as POSIX functions do; there is no third
 * way. errno says what kind of failure it was. Where more is known than that, gust keeps the last error
 * beside it, for each coroutine (and for each thread outside of coroutines) its own: a text, a domain with
 * its own number, and where it came from.
 *
 *     static int load(struct shop *shop, const char *path)
 *     {
 *         int fd = open(path, O_RDONLY);
 *         if (fd < 0)
 *             return gust_error_set(errno, "the price list %s", path);
 *         ...
 *     }
 *
 *     if (load(&shop, "prices.csv") < 0)
 *         gust_log(GUST_ERROR, "%s", gust_error_text(gust_error_last()));
 *
 * The last error is only that: like errno it stays until the next one, so look at it after a failure, never
 * to find out whether one happened. A failed libc call leaves it as it was.
 *
 * All functions here are for any thread, inside and outside of coroutines. None of them blocks or fails:
 * without memory the last error says just that (ENOMEM).
 */
#ifndef GUST_ERROR_H
#define GUST_ERROR_H

#include <gust/base.h>

#include <errno.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_error gust_error;

/* ---- Reporting ---- */

/* Sets errno and the last error; returns -1, so that `return gust_error_set(...)` reads well. code is an
 * errno value; format NULL or "": the text is strerror's. Texts are cut at 1023 bytes. The arguments may be
 * taken from the last error itself. [any] */
GUST_API int gust_error_set(int code, const char *format, ...) GUST_PRINTF(2, 3);

/* The same with a domain and its own number: "http" and a status, "gai" and an EAI_ code, "tls" and a code of
 * OpenSSL, "signal" and a signal. domain is copied, at most 15 bytes of it; NULL is "errno". [any] */
GUST_API int gust_error_set_detail(const char *domain, int detail, int code, const char *format, ...)
    GUST_PRINTF(4, 5);

/* Forgets the last error. errno is kept. [any] */
GUST_API void gust_error_clear(void);

/* ---- Reading: errno is kept by all of these ---- */

/* The last error of this coroutine or thread; NULL: there was none. Borrowed until the next one is set or
 * cleared. [any] */
GUST_API const gust_error *gust_error_last(void);

/* Of NULL all of the following are what "no error" is: 0, "errno", 0, "", 0. [any] */
GUST_API int gust_error_code(const gust_error *error);           /* an errno value */
GUST_API const char *gust_error_domain(const gust_error *error); /* "errno", "http", "gai", "tls", "signal" */
GUST_API int gust_error_detail(const gust_error *error); /* HTTP status, gai code, signal; else the code */
GUST_API const char *gust_error_text(const gust_error *error); /* never NULL */

/* How many return addresses were kept, newest first, and where (borrowed as the error is). Errors that are
 * routine have none: EAGAIN, EINTR, EINPROGRESS, EALREADY, ECANCELED, and HTTP statuses below 500. [any] */
GUST_API size_t gust_error_backtrace(const gust_error *error, void *const **frames);

/* [any] The same as text: a line a frame, newest first, "  at function (file:line)", as far as debugging
 * information tells; "" for an error without. Whole lines, cut to size bytes with the NUL. The first call
 * reads debugging information, which may take some hundred milliseconds: on a loop, call it by
 * gust_threads_run. Returns to. */
GUST_API const char *gust_error_trace(const gust_error *error, char *to, size_t size);

/* One line for logs about the last error (without one: about errno), cut to size bytes with its NUL: the
 * text, and in brackets the domain with its number unless that is just errno. Returns to. [any] */
GUST_API const char *gust_error_describe(char *to, size_t size);

GUST_END_DECLARATIONS

#endif
