/* The program's own options: defined, and asked for. */
#include "ops/options_int.h"

#include "base/alloc.h"
#include "base/options.h"

#include <stdio.h>
#include <string.h>

struct gust__defined *gust__defined_options;

bool gust__option_same_name(struct gust__slice name, const char *other)
{
    if (strlen(other) != name.size)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char a = name.data[i] == '_' ? '-' : name.data[i], b = other[i] == '_' ? '-' : other[i];
        if (a != b)
            return false;
    }
    return true;
}

struct gust__defined *gust__option_find_defined(struct gust__slice name)
{
    struct gust__defined *defined = gust__defined_options;
    while (defined && !gust__option_same_name(name, defined->option.name))
        defined = defined->next;
    return defined;
}

/* ---- defining ---- */

static enum gust__option_kind kind_of(gust_option_kind kind)
{
    static const enum gust__option_kind kinds[] = {
        [GUST_OPTION_TEXT] = GUST__OPTION_TEXT, [GUST_OPTION_BOOL] = GUST__OPTION_BOOL,
        [GUST_OPTION_INT] = GUST__OPTION_INT,   [GUST_OPTION_REAL] = GUST__OPTION_REAL,
        [GUST_OPTION_SIZE] = GUST__OPTION_SIZE, [GUST_OPTION_DURATION] = GUST__OPTION_DURATION,
    };
    return kinds[kind];
}

static const char *shown_for(gust_option_kind kind)
{
    static const char *const shown[] = {
        [GUST_OPTION_TEXT] = "VALUE", [GUST_OPTION_BOOL] = "",     [GUST_OPTION_INT] = "N",
        [GUST_OPTION_REAL] = "X",     [GUST_OPTION_SIZE] = "SIZE", [GUST_OPTION_DURATION] = "TIME",
    };
    return shown[kind];
}

static struct gust__defined *find_or_add(const char *name)
{
    struct gust__defined **end = &gust__defined_options;
    struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    if (defined)
        return defined;
    defined = gust__calloc(1, sizeof(*defined));
    if (!defined)
        return NULL;
    while (*end)
        end = &(*end)->next;
    return *end = defined;
}

void gust_define_with(const char *name, const gust_define_options *given)
{
    struct gust__defined *defined = find_or_add(name);
    if (!defined)
        return; /* gust_option then gives NULL, as for any unknown name */
    struct gust__defined *next = defined->next;
    gust__free(defined->texts);
    *defined = (struct gust__defined){.next = next};
    gust__options_read(&defined->given, sizeof(defined->given), given);
    double unit = defined->given.kind == GUST_OPTION_DURATION ? (double)GUST_S(1) : 1;
    defined->option = (struct gust__option){
        .name = name,
        .kind = kind_of(defined->given.kind),
        .value = &defined->value,
        .shown = defined->given.shown ? defined->given.shown : shown_for(defined->given.kind),
        .help = defined->given.help,
        .min = defined->given.min * unit,
        .max = defined->given.max * unit,
    };
    if (defined->given.value) /* whether it fits shows when the options are read */
        gust__option_set(&defined->option, defined->given.value);
}

/* ---- asking ---- */

const char *gust_option(const char *name)
{
    const struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    if (!defined)
        return NULL;
    return defined->count ? defined->texts[defined->count - 1] : defined->given.value;
}

int64_t gust_option_int(const char *name)
{
    const struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    if (!defined || defined->option.kind == GUST__OPTION_TEXT)
        return 0;
    if (defined->option.kind == GUST__OPTION_BOOL)
        return defined->value.boolean;
    return defined->option.kind == GUST__OPTION_REAL ? (int64_t)defined->value.real : defined->value.integer;
}

double gust_option_real(const char *name)
{
    const struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    return defined && defined->option.kind == GUST__OPTION_REAL ? defined->value.real
                                                                : (double)gust_option_int(name);
}

bool gust_option_bool(const char *name)
{
    return gust_option_int(name) != 0;
}

const char *gust_option_at(const char *name, size_t index)
{
    const struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    if (!defined)
        return NULL;
    if (defined->count == 0)
        return index == 0 ? defined->given.value : NULL;
    return index < defined->count ? defined->texts[index] : NULL;
}

bool gust_option_given(const char *name)
{
    const struct gust__defined *defined = gust__option_find_defined(gust__slice_of(name));
    return defined && defined->source != GUST__OPTION_DEFAULT;
}
