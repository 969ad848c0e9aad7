/*
 * Templates, inside. A template goes from hand to hand:
 *
 *     template_loader.c       finds its text or its program; keeps programs
 *     template_parse.c        text -> statements (struct gust__node)
 *     template_expression.c   what stands in {{ }} -> struct gust__expression
 *     template_compile.c      statements of a template and all that it extends and includes -> one program
 *       template_compile_expression.c, template_emit.c
 *       template_place.c      meanwhile: where in the HTML a value stands, and how it is escaped there
 *       template_inner.c      the same in scripts, style sheets and URLs
 *     template_render.c       runs the program: a machine with a stack of values
 *       template_value.c, template_escape.c, template_json.c, template_functions.c, template_request.c
 *     template_answer.c       renders into an answer or a text
 *
 * A program is arrays of numbers and one text: tools/gust-template.c writes it as C. Values are
 * borrowed from the JSON tree that they come from; what is made on the way lives in an arena that ends with
 * the rendering, or with the request.
 */
#ifndef GUST_WEB_TEMPLATE_H
#define GUST_WEB_TEMPLATE_H

#include "base/arena.h"
#include "base/lock.h"
#include "http/slice.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include <gust/json.h>
#include <gust/template.h>

enum {
    GUST__TEMPLATE_MAX_FILE = 1 << 20,    /* bytes of a template */
    GUST__TEMPLATE_MAX_NESTING = 64,      /* of statements in a file */
    GUST__TEMPLATE_MAX_STATEMENTS = 100,  /* of statements, through blocks and includes */
    GUST__TEMPLATE_MAX_PARENTHESES = 32,  /* of expressions in parentheses, brackets, calls */
    GUST__TEMPLATE_MAX_HEIGHT = 200,      /* of an expression as a tree */
    GUST__TEMPLATE_MAX_NAMES = 4096,      /* of a program; functions */
    GUST__TEMPLATE_MAX_DEPTH = 16,        /* of files that extend or include one another; of modules */
    GUST__TEMPLATE_MAX_FILES = 1000,      /* that one template is made of */
    GUST__TEMPLATE_MAX_CODE = 1 << 20,    /* instructions of a program */
    GUST__TEMPLATE_MAX_TEXT = 16 << 20,   /* bytes of a program's text */
    GUST__TEMPLATE_MAX_WORK = 1 << 20,    /* statements compiled for a program, again for loops */
    GUST__TEMPLATE_MAX_ARGUMENTS = 64,    /* of a call; elements of a list */
    GUST__TEMPLATE_MAX_MEMORY = 16 << 20, /* of what is made on the way, outside of requests */
    GUST__TEMPLATE_MAX_NAME = 255,        /* bytes of a template's name */
};

/* ---- values ---- */

enum gust__value_kind {
    GUST__VALUE_MISSING, /* of a name that is unknown; only default() sees it */
    GUST__VALUE_NULL,
    GUST__VALUE_BOOLEAN,
    GUST__VALUE_INTEGER,
    GUST__VALUE_REAL,
    GUST__VALUE_TEXT,
    GUST__VALUE_JSON, /* an array or an object */
    GUST__VALUE_LIST, /* made by the template */
    GUST__VALUE_RANGE
};

enum gust__value_flavour { GUST__FLAVOUR_PLAIN, GUST__FLAVOUR_HTML, GUST__FLAVOUR_JSON };

struct gust__value {
    uint8_t kind;
    uint8_t flavour; /* of a text */
    size_t size;     /* of a text, a list, a range */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *text;
        json_t *json;
        const struct gust__value *list;
        struct {
            int32_t first, step;
        } range;
    };
};

static inline struct gust__value gust__value_text(const char *text, size_t size)
{
    return (struct gust__value){.kind = GUST__VALUE_TEXT, .size = size, .text = text};
}

static inline struct gust__value gust__value_integer(int64_t integer)
{
    return (struct gust__value){.kind = GUST__VALUE_INTEGER, .integer = integer};
}

