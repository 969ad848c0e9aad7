/*
 * Making a program: what the two halves of the compiler share. Code, text and constants grow in the
 * compiler's arena, and are put together at the end. Whatever returns -1 (NULL) has set the last error with
 * its place.
 */
#ifndef GUST_WEB_TEMPLATE_EMIT_H
#define GUST_WEB_TEMPLATE_EMIT_H

#include "web/template.h"

struct gust__block {
    struct gust__block *next;
    struct gust__slice name;
    const struct gust__node *node;
    const struct gust__source *source;
};

/* What a {% break %} or {% continue %} has to leave, innermost first. */
struct gust__compiler_scope {
    struct gust__compiler_scope *outer;
    const struct gust__node *node; /* a loop, or a try */
    const struct gust__source *source;
    int32_t breaks, continues; /* chains of jumps to be set; -1: none */
    struct gust__place break_place, continue_place;
    int32_t loop;      /* number of a for's; -1 */
    bool in_finally;   /* of a try: its finally is being compiled, or it has none */
    unsigned handlers; /* of a try: that are in force */
};

/* The files that are being compiled, newest first: none of them may be included once more. */
struct gust__entered {
    struct gust__entered *outer;
    const struct gust__source *source;
    unsigned depth;
};

struct gust__compiler {
    struct gust__template_reader *reader;
    struct gust__arena *arena;
    const char *name;
    struct gust__source *sources;
    unsigned source_count;
    struct gust__block *blocks;
    const struct gust__source *source; /* whose statements are compiled */
    struct gust__entered *entered;
    struct gust__compiler_scope *scope;
    struct gust__place place;
    size_t work;

    struct gust__template_instruction *code;
    size_t code_count, code_capacity;
    size_t label; /* code behind the last place that is jumped to */
    char *text;
    size_t text_size, text_capacity;
    double *reals;
    size_t real_count, real_capacity;
    int64_t *integers;
    size_t integer_count, integer_capacity;
    uint32_t *names;
    size_t name_count, name_capacity;
    struct gust__template_reference *references;
    size_t reference_count, reference_capacity;
    unsigned height, stack;
    int32_t loops, most_loops;
    uint32_t tries, most_tries;
    bool has_modules;
    unsigned captured; /* within applies and tries */
    unsigned depth;    /* of statements, through blocks and includes */
};

int gust__compiler_wrong(struct gust__compiler *compiler, unsigned line, const char *text);
int gust__compiler_too_large(struct gust__compiler *compiler, unsigned line);

/* Appends an instruction. */
int gust__emit(struct gust__compiler *compiler, unsigned line, enum gust__operation operation, uint8_t how,
               int32_t a, int32_t b);
/* Appends bytes to the text; -> where they begin, -1: too many, and no error is set. */
int32_t gust__emit_bytes(struct gust__compiler *compiler, const char *data, size_t size, bool terminated);
/* The number of a constant, of a name (which has a place of its own while the program runs), of a function or
 * a module that is called. */
int32_t gust__emit_integer(struct gust__compiler *compiler, int64_t integer, unsigned line);
int32_t gust__emit_real(struct gust__compiler *compiler, double real, unsigned line);
int32_t gust__emit_name(struct gust__compiler *compiler, struct gust__slice name, unsigned line);
int32_t gust__emit_reference(struct gust__compiler *compiler, struct gust__slice name, unsigned line,
                             bool module);

/* The place behind the last instruction, which is jumped to. */
int32_t gust__emit_here(struct gust__compiler *compiler);
/* A jump to what is not known yet; -> its place, for gust__emit_land. */
int32_t gust__emit_jump(struct gust__compiler *compiler, unsigned line, enum gust__operation operation);
void gust__emit_land(struct gust__compiler *compiler, int32_t from);
/* The same for several jumps to one place: *chain is -1 before the first. */
int gust__emit_chained_jump(struct gust__compiler *compiler, unsigned line, int32_t *chain);
void gust__emit_land_chain(struct gust__compiler *compiler, int32_t chain, int32_t target);

/* One more value will be on the stack. */
static inline void gust__emit_push(struct gust__compiler *compiler)
{
    if (++compiler->height > compiler->stack)
        compiler->stack = compiler->height;
}

/* All of it as one block of memory. */
struct gust__template_program *gust__emit_program(struct gust__compiler *compiler);

/* ---- template_compile_expression.c ---- */

/* One value more on the stack; lenient: it may be missing. */
int gust__compile_expression(struct gust__compiler *compiler, const struct gust__expression *expression,
                             bool lenient);
int gust__compile_arguments(struct gust__compiler *compiler, const struct gust__expression *arguments);
/* operation: GUST__DO_CALL, or GUST__DO_MODULE, which leaves no value. */
int gust__compile_call(struct gust__compiler *compiler, const struct gust__expression *call,
                       enum gust__operation operation);

#endif
