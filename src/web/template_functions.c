/* What templates may call: the interface of functions, and those that are built in. */
#include "web/template.h"

#include "base/alloc.h"
#include "http/url.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <gust/error.h>

/* ---- the interface ---- */

gust_request *gust_template_request(const gust_template_call *call)
{
    return call->rendering->request;
}

unsigned gust_template_count(const gust_template_call *call)
{
    return call->count;
}

static const struct gust__value *argument(gust_template_call *call, unsigned index)
{
    if (index < call->count)
        return &call->arguments[index];
    gust_error_set(EINVAL, "argument %u is missing", index + 1);
    return NULL;
}

/* An argument as text; -1: the last error. */
static int text_argument(gust_template_call *call, unsigned index, struct gust__slice *text)
{
    const struct gust__value *value = argument(call, index);
    text->data = value ? gust__template_text_of(call->rendering, value, &text->size) : NULL;
    return text->data ? 0 : -1;
}

const char *gust_template_text(gust_template_call *call, unsigned index)
{
    struct gust__slice text;
    if (text_argument(call, index, &text) < 0)
        return NULL;
    if (text.data[text.size])
        return gust__arena_memdup(call->rendering->arena, text.data, text.size);
    return text.data;
}

static int number_wanted(const struct gust__value *value, unsigned index)
{
    return gust_error_set(EINVAL, "argument %u is %s, not a number", index + 1, gust__value_kind_name(value));
}

int gust_template_integer(gust_template_call *call, unsigned index, int64_t *integer)
{
    const struct gust__value *value = argument(call, index);
    if (!value)
        return -1;
    if (value->kind != GUST__VALUE_INTEGER)
        return number_wanted(value, index);
    *integer = value->integer;
    return 0;
}

int gust_template_real(gust_template_call *call, unsigned index, double *real)
{
    const struct gust__value *value = argument(call, index);
    if (!value)
        return -1;
    if (value->kind != GUST__VALUE_INTEGER && value->kind != GUST__VALUE_REAL)
        return number_wanted(value, index);
    *real = value->kind == GUST__VALUE_REAL ? value->real : (double)value->integer;
    return 0;
}

static int return_text(gust_template_call *call, const char *text, size_t size,
                       enum gust__value_flavour flavour)
{
    const char *copy = gust__arena_memdup(call->rendering->arena, size ? text : "", size);
    if (!copy)
        return gust_error_set(ENOMEM, NULL);
    call->result = gust__value_text(copy, size);
    call->result.flavour = (uint8_t)flavour;
    return 0;
}

int gust_template_return(gust_template_call *call, const char *text)
{
    return return_text(call, text, strlen(text), GUST__FLAVOUR_PLAIN);
}

int gust_template_return_html(gust_template_call *call, const char *html)
{
    return return_text(call, html, strlen(html), GUST__FLAVOUR_HTML);
}

int gust_template_return_integer(gust_template_call *call, int64_t value)
{
    call->result = gust__value_integer(value);
    return 0;
}

int gust_template_return_real(gust_template_call *call, double value)
{
    if (!isfinite(value))
        return gust_error_set(EINVAL, "a number that is not finite");
    call->result = (struct gust__value){.kind = GUST__VALUE_REAL, .real = value};
    return 0;
}

/* ---- built in ---- */

/* Whether there are so many arguments. */
static int expect(gust_template_call *call, unsigned least, unsigned most)
{
    if (call->count >= least && call->count <= most)
        return 0;
    return gust_error_set(EINVAL, "%u arguments instead of %u%s%.*u", call->count, least,
                          most > least ? " to " : "", most > least ? 3 : 0, most > least ? most : 0);
}

static struct gust__template_output scratch(gust_template_call *call)
{
    return (struct gust__template_output){.max = SIZE_MAX, .arena = call->rendering->arena, .holds = 1};
}

static int return_output(gust_template_call *call, struct gust__template_output *output,
                         enum gust__value_flavour flavour)
{
    size_t size = output->size;
    if (gust__template_put(output, "", 1) < 0)
        return -1;
    call->result = gust__value_text(output->data, size);
    call->result.flavour = (uint8_t)flavour;
    return 0;
}

static int xhtml_escape(gust_template_call *call, void *data)
{
    struct gust__template_output output = scratch(call);
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0 ||
        gust__template_put_escaped(&output, text.data, text.size, GUST__ESCAPE_HTML) < 0)
        return -1;
    return return_output(call, &output, GUST__FLAVOUR_PLAIN);
}

