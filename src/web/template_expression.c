/*
 * Reading the expressions of templates: Python's, as far as JSON values need them, by descent.
 *
 *     choice  = or ["if" or "else" choice]
 *     or      = and {"or" and}             and   = not {"and" not}        not = "not" not | compare
 *     compare = sum [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "is" | "is not") sum]
 *     sum     = product {("+" | "-") product}
 *     product = unary {("*" | "/" | "//" | "%") unary}                    unary = "-" unary | postfix
 *     postfix = primary {"." name | "[" choice "]"}
 *     primary = number | string | name | name "(" list ")" | "(" choice ")" | "[" list "]"
 */
#include "web/template.h"

#include <errno.h>
#include <stdlib.h>

#include <gust/error.h>

enum token { TOKEN_END, TOKEN_NAME, TOKEN_INTEGER, TOKEN_REAL, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD };

struct reader {
    struct gust__arena *arena;
    const char *file;
    unsigned line;
    const char *at, *end;
    unsigned depth;
    enum token token; /* the current one */
    struct gust__slice text;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void read_number(struct reader *reader)
{
    const char *start = reader->at;
    reader->token = TOKEN_INTEGER;
    while (reader->at < reader->end && is_digit(*reader->at))
        reader->at++;
    if (reader->end - reader->at > 1 && *reader->at == '.' && is_digit(reader->at[1])) {
        reader->token = TOKEN_REAL;
        for (reader->at++; reader->at < reader->end && is_digit(*reader->at);)
            reader->at++;
    }
    if (reader->at < reader->end && is_letter(*reader->at))
        reader->token = TOKEN_BAD;
    reader->text = gust__slice_between(start, reader->at);
}

/* The text between the quotes, its escapes not undone. */
static void read_string(struct reader *reader)
{
    char quote = *reader->at++;
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at != quote)
        reader->at += *reader->at == '\\' && reader->end - reader->at > 1 ? 2 : 1;
    reader->token = reader->at < reader->end ? TOKEN_STRING : TOKEN_BAD;
    reader->text = gust__slice_between(start, reader->at);
    reader->at += reader->at < reader->end;
}

static void read_sign(struct reader *reader)
{
    static const char doubles[] = "==!=<=>=//";
    size_t size = 1;
    for (size_t i = 0; i + 1 < sizeof(doubles) && reader->end - reader->at > 1; i += 2) {
        if (memcmp(reader->at, doubles + i, 2) == 0)
            size = 2;
    }
    reader->token = TOKEN_SIGN;
    reader->text = gust__slice(reader->at, size);
    reader->at += size;
}

static void next(struct reader *reader)
{
    for (; reader->at < reader->end && is_space(*reader->at); reader->at++)
        reader->line += *reader->at == '\n';
    if (reader->at == reader->end) {
        reader->token = TOKEN_END;
        reader->text = gust__slice(reader->at, 0);
    } else if (is_letter(*reader->at)) {
        const char *start = reader->at;
        while (reader->at < reader->end && (is_letter(*reader->at) || is_digit(*reader->at)))
            reader->at++;
        reader->token = TOKEN_NAME;
        reader->text = gust__slice_between(start, reader->at);
    } else if (is_digit(*reader->at)) {
        read_number(reader);
    } else if (*reader->at == '"' || *reader->at == '\'') {
        read_string(reader);
    } else {
        read_sign(reader);
    }
}

static void *wrong(struct reader *reader, const char *what)
{
    gust__template_wrong(reader->file, reader->line, "%s", what);
    return NULL;
}

static void *unexpected(struct reader *reader)
{
    if (reader->token == TOKEN_END)
        return wrong(reader, "the expression ends too early");
    if (reader->token == TOKEN_BAD)
        return wrong(reader, "a number or a string that is malformed");
    gust__template_wrong(reader->file, reader->line, "unexpected '%.*s'",
                         (int)(reader->text.size < 40 ? reader->text.size : 40), reader->text.data);
    return NULL;
}

static bool is(const struct reader *reader, enum token token, const char *text)
{
    return reader->token == token && gust__slice_equals(reader->text, gust__slice_of(text));
}

static bool accept_sign(struct reader *reader, const char *text)
{
    if (!is(reader, TOKEN_SIGN, text))
        return false;
    next(reader);
    return true;
}

static bool accept_word(struct reader *reader, const char *text)
{
    if (!is(reader, TOKEN_NAME, text))
        return false;
    next(reader);
    return true;
}

static struct gust__expression *make(struct reader *reader, enum gust__expression_kind kind)
{
    struct gust__expression *expression = gust__arena_calloc(reader->arena, 1, sizeof(*expression));
    if (!expression)
        return wrong(reader, "a template that takes too much memory");
    expression->kind = kind;
    expression->line = reader->line;
    return expression;
}

