/*
 * gust-template: compiles a directory of templates to C, for programs that ship without their templates.
 *
 * The programs that it writes are those that the library would make at run time (src/web/template.h), as
 * data.
 */
#include "web/template.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <gust/error.h>

struct build {
    const char *directory, *name, *output, *whitespace, *autoescape;
};

/* ---- one program ---- */

/* Octal escapes are at most three digits long, so that nothing behind one becomes a part of it. */
static void write_text(FILE *to, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (i % 80 == 0)
            fprintf(to, "%s\"", i ? "\"\n    " : "");
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '?')
            putc(c, to);
        else
            fprintf(to, "\\%03o", c);
    }
    fputs(size ? "\"" : "\"\"", to);
}

static void write_numbers(FILE *to, size_t number, const char *name, const uint32_t *numbers, uint32_t count)
{
    fprintf(to, "static const uint32_t %s_%zu[] = {", name, number);
    for (uint32_t i = 0; i < count; i++)
        fprintf(to, "%u, ", numbers[i]);
    fputs(count ? "};\n" : "0};\n", to);
}

static void write_constants(FILE *to, size_t number, const struct gust__template_program *program)
{
    fprintf(to, "static const int64_t integers_%zu[] = {", number);
    for (uint32_t i = 0; i < program->integer_count; i++) /* INT64_MIN has no literal */
        fprintf(to, "(int64_t)UINT64_C(%llu), ", (unsigned long long)program->integers[i]);
    fprintf(to, "0};\nstatic const double reals_%zu[] = {", number);
    for (uint32_t i = 0; i < program->real_count; i++)
        fprintf(to, "%a, ", program->reals[i]);
    fputs("0};\n", to);
}

static void write_code(FILE *to, size_t number, const struct gust__template_program *program)
{
    fprintf(to, "static const struct gust__template_instruction code_%zu[] = {\n", number);
    for (uint32_t i = 0; i < program->code_count; i++) {
        const struct gust__template_instruction *at = &program->code[i];
        fprintf(to, "    {%u, %u, %u, %u, %d, %d},\n", at->operation, at->how, at->file, at->line, at->a,
                at->b);
    }
    fprintf(to, "};\nstatic const struct gust__template_reference references_%zu[] = {\n", number);
    for (uint32_t i = 0; i < program->reference_count; i++) {
        const struct gust__template_reference *at = &program->references[i];
        fprintf(to, "    {%u, %u, %u, %u},\n", at->name, at->line, at->file, at->module);
    }
    fputs("    {0, 0, 0, 0},\n};\n", to);
}

static void write_program(FILE *to, size_t number, const struct gust__template_program *program)
{
    fprintf(to, "\n/* %s */\nstatic const char text_%zu[] =\n    ", program->text + program->name, number);
    write_text(to, program->text, program->text_size);
    fputs(";\n", to);
    write_code(to, number, program);
    write_constants(to, number, program);
    write_numbers(to, number, "names", program->names, program->name_count);
    write_numbers(to, number, "files", program->files, program->file_count);
}

static void write_entry(FILE *to, size_t number, const struct gust__template_program *program)
{
    fprintf(to, "    {text_%zu, code_%zu, reals_%zu, integers_%zu, names_%zu, files_%zu, references_%zu,\n",
            number, number, number, number, number, number, number);
    fprintf(to, "     %u, %u, %u, %u, %u, %u, %u, %u, %u, %u, %u, %u},\n", program->name, program->text_size,
            program->code_count, program->real_count, program->integer_count, program->name_count,
            program->file_count, program->reference_count, program->stack, program->loops, program->tries,
            program->has_modules);
}

static int write_source(FILE *to, const char *name, struct gust__template_program *const *programs,
                        size_t count)
{
    fputs("/* Written by gust-template. */\n#include <gust/template.h>\n", to);
    for (size_t i = 0; i < count; i++)
        write_program(to, i, programs[i]);
    fputs("\nstatic const struct gust__template_program programs[] = {\n", to);
    for (size_t i = 0; i < count; i++)
        write_entry(to, i, programs[i]);
    fprintf(to, "};\n\nextern const gust_compiled_templates %s;\n", name);
    fprintf(to, "const gust_compiled_templates %s = {%d, %zu, programs};\n", name, GUST__TEMPLATE_VERSION,
            count);
    return ferror(to) ? -1 : 0;
}