static inline struct gust__value gust__value_boolean(bool boolean)
{
    return (struct gust__value){.kind = GUST__VALUE_BOOLEAN, .boolean = boolean};
}

/* What a JSON value is here; it is borrowed. */
struct gust__value gust__value_of_json(json_t *json);
const char *gust__value_kind_name(const struct gust__value *value); /* "a text" */
bool gust__value_truth(const struct gust__value *value);

/* How many elements; -1: it has none. Of an array, a list, a range or an object the element (its key) at
 * index, which is below the length. */
ssize_t gust__value_length(const struct gust__value *value);
struct gust__value gust__value_at(const struct gust__value *value, size_t index);

/* The text of a number, true, false or null, in room; its size. */
enum { GUST__VALUE_ROOM = 32 };
size_t gust__value_scalar_text(const struct gust__value *value, char room[GUST__VALUE_ROOM]);

/* 0; -1: the last error says why. */
int gust__value_arithmetic(int operation, struct gust__value *left, const struct gust__value *right,
                           struct gust__arena *arena);
int gust__value_compare(int operation, struct gust__value *left, const struct gust__value *right);
bool gust__value_equals(const struct gust__value *one, const struct gust__value *other);
int gust__value_index(struct gust__value *value, const struct gust__value *index, bool lenient);
int gust__value_member(struct gust__value *value, const char *name, bool lenient);
int gust__value_negate(struct gust__value *value);

/* ---- syntax ---- */

enum gust__operation {
    GUST__DO_END,
    GUST__DO_TEXT,   /* writes b bytes at a */
    GUST__DO_WRITE,  /* how: escape */
    GUST__DO_LOAD,   /* name a; how: lenient */
    GUST__DO_MEMBER, /* of name at text a; how: lenient */
    GUST__DO_INDEX,  /* how: lenient */
    GUST__DO_NULL,
    GUST__DO_BOOLEAN, /* a */
    GUST__DO_INTEGER, /* integers[a] */
    GUST__DO_REAL,    /* reals[a] */
    GUST__DO_STRING,  /* b bytes at a */
    GUST__DO_LIST,    /* of a values */
    GUST__DO_CALL,    /* references[a] with b arguments */
    GUST__DO_MODULE,  /* the same, and writes */
    GUST__DO_ADD,
    GUST__DO_SUBTRACT,
    GUST__DO_MULTIPLY,
    GUST__DO_DIVIDE,
    GUST__DO_FLOOR,
    GUST__DO_MODULO,
    GUST__DO_EQUAL,
    GUST__DO_UNEQUAL,
    GUST__DO_LESS,
    GUST__DO_LESS_EQUAL,
    GUST__DO_GREATER,
    GUST__DO_GREATER_EQUAL,
    GUST__DO_IN,
    GUST__DO_NOT_IN,
    GUST__DO_NOT,
    GUST__DO_NEGATE,
    GUST__DO_JUMP,       /* to a */
    GUST__DO_UNLESS,     /* pops; to a if false */
    GUST__DO_AND,        /* to a if false, else pops */
    GUST__DO_OR,         /* to a if true, else pops */
    GUST__DO_DEFAULT,    /* to a unless missing or null, else pops */
    GUST__DO_STORE,      /* name a */
    GUST__DO_UNPACK,     /* a values, the first on top */
    GUST__DO_LOOP_BEGIN, /* loop a */
    GUST__DO_LOOP_NEXT,  /* loop a, how: values to push; to b at the end */
    GUST__DO_LOOP_FIELD, /* loop a, how: field */
    GUST__DO_COUNT,      /* one more iteration */
    GUST__DO_CAPTURE,    /* keeps back what is written from now on */
    GUST__DO_APPLY,      /* references[a] to it, with b more arguments */
    GUST__DO_TRY,        /* to a on failure */
    GUST__DO_TRY_END,
    GUST__DO_FAILURE, /* pushes the text of what failed */
    GUST__DO_RAISE,   /* fails again */
    GUST__DO_MARK,    /* how: 0 in front of </head>, 1 of </body> */
    GUST__DO_COUNT_OF
};

