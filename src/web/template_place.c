/*
 * Where in the HTML a value stands: literal text moves a small machine, as a browser's tokenizer would
 * (HTML 13.2.5), into scripts, style sheets and URLs. It errs to the safe side: where a value could change
 * what the author wrote, it is refused or made harmless.
 *
 * In attributes with a language of their own, character references are undone before the inner machine sees
 * them: onclick="f(&quot;" is inside a string.
 */
#include "web/template.h"

#include <stdlib.h>

enum state {
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

enum element {
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
static const char *const element_names[] = {"",       "script",  "style",    "title", "textarea",
                                            "iframe", "noembed", "noframes", "xmp"};

enum attribute { ATTRIBUTE_PLAIN, ATTRIBUTE_URL, ATTRIBUTE_SCRIPT, ATTRIBUTE_STYLE, ATTRIBUTE_HTML };

/* The place in a script, a style sheet, or a URL. */
enum inner {
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

enum slash { SLASH_REGEX, SLASH_DIVIDES, SLASH_UNKNOWN };

const struct gust__place gust__place_nowhere = {.state = STATE_NOWHERE};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool has_end(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

void gust__place_begin(struct gust__place *place, const char *name)
{
    *place = (struct gust__place){.state = STATE_TEXT};
    if (has_end(name, ".txt") || has_end(name, ".md")) {
        place->state = STATE_OFF;
    } else if (has_end(name, ".js") || has_end(name, ".json") || has_end(name, ".css")) {
        place->state = STATE_RAW;
        place->element = ELEMENT_FILE;
        place->attribute = has_end(name, ".css") ? ATTRIBUTE_STYLE : ATTRIBUTE_SCRIPT;
    }
}

/* ---- words ---- */

static void add_to_word(struct gust__place *place, char c)
{
    if (place->word_size < sizeof(place->word))
        place->word[place->word_size] = (char)gust__lower(c);
    if (place->word_size <= sizeof(place->word))
        place->word_size++; /* one more than fits: a long word, which is none of ours */
}

static void drop_word(struct gust__place *place)
{
    memset(place->word, 0, sizeof(place->word));
    place->word_size = 0;
}

static bool word_is(const struct gust__place *place, const char *text)
{
    size_t size = strlen(text);
    return place->word_size == size && memcmp(place->word, text, size) == 0;
}

static bool word_is_one_of(const struct gust__place *place, const char *const *words)
{
    for (; *words; words++) {
        if (word_is(place, *words))
            return true;
    }
    return false;
}

static bool word_begins(const struct gust__place *place, const char *text)
{
    size_t size = strlen(text);
    return place->word_size >= size && memcmp(place->word, text, size) == 0;
}

/* ---- scripts ---- */

/* Behind these words a '/' begins a regular expression. */
static const char *const operators_by_name[] = {"return", "typeof", "case",  "in",         "of",
                                                "delete", "do",     "else",  "void",       "new",
                                                "throw",  "await",  "yield", "instanceof", NULL};

static const char *script_code(struct gust__place *place, char c)
{
    if (is_letter(c) || is_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80) {
        add_to_word(place, c);
        return NULL;
    }
    if (place->word_size) {
        place->slash = word_is_one_of(place, operators_by_name) ? SLASH_REGEX : SLASH_DIVIDES;
        drop_word(place);
    }
    if (c == '/')
        place->inner = INNER_SLASH;
    else if (c == '"' || c == '\'' || c == '`')
        place->inner = c == '"' ? INNER_DOUBLE : c == '\'' ? INNER_SINGLE : INNER_BACKTICK;
    else if (c == ')' || c == ']')
        place->slash = SLASH_DIVIDES;
    else if (c == '}')
        place->slash = SLASH_UNKNOWN; /* of a block or an object */
    else if (!is_space(c))
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
    if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
        add_to_word(place, c);
        return;
    }
    if (c == '(' && word_is(place, "url"))
        place->inner = INNER_URL_BEGIN;
    else if (c == '"' || c == '\'')
        place->inner = c == '"' ? INNER_DOUBLE : INNER_SINGLE;
    else if (c == '/')
        place->inner = INNER_SLASH;
    place->escaped = c == '\\';
    drop_word(place);
}

static void style_url(struct gust__place *place, char c)
{
    if (place->inner == INNER_URL_BEGIN && !is_space(c))
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
    place->inner = word_is_one_of(place, forbidden) ? INNER_FORBIDDEN
                   : word_is(place, "data")         ? INNER_QUERY
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
            add_to_word(place, c);
        if (place->inner == INNER_START && (unsigned char)c > ' ')
            place->inner = INNER_SCHEME;
    }
    return NULL;
}

/* ---- attributes ---- */

static enum attribute kind_of_attribute(const struct gust__place *place)
{
    static const char *const urls[] = {"action", "archive",    "background", "cite", "classid",  "codebase",
                                       "data",   "formaction", "href",       "icon", "longdesc", "manifest",
                                       "ping",   "poster",     "profile",    "src",  "usemap",   "xlink:href",
                                       "to",     "from",       "values",     NULL};
    if (word_begins(place, "on"))
        return ATTRIBUTE_SCRIPT;
    if (word_is(place, "style"))
        return ATTRIBUTE_STYLE;
    if (word_is(place, "srcdoc"))
        return ATTRIBUTE_HTML;
    return word_is_one_of(place, urls) ? ATTRIBUTE_URL : ATTRIBUTE_PLAIN;
}

static const char *inner_text(struct gust__place *place, char c)
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

/* The character that a reference stands for: ASCII only, else a letter, which changes nothing. */
static char referred(const char *name)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"quot", '"'},  {"apos", '\''}, {"amp", '&'},   {"lt", '<'},   {"gt", '>'},
                 {"colon", ':'}, {"sol", '/'},   {"bsol", '\\'}, {"Tab", '\t'}, {"NewLine", '\n'},
                 {"lpar", '('},  {"rpar", ')'},  {"grave", '`'}, {"num", '#'},  {"quest", '?'}};
    for (size_t i = 0; i < GUST_LEN(known); i++) {
        if (strcmp(name, known[i].name) == 0)
            return known[i].c;
    }
    if (*name != '#')
        return 'x';
    bool hexadecimal = gust__lower(name[1]) == 'x';
    long code = strtol(name + (hexadecimal ? 2 : 1), NULL, hexadecimal ? 16 : 10);
    return code > 0 && code < 0x80 ? (char)code : 'x';
}

