/* A set of templates: where they come from, and the programs that were made of them. */
#include "web/template.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <gust/error.h>

enum { MAX_ITERATIONS = 1000000, MAX_OUTPUT = 64 << 20 };

/* ---- making it ---- */

/* A member that lies within the caller's version of the struct. */
#define GIVEN(member) \
    (offsetof(gust_templates_options, member) + sizeof(given->member) <= given->size ? given->member : 0)

static int copy_text(char **to, const char *text)
{
    if (!text)
        return 0;
    *to = gust__strdup(text);
    return *to ? 0 : -1;
}

gust_templates *gust_templates_new_with(const gust_templates_options *given)
{
    const char *whitespace = GIVEN(whitespace), *autoescape = GIVEN(autoescape);
    if (whitespace && !gust__template_is_whitespace_mode(whitespace)) {
        gust_error_set(EINVAL, "the white space of templates is all, single or oneline");
        return NULL;
    }
    gust_templates *templates = gust__calloc(1, sizeof(*templates));
    if (!templates)
        return NULL;
    templates->options.reload = GIVEN(reload);
    int64_t iterations = GIVEN(max_iterations), output = GIVEN(max_output);
    templates->options.max_iterations = iterations ? iterations : MAX_ITERATIONS;
    templates->options.max_output = output ? output : MAX_OUTPUT;
    if (!autoescape)
        autoescape = "xhtml_escape";
    if (copy_text(&templates->directory, GIVEN(directory)) < 0 ||
        copy_text(&templates->whitespace, whitespace) < 0 ||
        (strcmp(autoescape, "None") != 0 && copy_text(&templates->autoescape, autoescape) < 0)) {
        gust_templates_free(templates);
        errno = ENOMEM;
        return NULL;
    }
    return templates;
}
#undef GIVEN

static void free_functions(struct gust__template_function *function)
{
    while (function) {
        struct gust__template_function *next = function->next;
        gust__free(function->name);
        gust__free(function);
        function = next;
    }
}

static void free_texts(struct gust__template_text *text)
{
    while (text) {
        struct gust__template_text *next = text->next;
        gust__free(text->name);
        gust__free(text->text);
        gust__free(text);
        text = next;
    }
}

static void free_compiled(struct gust__template_set *set)
{
    while (set) {
        struct gust__template_set *next = set->next;
        gust__free(set);
        set = next;
    }
}

void gust_templates_free(gust_templates *templates)
{
    if (!templates)
        return;
    for (size_t i = 0; i < GUST__TEMPLATE_SLOTS; i++) {
        while (templates->slots[i]) {
            struct gust__template *next = templates->slots[i]->next;
            gust__template_drop(templates->slots[i]);
            templates->slots[i] = next;
        }
    }
    free_functions(templates->functions);
    free_texts(templates->texts);
    free_compiled(templates->compiled);
    gust__free(templates->directory);
    gust__free(templates->whitespace);
    gust__free(templates->autoescape);
    gust__free(templates);
}

int gust__template_resolve(char to[GUST__TEMPLATE_MAX_NAME + 1], const char *from, struct gust__slice name)
{
    const char *slash = from ? strrchr(from, '/') : NULL;
    size_t size = slash && name.size && *name.data != '/' ? (size_t)(slash - from) : 0;
    if (size)
        memcpy(to, from, size);
    if (memchr(name.data, 0, name.size))
        return errno = EINVAL, -1;
    for (const char *at = name.data, *end = at + name.size, *next; at < end; at = next) {
        const char *cut = memchr(at, '/', (size_t)(end - at));
        struct gust__slice part = gust__slice_between(at, cut ? cut : end);
        next = cut ? cut + 1 : end;
        if (part.size == 0 || gust__slice_equals(part, GUST__SLICE(".")))
            continue;
        if (gust__slice_equals(part, GUST__SLICE(".."))) {
            if (size == 0)
                return errno = EINVAL, -1;
            while (size && to[--size] != '/')
                continue;
            continue;
        }
        if (size + (size > 0) + part.size > GUST__TEMPLATE_MAX_NAME)
            return errno = EINVAL, -1;
        if (size)
            to[size++] = '/';
        memcpy(to + size, part.data, part.size);
        size += part.size;
    }
    to[size] = 0;
    return size ? 0 : (errno = EINVAL, -1);
}

static struct gust__template_text *find_text(const gust_templates *templates, const char *name)
{
    for (struct gust__template_text *text = templates->texts; text; text = text->next) {
        if (strcmp(text->name, name) == 0)
            return text;
    }
    return NULL;
}