/* ---- a directory ---- */

enum { MOST_TEMPLATES = 10000, MOST_LEVELS = 16 };

struct building {
    struct gust__template_reader reader;
    const struct build *build;
    char **names;
    size_t count;
    struct gust__template_program **programs;
    char **failures; /* of those that do not compile alone */
    unsigned level;
};

static const char *read_file(struct gust__template_reader *reader, struct gust__arena *arena,
                             const char *name, size_t *size)
{
    const struct building *building = (const struct building *)(void *)reader;
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", building->build->directory, name) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    char *text = gust__arena_alloc(arena, GUST__TEMPLATE_MAX_FILE + 2);
    *size = text ? fread(text, 1, GUST__TEMPLATE_MAX_FILE + 1, file) : 0;
    int code = errno;
    bool bad = !text || ferror(file);
    fclose(file);
    errno = code;
    return bad ? NULL : text;
}

static int add_name(struct building *building, const char *name)
{
    if (building->count == MOST_TEMPLATES)
        return gust_error_set(EOVERFLOW, "more than %d templates", MOST_TEMPLATES);
    char **names = realloc(building->names, (building->count + 1) * sizeof(*names));
    if (!names)
        return gust_error_set(ENOMEM, NULL);
    building->names = names;
    names[building->count] = strdup(name);
    if (!names[building->count])
        return gust_error_set(ENOMEM, NULL);
    building->count++;
    return 0;
}

static int visit(struct building *building, const char *folder);

static int visit_entry(struct building *building, const char *folder, const struct dirent *entry)
{
    char name[GUST__TEMPLATE_MAX_NAME + 1], path[PATH_MAX];
    struct stat status;
    if (entry->d_name[0] == '.')
        return 0;
    int size = snprintf(name, sizeof(name), "%s%s%s", folder, *folder ? "/" : "", entry->d_name);
    if ((size_t)size >= sizeof(name))
        return gust_error_set(ENAMETOOLONG, "%s/%s", folder, entry->d_name);
    snprintf(path, sizeof(path), "%s/%s", building->build->directory, name);
    if (stat(path, &status) < 0)
        return gust_error_set(errno, "%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return visit(building, name);
    return S_ISREG(status.st_mode) ? add_name(building, name) : 0;
}

static int visit(struct building *building, const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", building->build->directory, folder);
    DIR *directory = building->level < MOST_LEVELS ? opendir(path) : NULL;
    if (!directory)
        return gust_error_set(errno ? errno : ELOOP, "%s: %s", path, strerror(errno ? errno : ELOOP));
    building->level++;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));)
        result = visit_entry(building, folder, entry);
    building->level--;
    closedir(directory);
    return result;
}

static int compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Whether another template, which does compile, has the file in it: then it need not compile alone. */
static bool is_part(const struct building *building, const char *name)
{
    for (size_t i = 0; i < building->count; i++) {
        const struct gust__template_program *program = building->programs[i];
        for (uint32_t j = 0; program && j < program->file_count; j++) {
            if (strcmp(program->text + program->files[j], name) == 0)
                return true;
        }
    }
    return false;
}