/* A reference has ended, with or without ';'. */
static const char *end_reference(struct gust__place *place)
{
    char name[sizeof(place->entity) + 1] = "";
    memcpy(name, place->entity, sizeof(place->entity));
    size_t size = place->entity_size;
    memset(place->entity, 0, sizeof(place->entity));
    place->entity_size = 0;
    if (size == 1) /* a lone '&' */
        return inner_text(place, '&');
    return inner_text(place, size > sizeof(place->entity) ? 'x' : referred(name + 1));
}

static const char *value_text(struct gust__place *place, char c)
{
    if (place->attribute == ATTRIBUTE_PLAIN || place->attribute == ATTRIBUTE_HTML)
        return NULL;
    if (place->entity_size && (is_letter(c) || is_digit(c) || c == '#')) {
        if (place->entity_size < sizeof(place->entity))
            place->entity[place->entity_size] = c;
        if (place->entity_size <= sizeof(place->entity))
            place->entity_size++;
        return NULL;
    }
    if (place->entity_size) {
        const char *wrong = end_reference(place);
        if (wrong || c == ';')
            return wrong;
    }
    if (c != '&')
        return inner_text(place, c);
    place->entity[0] = '&';
    place->entity_size = 1;
    return NULL;
}

static void begin_value(struct gust__place *place, char quote)
{
    place->state = STATE_VALUE;
    place->quote = (uint8_t)quote;
    place->inner = 0;
    place->slash = SLASH_REGEX;
    place->escaped = false;
    drop_word(place);
}

/* ---- tags ---- */

static void enter(struct gust__place *place, enum state state)
{
    uint8_t element = place->element, closing = place->closing;
    *place = (struct gust__place){.state = (uint8_t)state, .element = element, .closing = closing};
}