int gust_templates_add(gust_templates *templates, const char *name, const char *text)
{
    char resolved[GUST__TEMPLATE_MAX_NAME + 1];
    if (gust__template_resolve(resolved, NULL, gust__slice_of(name)) < 0)
        return gust_error_set(EINVAL, "%s is no name of a template", name);
    struct gust__template_text *added = gust__calloc(1, sizeof(*added));
    if (!added || copy_text(&added->name, resolved) < 0 || copy_text(&added->text, text) < 0) {
        free_texts(added);
        return gust_error_set(ENOMEM, NULL);
    }
    added->next = templates->texts;
    templates->texts = added;
    return 0;
}

int gust_templates_add_compiled(gust_templates *templates, const gust_compiled_templates *compiled)
{
    if (compiled->version != GUST__TEMPLATE_VERSION)
        return gust_error_set(EINVAL, "templates that another version of gust-template compiled");
    struct gust__template_set *set = gust__malloc(sizeof(*set));
    if (!set)
        return gust_error_set(ENOMEM, NULL);
    *set = (struct gust__template_set){templates->compiled, compiled};
    templates->compiled = set;
    return 0;
}

static int add_function(gust_templates *templates, const char *name, gust_template_caller *function,
                        void *data, bool module)
{
    if (!*name || !function)
        return gust_error_set(EINVAL, "a function for templates without a name");
    if (templates->rendered)
        return gust_error_set(EALREADY, "a function %s() for templates that have been rendered", name);
    struct gust__template_function *added = gust__calloc(1, sizeof(*added));
    if (!added || copy_text(&added->name, name) < 0) {
        gust__free(added);
        return gust_error_set(ENOMEM, NULL);
    }
    added->function = function;
    added->data = data;
    added->module = module;
    added->next = templates->functions;
    templates->functions = added;
    return 0;
}

int gust_template_function(gust_templates *templates, const char *name, gust_template_caller *function,
                           void *data)
{
    return add_function(templates, name, function, data, false);
}

int gust_template_module(gust_templates *templates, const char *name, gust_template_caller *function,
                         void *data)
{
    return add_function(templates, name, function, data, true);
}

/* ---- files ---- */

static int open_file(const gust_templates *templates, const char *name)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s", templates->directory, name);
    if (size < 0 || (size_t)size >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return gust__sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
}

