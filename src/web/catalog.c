/* Catalogues of messages: gettext's .mo files. */
#include "web/catalog.h"

#include "http/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#include <gust/error.h>

enum { MAGIC_SIZE = 28, MOST_FORMS = 16 };
static const uint32_t magic = 0x950412de;

/* ---- the file ---- */

static uint32_t word_at(const struct gust__catalog *catalog, uint32_t offset)
{
    uint32_t word;
    memcpy(&word, catalog->data + offset, sizeof(word));
    return catalog->swapped ? __builtin_bswap32(word) : word;
}

/* An entry of a table: checked when the catalogue was read. */
static struct gust__slice entry(const struct gust__catalog *catalog, uint32_t table, uint32_t index)
{
    uint32_t at = table + 8 * index;
    return gust__slice(catalog->data + word_at(catalog, at + 4), word_at(catalog, at));
}

static bool table_fits(const struct gust__catalog *catalog, uint32_t table)
{
    return table <= catalog->size && catalog->count <= (catalog->size - table) / 8;
}

/* Whether an entry lies in the file, with a NUL behind, and is UTF-8. */
static bool entry_fits(const struct gust__catalog *catalog, uint32_t table, uint32_t index)
{
    uint32_t at = table + 8 * index, size = word_at(catalog, at), offset = word_at(catalog, at + 4);
    if (offset >= catalog->size || size >= catalog->size - offset || catalog->data[offset + size] != 0)
        return false;
    return gust__utf8_valid(gust__slice(catalog->data + offset, size));
}

static int compare(struct gust__slice one, struct gust__slice other)
{
    int order = memcmp(one.data, other.data, one.size < other.size ? one.size : other.size);
    return order ? order : (one.size > other.size) - (one.size < other.size);
}

static const char *check_entries(const struct gust__catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        if (!entry_fits(catalog, catalog->originals, i) || !entry_fits(catalog, catalog->translations, i))
            return "a message that lies outside of the file, or is not UTF-8";
        if (i > 0 &&
            compare(entry(catalog, catalog->originals, i - 1), entry(catalog, catalog->originals, i)) >= 0)
            return "messages that are not in order";
    }
    return NULL;
}

/* ---- plural forms: "Plural-Forms: nplurals=2; plural=n != 1;\n" in the first message ---- */

static const char *read_plural_forms(struct gust__catalog *catalog)
{
    const char *header = gust__catalog_find(catalog, NULL, ""), *rule;
    const char *field = header ? strstr(header, "Plural-Forms:") : NULL;
    catalog->plural_forms = 2;
    snprintf(catalog->plural, sizeof(catalog->plural), "n != 1");
    if (!field)
        return NULL;
    size_t size = strcspn(field, "\n");
    const char *count = strstr(field, "nplurals=");
    rule = strstr(field, "plural=");
    if (rule && count && rule == count + 1) /* the end of "nplurals=" itself */
        rule = strstr(rule + 1, "plural=");
    if (!count || !rule || rule > field + size)
        return "a Plural-Forms without nplurals and plural";
    rule += strlen("plural=");
    catalog->plural_forms = (unsigned)strtoul(count + strlen("nplurals="), NULL, 10);
    int length = snprintf(catalog->plural, sizeof(catalog->plural), "%.*s", (int)strcspn(rule, ";\n"), rule);
    uint64_t form;
    if (catalog->plural_forms < 1 || catalog->plural_forms > MOST_FORMS ||
        (size_t)length >= sizeof(catalog->plural) || gust__plural_form(catalog->plural, 1, &form) < 0)
        return "a plural rule that cannot be understood";
    return NULL;
}

/* ---- reading ---- */

static const char *read(struct gust__catalog *catalog)
{
    if (catalog->size < MAGIC_SIZE || catalog->size > INT32_MAX)
        return "too few bytes, or too many";
    catalog->swapped = word_at(catalog, 0) != magic;
    if (word_at(catalog, 0) != magic)
        return "no catalogue: the first bytes are not gettext's";
    if (word_at(catalog, 4) >> 16 > 1)
        return "a version that is not known";
    catalog->count = word_at(catalog, 8);
    catalog->originals = word_at(catalog, 12);
    catalog->translations = word_at(catalog, 16);
    if (!table_fits(catalog, catalog->originals) || !table_fits(catalog, catalog->translations))
        return "tables that lie outside of the file";
    const char *problem = check_entries(catalog);
    return problem ? problem : read_plural_forms(catalog);
}

int gust__catalog_read(struct gust__catalog *catalog, struct gust__slice file)
{
    *catalog = (struct gust__catalog){.data = file.data, .size = file.size};
    const char *problem = read(catalog);
    return problem ? gust_error_set(EBADMSG, "%s", problem) : 0;
}

/* ---- looking up ---- */

/* How "context\4message" compares to an original, of which the first of several forms counts. */
static int compare_key(const char *context, const char *message, struct gust__slice original)
{
    struct gust__slice first = gust__slice(original.data, strlen(original.data));
    if (!context)
        return compare(gust__slice_of(message), first);
    struct gust__slice key = gust__slice_of(context);
    size_t common = key.size < first.size ? key.size : first.size;
    int order = memcmp(key.data, first.data, common);
    if (order || key.size >= first.size)
        return order ? order : 1;
    order = 4 - (unsigned char)first.data[key.size];
    return order ? order : compare(gust__slice_of(message), gust__slice_from(first, key.size + 1));
}

static bool find(const struct gust__catalog *catalog, const char *context, const char *message,
                 struct gust__slice *translation)
{
    uint32_t low = 0, high = catalog->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_key(context, message, entry(catalog, catalog->originals, middle));
        if (order == 0) {
            *translation = entry(catalog, catalog->translations, middle);
            return translation->size > 0;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

const char *gust__catalog_find(const struct gust__catalog *catalog, const char *context, const char *message)
{
    struct gust__slice translation;
    return find(catalog, context, message, &translation) ? translation.data : NULL;
}

const char *gust__catalog_find_plural(const struct gust__catalog *catalog, const char *singular,
                                      uint64_t number)
{
    struct gust__slice forms;
    uint64_t form;
    if (!find(catalog, NULL, singular, &forms) || gust__plural_form(catalog->plural, number, &form) < 0)
        return NULL;
    const char *at = forms.data, *end = forms.data + forms.size;
    for (; form > 0 && at < end; form--)
        at += strlen(at) + 1;
    return at < end ? at : forms.data; /* a form that is not there: the first */
}