static bool enter(struct reader *reader)
{
    if (++reader->depth <= GUST__TEMPLATE_MAX_PARENTHESES)
        return true;
    wrong(reader, "an expression that nests deeper than 32 levels");
    return false;
}

static unsigned height_of(const struct gust__expression *expression)
{
    return expression ? expression->height : 0;
}

/* What the compiler goes down again: chains of operators make trees as high as they are long. NULL: too high.
 */
static struct gust__expression *grown(struct reader *reader, struct gust__expression *expression)
{
    if (!expression)
        return NULL;
    unsigned height = height_of(expression->third);
    height = height_of(expression->right) > height ? height_of(expression->right) : height;
    for (struct gust__expression *left = expression->left; left; left = left->next)
        height = left->height > height ? left->height : height;
    expression->height = height + 1;
    return height < GUST__TEMPLATE_MAX_HEIGHT ? expression
                                              : wrong(reader, "an expression of too many operators");
}

static struct gust__expression *make_binary(struct reader *reader, int operation,
                                            struct gust__expression *left, struct gust__expression *right)
{
    struct gust__expression *expression = left && right ? make(reader, GUST__EXPRESSION_BINARY) : NULL;
    if (!expression)
        return NULL;
    expression->operation = (enum gust__operation)operation;
    expression->left = left;
    expression->right = right;
    expression->line = left->line;
    return grown(reader, expression);
}

static struct gust__expression *read_choice(struct reader *reader);

/* ---- primaries ---- */

static int hexadecimal(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = (char)gust__lower(text[i]);
        if (!is_digit(c) && (c < 'a' || c > 'f'))
            return -1;
        value = value * 16 + (is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static char *put_character(char *to, int code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Undoes the escape behind a backslash at `from`; -> behind it, NULL: there is no such escape. */
static const char *undo_escape(const char *from, const char *end, char **to)
{
    static const char letters[] = "n\nt\tr\rb\bf\f\\\\\"\"''";
    for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
        if (*from == letters[i]) {
            *(*to)++ = letters[i + 1];
            return from + 1;
        }
    }
    size_t digits = *from == 'u' ? 4 : *from == 'x' ? 2 : 0;
    int code = digits && (size_t)(end - from) > digits ? hexadecimal(from + 1, digits) : -1;
    if (code <= 0 || (code >= 0xd800 && code <= 0xdfff))
        return NULL;
    *to = put_character(*to, code);
    return from + 1 + digits;
}

static struct gust__expression *read_text(struct reader *reader)
{
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_CONSTANT);
    char *text = expression ? gust__arena_alloc(reader->arena, reader->text.size + 1) : NULL, *to = text;
    if (!text)
        return NULL;
    const char *end = reader->text.data + reader->text.size;
    for (const char *from = reader->text.data; from < end;) {
        reader->line += *from == '\n';
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from = undo_escape(from + 1, end, &to);
        if (!from)
            return wrong(reader, "a string with an unknown escape");
    }
    *to = 0;
    expression->constant = gust__value_text(text, (size_t)(to - text));
    next(reader);
    return expression;
}

static struct gust__expression *read_numeral(struct reader *reader)
{
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_CONSTANT);
    char text[64];
    if (!expression)
        return NULL;
    if (reader->text.size >= sizeof(text))
        return wrong(reader, "a number with too many digits");
    memcpy(text, reader->text.data, reader->text.size);
    text[reader->text.size] = 0;
    errno = 0;
    if (reader->token == TOKEN_INTEGER) {
        expression->constant = gust__value_integer(strtoll(text, NULL, 10));
    } else {
        json_t *real = json_loads(text, JSON_DECODE_ANY, NULL); /* whatever the locale's decimal point */
        expression->constant = (struct gust__value){.kind = GUST__VALUE_REAL, .real = json_real_value(real)};
        json_decref(real);
    }
    if (errno == ERANGE)
        return wrong(reader, "a number beyond 64 bits");
    next(reader);
    return expression;
}

/* Values separated by commas up to a closing sign, chained into *first. -1: the last error. */
static int read_list(struct reader *reader, const char *closing, struct gust__expression **first)
{
    int count = 0;
    while (!is(reader, TOKEN_SIGN, closing)) {
        if (count == GUST__TEMPLATE_MAX_ARGUMENTS) {
            wrong(reader, "more than 64 arguments or elements");
            return -1;
        }
        *first = read_choice(reader);
        if (!*first)
            return -1;
        first = &(*first)->next;
        count++;
        if (!accept_sign(reader, ",") && !is(reader, TOKEN_SIGN, closing)) {
            unexpected(reader);
            return -1;
        }
    }
    next(reader);
    return count;
}

