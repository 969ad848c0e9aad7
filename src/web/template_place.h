/*
 * What the two halves of the machine share that follows literal text: template_place.c knows the HTML,
 * template_inner.c the scripts, style sheets and URLs in it.
 */
#ifndef GUST_WEB_TEMPLATE_PLACE_H
#define GUST_WEB_TEMPLATE_PLACE_H

#include "web/template.h"

enum gust__place_state {
    STATE_TEXT,
    STATE_TAG_OPEN, /* behind '<' */
    STATE_MARKUP,   /* behind "<!" or "<?" */
    STATE_COMMENT,
    STATE_TAG_NAME,
    STATE_TAG, /* where an attribute may begin */
    STATE_ATTRIBUTE_NAME,
    STATE_AFTER_NAME,
    STATE_BEFORE_VALUE,
    STATE_VALUE,
    STATE_TAG_SOMEWHERE, /* in a tag or behind a name: what comes must end both */
    STATE_RAW,           /* in the content of a special element */
    STATE_OFF,           /* no HTML: nothing is escaped */
    STATE_NOWHERE
};

enum gust__place_element {
    ELEMENT_OTHER,
    ELEMENT_SCRIPT,
    ELEMENT_STYLE,
    ELEMENT_TITLE,
    ELEMENT_TEXTAREA,
    ELEMENT_IFRAME,
    ELEMENT_NOEMBED,
    ELEMENT_NOFRAMES,
    ELEMENT_XMP,
    ELEMENT_FILE /* a whole .js or .css file */
};
enum gust__place_attribute {
    ATTRIBUTE_PLAIN,
    ATTRIBUTE_URL,
    ATTRIBUTE_SCRIPT,
    ATTRIBUTE_STYLE,
    ATTRIBUTE_HTML
};

/* The place in a script, a style sheet, or a URL. */
enum gust__place_inner {
    INNER_CODE,
    INNER_DOUBLE, /* "..." */
    INNER_SINGLE, /* '...' */
    INNER_BACKTICK,
    INNER_REGEX,
    INNER_REGEX_CLASS,
    INNER_SLASH, /* behind a '/' that may begin a comment */
    INNER_LINE_COMMENT,
    INNER_COMMENT,
    INNER_STAR,      /* in a comment, behind '*' */
    INNER_URL_BEGIN, /* of a style sheet: behind "url(" */
    INNER_URL,
    INNER_URL_DOUBLE,
    INNER_URL_SINGLE,

    INNER_START = INNER_CODE, /* of a URL: nothing yet */
    INNER_SCHEME = 20,        /* literal text that may be a scheme's beginning */
    INNER_UNSURE,             /* a value went before: it may have begun a scheme */
    INNER_PATH,
    INNER_QUERY,
    INNER_FORBIDDEN /* "javascript:" was written */
};

enum gust__place_slash { SLASH_REGEX, SLASH_DIVIDES, SLASH_UNKNOWN };

static inline bool gust__is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool gust__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool gust__is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- the word that is being read ---- */

static inline void gust__word_add(struct gust__place *place, char c)
{
    if (place->word_size < sizeof(place->word))
        place->word[place->word_size] = (char)gust__lower(c);
    if (place->word_size <= sizeof(place->word))
        place->word_size++; /* one more than fits: a long word, which is none of ours */
}

static inline void gust__word_drop(struct gust__place *place)
{
    memset(place->word, 0, sizeof(place->word));
    place->word_size = 0;
}

static inline bool gust__word_is(const struct gust__place *place, const char *text)
{
    size_t size = strlen(text);
    return place->word_size == size && memcmp(place->word, text, size) == 0;
}

static inline bool gust__word_is_one_of(const struct gust__place *place, const char *const *words)
{
    for (; *words; words++) {
        if (gust__word_is(place, *words))
            return true;
    }
    return false;
}

static inline bool gust__word_begins(const struct gust__place *place, const char *text)
{
    size_t size = strlen(text);
    return place->word_size >= size && memcmp(place->word, text, size) == 0;
}

/* ---- template_inner.c ---- */

/* One character of the content of a script, a style sheet or a URL: place->attribute says which. NULL, or
 * what is wrong with it. */
const char *gust__inner_text(struct gust__place *place, char c);
/* A value stands there: how it is made fit for it. NULL, or why it cannot. */
const char *gust__inner_value(struct gust__place *place, uint8_t *how);

#endif
