/* Locales: catalogues read at the start, and the one that fits a user. */
#include "web/locale.h"

#include "base/alloc.h"
#include "base/options.h"
#include "base/sys.h"
#include "http/accept.h"
#include "http/characters.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <gust/error.h>

enum { MOST_BYTES = 64 << 20, MOST_CODES = 16 };

struct gust_locales {
    struct gust_locale *first;
    struct gust_locale *fallback;
};

/* ---- reading catalogues ---- */

static void free_locale(struct gust_locale *locale)
{
    gust__free(locale->file);
    gust__free(locale);
}

void gust_locales_free(gust_locales *locales)
{
    if (!locales)
        return;
    while (locales->first) {
        struct gust_locale *locale = locales->first;
        locales->first = locale->next;
        free_locale(locale);
    }
    gust__free(locales);
}

static struct gust_locale *add(gust_locales *locales, const char *code)
{
    struct gust_locale *locale = gust__calloc(1, sizeof(*locale));
    if (!locale)
        return NULL;
    snprintf(locale->code, sizeof(locale->code), "%s", code);
    locale->next = locales->first;
    return locales->first = locale;
}

static int read_all(int fd, char *to, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = gust__sys_read(fd, to + at, size - at);
        if (got <= 0)
            return gust_error_set(got < 0 ? errno : EIO, NULL);
        at += (size_t)got;
    }
    return 0;
}

static int read_file(struct gust_locale *locale, int fd)
{
    struct stat status;
    if (gust__sys_fstat(fd, &status) < 0)
        return -1;
    if (status.st_size > MOST_BYTES)
        return gust_error_set(EFBIG, "more than %d bytes", MOST_BYTES);
    size_t size = (size_t)status.st_size;
    locale->file = gust__malloc(size + 1);
    if (!locale->file || read_all(fd, locale->file, size) < 0)
        return -1;
    locale->file[size] = 0;
    return gust__catalog_read(&locale->catalog, gust__slice(locale->file, size));
}

/* One directory of the locale directory; one without the catalogue is none of ours. */
static int read_locale(gust_locales *locales, int directory, const char *code, const char *domain)
{
    char path[512];
    int result = -1;
    snprintf(path, sizeof(path), "%s/LC_MESSAGES/%s.mo", code, domain);
    int fd = gust__sys_openat(directory, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : gust_error_set(errno, "%s: %s", path, strerror(errno));
    struct gust_locale *locale = add(locales, code);
    if (locale && read_file(locale, fd) == 0)
        result = 0;
    else if (locale)
        gust_error_set(errno, "%s: %s", path, gust_error_text(gust_error_last()));
    gust__sys_close(fd);
    return result;
}

static int read_directory(gust_locales *locales, const char *path, const char *domain)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    int result = 0;
    if (!directory)
        return gust_error_set(errno, "the locale directory %s: %s", path, strerror(errno));
    while (result == 0 && (entry = readdir(directory))) {
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof(locales->first->code))
            result = read_locale(locales, dirfd(directory), entry->d_name, domain);
    }
    closedir(directory);
    return result;
}

static struct gust_locale *find(const gust_locales *locales, const char *code)
{
    struct gust_locale *locale = locales->first;
    while (locale && strcasecmp(locale->code, code) != 0)
        locale = locale->next;
    return locale;
}

gust_locales *gust_locales_new_with(const gust_locales_options *given)
{
    gust_locales_options options;
    gust__options_read(&options, sizeof(options), given);
    const char *fallback = options.fallback ? options.fallback : "en_US";
    gust_locales *locales = gust__calloc(1, sizeof(*locales));
    if (!locales)
        return NULL;
    if (read_directory(locales, options.directory ? options.directory : "locale",
                       options.domain ? options.domain : "messages") < 0)
        goto fail;
    locales->fallback = find(locales, fallback);
    if (!locales->fallback)
        locales->fallback = add(locales, fallback); /* without a catalogue: the messages as they are */
    if (locales->fallback)
        return locales;
fail:
    gust_locales_free(locales);
    return NULL;
}

/* ---- the closest ---- */

/* "de-AT" and "de_AT" as "de_AT"; false: it is no language. */
static bool normal_code(struct gust__slice value, char *code, size_t size)
{
    if (value.size == 0 || value.size >= size)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i] == '-' ? '_' : value.data[i];
        if (!gust__is(c, GUST__IS_UNRESERVED) || c == '.')
            return false;
        code[i] = c;
    }
    code[value.size] = 0;
    return true;
}

static const struct gust_locale *closest_to(const gust_locales *locales, struct gust__slice value)
{
    char code[GUST__LOCALE_CODE];
    if (!normal_code(value, code, sizeof(code)))
        return NULL;
    const struct gust_locale *locale = find(locales, code);
    if (locale)
        return locale;
    code[strcspn(code, "_")] = 0;
    return find(locales, code);
}

const gust_locale *gust_locale_closest(const gust_locales *locales, const char *languages)
{
    struct gust__slice rest = gust__slice_of(languages), value;
    const struct gust_locale *best = NULL;
    unsigned weight, best_weight = 0;
    for (int i = 0; i < MOST_CODES && gust__accept_next(&rest, &value, &weight); i++) {
        if (weight <= best_weight)
            continue;
        const struct gust_locale *locale = closest_to(locales, value);
        if (locale) {
            best = locale;
            best_weight = weight;
        }
    }
    return best ? best : locales->fallback;
}

const gust_locale *gust_locale_of(gust_request *request)
{
    const char *languages = gust_header(request, "Accept-Language");
    if (!request->locale && request->app->locales)
        request->locale = gust_locale_closest(request->app->locales, languages ? languages : "");
    return request->locale;
}

void gust_set_locale(gust_request *request, const char *language)
{
    if (request->app->locales)
        request->locale = gust_locale_closest(request->app->locales, language);
}

const char *gust_locale_code(const gust_locale *locale)
{
    return locale ? locale->code : "";
}

/* ---- messages ---- */

const char *gust_translate_in(const gust_locale *locale, const char *context, const char *message)
{
    const char *found =
        locale && locale->file ? gust__catalog_find(&locale->catalog, context, message) : NULL;
    return found ? found : message;
}

const char *gust_translate(const gust_locale *locale, const char *message)
{
    return *message ? gust_translate_in(locale, NULL, message) : message;
}

const char *gust_translate_n(const gust_locale *locale, const char *singular, const char *plural,
                             uint64_t number)
{
    const char *found =
        locale && locale->file ? gust__catalog_find_plural(&locale->catalog, singular, number) : NULL;
    return found ? found : number == 1 ? singular : plural;
}