enum { GUST__LOOP_INDEX, GUST__LOOP_INDEX0, GUST__LOOP_FIRST, GUST__LOOP_LAST, GUST__LOOP_LENGTH };

enum gust__expression_kind {
    GUST__EXPRESSION_CONSTANT,
    GUST__EXPRESSION_NAME,
    GUST__EXPRESSION_MEMBER, /* left, name */
    GUST__EXPRESSION_INDEX,  /* left, right */
    GUST__EXPRESSION_CALL,   /* name, arguments in left */
    GUST__EXPRESSION_LIST,   /* elements in left */
    GUST__EXPRESSION_UNARY,  /* operation, left */
    GUST__EXPRESSION_BINARY, /* operation, left, right; AND and OR too */
    GUST__EXPRESSION_CHOICE  /* left if third else right */
};

struct gust__expression {
    enum gust__expression_kind kind;
    enum gust__operation operation;
    unsigned line;
    unsigned count; /* of a call's or list's */
    unsigned height;
    struct gust__slice name;
    struct gust__value constant;
    struct gust__expression *left, *right, *third;
    struct gust__expression *next; /* in a list of arguments */
};

enum gust__node_kind {
    GUST__NODE_TEXT,
    GUST__NODE_WRITE,
    GUST__NODE_BLOCK,
    GUST__NODE_EXTENDS,
    GUST__NODE_INCLUDE,
    GUST__NODE_APPLY,
    GUST__NODE_SET,
    GUST__NODE_IF,
    GUST__NODE_FOR,
    GUST__NODE_WHILE,
    GUST__NODE_TRY,
    GUST__NODE_BREAK,
    GUST__NODE_CONTINUE,
    GUST__NODE_MODULE
};

enum { GUST__NODE_MAX_VARIABLES = 8 };

struct gust__node {
    struct gust__node *next;
    enum gust__node_kind kind;
    unsigned line;
    bool raw;
    bool has_otherwise, has_handler, has_finally;
    unsigned variable_count;
    struct gust__slice text; /* literal text, white space done; a name */
    struct gust__slice variables[GUST__NODE_MAX_VARIABLES];
    struct gust__expression *expression;
    struct gust__node *body, *otherwise, *handler, *finally;
};

/* A file as it was read. */
struct gust__source {
    struct gust__source *next;
    const char *name;
    struct gust__slice text;
    struct gust__node *nodes;
    const char *autoescape; /* "xhtml_escape", NULL: none, or a function's name */
    unsigned number;        /* in the program's files */
};

