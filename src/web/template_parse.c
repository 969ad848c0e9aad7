/* Reading a template: literal text and the statements in {{ }}, {% %} and {# #}, as Tornado reads them. */
#include "web/template.h"

#include "http/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <gust/error.h>

struct parser {
    struct gust__arena *arena;
    struct gust__source *source;
    const char *at, *end;
    unsigned line;
    const char *whitespace; /* the mode in force */
    unsigned depth;
};

/* What ended a body: {% end %}, the file's end, or what goes on with another body. */
enum stop { STOP_WRONG, STOP_FILE, STOP_END, STOP_ELSE, STOP_ELIF, STOP_EXCEPT, STOP_FINALLY };

struct body {
    struct gust__node *nodes;
    enum stop stop;
    struct gust__slice rest; /* behind elif, except */
    unsigned line;
};

int gust__template_wrong(const char *name, unsigned line, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return gust_error_set(EINVAL, "%s:%u: %s", name, line, text);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct gust__slice strip(struct gust__slice text)
{
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    while (text.size && is_space(*text.data))
        text = gust__slice_from(text, 1);
    return text;
}

/* ---- white space ---- */

bool gust__template_is_whitespace_mode(const char *mode)
{
    return strcmp(mode, "all") == 0 || strcmp(mode, "single") == 0 || strcmp(mode, "oneline") == 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* "single": a run of white space with a line's end in it becomes that, of others blanks become one. */
static char *put_single(char *to, const char *from, const char *end)
{
    if (memchr(from, '\n', (size_t)(end - from))) {
        *to++ = '\n';
        return to;
    }
    while (from < end) {
        bool blank = *from == ' ' || *from == '\t';
        *to++ = blank ? ' ' : *from;
        from++;
        while (blank && from < end && (*from == ' ' || *from == '\t'))
            from++;
    }
    return to;
}

/* Tornado's heuristic: what holds a <pre> stays as it is. */
static struct gust__slice filter(struct parser *parser, struct gust__slice text)
{
    if (strcmp(parser->whitespace, "all") == 0 || memmem(text.data, text.size, "<pre>", 5))
        return text;
    bool oneline = strcmp(parser->whitespace, "oneline") == 0;
    char *filtered = gust__arena_alloc(parser->arena, text.size + 1), *to = filtered;
    const char *end = text.data + text.size;
    for (const char *from = text.data; filtered && from < end;) {
        const char *run = from;
        while (run < end && is_space(*run))
            run++;
        if (run == from)
            *to++ = *from++;
        else if (oneline)
            *to++ = ' ';
        else
            to = put_single(to, from, run);
        from = run > from ? run : from;
    }
    return gust__slice_between(filtered, to);
}

/* ---- the pieces of a file ---- */

static struct gust__node *make(struct parser *parser, enum gust__node_kind kind)
{
    struct gust__node *node = gust__arena_calloc(parser->arena, 1, sizeof(*node));
    if (node) {
        node->kind = kind;
        node->line = parser->line;
    } else {
        gust__template_wrong(parser->source->name, parser->line, "a template that takes too much memory");
    }
    return node;
}

static void consume(struct parser *parser, size_t size)
{
    for (const char *end = parser->at + size; parser->at < end; parser->at++)
        parser->line += *parser->at == '\n';
}

static int wrong(struct parser *parser, const char *what)
{
    return gust__template_wrong(parser->source->name, parser->line, "%s", what);
}

/* Where the next "{{", "{%" or "{#" begins, of more braces the innermost; NULL: nowhere. */
static const char *find_tag(const struct parser *parser)
{
    const char *at = parser->at;
    while ((at = memchr(at, '{', (size_t)(parser->end - at))) && at + 1 < parser->end) {
        if (at[1] == '{' && at + 2 < parser->end && at[2] == '{')
            at++;
        else if (at[1] == '{' || at[1] == '%' || at[1] == '#')
            return at;
        else
            at++;
    }
    return NULL;
}

/* Appends literal text of so many bytes from here to *last, which moves on. */
static int take_text(struct parser *parser, size_t size, struct gust__node ***last)
{
    struct gust__node *node = size ? make(parser, GUST__NODE_TEXT) : NULL;
    if (!node)
        return size ? -1 : 0;
    node->text = filter(parser, gust__slice(parser->at, size));
    if (!node->text.data)
        return wrong(parser, "a template that takes too much memory");
    consume(parser, size);
    **last = node;
    *last = &node->next;
    return 0;
}

/* What stands up to closing, which is consumed. -1: it does not come. */
static int take_inside(struct parser *parser, const char *closing, struct gust__slice *inside)
{
    const char *end = memmem(parser->at, (size_t)(parser->end - parser->at), closing, 2);
    if (!end)
        return gust__template_wrong(parser->source->name, parser->line, "%s is missing", closing);
    *inside = strip(gust__slice_between(parser->at, end));
    consume(parser, (size_t)(end + 2 - parser->at));
    return 0;
}

static struct gust__slice first_word(struct gust__slice *text)
{
    size_t size = 0;
    while (size < text->size && !is_space(text->data[size]))
        size++;
    struct gust__slice word = gust__slice(text->data, size);
    *text = strip(gust__slice_from(*text, size));
    return word;
}

static bool is(struct gust__slice word, const char *text)
{
    return gust__slice_equals(word, gust__slice_of(text));
}

static struct gust__slice unquote(struct gust__slice text)
{
    for (const char *quotes = "\"'"; *quotes; quotes++) {
        while (text.size && *text.data == *quotes)
            text = gust__slice_from(text, 1);
        while (text.size && text.data[text.size - 1] == *quotes)
            text.size--;
    }
    return text;
}

/* ---- statements ---- */

static int parse_body(struct parser *parser, const char *of, bool in_loop, struct body *body);

static int parse_expression(struct parser *parser, struct gust__node *node, struct gust__slice text)
{
    node->expression = gust__expression_parse(parser->arena, parser->source->name, node->line, text);
    return node->expression ? 0 : -1;
}

static int parse_variables(struct parser *parser, struct gust__node *node, struct gust__slice *text)
{
    int count = gust__expression_names(parser->source->name, node->line, text, node->variables,
                                       GUST__NODE_MAX_VARIABLES);
    node->variable_count = count < 0 ? 0 : (unsigned)count;
    *text = strip(*text);
    return count < 0 ? -1 : 0;
}

/* x = value, x += value, and so on. */
static int parse_set(struct parser *parser, struct gust__node *node, struct gust__slice rest)
{
    static const struct {
        const char *text;
        enum gust__operation operation;
    } operators[] = {{"+=", GUST__DO_ADD}, {"-=", GUST__DO_SUBTRACT}, {"*=", GUST__DO_MULTIPLY}};
    if (parse_variables(parser, node, &rest) < 0)
        return -1;
    struct gust__expression *change = NULL;
    for (size_t i = 0; i < GUST_LEN(operators) && node->variable_count == 1; i++) {
        if (!gust__slice_starts_with(rest, gust__slice_of(operators[i].text)))
            continue;
        struct gust__slice name = node->variables[0];
        change = gust__arena_calloc(parser->arena, 1, sizeof(*change));
        struct gust__expression *left =
            gust__expression_parse(parser->arena, parser->source->name, node->line, name);
        if (!change || !left)
            return wrong(parser, "a template that takes too much memory");
        *change = (struct gust__expression){.kind = GUST__EXPRESSION_BINARY,
                                            .operation = operators[i].operation,
                                            .line = node->line,
                                            .left = left};
        rest = gust__slice_from(rest, 1);
    }
    if (!rest.size || *rest.data != '=' || (rest.size > 1 && rest.data[1] == '='))
        return gust__template_wrong(parser->source->name, node->line, "{%% set %%} needs name = expression");
    if (parse_expression(parser, node, gust__slice_from(rest, 1)) < 0)
        return -1;
    if (change) {
        change->right = node->expression;
        node->expression = change;
    }
    return 0;
}

/* for a, b in expression */
static int parse_for(struct parser *parser, struct gust__node *node, struct gust__slice rest)
{
    if (parse_variables(parser, node, &rest) < 0)
        return -1;
    if (!is(first_word(&rest), "in"))
        return gust__template_wrong(parser->source->name, node->line,
                                    "{%% for %%} needs names in expression");
    return parse_expression(parser, node, rest);
}

/* "" | Exception | as name | Exception as name */
static int parse_except(struct parser *parser, struct gust__node *node, const struct body *body)
{
    struct gust__slice rest = body->rest, word = first_word(&rest);
    if (is(word, "Exception"))
        word = first_word(&rest);
    if (is(word, "as")) {
        if (gust__expression_names(parser->source->name, body->line, &rest, node->variables, 1) < 0)
            return -1;
        node->variable_count = 1;
        word = strip(rest);
    }
    if (word.size)
        return gust__template_wrong(parser->source->name, body->line,
                                    "{%% except %%} takes nothing but 'as name'");
    return 0;
}

static int expect_end(struct parser *parser, const struct body *body, const char *of)
{
    if (body->stop == STOP_END)
        return 0;
    return gust__template_wrong(parser->source->name, body->line,
                                "an {%% else %%} or the like too many in {%% %s %%}", of);
}

static int parse_otherwise(struct parser *parser, struct gust__node *node, struct body *body, const char *of,
                           bool in_loop)
{
    node->has_otherwise = true;
    if (parse_body(parser, of, in_loop, body) < 0)
        return -1;
    node->otherwise = body->nodes;
    return 0;
}

static int parse_if(struct parser *parser, struct gust__node *node, struct gust__slice condition,
                    bool in_loop)
{
    struct body body;
    if (parse_expression(parser, node, condition) < 0 || parse_body(parser, "if", in_loop, &body) < 0)
        return -1;
    node->body = body.nodes;
    while (body.stop == STOP_ELIF) { /* an if in the else, which shares the end */
        struct gust__node *other = make(parser, GUST__NODE_IF);
        if (!other)
            return -1;
        other->line = body.line;
        node->has_otherwise = true;
        node->otherwise = other;
        node = other;
        if (parse_expression(parser, node, body.rest) < 0 || parse_body(parser, "if", in_loop, &body) < 0)
            return -1;
        node->body = body.nodes;
    }
    if (body.stop == STOP_ELSE && parse_otherwise(parser, node, &body, "if", in_loop) < 0)
        return -1;
    return expect_end(parser, &body, "if");
}

static int parse_loop(struct parser *parser, struct gust__node *node, struct gust__slice rest, bool in_loop)
{
    struct body body;
    bool is_for = node->kind == GUST__NODE_FOR;
    const char *of = is_for ? "for" : "while";
    if ((is_for ? parse_for(parser, node, rest) : parse_expression(parser, node, rest)) < 0 ||
        parse_body(parser, of, true, &body) < 0)
        return -1;
    node->body = body.nodes;
    if (body.stop == STOP_ELSE && parse_otherwise(parser, node, &body, of, in_loop) < 0)
        return -1;
    return expect_end(parser, &body, of);
}

static int parse_try(struct parser *parser, struct gust__node *node, bool in_loop)
{
    struct body body;
    if (parse_body(parser, "try", in_loop, &body) < 0)
        return -1;
    node->body = body.nodes;
    if (body.stop == STOP_EXCEPT) {
        node->has_handler = true;
        if (parse_except(parser, node, &body) < 0 || parse_body(parser, "try", in_loop, &body) < 0)
            return -1;
        node->handler = body.nodes;
        if (body.stop == STOP_ELSE && parse_otherwise(parser, node, &body, "try", in_loop) < 0)
            return -1;
    }
    if (body.stop == STOP_FINALLY) {
        node->has_finally = true;
        if (parse_body(parser, "try", in_loop, &body) < 0)
            return -1;
        node->finally = body.nodes;
    }
    if (!node->has_handler && !node->has_finally)
        return gust__template_wrong(parser->source->name, node->line, "{%% try %%} without {%% except %%}");
    return expect_end(parser, &body, "try");
}

static int parse_named(struct parser *parser, struct gust__node *node, struct gust__slice rest, bool in_loop)
{
    bool apply = node->kind == GUST__NODE_APPLY;
    const char *of = apply ? "apply" : "block";
    struct body body;
    if (!rest.size)
        return gust__template_wrong(parser->source->name, node->line, "{%% %s %%} needs a name", of);
    if (apply && parse_expression(parser, node, rest) < 0)
        return -1;
    if (apply && node->expression->kind != GUST__EXPRESSION_NAME &&
        node->expression->kind != GUST__EXPRESSION_CALL)
        return gust__template_wrong(parser->source->name, node->line, "{%% apply %%} needs a function");
    node->text = rest;
    if (parse_body(parser, of, in_loop && !apply, &body) < 0)
        return -1;
    node->body = body.nodes;
    return expect_end(parser, &body, of);
}

static int parse_file_name(struct parser *parser, struct gust__node *node, struct gust__slice rest,
                           const char *of)
{
    node->text = unquote(rest);
    if (!node->text.size)
        return gust__template_wrong(parser->source->name, node->line, "{%% %s %%} needs a file", of);
    return 0;
}

static int parse_module(struct parser *parser, struct gust__node *node, struct gust__slice rest)
{
    if (parse_expression(parser, node, rest) < 0)
        return -1;
    if (node->expression->kind != GUST__EXPRESSION_CALL)
        return gust__template_wrong(parser->source->name, node->line,
                                    "{%% module %%} needs a call: Name(arguments)");
    return 0;
}

/* Statements that change how the rest is read. 1: it was one of them. */
static int parse_setting(struct parser *parser, struct gust__slice operation, struct gust__slice rest)
{
    if (is(operation, "comment"))
        return 1;
    if (is(operation, "whitespace")) {
        const char *mode = gust__arena_strndup(parser->arena, rest.data, rest.size);
        if (!mode || !gust__template_is_whitespace_mode(mode))
            return wrong(parser, "{% whitespace %} is all, single or oneline");
        parser->whitespace = mode;
        return 1;
    }
    if (is(operation, "autoescape")) {
        if (!rest.size)
            return wrong(parser, "{% autoescape %} needs a function, or None");
        parser->source->autoescape =
            is(rest, "None") ? NULL : gust__arena_strndup(parser->arena, rest.data, rest.size);
        return 1;
    }
    return 0;
}

struct statement {
    const char *name;
    enum gust__node_kind kind;
};

static const struct statement statements[] = {
    {"if", GUST__NODE_IF},
    {"for", GUST__NODE_FOR},
    {"set", GUST__NODE_SET},
    {"block", GUST__NODE_BLOCK},
    {"include", GUST__NODE_INCLUDE},
    {"extends", GUST__NODE_EXTENDS},
    {"raw", GUST__NODE_WRITE},
    {"module", GUST__NODE_MODULE},
    {"apply", GUST__NODE_APPLY},
    {"while", GUST__NODE_WHILE},
    {"try", GUST__NODE_TRY},
    {"break", GUST__NODE_BREAK},
    {"continue", GUST__NODE_CONTINUE},
};

static const struct statement *find_statement(struct gust__slice name)
{
    for (size_t i = 0; i < GUST_LEN(statements); i++) {
        if (is(name, statements[i].name))
            return &statements[i];
    }
    return NULL;
}

static int parse_statement(struct parser *parser, struct gust__node *node, struct gust__slice rest,
                           bool in_loop)
{
    switch (node->kind) {
    case GUST__NODE_IF:
        return parse_if(parser, node, rest, in_loop);
    case GUST__NODE_FOR:
    case GUST__NODE_WHILE:
        return parse_loop(parser, node, rest, in_loop);
    case GUST__NODE_TRY:
        return parse_try(parser, node, in_loop);
    case GUST__NODE_BLOCK:
    case GUST__NODE_APPLY:
        return parse_named(parser, node, rest, in_loop);
    case GUST__NODE_SET:
        return parse_set(parser, node, rest);
    case GUST__NODE_MODULE:
        return parse_module(parser, node, rest);
    case GUST__NODE_WRITE:
        node->raw = true;
        return parse_expression(parser, node, rest);
    case GUST__NODE_INCLUDE:
        return parse_file_name(parser, node, rest, "include");
    case GUST__NODE_EXTENDS:
        return parse_file_name(parser, node, rest, "extends");
    default: /* break, continue */
        return in_loop ? 0 : wrong(parser, "{% break %} or {% continue %} outside of a loop");
    }
}

/* What ends a body, if this does: {% end %}, or what goes on in statement `of`. */
static enum stop find_stop(struct parser *parser, struct gust__slice operation, const char *of)
{
    static const struct {
        const char *name;
        enum stop stop;
        const char *of;
    } stops[] = {
        {"end", STOP_END, " if for while try block apply "},
        {"else", STOP_ELSE, " if for while try "},
        {"elif", STOP_ELIF, " if "},
        {"except", STOP_EXCEPT, " try "},
        {"finally", STOP_FINALLY, " try "},
    };
    for (size_t i = 0; i < GUST_LEN(stops); i++) {
        if (!is(operation, stops[i].name))
            continue;
        if (of && strstr(stops[i].of, of))
            return stops[i].stop;
        gust__template_wrong(parser->source->name, parser->line, "{%% %s %%} %s %s", stops[i].name,
                             of ? "cannot stand in" : "ends nothing", of ? of : "here");
        return STOP_WRONG;
    }
    return STOP_FILE;
}

/* One {% %}, behind its opening. 1: it ended the body. */
static int parse_tag(struct parser *parser, const char *of, bool in_loop, struct body *body,
                     struct gust__node ***last)
{
    struct gust__slice rest;
    body->line = parser->line;
    unsigned line = parser->line;
    if (take_inside(parser, "%}", &rest) < 0)
        return -1;
    struct gust__slice operation = first_word(&rest);
    if (!operation.size)
        return wrong(parser, "an empty {% %}");
    body->stop = find_stop(parser, operation, of);
    if (body->stop == STOP_WRONG)
        return -1;
    body->rest = rest;
    if (body->stop != STOP_FILE)
        return 1;
    int setting = parse_setting(parser, operation, rest);
    if (setting)
        return setting < 0 ? -1 : 0;
    const struct statement *statement = find_statement(operation);
    if (!statement)
        return gust__template_wrong(parser->source->name, line, "unknown statement '%.*s'",
                                    (int)(operation.size < 40 ? operation.size : 40), operation.data);
    struct gust__node *node = make(parser, statement->kind);
    if (!node)
        return -1;
    node->line = line;
    **last = node;
    *last = &node->next;
    return parse_statement(parser, node, rest, in_loop);
}

static int parse_write(struct parser *parser, struct gust__node ***last)
{
    struct gust__slice inside;
    struct gust__node *node = make(parser, GUST__NODE_WRITE);
    if (!node || take_inside(parser, "}}", &inside) < 0)
        return -1;
    if (!inside.size)
        return gust__template_wrong(parser->source->name, node->line, "an empty {{ }}");
    **last = node;
    *last = &node->next;
    return parse_expression(parser, node, inside);
}

/* Whatever begins with a brace at parser->at. 1: it ended the body. */
static int parse_braces(struct parser *parser, const char *of, bool in_loop, struct body *body,
                        struct gust__node ***last)
{
    struct gust__slice comment;
    char kind = parser->at[1];
    if (parser->end - parser->at > 2 && parser->at[2] == '!') {
        int result = take_text(parser, 2, last);
        consume(parser, 1);
        return result;
    }
    consume(parser, 2);
    if (kind == '#')
        return take_inside(parser, "#}", &comment);
    return kind == '{' ? parse_write(parser, last) : parse_tag(parser, of, in_loop, body, last);
}

static int parse_pieces(struct parser *parser, const char *of, bool in_loop, struct body *body)
{
    struct gust__node **last = &body->nodes;
    unsigned begun = parser->line;
    for (int ended = 0; !ended;) {
        const char *tag = find_tag(parser);
        if (take_text(parser, (size_t)((tag ? tag : parser->end) - parser->at), &last) < 0)
            return -1;
        if (!tag)
            break;
        ended = parse_braces(parser, of, in_loop, body, &last);
        if (ended < 0)
            return -1;
        if (ended)
            return 0;
    }
    body->stop = STOP_FILE;
    if (of)
        return gust__template_wrong(parser->source->name, begun, "{%% %s %%} has no {%% end %%}", of);
    return 0;
}

static int parse_body(struct parser *parser, const char *of, bool in_loop, struct body *body)
{
    *body = (struct body){.line = parser->line};
    if (++parser->depth > GUST__TEMPLATE_MAX_NESTING)
        return wrong(parser, "statements that nest deeper than 64 levels");
    int result = parse_pieces(parser, of, in_loop, body);
    parser->depth--;
    return result;
}

int gust__template_parse(struct gust__arena *arena, struct gust__source *source, const char *whitespace)
{
    struct parser parser = {.arena = arena,
                            .source = source,
                            .at = source->text.data,
                            .end = source->text.data + source->text.size,
                            .line = 1,
                            .whitespace = whitespace};
    struct body body;
    if (source->text.size > GUST__TEMPLATE_MAX_FILE)
        return wrong(&parser, "a template larger than 1 MiB");
    if (memchr(source->text.data, 0, source->text.size) || !gust__utf8_valid(source->text))
        return wrong(&parser, "the template is not UTF-8 text");
    if (!whitespace)
        parser.whitespace =
            ends_with(source->name, ".html") || ends_with(source->name, ".js") ? "single" : "all";
    if (parse_body(&parser, NULL, false, &body) < 0)
        return -1;
    source->nodes = body.nodes;
    return 0;
}
