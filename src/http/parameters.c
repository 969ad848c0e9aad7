#include "http/parameters.h"

#include "http/characters.h"
#include "http/utf8.h"

#include <errno.h>

static int malformed(void)
{
    errno = EBADMSG;
    return -1;
}

struct gust__slice gust__parameters_begin(struct gust__slice *rest)
{
    size_t size = gust__slice_size_before(*rest, ";");
    struct gust__slice value = gust__slice_trim(gust__slice(rest->data, size));
    *rest = gust__slice_from(*rest, size);
    return value;
}

static size_t token_size(struct gust__slice text)
{
    size_t size = 0;
    while (size < text.size && gust__is(text.data[size], GUST__IS_TOKEN))
        size++;
    return size;
}

/* The size of a quoted string with its quotes; 0: it has no end, or holds a control character. */
static size_t quoted_size(struct gust__slice text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '"')
            return i + 1;
        i += text.data[i] == '\\';
        if (i == text.size || !gust__is(text.data[i], GUST__IS_VALUE))
            return 0;
    }
    return 0;
}

static struct gust__slice take(struct gust__slice *text, size_t size)
{
    struct gust__slice taken = gust__slice(text->data, size);
    *text = gust__slice_from(*text, size);
    return taken;
}

static void skip_space(struct gust__slice *text)
{
    size_t size = 0;
    while (size < text->size && (text->data[size] == ' ' || text->data[size] == '\t'))
        size++;
    *text = gust__slice_from(*text, size);
}

/* -> false: malformed */
static bool take_value(struct gust__slice *rest, struct gust__parameter *parameter)
{
    parameter->quoted = rest->size && *rest->data == '"';
    size_t size = parameter->quoted ? quoted_size(*rest) : token_size(*rest);
    if (size == 0)
        return false;
    struct gust__slice value = take(rest, size);
    parameter->value = parameter->quoted ? gust__slice(value.data + 1, value.size - 2) : value;
    return true;
}

int gust__parameters_next(struct gust__slice *rest, struct gust__parameter *parameter)
{
    skip_space(rest);
    while (rest->size && *rest->data == ';') {
        take(rest, 1);
        skip_space(rest);
        if (rest->size == 0 || *rest->data == ';')
            continue;
        parameter->name = take(rest, token_size(*rest));
        if (parameter->name.size == 0 || rest->size == 0 || *rest->data != '=')
            return malformed();
        take(rest, 1);
        return take_value(rest, parameter) ? 1 : malformed();
    }
    return rest->size ? malformed() : 0;
}

size_t gust__parameter_unquote(const struct gust__parameter *parameter, char *out)
{
    struct gust__slice value = parameter->value;
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (parameter->quoted && value.data[i] == '\\' && i + 1 < value.size)
            i++;
        out[size++] = value.data[i];
    }
    return size;
}

/* One byte of an extended value. -> it; -1: malformed or NUL */
static int take_octet(struct gust__slice *text)
{
    char byte = *take(text, 1).data;
    if (byte != '%') /* attr-char: a token without * ' % */
        return gust__is(byte, GUST__IS_TOKEN) && byte != '*' && byte != '\'' ? byte : -1;
    if (text->size < 2)
        return -1;
    int high = gust__hex_digit(text->data[0]), low = gust__hex_digit(text->data[1]);
    take(text, 2);
    int octet = high < 0 || low < 0 ? -1 : high << 4 | low;
    return octet == 0 ? -1 : octet;
}

ssize_t gust__parameter_decode_extended(char *out, struct gust__slice value)
{
    size_t size = 0;
    struct gust__slice charset = take(&value, gust__slice_size_before(value, "'"));
    bool latin = gust__slice_equals_ignoring_case(charset, GUST__SLICE("ISO-8859-1"));
    if (value.size == 0 || (!latin && !gust__slice_equals_ignoring_case(charset, GUST__SLICE("UTF-8"))))
        return malformed();
    take(&value, 1);
    take(&value, gust__slice_size_before(value, "'")); /* the language */
    if (value.size == 0)
        return malformed();
    take(&value, 1);
    while (value.size) {
        int octet = take_octet(&value);
        if (octet < 0)
            return malformed();
        if (latin && octet >= 0x80) { /* two bytes for the three of its escape */
            out[size++] = (char)(0xC0 | octet >> 6);
            octet = 0x80 | (octet & 0x3F);
        }
        out[size++] = (char)octet;
    }
    return gust__utf8_valid(gust__slice(out, size)) ? (ssize_t)size : malformed();
}
