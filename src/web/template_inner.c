/* Where in a script, a style sheet or a URL a value stands, within the HTML or a file of its own. */
#include "web/template_place.h"

/* ---- scripts ---- */

/* Behind these words a '/' begins a regular expression. */
static const char *const operators_by_name[] = {"return", "typeof", "case",  "in",         "of",
                                                "delete", "do",     "else",  "void",       "new",
                                                "throw",  "await",  "yield", "instanceof", NULL};

static const char *script_code(struct gust__place *place, char c)
{
    if (gust__is_letter(c) || gust__is_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80) {
        gust__word_add(place, c);
        return NULL;
    }
    if (place->word_size) {
        place->slash = gust__word_is_one_of(place, operators_by_name) ? SLASH_REGEX : SLASH_DIVIDES;
        gust__word_drop(place);
    }
    if (c == '/')
        place->inner = INNER_SLASH;
    else if (c == '"' || c == '\'' || c == '`')
        place->inner = c == '"' ? INNER_DOUBLE : c == '\'' ? INNER_SINGLE : INNER_BACKTICK;
    else if (c == ')' || c == ']')
        place->slash = SLASH_DIVIDES;
    else if (c == '}')
        place->slash = SLASH_UNKNOWN; /* of a block or an object */
    else if (!gust__is_space(c))
        place->slash = SLASH_REGEX;
    return NULL;
}

static const char *script_slash(struct gust__place *place, char c)
{
    if (c == '/' || c == '*') {
        place->inner = c == '/' ? INNER_LINE_COMMENT : INNER_COMMENT;
        return NULL;
    }
    if (place->slash == SLASH_UNKNOWN)
        return "a '/' in a script that may divide or begin a regular expression: write parentheses";
    bool regex = place->slash == SLASH_REGEX;
    place->inner = regex ? (c == '[' ? INNER_REGEX_CLASS : INNER_REGEX) : INNER_CODE;
    place->slash = SLASH_REGEX;
    place->escaped = regex && c == '\\';
    return regex ? NULL : script_code(place, c);
}

/* In a string or a regular expression; what ends it leads back to code. */
static void quoted(struct gust__place *place, char c, char end)
{
    if (place->escaped) {
        place->escaped = false;
    } else if (c == '\\') {
        place->escaped = true;
    } else if (c == end || (c == '\n' && place->inner != INNER_BACKTICK)) {
        place->inner = INNER_CODE;
        place->slash = SLASH_DIVIDES;
    }
}

static void regex(struct gust__place *place, char c)
{
    if (!place->escaped && c == '[')
        place->inner = INNER_REGEX_CLASS;
    else
        quoted(place, c, '/');
}

static void regex_class(struct gust__place *place, char c)
{
    bool ends = !place->escaped && c == ']';
    place->escaped = !place->escaped && c == '\\';
    if (ends)
        place->inner = INNER_REGEX;
}

static void comment(struct gust__place *place, char c)
{
    if (place->inner == INNER_STAR && c == '/')
        place->inner = INNER_CODE;
    else
        place->inner = c == '*' ? INNER_STAR : INNER_COMMENT;
}

static const char *script(struct gust__place *place, char c)
{
    switch (place->inner) {
    case INNER_DOUBLE:
        return quoted(place, c, '"'), NULL;
    case INNER_SINGLE:
        return quoted(place, c, '\''), NULL;
    case INNER_BACKTICK:
        return quoted(place, c, '`'), NULL;
    case INNER_REGEX:
        return regex(place, c), NULL;
    case INNER_REGEX_CLASS:
        return regex_class(place, c), NULL;
    case INNER_SLASH:
        return script_slash(place, c);
    case INNER_LINE_COMMENT:
        place->inner = c == '\n' || c == '\r' ? INNER_CODE : INNER_LINE_COMMENT;
        return NULL;
    case INNER_COMMENT:
    case INNER_STAR:
        return comment(place, c), NULL;
    default:
        return script_code(place, c);
    }
}

/* ---- style sheets ---- */

static void style_code(struct gust__place *place, char c)
{
    if (place->escaped) {
        place->escaped = false;
        return;
    }
    if (gust__is_letter(c) || gust__is_digit(c) || c == '-' || c == '_') {
        gust__word_add(place, c);
        return;
    }
    if (c == '(' && gust__word_is(place, "url"))
        place->inner = INNER_URL_BEGIN;
    else if (c == '"' || c == '\'')
        place->inner = c == '"' ? INNER_DOUBLE : INNER_SINGLE;
    else if (c == '/')
        place->inner = INNER_SLASH;
    place->escaped = c == '\\';
    gust__word_drop(place);
}

static void style_url(struct gust__place *place, char c)
{
    if (place->inner == INNER_URL_BEGIN && !gust__is_space(c))
        place->inner = c == '"' ? INNER_URL_DOUBLE : c == '\'' ? INNER_URL_SINGLE : INNER_URL;
    else if (place->escaped)
        place->escaped = false;
    else if (c == '\\')
        place->escaped = true;
    else if ((place->inner == INNER_URL_DOUBLE && c == '"') ||
             (place->inner == INNER_URL_SINGLE && c == '\''))
        place->inner = INNER_CODE;
    if (place->inner == INNER_URL && c == ')')
        place->inner = INNER_CODE;
}

