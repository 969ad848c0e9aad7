/* Media types by file name. */
#include "http/mime.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "base/sys.h"

#include <stdlib.h>

enum { TABLE_MAX = 1 << 20, EXTENSION_MAX = 32 };

struct entry {
    struct gust__slice extension; /* in lower case */
    const char *type;
};

struct gust__mime_table {
    char *text;
    struct entry *entries; /* by extension; of one extension the first line is the first */
    size_t count;
};

static const struct {
    const char *extension, *type;
} built_in[] = {
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"md", "text/markdown"},
    {"mjs", "text/javascript"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"wav", "audio/x-wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

static int compare(struct gust__slice one, struct gust__slice other)
{
    size_t size = one.size < other.size ? one.size : other.size;
    int result = size ? memcmp(one.data, other.data, size) : 0;
    return result ? result : one.size < other.size ? -1 : one.size > other.size;
}

/* Extensions point into the text, which is in the order of its lines. */
static int compare_entries(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;
    int result = compare(a->extension, b->extension);
    return result ? result : a->extension.data < b->extension.data ? -1 : 1;
}

/* ---- reading ---- */

static bool add(struct gust__mime_table *table, size_t *capacity, char *extension, size_t size,
                const char *type)
{
    if (table->count == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : 64;
        struct entry *entries = gust__realloc(table->entries, larger * sizeof(*entries));
        if (!entries)
            return false;
        table->entries = entries;
        *capacity = larger;
    }
    for (size_t i = 0; i < size; i++)
        extension[i] = (char)gust__lower(extension[i]);
    table->entries[table->count++] = (struct entry){gust__slice(extension, size), type};
    return true;
}

/* The next word of a line, NUL-terminated in place; NULL: the line ends. */
static char *next_word(char **at, char *end, size_t *size)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
        (*at)++;
    char *word = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
        (*at)++;
    *size = (size_t)(*at - word);
    if (*size == 0 || *word == '#')
        return NULL;
    if (*at < end)
        (*at)++;
    word[*size] = 0;
    return word;
}

static bool read_line(struct gust__mime_table *table, size_t *capacity, char *at, char *end)
{
    size_t size;
    char *type = next_word(&at, end, &size), *extension;
    while (type && (extension = next_word(&at, end, &size))) {
        if (!add(table, capacity, extension, size, type))
            return false;
    }
    return true;
}

struct gust__mime_table *gust__mime_table_new(char *text, size_t size)
{
    struct gust__mime_table *table = gust__calloc(1, sizeof(*table));
    size_t capacity = 0;
    bool good = table != NULL;
    if (table)
        table->text = text;
    else
        gust__free(text);
    for (char *at = text, *end = text + size; good && at < end;) {
        char *newline = memchr(at, '\n', (size_t)(end - at)); /* the last line ends with one too */
        if (!newline)
            break;
        good = read_line(table, &capacity, at, newline);
        at = newline + 1;
    }
    if (good && table->count)
        qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
    if (good || !table)
        return table;
    gust__mime_table_free(table);
    return NULL;
}

void gust__mime_table_free(struct gust__mime_table *table)
{
    if (!table)
        return;
    gust__free(table->entries);
    gust__free(table->text);
    gust__free(table);
}

const char *gust__mime_table_find(const struct gust__mime_table *table, struct gust__slice extension)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(table->entries[middle].extension, extension) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && gust__slice_equals(table->entries[low].extension, extension)
               ? table->entries[low].type
               : NULL;
}

/* ---- the system's ---- */

/* A file's bytes and a newline; gust__malloc'ed. NULL: it cannot be read. */
static char *read_file(const char *path, size_t *size)
{
    int fd = gust__sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    char *text = fd < 0 ? NULL : gust__malloc(TABLE_MAX);
    ssize_t got = 1;
    for (*size = 0; text && got > 0 && *size<TABLE_MAX - 1; *size += got> 0 ? (size_t)got : 0)
        got = gust__sys_read(fd, text + *size, TABLE_MAX - 1 - *size);
    if (fd >= 0)
        gust__sys_close(fd);
    if (!text)
        return NULL;
    text[(*size)++] = '\n';
    char *smaller = gust__realloc(text, *size);
    return smaller ? smaller : text;
}

/* The process's table, read once; NULL: there is none. It stays until the process ends. */
static const struct gust__mime_table *system_table(void)
{
    static struct gust__lock lock;
    static bool tried;
    static struct gust__mime_table *table;
    size_t size;
    gust__lock_take(&lock);
    if (!tried) {
        char *text = read_file("/etc/mime.types", &size);
        table = text ? gust__mime_table_new(text, size) : NULL;
        tried = true;
    }
    gust__lock_drop(&lock);
    return table;
}

static const char *find_built_in(struct gust__slice extension)
{
    for (size_t i = 0; i < GUST_LEN(built_in); i++) {
        if (gust__slice_equals(extension, gust__slice_of(built_in[i].extension)))
            return built_in[i].type;
    }
    return "application/octet-stream";
}

const char *gust__mime_type(struct gust__slice name)
{
    char extension[EXTENSION_MAX];
    size_t size = 0;
    while (size < name.size && size < EXTENSION_MAX && name.data[name.size - 1 - size] != '.' &&
           name.data[name.size - 1 - size] != '/')
        size++;
    if (size == EXTENSION_MAX || size == name.size || name.data[name.size - 1 - size] != '.')
        return "application/octet-stream";
    for (size_t i = 0; i < size; i++)
        extension[i] = (char)gust__lower(name.data[name.size - size + i]);
    const struct gust__mime_table *table = system_table();
    const char *type = table ? gust__mime_table_find(table, gust__slice(extension, size)) : NULL;
    return type ? type : find_built_in(gust__slice(extension, size));
}

bool gust__mime_wants_charset(const char *type)
{
    struct gust__slice slice = gust__slice_of(type);
    return gust__slice_starts_with(slice, GUST__SLICE("text/")) ||
           gust__slice_equals(slice, GUST__SLICE("application/javascript"));
}
