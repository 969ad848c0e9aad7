/* Making a program: its code, text and constants, and all of them put together. */
#include "web/template_emit.h"

#include "base/alloc.h"

#include <errno.h>

#include <gust/error.h>

int gust__compiler_wrong(struct gust__compiler *compiler, unsigned line, const char *text)
{
    return gust__template_wrong(compiler->source ? compiler->source->name : compiler->name, line, "%s", text);
}

/* ---- arrays ---- */

/* Room for one more element of an array that grows. NULL: ENOMEM. */
static void *more(struct gust__compiler *compiler, void *array, size_t count, size_t *capacity, size_t each,
                  size_t extra)
{
    if (count + extra <= *capacity)
        return array;
    size_t larger = *capacity ? *capacity : 64;
    while (larger < count + extra)
        larger *= 2;
    void *memory = gust__arena_alloc(compiler->arena, larger * each);
    if (!memory)
        return NULL;
    if (count)
        memcpy(memory, array, count * each);
    *capacity = larger;
    return memory;
}

#define MORE(array, extra)                                                                       \
    __extension__({                                                                              \
        void *memory_ = more(compiler, compiler->array##s, compiler->array##_count,              \
                             &compiler->array##_capacity, sizeof(*compiler->array##s), (extra)); \
        if (memory_)                                                                             \
            compiler->array##s = memory_;                                                        \
        memory_;                                                                                 \
    })

int gust__compiler_too_large(struct gust__compiler *compiler, unsigned line)
{
    return gust__compiler_wrong(compiler, line,
                                "a template that is too large once everything is in its place");
}

int gust__emit(struct gust__compiler *compiler, unsigned line, enum gust__operation operation, uint8_t how,
               int32_t a, int32_t b)
{
    void *code = more(compiler, compiler->code, compiler->code_count, &compiler->code_capacity,
                      sizeof(*compiler->code), 1);
    if (!code || compiler->code_count >= GUST__TEMPLATE_MAX_CODE)
        return gust__compiler_too_large(compiler, line);
    compiler->code = code;
    compiler->code[compiler->code_count++] = (struct gust__template_instruction){
        (uint8_t)operation, how, (uint16_t)compiler->source->number, line, a, b};
    return 0;
}

int32_t gust__emit_bytes(struct gust__compiler *compiler, const char *data, size_t size, bool terminated)
{
    void *text = more(compiler, compiler->text, compiler->text_size, &compiler->text_capacity, 1, size + 1);
    if (!text || compiler->text_size + size >= GUST__TEMPLATE_MAX_TEXT)
        return -1;
    compiler->text = text;
    size_t at = compiler->text_size;
    if (size)
        memcpy(compiler->text + at, data, size);
    compiler->text[at + size] = 0;
    compiler->text_size += size + terminated;
    return (int32_t)at;
}

int32_t gust__emit_name(struct gust__compiler *compiler, struct gust__slice name, unsigned line)
{
    for (size_t i = 0; i < compiler->name_count; i++) {
        const char *known = compiler->text + compiler->names[i];
        if (strncmp(known, name.data, name.size) == 0 && !known[name.size])
            return (int32_t)i;
    }
    if (compiler->name_count == GUST__TEMPLATE_MAX_NAMES)
        return gust__compiler_wrong(compiler, line, "a template with more than 4096 names");
    int32_t text = gust__emit_bytes(compiler, name.data, name.size, true);
    if (text < 0 || !MORE(name, 1))
        return gust__compiler_too_large(compiler, line);
    compiler->names[compiler->name_count] = (uint32_t)text;
    return (int32_t)compiler->name_count++;
}

int32_t gust__emit_reference(struct gust__compiler *compiler, struct gust__slice name, unsigned line,
                             bool module)
{
    for (size_t i = 0; i < compiler->reference_count; i++) {
        const char *known = compiler->text + compiler->references[i].name;
        if (compiler->references[i].module == module && strncmp(known, name.data, name.size) == 0 &&
            !known[name.size])
            return (int32_t)i;
    }
    if (compiler->reference_count == GUST__TEMPLATE_MAX_NAMES)
        return gust__compiler_wrong(compiler, line, "a template with more than 4096 functions");
    int32_t text = gust__emit_bytes(compiler, name.data, name.size, true);
    if (text < 0 || !MORE(reference, 1))
        return gust__compiler_too_large(compiler, line);
    compiler->references[compiler->reference_count] =
        (struct gust__template_reference){(uint32_t)text, line, (uint16_t)compiler->source->number, module};
    return (int32_t)compiler->reference_count++;
}

int32_t gust__emit_integer(struct gust__compiler *compiler, int64_t integer, unsigned line)
{
    if (!MORE(integer, 1))
        return gust__compiler_too_large(compiler, line);
    compiler->integers[compiler->integer_count] = integer;
    return (int32_t)compiler->integer_count++;
}

int32_t gust__emit_real(struct gust__compiler *compiler, double real, unsigned line)
{
    if (!MORE(real, 1))
        return gust__compiler_too_large(compiler, line);
    compiler->reals[compiler->real_count] = real;
    return (int32_t)compiler->real_count++;
}

/* ---- labels ---- */

int32_t gust__emit_here(struct gust__compiler *compiler)
{
    compiler->label = compiler->code_count;
    return (int32_t)compiler->code_count;
}

int32_t gust__emit_jump(struct gust__compiler *compiler, unsigned line, enum gust__operation operation)
{
    return gust__emit(compiler, line, operation, 0, -1, 0) < 0 ? -1 : (int32_t)compiler->code_count - 1;
}

void gust__emit_land(struct gust__compiler *compiler, int32_t from)
{
    compiler->code[from].a = gust__emit_here(compiler);
}

int gust__emit_chained_jump(struct gust__compiler *compiler, unsigned line, int32_t *chain)
{
    int32_t at = gust__emit_jump(compiler, line, GUST__DO_JUMP);
    if (at < 0)
        return -1;
    compiler->code[at].a = *chain;
    *chain = at;
    return 0;
}

void gust__emit_land_chain(struct gust__compiler *compiler, int32_t chain, int32_t target)
{
    while (chain >= 0) {
        int32_t next = compiler->code[chain].a;
        compiler->code[chain].a = target;
        chain = next;
    }
}

/* ---- the program ---- */

static void *copy(char **to, const void *from, size_t size)
{
    void *at = *to;
    if (size)
        memcpy(at, from, size);
    *to += (size + 15) & ~(size_t)15;
    return at;
}

static uint32_t *file_names(struct gust__compiler *compiler)
{
    uint32_t *files = gust__arena_alloc(compiler->arena, (compiler->source_count + 1) * sizeof(*files));
    for (struct gust__source *source = compiler->sources; files && source; source = source->next) {
        int32_t at = gust__emit_bytes(compiler, source->name, strlen(source->name), true);
        if (at < 0)
            return NULL;
        files[source->number] = (uint32_t)at;
    }
    return files;
}

struct gust__template_program *gust__emit_program(struct gust__compiler *compiler)
{
    uint32_t *files = file_names(compiler);
    int32_t name = files ? gust__emit_bytes(compiler, compiler->name, strlen(compiler->name), true) : -1;
    size_t size = sizeof(struct gust__template_program) + 8 * 16 + compiler->text_size +
                  compiler->code_count * sizeof(*compiler->code) +
                  8 * (compiler->real_count + compiler->integer_count) +
                  4 * (compiler->name_count + compiler->source_count) +
                  compiler->reference_count * sizeof(*compiler->references);
    struct gust__template_program *program = name < 0 ? NULL : gust__malloc(size);
    if (!program) {
        gust_error_set(ENOMEM, NULL);
        return NULL;
    }
    char *at = (char *)program + ((sizeof(*program) + 15) & ~(size_t)15);
    *program = (struct gust__template_program){
        .name = (uint32_t)name,
        .text_size = (uint32_t)compiler->text_size,
        .code_count = (uint32_t)compiler->code_count,
        .real_count = (uint32_t)compiler->real_count,
        .integer_count = (uint32_t)compiler->integer_count,
        .name_count = (uint32_t)compiler->name_count,
        .file_count = compiler->source_count,
        .reference_count = (uint32_t)compiler->reference_count,
        .stack = compiler->stack,
        .loops = (uint32_t)compiler->most_loops,
        .tries = compiler->most_tries,
        .has_modules = compiler->has_modules,
    };
    program->code = copy(&at, compiler->code, compiler->code_count * sizeof(*compiler->code));
    program->reals = copy(&at, compiler->reals, compiler->real_count * sizeof(double));
    program->integers = copy(&at, compiler->integers, compiler->integer_count * sizeof(int64_t));
    program->names = copy(&at, compiler->names, compiler->name_count * sizeof(uint32_t));
    program->files = copy(&at, files, compiler->source_count * sizeof(uint32_t));
    program->references =
        copy(&at, compiler->references, compiler->reference_count * sizeof(*compiler->references));
    program->text = copy(&at, compiler->text, compiler->text_size);
    return program;
}