static void end_tag(struct gust__place *place)
{
    bool special = place->element != ELEMENT_OTHER && !place->closing;
    enter(place, special ? STATE_RAW : STATE_TEXT);
    place->closing = false;
    if (!special)
        place->element = ELEMENT_OTHER;
    else if (place->element == ELEMENT_SCRIPT || place->element == ELEMENT_STYLE)
        place->attribute = place->element == ELEMENT_SCRIPT ? ATTRIBUTE_SCRIPT : ATTRIBUTE_STYLE;
}

static void end_tag_name(struct gust__place *place)
{
    place->element = ELEMENT_OTHER;
    for (size_t i = 1; i < GUST_LEN(element_names); i++) {
        if (word_is(place, element_names[i]))
            place->element = (uint8_t)i;
    }
    enter(place, STATE_TAG);
}

static void text(struct gust__place *place, char c)
{
    if (c == '<')
        enter(place, STATE_TAG_OPEN);
}

static void tag_open(struct gust__place *place, char c)
{
    if (c == '/' && !place->closing) {
        place->closing = true;
    } else if (is_letter(c)) {
        place->state = STATE_TAG_NAME;
        drop_word(place);
        add_to_word(place, c);
    } else if (!place->closing && (c == '!' || c == '?')) {
        enter(place, STATE_MARKUP);
    } else {
        place->closing = false;
        enter(place, STATE_TEXT);
        text(place, c);
    }
}

static void markup(struct gust__place *place, char c)
{
    place->matched = c == '-' && place->matched < 2 ? (uint8_t)(place->matched + 1) : 3;
    if (c == '>')
        enter(place, STATE_TEXT);
    else if (c == '-' && place->matched == 2)
        enter(place, STATE_COMMENT);
}

/* "-->" and "--!>" end it; also ">" and "->" at its beginning, which an author hardly means. */
static void html_comment(struct gust__place *place, char c)
{
    if (c == '>' && place->matched >= 2)
        enter(place, STATE_TEXT);
    else if (c == '-')
        place->matched = place->matched < 2 ? (uint8_t)(place->matched + 1) : 2;
    else if (!(c == '!' && place->matched == 2))
        place->matched = 0;
}

static void tag_name(struct gust__place *place, char c)
{
    if (is_space(c) || c == '/' || c == '>')
        end_tag_name(place);
    if (c == '>')
        end_tag(place);
    else if (place->state == STATE_TAG_NAME)
        add_to_word(place, c);
}

static void in_tag(struct gust__place *place, char c)
{
    if (c == '>') {
        end_tag(place);
    } else if (!is_space(c) && c != '/') {
        enter(place, STATE_ATTRIBUTE_NAME);
        add_to_word(place, c);
    }
}

static void attribute_name(struct gust__place *place, char c)
{
    if (c == '=') {
        place->attribute = (uint8_t)kind_of_attribute(place);
        place->state = STATE_BEFORE_VALUE;
        drop_word(place);
    } else if (is_space(c)) {
        place->state = STATE_AFTER_NAME;
    } else if (c == '/' || c == '>') {
        enter(place, STATE_TAG);
        in_tag(place, c);
    } else {
        add_to_word(place, c);
    }
}

static void after_name(struct gust__place *place, char c)
{
    if (c == '=') {
        attribute_name(place, c);
    } else if (!is_space(c)) {
        enter(place, STATE_TAG);
        in_tag(place, c);
    }
}

static const char *before_value(struct gust__place *place, char c)
{
    if (c == '"' || c == '\'') {
        begin_value(place, c);
    } else if (c == '>') {
        end_tag(place);
    } else if (!is_space(c)) {
        begin_value(place, 0);
        return value_text(place, c);
    }
    return NULL;
}

static const char *value(struct gust__place *place, char c)
{
    bool ends = place->quote ? c == (char)place->quote : is_space(c) || c == '>';
    if (!ends)
        return value_text(place, c);
    enter(place, STATE_TAG);
    if (c == '>')
        end_tag(place);
    return NULL;
}

static const char *tag_somewhere(struct gust__place *place, char c)
{
    if (!is_space(c) && c != '>')
        return "the branches before end inside a name and outside: put a space between";
    enter(place, STATE_TAG);
    in_tag(place, c);
    return NULL;
}

