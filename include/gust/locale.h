/*
 * gust/locale.h - what the user reads, in the user's language: messages, plural forms, dates, numbers
 *
 *     gust_locales *locales = gust_locales_new(.directory = "locale");    //
 * locale/de/LC_MESSAGES/messages.mo … gust_app_set(app, .locales = locales);
 *
 *     static void inbox(gust_request *req)
 *     {
 *         const gust_locale *locale = gust_locale_of(req);                // by Accept-Language
 *         gust_printf(req, gust_translate_n(locale, "%d new letter", "%d new letters", count), count);
 *     }
 *
 * Messages come from gettext's catalogues: xgettext --keyword=gust_translate:2 --keyword=gust_translate_n:2,3
 * --keyword=gust_translate_in:2c,3 collects them, msgfmt makes the .mo files. They are read once, at the
 * start; a message that a catalogue does not have is shown as it stands in the source. Catalogues are UTF-8.
 *
 * The names of months and days and the patterns of dates are messages, too: "January", "Monday",
 * "%(month_name)s %(day)s, %(year)s at %(time)s", "yesterday at %(time)s", "%(commas)s and %(last)s"; they
 * are those of Tornado, so that its catalogues fit. In the context "number" the messages "," and "." are what
 * groups thousands and what stands before the fraction.
 *
 * A gust_locales does not change once it is made: all its functions are for any thread. Texts last as long as
 * it does.
 */
#ifndef GUST_LOCALE_H
#define GUST_LOCALE_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_locale gust_locale;
typedef struct gust_locales gust_locales;

typedef struct gust_locales_options {
    size_t size;
    const char *directory GUST_ZERO; /* DIRECTORY/LANGUAGE/LC_MESSAGES/DOMAIN.mo; default "locale" */
    const char *domain GUST_ZERO;    /* default "messages" */
    const char *fallback GUST_ZERO;  /* the language of the messages in the source; default "en_US" */
} gust_locales_options;

/* [any] Reads the catalogues. NULL: what opening the directory said, EBADMSG (a broken catalogue:
 * gust_error_last() names it), ENOMEM. */
GUST_API gust_locales *gust_locales_new_with(const gust_locales_options *options);
#define gust_locales_new(...) gust_locales_new_with(GUST_OPTIONS(gust_locales_options, ##__VA_ARGS__))

/* [any] NULL is allowed. */
GUST_API void gust_locales_free(gust_locales *locales);

/* ---- which one ---- */

/* [any] The closest to a list as Accept-Language has it, or to one code ("de", "pt-BR", "pt_BR"): by weight,
 * each first as it is, then by its language alone; else the fallback. Never NULL. */
GUST_API const gust_locale *gust_locale_closest(const gust_locales *locales, const char *languages);

/* [loop] The request's: what gust_set_locale said, else by its Accept-Language. NULL when the application has
 * no .locales: every function here takes that as a locale without catalogue. */
GUST_API const gust_locale *gust_locale_of(gust_request *request);

/* [loop] The user's own choice, for the rest of the request. */
GUST_API void gust_set_locale(gust_request *request, const char *language);

/* [any] "de_AT", as its directory is called. */
GUST_API const char *gust_locale_code(const gust_locale *locale);

/* ---- messages ---- */

/* [any] The message in the locale's language, or as it is. */
GUST_API const char *gust_translate(const gust_locale *locale, const char *message)
    __attribute__((format_arg(2)));

/* [any] The form that fits the number, by the catalogue's rule; without one singular for 1. */
GUST_API const char *gust_translate_n(const gust_locale *locale, const char *singular, const char *plural,
                                      uint64_t number) __attribute__((format_arg(2), format_arg(3)));

/* [any] A message that means other things elsewhere: "Open" in the context "menu", or "shop door". */
GUST_API const char *gust_translate_in(const gust_locale *locale, const char *context, const char *message)
    __attribute__((format_arg(3)));

/* ---- dates, numbers, lists: written into to, at most size bytes with the NUL; they return to ---- */

typedef struct gust_date_options {
    size_t size;
    int utc_offset GUST_ZERO; /* the user's minutes east of UTC */
    bool absolute GUST_ZERO;  /* no "2 minutes ago", no "yesterday" */
    bool shorter GUST_ZERO;   /* without the time of day where the day says enough */
    bool full GUST_ZERO;      /* always day, month, year and time */
} gust_date_options;

/* [any] When something was, in seconds since 1970: "2 minutes ago", "yesterday at 10:30", "March 5", … Times
 * ahead, but for a minute that clocks may differ, are told in full. */
GUST_API char *gust_format_date_with(const gust_locale *locale, char *to, size_t size, int64_t when,
                                     const gust_date_options *options);
#define gust_format_date(locale, to, size, when, ...) \
    gust_format_date_with(locale, to, size, when, GUST_OPTIONS(gust_date_options, ##__VA_ARGS__))

/* [any] "Monday, January 22". */
GUST_API char *gust_format_day(const gust_locale *locale, char *to, size_t size, int64_t when,
                               int utc_offset);

/* [any] "1,234,567" and "1,234.50": decimals digits behind the point, at most 9. */
GUST_API char *gust_format_number(const gust_locale *locale, char *to, size_t size, double number,
                                  unsigned decimals);

/* [any] "A, B and C". */
GUST_API char *gust_format_list(const gust_locale *locale, char *to, size_t size, const char *const *items,
                                size_t count);

GUST_END_DECLARATIONS

#endif