/* url_escape(text, plus=true): for a query, else for a path. */
static int url_escape(gust_template_call *call, void *data)
{
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 2) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    bool plus = call->count < 2 || gust__value_truth(&call->arguments[1]);
    char *url = gust__arena_alloc(call->rendering->arena, 3 * text.size + 1);
    if (!url)
        return gust_error_set(ENOMEM, NULL);
    /* Python's quote() keeps '/', and of what a path may have no more; quote_plus() not even that. */
    static const char hexadecimal[] = "0123456789ABCDEF";
    char *to = url;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool stays = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c && strchr(plus ? "_.-~" : "_.-~/", c));
        if (stays || (plus && c == ' ')) {
            *to++ = c == ' ' ? '+' : (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = hexadecimal[c >> 4];
        *to++ = hexadecimal[c & 15];
    }
    *to = 0;
    call->result = gust__value_text(url, (size_t)(to - url));
    return 0;
}

static int json_encode(gust_template_call *call, void *data)
{
    struct gust__template_output output = scratch(call);
    (void)data;
    if (expect(call, 1, 1) < 0 || gust__template_put_json(&output, &call->arguments[0], false, 0) < 0)
        return -1;
    return return_output(call, &output, GUST__FLAVOUR_JSON);
}

static bool is_white(char c)
{
    return (unsigned char)c <= ' ';
}

static struct gust__slice stripped(struct gust__slice text)
{
    while (text.size && is_white(text.data[text.size - 1]))
        text.size--;
    while (text.size && is_white(*text.data))
        text = gust__slice_from(text, 1);
    return text;
}

/* White space and control characters become one blank, and go at the ends. */
static int squeeze(gust_template_call *call, void *data)
{
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    text = stripped(text);
    char *squeezed = gust__arena_alloc(call->rendering->arena, text.size + 1), *to = squeezed;
    if (!squeezed)
        return gust_error_set(ENOMEM, NULL);
    for (size_t i = 0; i < text.size; i++) {
        if (!is_white(text.data[i]))
            *to++ = text.data[i];
        else if (to > squeezed && to[-1] != ' ')
            *to++ = ' ';
    }
    *to = 0;
    call->result = gust__value_text(squeezed, (size_t)(to - squeezed));
    return 0;
}

static int strip(gust_template_call *call, void *data)
{
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    text = stripped(text);
    return return_text(call, text.data, text.size, GUST__FLAVOUR_PLAIN);
}

/* len(): of a list or an object its elements, of a text its characters. */
static int length(gust_template_call *call, void *data)
{
    (void)data;
    if (expect(call, 1, 1) < 0)
        return -1;
    const struct gust__value *value = &call->arguments[0];
    ssize_t count = gust__value_length(value);
    if (value->kind == GUST__VALUE_TEXT) {
        count = 0;
        for (size_t i = 0; i < value->size; i++)
            count += (value->text[i] & 0xc0) != 0x80;
    }
    if (count < 0)
        return gust_error_set(EINVAL, "%s has no length", gust__value_kind_name(value));
    return gust_template_return_integer(call, count);
}

/* range(end), range(first, end), range(first, end, step) */
static int range(gust_template_call *call, void *data)
{
    int64_t numbers[3] = {0, 0, 1};
    (void)data;
    if (expect(call, 1, 3) < 0)
        return -1;
    for (unsigned i = 0; i < call->count; i++) {
        int64_t *number = &numbers[call->count == 1 ? 1 : i];
        if (gust_template_integer(call, i, number) < 0)
            return -1;
        if (*number < INT32_MIN || *number > INT32_MAX)
            return gust_error_set(EINVAL, "a number beyond 32 bits");
    }
    int64_t step = numbers[2], distance = step < 0 ? numbers[0] - numbers[1] : numbers[1] - numbers[0];
    if (step == 0)
        return gust_error_set(EINVAL, "a step of 0");
    int64_t count = distance > 0 ? (distance + llabs(step) - 1) / llabs(step) : 0;
    call->result = (struct gust__value){
        .kind = GUST__VALUE_RANGE, .size = (size_t)count, .range = {(int32_t)numbers[0], (int32_t)step}};
    return 0;
}