static struct gust__expression *read_listed(struct reader *reader, enum gust__expression_kind kind,
                                            const char *closing, struct gust__slice name)
{
    struct gust__expression *expression = make(reader, kind);
    int count = expression ? read_list(reader, closing, &expression->left) : -1;
    if (count < 0)
        return NULL;
    expression->count = (unsigned)count;
    expression->name = name;
    return grown(reader, expression);
}

static bool is_reserved(struct gust__slice name)
{
    static const char *const words[] = {"and", "or", "not", "in", "is", "if", "else", "for", "lambda"};
    for (size_t i = 0; i < GUST_LEN(words); i++) {
        if (gust__slice_equals(name, gust__slice_of(words[i])))
            return true;
    }
    return false;
}

/* null, true and false also as Python writes them. */
static bool is_constant(struct gust__slice name, struct gust__value *value)
{
    static const char *const names[] = {"null", "None", "false", "False", "true", "True"};
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (gust__slice_equals(name, gust__slice_of(names[i]))) {
            *value = i < 2 ? (struct gust__value){.kind = GUST__VALUE_NULL} : gust__value_boolean(i >= 4);
            return true;
        }
    }
    return false;
}

static struct gust__expression *read_name(struct reader *reader)
{
    struct gust__slice name = reader->text;
    struct gust__value constant;
    if (is_reserved(name))
        return unexpected(reader);
    next(reader);
    if (accept_sign(reader, "("))
        return read_listed(reader, GUST__EXPRESSION_CALL, ")", name);
    bool known = is_constant(name, &constant);
    struct gust__expression *expression =
        make(reader, known ? GUST__EXPRESSION_CONSTANT : GUST__EXPRESSION_NAME);
    if (!expression)
        return NULL;
    if (known)
        expression->constant = constant;
    expression->name = name;
    return expression;
}

static struct gust__expression *read_primary(struct reader *reader)
{
    switch (reader->token) {
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        return read_numeral(reader);
    case TOKEN_STRING:
        return read_text(reader);
    case TOKEN_NAME:
        return read_name(reader);
    default:
        break;
    }
    if (accept_sign(reader, "["))
        return read_listed(reader, GUST__EXPRESSION_LIST, "]", GUST__SLICE(""));
    if (!accept_sign(reader, "("))
        return unexpected(reader);
    struct gust__expression *inner = read_choice(reader);
    if (inner && !accept_sign(reader, ")"))
        return unexpected(reader);
    return inner;
}

/* ---- operators ---- */

static struct gust__expression *read_member(struct reader *reader, struct gust__expression *of)
{
    if (reader->token != TOKEN_NAME)
        return unexpected(reader);
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_MEMBER);
    if (!expression)
        return NULL;
    expression->left = of;
    expression->name = reader->text;
    next(reader);
    if (is(reader, TOKEN_SIGN, "("))
        return wrong(reader, "values have no methods: write f(value), not value.f()");
    return grown(reader, expression);
}

static struct gust__expression *read_index(struct reader *reader, struct gust__expression *of)
{
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_INDEX);
    if (!expression)
        return NULL;
    expression->left = of;
    expression->right = read_choice(reader);
    if (expression->right && !accept_sign(reader, "]"))
        return unexpected(reader);
    return expression->right ? grown(reader, expression) : NULL;
}

static struct gust__expression *read_postfix(struct reader *reader)
{
    struct gust__expression *expression = read_primary(reader);
    while (expression && (is(reader, TOKEN_SIGN, ".") || is(reader, TOKEN_SIGN, "["))) {
        bool member = is(reader, TOKEN_SIGN, ".");
        next(reader);
        expression = member ? read_member(reader, expression) : read_index(reader, expression);
    }
    return expression;
}

static struct gust__expression *read_one(struct reader *reader, enum gust__operation operation,
                                         struct gust__expression *(*read)(struct reader *))
{
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_UNARY);
    if (!expression || !enter(reader))
        return NULL;
    expression->operation = operation;
    expression->left = read(reader);
    reader->depth--;
    return expression->left ? grown(reader, expression) : NULL;
}

static struct gust__expression *read_unary(struct reader *reader)
{
    if (accept_sign(reader, "-"))
        return read_one(reader, GUST__DO_NEGATE, read_unary);
    return read_postfix(reader);
}

struct operator
{
    const char *text;
    enum gust__operation operation;
};

/* A chain of operators of one strength, to the left. */
static struct gust__expression *read_chain(struct reader *reader, const struct operator* operators,
                                           size_t count, struct gust__expression *(*read)(struct reader *))
{
    struct gust__expression *expression = read(reader);
    for (size_t i = 0; expression && i < count;) {
        enum token token = is_letter(*operators[i].text) ? TOKEN_NAME : TOKEN_SIGN;
        if (!is(reader, token, operators[i].text)) {
            i++;
            continue;
        }
        next(reader);
        expression = make_binary(reader, (int)operators[i].operation, expression, read(reader));
        i = 0;
    }
    return expression;
}

