/* Dates, numbers and lists as a locale writes them: Tornado's rules and messages. */
#include "web/locale.h"

#include "base/clock.h"
#include "base/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, MOST_DECIMALS = 9 };

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* ---- patterns: "%(day)s" ---- */

struct text {
    char *to;
    size_t size, length;
};

static void append(struct text *text, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text->length + 1 < text->size)
            text->to[text->length] = from[i];
        text->length++;
    }
    if (text->size)
        text->to[text->length < text->size ? text->length : text->size - 1] = 0;
}

struct value {
    const char *name, *text;
    const char *const *items; /* instead of a text: these, with commas between them */
    size_t count;
};

static const struct value *find_value(const struct value *values, const char *name, size_t size)
{
    for (; values->name; values++) {
        if (strlen(values->name) == size && memcmp(values->name, name, size) == 0)
            return values;
    }
    return NULL;
}

static void append_value(struct text *text, const struct value *value)
{
    if (value->text)
        append(text, value->text, strlen(value->text));
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            append(text, ", ", 2);
        append(text, value->items[i], strlen(value->items[i]));
    }
}

/* Writes pattern with the values in place of their names; a name that is none of them stays as it is. */
static char *fill(char *to, size_t size, const char *pattern, const struct value *values)
{
    struct text text = {to, size, 0};
    append(&text, "", 0);
    while (*pattern) {
        const char *end = strncmp(pattern, "%(", 2) == 0 ? strchr(pattern, ')') : NULL;
        bool is_name = end && (end[1] == 's' || end[1] == 'd');
        const struct value *value =
            is_name ? find_value(values, pattern + 2, (size_t)(end - pattern - 2)) : NULL;
        if (value) {
            append_value(&text, value);
            pattern = end + 2;
        } else {
            append(&text, pattern++, 1);
        }
    }
    return to;
}

/* ---- dates ---- */

struct moment {
    int64_t when, now;
    int64_t age;
    struct tm local;
    int64_t days; /* whole days that it is old */
    bool yesterday;
};

static void break_down(int64_t when, struct tm *local)
{
    time_t seconds = (time_t)when;
    gmtime_r(&seconds, local);
}

static struct moment moment_of(int64_t when, int utc_offset)
{
    struct moment moment = {.when = when, .now = gust__clock_wall() / 1000000000};
    int64_t offset = (int64_t)utc_offset * MINUTE;
    moment.age = moment.now - when;
    if (moment.age < 0 && moment.age >= -MINUTE) /* clocks differ a little */
        moment.age = 0;
    moment.days = moment.age / DAY;
    moment.yesterday = (moment.now + offset) / DAY - (when + offset) / DAY == 1;
    break_down(when + offset, &moment.local);
    return moment;
}

static char *ago(const gust_locale *locale, char *to, size_t size, const char *singular, const char *plural,
                 const char *name, int64_t count)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, count);
    const struct value values[] = {{name, number, NULL, 0}, {NULL, NULL, NULL, 0}};
    return fill(to, size, gust_translate_n(locale, singular, plural, (uint64_t)count), values);
}

static bool uses_twelve_hours(const gust_locale *locale)
{
    return !locale || strncmp(locale->code, "en", 2) == 0;
}

static void write_time(const gust_locale *locale, const struct tm *local, char *to, size_t size)
{
    int hour = local->tm_hour % 12 ? local->tm_hour % 12 : 12;
    if (locale && strcmp(locale->code, "zh_CN") == 0)
        snprintf(to, size, "%s%d:%02d", local->tm_hour < 12 ? "\u4e0a\u5348" : "\u4e0b\u5348", hour,
                 local->tm_min);
    else if (uses_twelve_hours(locale))
        snprintf(to, size, "%d:%02d %s", hour, local->tm_min, local->tm_hour < 12 ? "am" : "pm");
    else
        snprintf(to, size, "%d:%02d", local->tm_hour, local->tm_min);
}

