/*
 * Where in the HTML a value stands: literal text moves a small machine, as a browser's tokenizer would
 * (HTML 13.2.5), into scripts, style sheets and URLs. It errs to the safe side: where a value could change
 * what the author wrote, it is refused or made harmless.
 *
 * In attributes with a language of their own, character references are undone before the inner machine sees
 * them: onclick="f(&quot;" is inside a string.
 */
#include "web/template_place.h"

#include <stdlib.h>

static const char *const element_names[] = {"",       "script",  "style",    "title", "textarea",
                                            "iframe", "noembed", "noframes", "xmp"};

const struct gust__place gust__place_nowhere = {.state = STATE_NOWHERE};

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

/* ---- attributes ---- */

static enum gust__place_attribute kind_of_attribute(const struct gust__place *place)
{
    static const char *const urls[] = {"action", "archive",    "background", "cite", "classid",  "codebase",
                                       "data",   "formaction", "href",       "icon", "longdesc", "manifest",
                                       "ping",   "poster",     "profile",    "src",  "usemap",   "xlink:href",
                                       "to",     "from",       "values",     NULL};
    if (gust__word_begins(place, "on"))
        return ATTRIBUTE_SCRIPT;
    if (gust__word_is(place, "style"))
        return ATTRIBUTE_STYLE;
    if (gust__word_is(place, "srcdoc"))
        return ATTRIBUTE_HTML;
    return gust__word_is_one_of(place, urls) ? ATTRIBUTE_URL : ATTRIBUTE_PLAIN;
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
        return gust__inner_text(place, '&');
    return gust__inner_text(place, size > sizeof(place->entity) ? 'x' : referred(name + 1));
}

static const char *value_text(struct gust__place *place, char c)
{
    if (place->attribute == ATTRIBUTE_PLAIN || place->attribute == ATTRIBUTE_HTML)
        return NULL;
    if (place->entity_size && (gust__is_letter(c) || gust__is_digit(c) || c == '#')) {
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
        return gust__inner_text(place, c);
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
    gust__word_drop(place);
}

/* ---- tags ---- */

static void enter(struct gust__place *place, enum gust__place_state state)
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
        if (gust__word_is(place, element_names[i]))
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
    } else if (gust__is_letter(c)) {
        place->state = STATE_TAG_NAME;
        gust__word_drop(place);
        gust__word_add(place, c);
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
    if (gust__is_space(c) || c == '/' || c == '>')
        end_tag_name(place);
    if (c == '>')
        end_tag(place);
    else if (place->state == STATE_TAG_NAME)
        gust__word_add(place, c);
}

static void in_tag(struct gust__place *place, char c)
{
    if (c == '>') {
        end_tag(place);
    } else if (!gust__is_space(c) && c != '/') {
        enter(place, STATE_ATTRIBUTE_NAME);
        gust__word_add(place, c);
    }
}

static void attribute_name(struct gust__place *place, char c)
{
    if (c == '=') {
        place->attribute = (uint8_t)kind_of_attribute(place);
        place->state = STATE_BEFORE_VALUE;
        gust__word_drop(place);
    } else if (gust__is_space(c)) {
        place->state = STATE_AFTER_NAME;
    } else if (c == '/' || c == '>') {
        enter(place, STATE_TAG);
        in_tag(place, c);
    } else {
        gust__word_add(place, c);
    }
}

static void after_name(struct gust__place *place, char c)
{
    if (c == '=') {
        attribute_name(place, c);
    } else if (!gust__is_space(c)) {
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
    } else if (!gust__is_space(c)) {
        begin_value(place, 0);
        return value_text(place, c);
    }
    return NULL;
}

static const char *value(struct gust__place *place, char c)
{
    bool ends = place->quote ? c == (char)place->quote : gust__is_space(c) || c == '>';
    if (!ends)
        return value_text(place, c);
    enter(place, STATE_TAG);
    if (c == '>')
        end_tag(place);
    return NULL;
}

static const char *tag_somewhere(struct gust__place *place, char c)
{
    if (!gust__is_space(c) && c != '>')
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
    if (size && place->matched == size + 2 && (gust__is_space(c) || c == '/' || c == '>')) {
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
    return gust__inner_text(place, c);
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

static const char *attribute_value(struct gust__place *place, uint8_t *how)
{
    const char *wrong = place->entity_size ? end_reference(place) : NULL;
    wrong = wrong ? wrong : gust__inner_value(place, how);
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
    return gust__word_begins(place, "data-") || gust__word_begins(place, "aria-")
               ? NULL
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
        return gust__inner_value(place, how);
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
    gust__word_drop(place);
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
        gust__word_drop(place);
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
