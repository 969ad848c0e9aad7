/*
 * What every other header of gust stands on: visibility, attributes, durations, bytes, the version.
 *
 *     GUST_DEADLINE(GUST_MS(500));
 *     gust_bytes body = {data, length};
 *     for (size_t i = 0; i < GUST_LEN(table); i++)
 *         ...
 *
 * Serves C17 and C++17, on gcc and clang.
 */
#ifndef GUST_BASE_H
#define GUST_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- The version: of this header, and of the library that is running ---- */

#define GUST_VERSION_MAJOR 0
#define GUST_VERSION_MINOR 1
#define GUST_VERSION_PATCH 0
#define GUST_VERSION       (GUST_VERSION_MAJOR * 10000 + GUST_VERSION_MINOR * 100 + GUST_VERSION_PATCH)

#define GUST__QUOTE(x)  #x
#define GUST__EXPAND(x) GUST__QUOTE(x)
#define GUST_VERSION_STRING \
    GUST__EXPAND(GUST_VERSION_MAJOR) "." GUST__EXPAND(GUST_VERSION_MINOR) "." GUST__EXPAND(GUST_VERSION_PATCH)

/* ---- Declarations ---- */

/* Each public function carries it: the library is built with everything else hidden. */
#define GUST_API __attribute__((__visibility__("default")))

#ifdef __cplusplus
#define GUST_BEGIN_DECLARATIONS extern "C" {
#define GUST_END_DECLARATIONS   }
#else
#define GUST_BEGIN_DECLARATIONS
#define GUST_END_DECLARATIONS
#endif

/* The compiler checks the arguments as printf's: the format is the first given parameter, counted from 1,
 * what it formats begins at the second (0: a va_list). */
#define GUST_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))

/* ---- Durations: int64_t nanoseconds, from whole numbers or fractions: GUST_S(1.5) ---- */

#define GUST_NS(x)      ((int64_t)(x))
#define GUST_US(x)      ((int64_t)((x)*INT64_C(1000)))
#define GUST_MS(x)      ((int64_t)((x)*INT64_C(1000000)))
#define GUST_S(x)       ((int64_t)((x)*INT64_C(1000000000)))
#define GUST_MINUTES(x) ((int64_t)((x)*INT64_C(60000000000)))

/* ---- Options: named members, as in gust_listen(":80", .backlog = 512). Not named is 0, the default ---- */

/* A pointer to a struct that lasts until the call returns. .size tells the library which version of the
 * struct the caller was compiled with, so that members can be added at its end. In C++ name them in the order
 * of the struct. */
#ifdef __cplusplus
template <class T> inline const T *gust__address(const T &value)
{
    return &value;
}
#define GUST_OPTIONS(type, ...) gust__address(type{.size = sizeof(type), ##__VA_ARGS__})
#define GUST_ZERO               = {}
#else
#define GUST_OPTIONS(type, ...) (&(const type){.size = sizeof(type), ##__VA_ARGS__})
#define GUST_ZERO
#endif

/* ---- Data ---- */

/* The number of an array's elements. */
#define GUST_LEN(array) (sizeof(array) / sizeof((array)[0]))

GUST_BEGIN_DECLARATIONS

/* Bytes of a known length, any values inside. What gust gives has a NUL behind. Borrowed unless said. */
typedef struct gust_bytes {
    const char *data;
    size_t len;
} gust_bytes;

/* The running library's version, as GUST_VERSION and "major.minor.patch". [any] */
GUST_API int gust_version(void);
GUST_API const char *gust_version_string(void);

GUST_END_DECLARATIONS

#endif