static void style(struct gust__place *place, char c)
{
    switch (place->inner) {
    case INNER_DOUBLE:
        quoted(place, c, '"');
        break;
    case INNER_SINGLE:
        quoted(place, c, '\'');
        break;
    case INNER_SLASH:
        place->inner = c == '*' ? INNER_COMMENT : INNER_CODE;
        if (c != '*')
            style_code(place, c);
        break;
    case INNER_COMMENT:
    case INNER_STAR:
        comment(place, c);
        break;
    case INNER_CODE:
        style_code(place, c);
        break;
    default:
        style_url(place, c);
    }
}

/* ---- URLs ---- */

static const char *url_scheme(struct gust__place *place)
{
    static const char *const forbidden[] = {"javascript", "vbscript", NULL};
    if (place->inner == INNER_UNSURE)
        return "a value is the scheme of a URL, or a part of it";
    place->inner = gust__word_is_one_of(place, forbidden) ? INNER_FORBIDDEN
                   : gust__word_is(place, "data")         ? INNER_QUERY
                                                          : INNER_PATH;
    return NULL;
}

static const char *url(struct gust__place *place, char c)
{
    if (place->inner == INNER_FORBIDDEN || place->inner == INNER_QUERY)
        return NULL;
    if (c == '?' || c == '#') {
        place->inner = INNER_QUERY;
    } else if (place->inner != INNER_PATH) {
        if (c == ':')
            return url_scheme(place);
        if (c == '/')
            place->inner = INNER_PATH;
        else if ((unsigned char)c > ' ') /* browsers skip the rest within a scheme */
            gust__word_add(place, c);
        if (place->inner == INNER_START && (unsigned char)c > ' ')
            place->inner = INNER_SCHEME;
    }
    return NULL;
}

/* ---- any of them ---- */

const char *gust__inner_text(struct gust__place *place, char c)
{
    switch (place->attribute) {
    case ATTRIBUTE_URL:
        return url(place, c);
    case ATTRIBUTE_SCRIPT:
        return script(place, c);
    case ATTRIBUTE_STYLE:
        return style(place, c), NULL;
    default:
        return NULL;
    }
}

static const char *script_value(struct gust__place *place, uint8_t *how)
{
    switch (place->inner) {
    case INNER_SLASH:
        if (place->slash != SLASH_DIVIDES)
            return "a value in a regular expression of a script";
        place->inner = INNER_CODE;
        break;
    case INNER_DOUBLE:
    case INNER_SINGLE:
        *how = GUST__ESCAPE_SCRIPT_TEXT;
        return place->escaped ? "a value behind a backslash" : NULL;
    case INNER_BACKTICK:
        return "a value in a script's template literal: give it to a variable first";
    case INNER_REGEX:
    case INNER_REGEX_CLASS:
        return "a value in a regular expression of a script";
    default:
        break;
    }
    if (place->inner == INNER_STAR)
        place->inner = INNER_COMMENT;
    if (place->word_size && place->inner == INNER_CODE)
        return "a value within a word of a script";
    gust__word_drop(place);
    place->slash = SLASH_DIVIDES;
    *how = GUST__ESCAPE_SCRIPT; /* in a comment too: no value ends it */
    return NULL;
}

static const char *style_value(struct gust__place *place, uint8_t *how)
{
    if (place->escaped)
        return "a value behind a backslash";
    switch (place->inner) {
    case INNER_DOUBLE:
    case INNER_SINGLE:
        *how = GUST__ESCAPE_STYLE_TEXT;
        break;
    case INNER_URL_BEGIN:
        place->inner = INNER_URL;
        *how = GUST__ESCAPE_URL_STYLE;
        break;
    case INNER_URL:
    case INNER_URL_DOUBLE:
    case INNER_URL_SINGLE:
        *how = GUST__ESCAPE_URL_STYLE;
        break;
    case INNER_SLASH:
    case INNER_STAR:
        return "a value behind '/' or '*' in a style sheet";
    default:
        *how = GUST__ESCAPE_STYLE;
        gust__word_drop(place); /* no value has the parenthesis that would make it url( */
    }
    return NULL;
}

static const char *url_value(struct gust__place *place, uint8_t *how)
{
    switch (place->inner) {
    case INNER_START:
        *how = GUST__ESCAPE_URL;
        place->inner = INNER_UNSURE;
        break;
    case INNER_SCHEME:
    case INNER_UNSURE:
        *how = GUST__ESCAPE_URL_REST;
        place->inner = INNER_UNSURE;
        break;
    case INNER_PATH:
        *how = GUST__ESCAPE_URL_PATH;
        break;
    case INNER_QUERY:
        *how = GUST__ESCAPE_URL_QUERY;
        break;
    default:
        return "a value in a javascript: URL";
    }
    return NULL;
}

const char *gust__inner_value(struct gust__place *place, uint8_t *how)
{
    *how = GUST__ESCAPE_NONE;
    switch (place->attribute) {
    case ATTRIBUTE_URL:
        return url_value(place, how);
    case ATTRIBUTE_SCRIPT:
        return script_value(place, how);
    case ATTRIBUTE_STYLE:
        return style_value(place, how);
    default:
        return NULL;
    }
}
