/* Directories of files under a path prefix. */
#include "web/coded.h"
#include "web/files.h"
#include "web/life.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "http/mime.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

#include <gust/error.h>

struct gust__static {
    struct gust__static *next;
    char *prefix; /* "/static/" */
    char *default_name;
    int directory;
    gust_static_options options;
};

/* ---- set-up ---- */

static void free_one(struct gust__static *files)
{
    if (files->directory >= 0)
        gust__sys_close(files->directory);
    gust__free(files->prefix);
    gust__free(files->default_name);
    gust__free(files);
}

void gust__static_free(struct gust__static *files)
{
    while (files) {
        struct gust__static *next = files->next;
        free_one(files);
        files = next;
    }
}

static struct gust__static *new_static(const char *prefix, const char *directory,
                                       const gust_static_options *options)
{
    struct gust__static *files = gust__calloc(1, sizeof(*files));
    if (!files)
        return NULL;
    memcpy(&files->options, options,
           options->size < sizeof(files->options) ? options->size : sizeof(files->options));
    files->prefix = gust__strdup(prefix);
    if (files->options.default_name)
        files->default_name = gust__strdup(files->options.default_name);
    files->directory = gust__sys_openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (files->prefix && (files->default_name || !files->options.default_name))
        return files;
    free_one(files);
    return NULL;
}

/* ---- finding ---- */