/* join(list, between="") */
static int join(gust_template_call *call, void *data)
{
    struct gust__template_output output = scratch(call);
    struct gust__slice between = {"", 0};
    (void)data;
    if (expect(call, 1, 2) < 0 || (call->count == 2 && text_argument(call, 1, &between) < 0))
        return -1;
    const struct gust__value *list = &call->arguments[0];
    ssize_t count = gust__value_length(list);
    if (count < 0 || (list->kind == GUST__VALUE_JSON && json_is_object(list->json)))
        return gust_error_set(EINVAL, "%s instead of a list", gust__value_kind_name(list));
    if (list->kind == GUST__VALUE_RANGE && count > call->rendering->iterations)
        return gust__template_limit(call->rendering, "more elements than the limit of iterations");
    for (ssize_t i = 0; i < count; i++) {
        struct gust__value element = gust__value_at(list, (size_t)i);
        if ((i && gust__template_put(&output, between.data, between.size) < 0) ||
            gust__template_write(&output, &element, GUST__ESCAPE_NONE) < 0)
            return -1;
    }
    return return_output(call, &output, GUST__FLAVOUR_PLAIN);
}

/* ASCII only, whatever the locale. */
static int change_case(gust_template_call *call, char first)
{
    struct gust__slice text;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    char *changed = gust__arena_memdup(call->rendering->arena, text.data, text.size);
    if (!changed)
        return gust_error_set(ENOMEM, NULL);
    for (size_t i = 0; i < text.size; i++)
        changed[i] = (char)(changed[i] ^ (changed[i] >= first && changed[i] <= first + 25 ? 0x20 : 0));
    call->result = gust__value_text(changed, text.size);
    return 0;
}

static int upper(gust_template_call *call, void *data)
{
    (void)data;
    return change_case(call, 'a');
}

static int lower(gust_template_call *call, void *data)
{
    (void)data;
    return change_case(call, 'A');
}

static int to_text(gust_template_call *call, void *data)
{
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    call->result = gust__value_text(text.data, text.size);
    return 0;
}

/* int(): of a number what stands before the point, of a text the number that it is. */
static int to_integer(gust_template_call *call, void *data)
{
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0)
        return -1;
    const struct gust__value *value = &call->arguments[0];
    if (value->kind == GUST__VALUE_BOOLEAN)
        return gust_template_return_integer(call, value->boolean);
    if (value->kind == GUST__VALUE_REAL && fabs(value->real) < 0x1p63)
        return gust_template_return_integer(call, (int64_t)value->real);
    if (text_argument(call, 0, &text) < 0)
        return -1;
    char digits[32], *end = digits;
    text = stripped(text);
    if (text.size == 0 || text.size >= sizeof(digits))
        return gust_error_set(EINVAL, "this is no integer");
    memcpy(digits, text.data, text.size);
    digits[text.size] = 0;
    errno = 0;
    int64_t integer = strtoll(digits, &end, 10);
    if (*end || errno)
        return gust_error_set(EINVAL, "this is no integer");
    return gust_template_return_integer(call, integer);
}

/* round(number, digits=0): half away from zero. */
static int round_number(gust_template_call *call, void *data)
{
    double real;
    int64_t digits = 0;
    (void)data;
    if (expect(call, 1, 2) < 0 || gust_template_real(call, 0, &real) < 0 ||
        (call->count == 2 && gust_template_integer(call, 1, &digits) < 0))
        return -1;
    if (digits < 0 || digits > 15)
        return gust_error_set(EINVAL, "0 to 15 digits");
    double power = pow(10, (double)digits), rounded = round(real * power);
    if (call->count == 1 && fabs(rounded) < 0x1p63)
        return gust_template_return_integer(call, (int64_t)rounded);
    return gust_template_return_real(call, fabs(rounded) < 0x1p53 ? rounded / power : real);
}

/* The keys or values of an object, in their order. */
static int list_members(gust_template_call *call, bool keys)
{
    if (expect(call, 1, 1) < 0)
        return -1;
    const struct gust__value *object = &call->arguments[0];
    if (object->kind != GUST__VALUE_JSON || !json_is_object(object->json))
        return gust_error_set(EINVAL, "%s instead of an object", gust__value_kind_name(object));
    struct gust__value *list =
        gust__arena_alloc(call->rendering->arena, (json_object_size(object->json) + 1) * sizeof(*list));
    const char *key;
    json_t *member;
    size_t count = 0;
    if (!list)
        return gust_error_set(ENOMEM, NULL);
    json_object_foreach(object->json, key, member) list[count++] =
        keys ? gust__value_text(key, strlen(key)) : gust__value_of_json(member);
    call->result = (struct gust__value){.kind = GUST__VALUE_LIST, .size = count, .list = list};
    return 0;
}