static struct gust__expression *read_product(struct reader *reader)
{
    static const struct operator operators[] = {
        {"*", GUST__DO_MULTIPLY}, {"/", GUST__DO_DIVIDE}, {"//", GUST__DO_FLOOR}, {"%", GUST__DO_MODULO}};
    return read_chain(reader, operators, GUST_LEN(operators), read_unary);
}

static struct gust__expression *read_sum(struct reader *reader)
{
    static const struct operator operators[] = {{"+", GUST__DO_ADD}, {"-", GUST__DO_SUBTRACT}};
    return read_chain(reader, operators, GUST_LEN(operators), read_product);
}

/* The comparison that stands here, taken; -1: none. */
static int accept_comparison(struct reader *reader)
{
    static const struct operator operators[] = {{"==", GUST__DO_EQUAL},  {"!=", GUST__DO_UNEQUAL},
                                                {"<", GUST__DO_LESS},    {"<=", GUST__DO_LESS_EQUAL},
                                                {">", GUST__DO_GREATER}, {">=", GUST__DO_GREATER_EQUAL}};
    for (size_t i = 0; i < GUST_LEN(operators); i++) {
        if (accept_sign(reader, operators[i].text))
            return (int)operators[i].operation;
    }
    if (accept_word(reader, "in"))
        return GUST__DO_IN;
    if (accept_word(reader, "is"))
        return accept_word(reader, "not") ? GUST__DO_UNEQUAL : GUST__DO_EQUAL;
    if (!is(reader, TOKEN_NAME, "not"))
        return -1;
    next(reader);
    return accept_word(reader, "in") ? GUST__DO_NOT_IN : -2;
}

static struct gust__expression *read_comparison(struct reader *reader)
{
    struct gust__expression *left = read_sum(reader);
    int operation = left ? accept_comparison(reader) : -1;
    if (operation == -2)
        return unexpected(reader);
    if (operation < 0)
        return left;
    struct gust__expression *expression = make_binary(reader, operation, left, read_sum(reader));
    if (expression && accept_comparison(reader) != -1)
        return wrong(reader, "comparisons do not chain: write a < b and b < c");
    return expression;
}

static struct gust__expression *read_not(struct reader *reader)
{
    if (accept_word(reader, "not"))
        return read_one(reader, GUST__DO_NOT, read_not);
    return read_comparison(reader);
}

static struct gust__expression *read_and(struct reader *reader)
{
    static const struct operator operators[] = {{"and", GUST__DO_AND}};
    return read_chain(reader, operators, GUST_LEN(operators), read_not);
}

static struct gust__expression *read_or(struct reader *reader)
{
    static const struct operator operators[] = {{"or", GUST__DO_OR}};
    return read_chain(reader, operators, GUST_LEN(operators), read_and);
}

static struct gust__expression *finish_choice(struct reader *reader, struct gust__expression *left)
{
    struct gust__expression *expression = make(reader, GUST__EXPRESSION_CHOICE);
    if (!expression)
        return NULL;
    expression->left = left;
    expression->third = read_or(reader);
    if (expression->third && !accept_word(reader, "else"))
        return unexpected(reader);
    expression->right = expression->third ? read_choice(reader) : NULL;
    return expression->right ? grown(reader, expression) : NULL;
}

static struct gust__expression *read_choice(struct reader *reader)
{
    if (!enter(reader))
        return NULL;
    struct gust__expression *expression = read_or(reader);
    if (expression && accept_word(reader, "if"))
        expression = finish_choice(reader, expression);
    reader->depth--;
    return expression;
}

struct gust__expression *gust__expression_parse(struct gust__arena *arena, const char *file, unsigned line,
                                                struct gust__slice text)
{
    struct reader reader = {
        .arena = arena, .file = file, .line = line, .at = text.data, .end = text.data + text.size};
    next(&reader);
    struct gust__expression *expression = read_choice(&reader);
    if (expression && reader.token != TOKEN_END)
        return unexpected(&reader);
    return expression;
}

int gust__expression_names(const char *file, unsigned line, struct gust__slice *text,
                           struct gust__slice *names, unsigned most)
{
    struct reader reader = {.file = file, .line = line, .at = text->data, .end = text->data + text->size};
    int count = 0;
    do {
        next(&reader);
        struct gust__value ignored;
        if (reader.token != TOKEN_NAME || is_reserved(reader.text) || is_constant(reader.text, &ignored))
            return gust__template_wrong(file, line, "a variable's name is missing");
        if ((unsigned)count == most)
            return gust__template_wrong(file, line, "more than %u variables", most);
        names[count++] = reader.text;
        text->size = (size_t)(reader.end - reader.at);
        text->data = reader.at;
        next(&reader);
    } while (is(&reader, TOKEN_SIGN, ","));
    return count;
}