/* The pattern for a moment's distance, with and without the time of day. */
static const char *pattern_of(const struct moment *moment, const gust_date_options *options)
{
    bool shorter = options->shorter, told = !options->full && moment->age >= 0;
    if (told && moment->days == 0)
        return "%(time)s";
    if (told && moment->days <= 1 && moment->yesterday && !options->absolute)
        return shorter ? "yesterday" : "yesterday at %(time)s";
    if (told && moment->days < 5)
        return shorter ? "%(weekday)s" : "%(weekday)s at %(time)s";
    if (told && moment->days < 334) /* eleven months: the month is not to be mistaken */
        return shorter ? "%(month_name)s %(day)s" : "%(month_name)s %(day)s at %(time)s";
    return shorter && told ? "%(month_name)s %(day)s, %(year)s"
                           : "%(month_name)s %(day)s, %(year)s at %(time)s";
}

static char *write_moment(const gust_locale *locale, char *to, size_t size, const struct moment *moment,
                          const char *pattern)
{
    char day[12], year[12], time[32];
    snprintf(day, sizeof(day), "%d", moment->local.tm_mday);
    snprintf(year, sizeof(year), "%d", moment->local.tm_year + 1900);
    write_time(locale, &moment->local, time, sizeof(time));
    const struct value values[] = {
        {"month_name", gust_translate(locale, months[moment->local.tm_mon]), NULL, 0},
        {"weekday", gust_translate(locale, weekdays[moment->local.tm_wday]), NULL, 0},
        {"day", day, NULL, 0},
        {"year", year, NULL, 0},
        {"time", time, NULL, 0},
        {NULL, NULL, NULL, 0},
    };
    return fill(to, size, gust_translate(locale, pattern), values);
}

char *gust_format_date_with(const gust_locale *locale, char *to, size_t size, int64_t when,
                            const gust_date_options *given)
{
    gust_date_options options;
    gust__options_read(&options, sizeof(options), given);
    struct moment moment = moment_of(when, options.utc_offset);
    if (!options.absolute && !options.full && moment.age >= 0 && moment.days == 0) {
        int64_t minutes = (moment.age + MINUTE / 2) / MINUTE, hours = (moment.age + HOUR / 2) / HOUR;
        if (moment.age < 50)
            return ago(locale, to, size, "1 second ago", "%(seconds)d seconds ago", "seconds", moment.age);
        if (moment.age < 50 * MINUTE)
            return ago(locale, to, size, "1 minute ago", "%(minutes)d minutes ago", "minutes", minutes);
        return ago(locale, to, size, "1 hour ago", "%(hours)d hours ago", "hours", hours);
    }
    return write_moment(locale, to, size, &moment, pattern_of(&moment, &options));
}

char *gust_format_day(const gust_locale *locale, char *to, size_t size, int64_t when, int utc_offset)
{
    struct moment moment = moment_of(when, utc_offset);
    return write_moment(locale, to, size, &moment, "%(weekday)s, %(month_name)s %(day)s");
}

/* ---- numbers ---- */

char *gust_format_number(const gust_locale *locale, char *to, size_t size, double number, unsigned decimals)
{
    char digits[512];
    struct text text = {to, size, 0};
    const char *comma = gust_translate_in(locale, "number", ","),
               *point = gust_translate_in(locale, "number", ".");
    decimals = decimals < MOST_DECIMALS ? decimals : MOST_DECIMALS;
    if (!isfinite(number)) {
        snprintf(to, size, "%s", isnan(number) ? "NaN" : number < 0 ? "-\u221e" : "\u221e");
        return to;
    }
    /* A decimal point of the program's own locale is one character that is no digit, or several: skipped
     * below. */
    snprintf(digits, sizeof(digits), "%.*f", (int)decimals, number);
    const char *at = digits;
    append(&text, "", 0);
    if (*at == '-')
        append(&text, at++, 1);
    for (size_t left = strspn(at, "0123456789"); left > 0; left--) {
        append(&text, at++, 1);
        if (left > 1 && left % 3 == 1)
            append(&text, comma, strlen(comma));
    }
    at += strcspn(at, "0123456789");
    if (*at) {
        append(&text, point, strlen(point));
        append(&text, at, strlen(at));
    }
    return to;
}

/* ---- lists ---- */

char *gust_format_list(const gust_locale *locale, char *to, size_t size, const char *const *items,
                       size_t count)
{
    const struct value values[] = {
        {"commas", NULL, items, count > 1 ? count - 1 : 0},
        {"last", count ? items[count - 1] : "", NULL, 0},
        {NULL, NULL, NULL, 0},
    };
    return fill(to, size, count > 1 ? gust_translate(locale, "%(commas)s and %(last)s") : "%(last)s", values);
}