static int read_whole(int fd, char *to, size_t size)
{
    while (size) {
        ssize_t got = gust__sys_read(fd, to, size);
        if (got == 0)
            errno = EIO; /* it shrank */
        if (got <= 0)
            return -1;
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

/* The file's text in the arena. NULL and errno. */
static const char *read_file(int fd, struct gust__arena *arena, size_t *size)
{
    struct stat status;
    if (gust__sys_fstat(fd, &status) < 0)
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return NULL;
    }
    if (status.st_size > GUST__TEMPLATE_MAX_FILE) {
        errno = EFBIG;
        return NULL;
    }
    *size = (size_t)status.st_size;
    char *text = gust__arena_alloc(arena, *size + 1);
    if (!text || read_whole(fd, text, *size) < 0)
        return NULL;
    text[*size] = 0;
    return text;
}

struct set_reader {
    struct gust__template_reader reader;
    gust_templates *templates;
};

static const char *read_template(struct gust__template_reader *reader, struct gust__arena *arena,
                                 const char *name, size_t *size)
{
    gust_templates *templates = ((struct set_reader *)(void *)reader)->templates;
    const struct gust__template_text *text = find_text(templates, name);
    if (text) {
        *size = strlen(text->text);
        return text->text;
    }
    if (!templates->directory) {
        errno = ENOENT;
        return NULL;
    }
    int fd = open_file(templates, name);
    if (fd < 0)
        return NULL;
    const char *read = read_file(fd, arena, size);
    int code = errno;
    gust__sys_close(fd);
    errno = code;
    return read;
}

/* What a file is like now; without one, and for a text in memory, modified is -1. */
static struct gust__template_file look_at(const gust_templates *templates, const char *name)
{
    struct gust__template_file file = {-1, -1};
    char path[PATH_MAX];
    struct stat status;
    int size = templates->directory && !find_text(templates, name)
                   ? snprintf(path, sizeof(path), "%s/%s", templates->directory, name)
                   : -1;
    if (size < 0 || (size_t)size >= sizeof(path) || gust__sys_fstatat(AT_FDCWD, path, &status, 0) < 0)
        return file;
    file.modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    file.size = status.st_size;
    return file;
}

static bool has_changed(const gust_templates *templates, const struct gust__template *template)
{
    const struct gust__template_program *program = template->program;
    for (uint32_t i = 0; template->files && i < program->file_count; i++) {
        struct gust__template_file now = look_at(templates, program->text + program->files[i]);
        if (now.modified != template->files[i].modified || now.size != template->files[i].size)
            return true;
    }
    return false;
}

/* ---- programs ---- */

static const struct gust__template_function *find_function(const gust_templates *templates, const char *name,
                                                           bool module)
{
    for (const struct gust__template_function *function = templates->functions; function;
         function = function->next) {
        if (function->module == module && strcmp(function->name, name) == 0)
            return function;
    }
    return module ? NULL : gust__template_builtin(name);
}

/* Finds what the program calls. */
static int link_functions(gust_templates *templates, struct gust__template *template)
{
    const struct gust__template_program *program = template->program;
    for (uint32_t i = 0; i < program->reference_count; i++) {
        const struct gust__template_reference *reference = &program->references[i];
        const char *name = program->text + reference->name;
        template->functions[i] = find_function(templates, name, reference->module);
        if (!template->functions[i])
            return gust__template_wrong(program->text + program->files[reference->file], reference->line,
                                        "unknown %s '%s'", reference->module ? "module" : "function", name);
    }
    return 0;
}

/* Takes own, the program when it is on the heap. */
static struct gust__template *make(gust_templates *templates, const struct gust__template_program *program,
                                   struct gust__template_program *own)
{
    struct gust__template *template =
        gust__calloc(1, sizeof(*template) + program->reference_count * sizeof(template->functions[0]));
    if (!template) {
        gust__template_program_free(own);
        gust_error_set(ENOMEM, NULL);
        return NULL;
    }
    template->functions = (void *)(template + 1);
    template->program = program;
    template->own = own;
    atomic_init(&template->references, 1);
    if (link_functions(templates, template) == 0)
        return template;
    gust__template_drop(template);
    return NULL;
}

static const struct gust__template_program *find_compiled(const gust_templates *templates, const char *name)
{
    for (const struct gust__template_set *set = templates->compiled; set; set = set->next) {
        for (uint32_t i = 0; i < set->compiled->count; i++) {
            const struct gust__template_program *program = &set->compiled->programs[i];
            if (strcmp(program->text + program->name, name) == 0)
                return program;
        }
    }
    return NULL;
}

/* How the files were before they were read: what changes meanwhile is seen at the next use. */
static int remember_files(gust_templates *templates, struct gust__template *template)
{
    const struct gust__template_program *program = template->program;
    template->files = gust__calloc(program->file_count, sizeof(*template->files));
    for (uint32_t i = 0; template->files && i < program->file_count; i++)
        template->files[i] = look_at(templates, program->text + program->files[i]);
    return template->files ? 0 : -1;
}

static struct gust__template *compile(gust_templates *templates, const char *name)
{
    struct set_reader reader = {
        {.read = read_template, .whitespace = templates->whitespace, .autoescape = templates->autoescape},
        templates};
    struct gust__template_program *program = gust__template_compile(&reader.reader, name);
    struct gust__template *template = program ? make(templates, program, program) : NULL;
    if (template && templates->options.reload && remember_files(templates, template) < 0) {
        gust__template_drop(template);
        gust_error_set(ENOMEM, NULL);
        return NULL;
    }
    return template;
}

void gust__template_drop(struct gust__template *template)
{
    if (!template || atomic_fetch_sub(&template->references, 1) > 1)
        return;
    gust__template_program_free(template->own);
    gust__free(template->files);
    gust__free(template);
}

static size_t slot_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (hash ^ hash >> 16) % GUST__TEMPLATE_SLOTS;
}

static struct gust__template **find_kept(gust_templates *templates, const char *name)
{
    struct gust__template **at = &templates->slots[slot_of(name)];
    while (*at && strcmp((*at)->program->text + (*at)->program->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static struct gust__template *take_kept(gust_templates *templates, const char *name)
{
    gust__lock_take(&templates->lock);
    struct gust__template *template = *find_kept(templates, name);
    if (template)
        atomic_fetch_add(&template->references, 1);
    templates->rendered = true;
    gust__lock_drop(&templates->lock);
    return template;
}

/* Keeps a template in the place of an older one; two references to it are then held. */
static void keep(gust_templates *templates, struct gust__template *template)
{
    atomic_fetch_add(&template->references, 1);
    gust__lock_take(&templates->lock);
    struct gust__template **at = find_kept(templates, template->program->text + template->program->name),
                          *old = *at;
    template->next = old ? old->next : NULL;
    *at = template;
    gust__lock_drop(&templates->lock);
    gust__template_drop(old);
}

struct gust__template *gust__template_take(gust_templates *templates, const char *wanted)
{
    char name[GUST__TEMPLATE_MAX_NAME + 1];
    if (gust__template_resolve(name, NULL, gust__slice_of(wanted)) < 0) {
        gust_error_set(ENOENT, "the template %s: no such name", wanted);
        return NULL;
    }
    struct gust__template *template = take_kept(templates, name);
    if (template && (!templates->options.reload || !has_changed(templates, template)))
        return template;
    gust__template_drop(template);
    const struct gust__template_program *compiled = find_compiled(templates, name);
    template = compiled ? make(templates, compiled, NULL) : compile(templates, name);
    if (template)
        keep(templates, template);
    return template;
}