/* The content of a special element ends only with its own end tag. */
static const char *raw(struct gust__place *place, char c)
{
    const char *name = place->element < ELEMENT_FILE ? element_names[place->element] : "";
    size_t size = strlen(name);
    if (size && place->matched == size + 2 && (is_space(c) || c == '/' || c == '>')) {
        place->closing = true;
        enter(place, STATE_TAG);
        in_tag(place, c);
        return NULL;
    }
    size_t at = place->matched;
    bool goes_on = at == 0   ? c == '<'
                   : at == 1 ? c == '/'
                             : at < size + 2 && (char)gust__lower(c) == name[at - 2];
    place->matched = goes_on ? (uint8_t)(at + 1) : c == '<';
    if (place->element == ELEMENT_FILE)
        place->matched = 0;
    return inner_text(place, c);
}

static const char *step(struct gust__place *place, char c)
{
    switch (place->state) {
    case STATE_TEXT:
        return text(place, c), NULL;
    case STATE_TAG_OPEN:
        return tag_open(place, c), NULL;
    case STATE_MARKUP:
        return markup(place, c), NULL;
    case STATE_COMMENT:
        return html_comment(place, c), NULL;
    case STATE_TAG_NAME:
        return tag_name(place, c), NULL;
    case STATE_TAG:
        return in_tag(place, c), NULL;
    case STATE_ATTRIBUTE_NAME:
        return attribute_name(place, c), NULL;
    case STATE_AFTER_NAME:
        return after_name(place, c), NULL;
    case STATE_BEFORE_VALUE:
        return before_value(place, c);
    case STATE_VALUE:
        return value(place, c);
    case STATE_TAG_SOMEWHERE:
        return tag_somewhere(place, c);
    case STATE_RAW:
        return raw(place, c);
    default:
        return NULL;
    }
}

const char *gust__place_text(struct gust__place *place, const char *literal, size_t size)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < size && !wrong; i++) {
        if (place->state == STATE_TEXT && literal[i] != '<')
            continue;
        wrong = step(place, literal[i]);
    }
    return wrong;
}

/* ---- values ---- */

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
    drop_word(place);
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
        drop_word(place); /* no value has the parenthesis that would make it url( */
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

static const char *inner_value(struct gust__place *place, uint8_t *how)
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

static const char *attribute_value(struct gust__place *place, uint8_t *how)
{
    const char *wrong = place->entity_size ? end_reference(place) : NULL;
    wrong = wrong ? wrong : inner_value(place, how);
    if (!place->quote && place->attribute == ATTRIBUTE_HTML)
        return "a value in srcdoc without quotes";
    *how |= place->attribute == ATTRIBUTE_HTML ? GUST__ESCAPE_TWICE
            : place->quote                     ? GUST__ESCAPE_HTML
                                               : GUST__ESCAPE_UNQUOTED;
    return wrong;
}

/* As an attribute without a value; or the end of a name that is harmless whatever it is. */
static const char *name_value(struct gust__place *place, uint8_t *how)
{
    *how = GUST__ESCAPE_NAME;
    if (place->state != STATE_ATTRIBUTE_NAME) {
        enter(place, STATE_TAG_SOMEWHERE);
        return NULL;
    }
    return word_begins(place, "data-") || word_begins(place, "aria-") ? NULL
                                                                      : "a value within an attribute's name";
}

const char *gust__place_value(struct gust__place *place, uint8_t *how)
{
    *how = GUST__ESCAPE_HTML;
    switch (place->state) {
    case STATE_TEXT:
        *how |= GUST__ESCAPE_MARKUP;
        return NULL;
    case STATE_TAG_OPEN:
    case STATE_TAG_NAME:
        return "a value as the name of a tag";
    case STATE_TAG:
    case STATE_ATTRIBUTE_NAME:
    case STATE_AFTER_NAME:
        return name_value(place, how);
    case STATE_TAG_SOMEWHERE:
        return "a value behind branches that end inside a name and outside: put a space between";
    case STATE_BEFORE_VALUE:
        begin_value(place, 0);
        return attribute_value(place, how);
    case STATE_VALUE:
        return attribute_value(place, how);
    case STATE_COMMENT:
        place->matched = 0;
        return NULL;
    case STATE_RAW:
        place->matched = 0;
        if (place->attribute == ATTRIBUTE_PLAIN)
            return NULL;
        return inner_value(place, how);
    case STATE_OFF:
    case STATE_NOWHERE:
        *how = GUST__ESCAPE_NONE;
        return NULL;
    default:
        return NULL;
    }
}

