/* A file of options: "name = value" on each line, "#" before a comment. */
#include "ops/options_int.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <errno.h>

#include <gust/error.h>

enum { FILE_MAX = 1 << 20 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without the spaces at both ends, in place. */
static char *trim(char *text)
{
    while (is_space(*text))
        text++;
    size_t size = strlen(text);
    while (size && is_space(text[size - 1]))
        size--;
    text[size] = 0;
    return text;
}

/* A comment stands behind a space, or begins the line. */
static void cut_comment(char *text)
{
    for (char *at = text; *at; at++) {
        if (*at == '#' && (at == text || is_space(at[-1]))) {
            *at = 0;
            return;
        }
    }
}

/* A value in double quotes: only a comment may stand behind them. NULL: they are not closed, or something
 * does. */
static char *unquote(char *value)
{
    char *end = strchr(value + 1, '"');
    if (!end)
        return NULL;
    cut_comment(end + 1);
    bool last = *trim(end + 1) == 0;
    *end = 0;
    return last ? value + 1 : NULL;
}

/* By hand: the strict checks of AddressSanitizer have strchr look at all the lines behind it, each time. */
static char *take_line(char **rest)
{
    char *line = *rest, *end = line;
    while (*end && *end != '\n')
        end++;
    *rest = *end ? end + 1 : end;
    *end = 0;
    return trim(line);
}

int gust__option_file_next(char **rest, unsigned *line, char **name, char **value)
{
    while (**rest) {
        char *text = take_line(rest), *equals;
        ++*line;
        if (!*text || *text == '#')
            continue;
        equals = strchr(text, '=');
        if (!equals)
            return -1;
        *equals = 0;
        *name = trim(text);
        *value = trim(equals + 1);
        if (**value == '"') {
            *value = unquote(*value);
        } else {
            cut_comment(*value);
            *value = trim(*value);
        }
        return *value && **name ? 1 : -1;
    }
    return 0;
}

/* ---- the file ---- */

static ssize_t read_all(int fd, char *to, size_t size)
{
    size_t at = 0;
    while (at < size) {
        ssize_t got = gust__sys_read(fd, to + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

char *gust__option_file_read(const char *path)
{
    int fd = gust__sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    char *text = fd < 0 ? NULL : gust__malloc(FILE_MAX + 2), *fitted = NULL;
    if (!text)
        goto out;
    ssize_t size = read_all(fd, text, FILE_MAX + 1);
    if (size > FILE_MAX) {
        errno = EFBIG;
        size = -1;
    }
    if (size < 0)
        goto out;
    text[size] = 0;
    fitted = gust__realloc(text, (size_t)size + 1);
    text = fitted ? NULL : text;
out:
    gust__free(text);
    if (fd >= 0)
        gust__sys_close(fd);
    return fitted;
}