static int keys_of(gust_template_call *call, void *data)
{
    (void)data;
    return list_members(call, true);
}

static int values_of(gust_template_call *call, void *data)
{
    (void)data;
    return list_members(call, false);
}

/* ---- linkify ---- */

static bool ends_url(char c)
{
    return is_white(c) || c == '<' || c == '>' || c == '"' || c == '(' || c == ')';
}

/* The length of the URL that begins here, without punctuation behind it; 0: none does. */
static size_t url_at(struct gust__slice text, size_t *scheme)
{
    static const char *const begins[] = {"https://", "http://", "www."};
    for (size_t i = 0; i < GUST_LEN(begins); i++) {
        struct gust__slice begin = gust__slice_of(begins[i]);
        if (!gust__slice_starts_with(text, begin))
            continue;
        size_t size = begin.size;
        while (size < text.size && !ends_url(text.data[size]))
            size++;
        while (size > begin.size && strchr("!#$%&'*+,.:;=?@[]^`{|}~", text.data[size - 1]))
            size--;
        *scheme = i < 2;
        return size > begin.size ? size : 0;
    }
    return 0;
}

static int put_link(struct gust__template_output *output, struct gust__slice url, bool scheme)
{
    if (gust__template_put(output, "<a href=\"", 9) < 0 ||
        (!scheme && gust__template_put(output, "http://", 7) < 0) ||
        gust__template_put_escaped(output, url.data, url.size, GUST__ESCAPE_HTML) < 0 ||
        gust__template_put(output, "\">", 2) < 0 ||
        gust__template_put_escaped(output, url.data, url.size, GUST__ESCAPE_HTML) < 0)
        return -1;
    return gust__template_put(output, "</a>", 4);
}

/* The text as HTML, its web addresses as links. */
static int linkify(gust_template_call *call, void *data)
{
    struct gust__template_output output = scratch(call);
    struct gust__slice text;
    (void)data;
    if (expect(call, 1, 1) < 0 || text_argument(call, 0, &text) < 0)
        return -1;
    bool within_word = false;
    while (text.size) {
        size_t scheme = 0, size = within_word ? 0 : url_at(text, &scheme);
        unsigned char c = (unsigned char)*text.data;
        within_word = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        int result = size ? put_link(&output, gust__slice(text.data, size), scheme)
                          : gust__template_put_escaped(&output, text.data, 1, GUST__ESCAPE_HTML);
        if (result < 0)
            return -1;
        text = gust__slice_from(text, size ? size : 1);
    }
    return return_output(call, &output, GUST__FLAVOUR_HTML);
}

static const struct gust__template_function builtins[] = {
    {.name = (char *)"xhtml_escape", .function = xhtml_escape},
    {.name = (char *)"escape", .function = xhtml_escape},
    {.name = (char *)"url_escape", .function = url_escape},
    {.name = (char *)"json_encode", .function = json_encode},
    {.name = (char *)"squeeze", .function = squeeze},
    {.name = (char *)"linkify", .function = linkify},
    {.name = (char *)"strip", .function = strip},
    {.name = (char *)"upper", .function = upper},
    {.name = (char *)"lower", .function = lower},
    {.name = (char *)"len", .function = length},
    {.name = (char *)"range", .function = range},
    {.name = (char *)"join", .function = join},
    {.name = (char *)"keys", .function = keys_of},
    {.name = (char *)"values", .function = values_of},
    {.name = (char *)"str", .function = to_text},
    {.name = (char *)"int", .function = to_integer},
    {.name = (char *)"round", .function = round_number},
    {.name = (char *)"reverse_url", .function = gust__template_reverse_url},
    {.name = (char *)"static_url", .function = gust__template_static_url},
    {.name = (char *)"xsrf_form_html", .function = gust__template_xsrf_form_html},
    {.name = (char *)"_", .function = gust__template_translate},
};

const struct gust__template_function *gust__template_builtin(const char *name)
{
    for (size_t i = 0; i < GUST_LEN(builtins); i++) {
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    }
    return NULL;
}