/* ---- ways that meet ---- */

static bool is_in_tag(const struct gust__place *place)
{
    return place->state == STATE_TAG || place->state == STATE_ATTRIBUTE_NAME ||
           place->state == STATE_AFTER_NAME || place->state == STATE_TAG_SOMEWHERE ||
           (place->state == STATE_VALUE && !place->quote);
}

/* The element of a tag whose name may just have ended. */
static struct gust__place named(const struct gust__place *place)
{
    struct gust__place copy = *place;
    if (copy.state == STATE_TAG_NAME) {
        end_tag_name(&copy);
        copy.state = STATE_TAG_SOMEWHERE;
    }
    return copy;
}

static bool join_urls(struct gust__place *place, const struct gust__place *other)
{
    if (place->inner == INNER_FORBIDDEN || other->inner == INNER_FORBIDDEN)
        return false;
    bool before = place->inner < INNER_PATH || other->inner < INNER_PATH;
    bool behind = place->inner > INNER_PATH || other->inner > INNER_PATH;
    if (before && behind)
        return false;
    place->inner = before ? INNER_UNSURE : INNER_QUERY;
    drop_word(place);
    return true;
}

bool gust__place_join(struct gust__place *place, const struct gust__place *other)
{
    if (other->state == STATE_NOWHERE || memcmp(place, other, sizeof(*place)) == 0)
        return true;
    if (place->state == STATE_NOWHERE) {
        *place = *other;
        return true;
    }
    struct gust__place one = named(place), two = named(other);
    if (is_in_tag(&one) && is_in_tag(&two) && one.element == two.element && one.closing == two.closing) {
        *place = one;
        if (memcmp(&one, &two, sizeof(one)) != 0)
            enter(place, STATE_TAG_SOMEWHERE);
        return true;
    }
    one = *place;
    two = *other;
    one.slash = two.slash;
    one.matched = two.matched = 0;
    one.word_size = two.word_size = 0;
    memset(one.word, 0, sizeof(one.word));
    memset(two.word, 0, sizeof(two.word));
    if (memcmp(&one, &two, sizeof(one)) == 0) { /* the same place in a script, a style sheet, or text */
        bool same_word = place->word_size == other->word_size &&
                         memcmp(place->word, other->word, sizeof(place->word)) == 0;
        place->slash = place->slash == other->slash && same_word ? place->slash : SLASH_UNKNOWN;
        if (place->attribute == ATTRIBUTE_URL && place->inner == INNER_SCHEME && !same_word)
            place->inner = INNER_UNSURE;
        if (place->matched != other->matched && place->state == STATE_MARKUP)
            return false;
        if (place->matched != other->matched)
            place->matched = 0;
        drop_word(place);
        return place->state == STATE_RAW || place->state == STATE_VALUE || place->state == STATE_COMMENT;
    }
    one.inner = two.inner;
    if (memcmp(&one, &two, sizeof(one)) == 0 && place->state == STATE_VALUE &&
        place->attribute == ATTRIBUTE_URL)
        return join_urls(place, other);
    return false;
}

const char *gust__place_name(const struct gust__place *place)
{
    switch (place->state) {
    case STATE_TEXT:
    case STATE_OFF:
        return "in text";
    case STATE_COMMENT:
        return "in a comment";
    case STATE_RAW:
        return place->element == ELEMENT_SCRIPT  ? "in a script"
               : place->element == ELEMENT_STYLE ? "in a style sheet"
                                                 : "in a special element";
    case STATE_VALUE:
        return place->attribute == ATTRIBUTE_URL ? "in a URL" : "in an attribute's value";
    case STATE_NOWHERE:
        return "nowhere";
    default:
        return "in a tag";
    }
}

bool gust__place_is_text(const struct gust__place *place)
{
    return place->state == STATE_TEXT || place->state == STATE_OFF || place->state == STATE_NOWHERE;
}

const char *gust__place_end(const struct gust__place *place)
{
    if (place->state == STATE_TAG_OPEN && !place->closing)
        return NULL; /* a '<' at the end is text */
    bool file = place->state == STATE_RAW && place->element == ELEMENT_FILE;
    return gust__place_is_text(place) || file ? NULL : gust__place_name(place);
}