static int compile_all(struct building *building)
{
    size_t count = building->count, kept = 0;
    building->programs = calloc(count + 1, sizeof(*building->programs));
    building->failures = calloc(count + 1, sizeof(*building->failures));
    if (!building->programs || !building->failures)
        return gust_error_set(ENOMEM, NULL);
    for (size_t i = 0; i < count; i++) {
        building->programs[i] = gust__template_compile(&building->reader, building->names[i]);
        if (!building->programs[i])
            building->failures[i] = strdup(gust_error_text(gust_error_last()));
    }
    for (size_t i = 0; i < count; i++) {
        if (!building->programs[i] && !is_part(building, building->names[i]))
            return gust_error_set(EINVAL, "%s",
                                  building->failures[i] ? building->failures[i] : "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        struct gust__template_program *program = building->programs[i];
        building->programs[i] = NULL;
        if (program)
            building->programs[kept++] = program;
    }
    return 0;
}

static int write_output(struct building *building)
{
    const struct build *build = building->build;
    size_t count = 0;
    while (building->programs[count])
        count++;
    FILE *file = build->output ? fopen(build->output, "we") : stdout;
    if (!file)
        return gust_error_set(errno, "%s: %s", build->output, strerror(errno));
    int result = write_source(file, build->name, building->programs, count);
    if ((build->output ? fclose(file) : fflush(file)) != 0 || result < 0) {
        if (build->output)
            remove(build->output);
        return gust_error_set(EIO, "%s: the writing failed", build->output ? build->output : "output");
    }
    return 0;
}

static void give_back(struct building *building)
{
    for (size_t i = 0; i < building->count; i++) {
        free(building->names[i]);
        if (building->failures)
            free(building->failures[i]);
    }
    for (size_t i = 0; building->programs && i < building->count; i++)
        gust__template_program_free(building->programs[i]);
    free(building->names);
    free(building->programs);
    free(building->failures);
}

static int build_all(const struct build *build)
{
    const char *autoescape = build->autoescape ? build->autoescape : "xhtml_escape";
    struct building building = {.reader = {.read = read_file,
                                           .whitespace = build->whitespace,
                                           .autoescape = strcmp(autoescape, "None") == 0 ? NULL : autoescape},
                                .build = build};
    errno = 0;
    int result = visit(&building, "");
    if (result == 0) {
        qsort(building.names, building.count, sizeof(*building.names), compare);
        result = compile_all(&building);
    }
    if (result == 0)
        result = write_output(&building);
    give_back(&building);
    return result;
}

/* ---- the command ---- */

static const char usage[] =
    "usage: gust-template [--name=NAME] [--output=FILE] [--whitespace=MODE] [--autoescape=FUNCTION] DIRECTORY\n"
    "\n"
    "Compiles every template below DIRECTORY, and writes C that defines\n"
    "    const gust_compiled_templates NAME;                (default gust_templates_compiled)\n"
    "A program hands it to gust_templates_add_compiled(), and needs the files no more.\n"
    "\n"
    "  --output=FILE          default: standard output\n"
    "  --whitespace=MODE      all, single, oneline; default: single for .html and .js, all for others\n"
    "  --autoescape=FUNCTION  default xhtml_escape; None\n";

static int end(const char *complaint, const char *what)
{
    fprintf(stderr, "gust-template: %s%s\n", complaint, what);
    return EXIT_FAILURE;
}

static bool is_identifier(const char *name)
{
    if (*name >= '0' && *name <= '9')
        return false;
    for (; *name; name++) {
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_';
        if (!letter && !(*name >= '0' && *name <= '9'))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'},
        {"output", required_argument, NULL, 'o'},
        {"whitespace", required_argument, NULL, 'w'},
        {"autoescape", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct build build = {.name = "gust_templates_compiled"};
    for (int option; (option = getopt_long(argc, argv, "n:o:w:a:h", options, NULL)) != -1;) {
        switch (option) {
        case 'n':
            build.name = optarg;
            break;
        case 'o':
            build.output = optarg;
            break;
        case 'w':
            build.whitespace = optarg;
            break;
        case 'a':
            build.autoescape = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind + 1 != argc || !*build.name || !is_identifier(build.name)) {
        fputs(usage, stderr);
        return 2;
    }
    if (build.whitespace && !gust__template_is_whitespace_mode(build.whitespace))
        return end("--whitespace is all, single or oneline, not ", build.whitespace);
    build.directory = argv[optind];
    if (build_all(&build) < 0)
        return end("", gust_error_text(gust_error_last()));
    return EXIT_SUCCESS;
}