/* What stands in the way of opening a file, as a status. */
static int status_of(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ENXIO:
        return 404;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

static void close_file(int fd)
{
    gust__sys_close(fd);
}

/* Whether a name may be looked for at all. -> 200, or the status that it gets. */
static int judge_name(struct gust__slice path)
{
    if (gust__path_has_dot_segment(path))
        return 403;
    if (gust__slice_starts_with(path, GUST__SLICE("/")) || gust__path_has_empty_segment(path))
        return 404;
    return 200;
}

/* The name of the file for a decoded path. */
static const char *name_of(gust_request *request, const struct gust__static *files, const char *path,
                           size_t size)
{
    if (size && path[size - 1] != '/')
        return path;
    if (!files->default_name)
        gust_fail(403, "a directory");
    return gust_sprintf(request, "%s%s", path, files->default_name);
}

/* ---- precompressed files ---- */

struct variant {
    int fd; /* -1: none */
    enum gust__coding coding;
    struct stat status;
};

static void close_variant(struct variant *variant)
{
    if (variant->fd >= 0)
        gust__sys_close(variant->fd);
}

static bool is_older(const struct stat *one, const struct stat *other)
{
    return one->st_mtim.tv_sec < other->st_mtim.tv_sec ||
           (one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec < other->st_mtim.tv_nsec);
}

static const char *suffix_of(enum gust__coding coding)
{
    return coding == GUST__CODING_BROTLI ? ".br" : coding == GUST__CODING_ZSTD ? ".zst" : ".gz";
}

/* Opens the form of the file that the client wants most. */
static void find_variant(gust_request *request, const struct gust__static *files, const char *name,
                         const struct stat *original, struct variant *variant)
{
    enum gust__coding order[] = {GUST__CODING_BROTLI, GUST__CODING_ZSTD, GUST__CODING_GZIP}; /* by size */
    size_t count = GUST_LEN(order);
    while (count) {
        enum gust__coding coding = gust__coding_choose(&request->exchange->head->fields, order, count);
        if (!coding)
            return;
        const char *path = gust_sprintf(request, "%s%s", name, suffix_of(coding));
        int fd = gust__file_open(files->directory, path, files->options.follow_links, &variant->status);
        if (fd >= 0 && S_ISREG(variant->status.st_mode) && !is_older(&variant->status, original)) {
            variant->fd = fd;
            variant->coding = coding;
            return;
        }
        if (fd >= 0)
            gust__sys_close(fd);
        size_t at = 0;
        while (order[at] != coding)
            at++;
        memmove(&order[at], &order[at + 1], (--count - at) * sizeof(*order));
    }
}

/* ---- serving ---- */

/* Whether "?v=" has the hash of the file: an old page's address must not keep a new file for ever, nor the
 * other way round. */
static bool has_its_hash(gust_request *request, int fd, const struct stat *status)
{
    char hash[GUST__FILE_HASH_ROOM];
    const char *version = *gust_query(request) ? gust_query_arg(request, "v") : NULL;
    return version && strlen(version) == GUST__FILE_HASH_ROOM - 1 &&
           gust__file_hash(request, fd, status, hash) == 0 && strcmp(version, hash) == 0;
}

static void answer_file(gust_request *request, const struct gust__static *files, const char *name, int fd,
                        const struct stat *status)
{
    struct variant variant = {.fd = -1};
    GUST_DEFER(close_variant, &variant);
    if (files->options.precompressed)
        find_variant(request, files, name, status, &variant);
    struct gust__file_answer file = {
        .fd = fd,
        .status = *status,
        .type = gust__mime_type(gust__slice_of(name)),
        .varies = files->options.precompressed,
        .for_ever = has_its_hash(request, fd, status),
        .max_age = files->options.max_age,
    };
    if (variant.fd >= 0) {
        file.fd = variant.fd;
        file.status = variant.status;
        file.coding = variant.coding;
    }
    gust__file_answer(request, &file);
}

static void serve_name(gust_request *request, const struct gust__static *files, const char *path, size_t size)
{
    struct stat status;
    int verdict = judge_name(gust__slice(path, size));
    if (verdict != 200)
        gust_fail(verdict, NULL);
    const char *name = name_of(request, files, path, size);
    int fd = gust__file_open(files->directory, name, files->options.follow_links, &status);
    if (fd < 0)
        gust_fail(status_of(errno), NULL);
    GUST_DEFER(close_file, fd);
    if (S_ISREG(status.st_mode))
        answer_file(request, files, name, fd, &status);
    else if (!files->default_name || name != path)
        gust_fail(403, "a directory");
    else
        gust__slash_add(request);
}

/* A file's name is bytes: it is not asked to be UTF-8. What cannot be decoded, or has a NUL, names no file.
 */
static void serve_below(gust_request *request)
{
    const struct gust__static *files = gust_data(request);
    char *path = gust__request_text(request, gust__slice_from(request->path, strlen(files->prefix)));
    ssize_t size = gust__url_decode(path, gust__slice_of(path), GUST__URL_PATH);
    if (size < 0)
        gust_fail(404, NULL);
    path[size] = 0;
    serve_name(request, files, path, (size_t)size);
}

/* /favicon.ico, /robots.txt */
static void serve_root(gust_request *request)
{
    const char *name = gust_path(request) + 1;
    serve_name(request, gust_data(request), name, strlen(name));
}

/* ---- registering ---- */

/* "GET " and the prefix with its special characters escaped, and all that stands behind it. */
static char *pattern_for(const char *prefix)
{
    char *pattern = gust__malloc(2 * strlen(prefix) + sizeof("GET .*")), *to = pattern;
    if (!pattern)
        return NULL;
    to = stpcpy(to, "GET ");
    for (; *prefix; prefix++) {
        if (strchr("\\^$.[]|()?*+{}", *prefix))
            *to++ = '\\';
        *to++ = *prefix;
    }
    stpcpy(to, ".*");
    return pattern;
}

static void add_route(gust_app *app, const char *pattern, gust_handler_function *function,
                      struct gust__static *files)
{
    struct gust__route *route = gust__route_add(app, pattern, function);
    if (route)
        route->options.data = files;
}

static void add_routes(gust_app *app, struct gust__static *files, bool first)
{
    char *pattern = pattern_for(files->prefix);
    if (!pattern) {
        gust__app_mistaken(app, "out of memory for gust_static");
        return;
    }
    add_route(app, pattern, serve_below, files);
    gust__free(pattern);
    if (!first || files->options.only_prefix)
        return;
    add_route(app, "GET /favicon\\.ico", serve_root, files);
    add_route(app, "GET /robots\\.txt", serve_root, files);
}

void gust_static_with(gust_app *app, const char *prefix, const char *directory,
                      const gust_static_options *options)
{
    if (!app)
        return;
    struct gust__static *files = new_static(prefix, directory, options), **end = &app->files;
    if (!files) {
        gust__app_mistaken(app, "out of memory for gust_static");
        return;
    }
    size_t length = strlen(prefix);
    if (files->directory < 0)
        gust__app_mistaken(app, "gust_static: the directory \"%s\" cannot be opened: %s", directory,
                           strerror(errno));
    else if (length == 0 || prefix[0] != '/' || prefix[length - 1] != '/')
        gust__app_mistaken(app, "gust_static: the prefix \"%s\" does not begin and end with a slash", prefix);
    bool first = !app->files;
    while (*end)
        end = &(*end)->next;
    *end = files;
    add_routes(app, files, first);
}

/* ---- gust_static_url ---- */

/* The path of an application as clients see it, "" for the outermost, written before end. */
static const char *mount_path(gust_request *request, const gust_app *app)
{
    const char *path = "";
    for (; app->mount; app = app->mount->app)
        path = gust_sprintf(request, "%.*s%s", (int)app->mount->literal.size, app->mount->literal.data, path);
    return path;
}

/* The hash of a file of a directory. false: there is no such file. */
static bool hash_of(gust_request *request, const struct gust__static *files, const char *name,
                    char hash[GUST__FILE_HASH_ROOM])
{
    struct stat status;
    if (!*name || judge_name(gust__slice_of(name)) != 200)
        return false;
    int fd = gust__file_open(files->directory, name, files->options.follow_links, &status);
    if (fd < 0)
        return false;
    GUST_DEFER(close_file, fd);
    return S_ISREG(status.st_mode) && gust__file_hash(request, fd, &status, hash) == 0;
}

const char *gust_static_url(gust_request *request, const char *name)
{
    const gust_app *app = request->app;
    char hash[GUST__FILE_HASH_ROOM];
    size_t length = strlen(name);
    char *encoded = gust_alloc(request, 3 * length + 1);
    encoded[gust__url_encode(encoded, gust__slice(name, length), GUST__URL_PATH)] = 0;
    while (!app->files && app->mount)
        app = app->mount->app;
    if (!app->files)
        return gust_sprintf(request, "/%s", encoded);
    bool known = hash_of(request, app->files, name, hash);
    return gust_sprintf(request, "%s%s%s%s%s", mount_path(request, app), app->files->prefix, encoded,
                        known ? "?v=" : "", known ? hash : "");
}