/* Where a mistake is said: the last error is set to "name:line: text". Always -1 and EINVAL. */
int gust__template_wrong(const char *name, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads an expression that begins in a line of a file; NULL: the last error. *rest (NULL: there must be none)
 * is what stands behind it. */
struct gust__expression *gust__expression_parse(struct gust__arena *arena, const char *file, unsigned line,
                                                struct gust__slice text);
/* Reads names separated by commas up to what is none; -> how many, and *text begins behind them. */
int gust__expression_names(const char *file, unsigned line, struct gust__slice *text,
                           struct gust__slice *names, unsigned most);

/* Parses source->text into source->nodes, all in the arena. whitespace: a mode, or NULL: by the name. 0; -1.
 */
int gust__template_parse(struct gust__arena *arena, struct gust__source *source, const char *whitespace);
bool gust__template_is_whitespace_mode(const char *mode);

/* ---- the place in the HTML ---- */

/* Where the text written so far ends. Compared as bytes: it has no padding. */
struct gust__place {
    uint8_t state;
    uint8_t element;   /* whose start tag or content this is, if it is a special one */
    uint8_t closing;   /* in an end tag */
    uint8_t attribute; /* what kind */
    uint8_t quote;     /* '"', '\'', or 0: none */
    uint8_t inner;     /* place in the script, style sheet or URL */
    uint8_t slash;     /* in a script: what a '/' means */
    uint8_t escaped;   /* behind a backslash */
    uint8_t matched;   /* characters of an end tag, of "-->" */
    uint8_t entity_size;
    uint8_t word_size;
    char entity[9];
    char word[12]; /* the name or word that is being read, in lower case */
};

void gust__place_begin(struct gust__place *place, const char *file_name);
/* Goes on with literal text. NULL; or what is wrong with it. */
const char *gust__place_text(struct gust__place *place, const char *text, size_t size);
/* A value stands here: how it is escaped. NULL; or why it cannot stand here. */
const char *gust__place_value(struct gust__place *place, uint8_t *how);
/* Where two ways meet. false: they end in different places. */
bool gust__place_join(struct gust__place *place, const struct gust__place *other);
const char *gust__place_name(const struct gust__place *place); /* "inside a tag" */
bool gust__place_is_text(const struct gust__place *place);
/* The end of the template: NULL, or what is open. */
const char *gust__place_end(const struct gust__place *place);
extern const struct gust__place gust__place_nowhere; /* behind a {% break %} */

/* How a value is written: what it is made first, and what the attribute around it asks for then. */
enum gust__escape {
    GUST__ESCAPE_NONE,
    GUST__ESCAPE_MARKUP,      /* in text: what is HTML already stays so */
    GUST__ESCAPE_NAME,        /* an attribute without value */
    GUST__ESCAPE_SCRIPT,      /* JSON */
    GUST__ESCAPE_SCRIPT_TEXT, /* in a string of a script */
    GUST__ESCAPE_STYLE,
    GUST__ESCAPE_STYLE_TEXT, /* in a string of a style sheet */
    GUST__ESCAPE_URL,        /* begins a URL: its scheme is checked */
    GUST__ESCAPE_URL_REST,   /* may still be in the scheme: no colon */
    GUST__ESCAPE_URL_PATH,
    GUST__ESCAPE_URL_QUERY,
    GUST__ESCAPE_URL_STYLE, /* in url(...) of a style sheet */

    GUST__ESCAPE_HTML = 0x20,
    GUST__ESCAPE_UNQUOTED = 0x40,
    GUST__ESCAPE_TWICE = 0x60,
};
#define GUST__ESCAPE_FIRST(how)  ((how)&0x1f)
#define GUST__ESCAPE_SECOND(how) ((how)&0x60)

/* ---- compiling ---- */

/* Where a compiler finds the text of a template. */
struct gust__template_reader {
    /* Text in the arena; NULL and errno: ENOENT, ... */
    const char *(*read)(struct gust__template_reader *reader, struct gust__arena *arena, const char *name,
                        size_t *size);
    const char *whitespace;
    const char *autoescape; /* NULL: none */
};

/* A program on the heap, freed in one; NULL: the last error says what is wrong, and where. */
struct gust__template_program *gust__template_compile(struct gust__template_reader *reader, const char *name);
void gust__template_program_free(struct gust__template_program *program);

/* The name of a template as one named by another (NULL: none) in `to`, or -1 and EINVAL: it leads out. */
int gust__template_resolve(char to[GUST__TEMPLATE_MAX_NAME + 1], const char *from, struct gust__slice name);

/* ---- loaded ---- */

struct gust__template_function {
    struct gust__template_function *next;
    char *name;
    gust_template_caller *function;
    void *data;
    bool module;
};

struct gust__template_file {
    int64_t modified; /* nanoseconds; -1: no file */
    int64_t size;
};

/* A program that is ready to run. */
struct gust__template {
    struct gust__template *next; /* in its slot */
    const struct gust__template_program *program;
    struct gust__template_program *own; /* when it is on the heap */
    _Atomic unsigned references;
    const struct gust__template_function **functions; /* of the program's references */
    struct gust__template_file *files;                /* as they were; NULL: not looked at */
};

enum { GUST__TEMPLATE_SLOTS = 64 };

struct gust__template_text {
    struct gust__template_text *next;
    char *name, *text;
};

struct gust__template_set {
    struct gust__template_set *next;
    const gust_compiled_templates *compiled;
};

struct gust_templates {
    gust_templates_options options;
    char *directory, *whitespace, *autoescape;
    struct gust__template_text *texts;
    struct gust__template_set *compiled;
    struct gust__template_function *functions; /* newest first */
    struct gust__lock lock;                    /* for what follows */
    struct gust__template *slots[GUST__TEMPLATE_SLOTS];
    bool rendered;
};

/* A template, to be dropped; NULL: the last error. */
struct gust__template *gust__template_take(gust_templates *templates, const char *name);
void gust__template_drop(struct gust__template *template);

/* Built-in functions that ask the request (template_request.c). */
gust_template_caller gust__template_reverse_url, gust__template_static_url, gust__template_xsrf_form_html,
    gust__template_translate;

/* A built-in function; NULL: none of that name. */
const struct gust__template_function *gust__template_builtin(const char *name);

/* ---- rendering ---- */

/* What is written: kept in data, and given away when it is full, if nobody holds it back. */
struct gust__template_output {
    char *data;
    size_t size, capacity;
    size_t given;
    size_t max;     /* of size and given */
    unsigned holds; /* captures, tries, and pages with modules */
    bool heap;      /* data is; else it is in an arena */
    bool lost;      /* giving away failed */
    gust_request *request;
    struct gust__arena *arena;
};

/* Room for size more bytes at data + size. 0; -1: EOVERFLOW, ENOMEM, or as gust_write. */
int gust__template_grow(struct gust__template_output *output, size_t size);

static inline int gust__template_put(struct gust__template_output *output, const char *data, size_t size)
{
    if (__builtin_expect(size > output->capacity - output->size, 0) && gust__template_grow(output, size) < 0)
        return -1;
    if (size)
        memcpy(output->data + output->size, data, size);
    output->size += size;
    return 0;
}

/* Writes a value escaped for its place. */
int gust__template_write(struct gust__template_output *output, const struct gust__value *value, uint8_t how);
int gust__template_put_escaped(struct gust__template_output *output, const char *data, size_t size,
                               int second);
/* Writes a value as JSON: for a script if so, else as Tornado's json_encode. */
int gust__template_put_json(struct gust__template_output *output, const struct gust__value *value,
                            bool script, int second);

struct gust__template_needed {
    struct gust__template_needed *next;
    enum gust_template_need need;
    const char *text;
};

/* A value that a function made, until the rendering ends. */
struct gust__template_kept {
    struct gust__template_kept *next;
    json_t *json;
};

/* One rendering: of a template, and of those that its modules render. */
struct gust__rendering {
    gust_templates *templates;
    gust_request *request;
    struct gust__arena *arena;
    struct gust__template_output output;
    int64_t iterations; /* left */
    unsigned depth;
    bool limited;      /* a limit was met: no {% try %} catches it */
    size_t head, body; /* where to insert what is needed; SIZE_MAX: nowhere */
    struct gust__template_needed *needed, **needed_end;
    struct gust__template_kept *kept;
};

struct gust_template_call {
    struct gust__rendering *rendering;
    const struct gust__value *arguments;
    unsigned count;
    bool module;
    struct gust__value result;
};

/* Runs a template on data. 0; -1: the last error says what and where. */
int gust__template_run(struct gust__rendering *rendering, const struct gust__template *template,
                       json_t *data);
/* A value's text in the rendering's arena, a NUL behind; NULL: ENOMEM. */
const char *gust__template_text_of(struct gust__rendering *rendering, const struct gust__value *value,
                                   size_t *size);
/* Fails with a limit that nobody catches: -1, EOVERFLOW. */
int gust__template_limit(struct gust__rendering *rendering, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
