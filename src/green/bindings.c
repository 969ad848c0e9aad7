/*
 * Whether the calls of the loaded libraries come to us. Two ways to find out: the definition that the dynamic
 * linker finds first for each name, and, object by object, where the words lead through which each one calls
 * (its relocations). The first finds a library that was linked in the wrong place; the second one whose calls
 * were bound elsewhere: RTLD_DEEPBIND, -Bsymbolic.
 */
#include "green/bindings.h"
#include "green/green_int.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>

/* Each hook's address as the linker resolves it for us: the first definition there is. That they are named
 * here is also what has an archive's members linked. */
#define GUST__HOOK(result, name, parameters, arguments, early) extern const char first_##name __asm__(#name);
#include "green/symbols.h"

static const struct {
    const char *name;
    const char *first;
} names[] = {
#define GUST__HOOK(result, name, parameters, arguments, early) {#name, &first_##name},
#include "green/symbols.h"
};

struct report {
    char *text;
    size_t size;
    size_t length;
    const char *own; /* where we are loaded */
    bool wrapped;    /* by a sanitizer */
    unsigned complaints;
};

static void __attribute__((format(printf, 2, 3))) say(struct report *report, const char *format, ...)
{
    va_list arguments;
    size_t room = report->size - report->length;
    va_start(arguments, format);
    int length = vsnprintf(report->text + report->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        report->length += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *base_of(const void *address, const char **file)
{
    Dl_info info;
    if (!address || !dladdr(address, &info))
        return NULL;
    if (file)
        *file = info.dli_fname;
    return info.dli_fbase;
}

/* ---- The first definition of each name ---- */

/* A sanitizer's runtime stands before everybody, and calls the next definition, which is ours. */
static bool sanitized(void)
{
    return dlsym(RTLD_DEFAULT, "__asan_init") || dlsym(RTLD_DEFAULT, "__tsan_init") ||
           dlsym(RTLD_DEFAULT, "__msan_init");
}

/* In a program that is not position-independent a function's address may be the program's own stub for it;
 * where that leads, check_word sees. */
static bool is_stub(const char *address)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    return dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
           symbol->st_shndx == SHN_UNDEF;
}

static void check_first(struct report *report)
{
    for (size_t i = 0; i < GUST_LEN(names) && !report->wrapped; i++) {
        const char *file = "nothing", *base = base_of(names[i].first, &file);
        if (base == report->own || is_stub(names[i].first) || report->complaints++ > 0)
            continue;
        say(report,
            "libgust-green is not in the way of libc: %s is bound to %s. Link the program itself with "
            "libgust-green, before libc (pkg-config --libs gust-green, CMake's gust::green), or preload it "
            "(LD_PRELOAD=libgust-green.so.0)",
            names[i].name, file);
    }
}

/* ---- Each object's own calls ---- */

struct object {
    const char *name;
    ElfW(
        Addr) base; /* what its addresses are relative to: 0 for a program that is not position-independent */
    const char *loaded; /* where it begins */
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * calls; /* DT_JMPREL */
    size_t call_size;
    const ElfW(Rela) * data; /* DT_RELA: pointers, and calls that are bound at once */
    size_t data_size;
};

/* glibc has relocated these addresses where the memory is its own to write. */
static const void *address_in(const struct object *object, ElfW(Addr) value)
{
    return (const void *)(value < object->base ? value + object->base : value);
}

static bool read_dynamic(struct object *object, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *entry = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    }
    object->loaded = base_of(entry, NULL);
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        const void *there = address_in(object, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            object->symbols = there;
        else if (entry->d_tag == DT_STRTAB)
            object->strings = there;
        else if (entry->d_tag == DT_JMPREL)
            object->calls = there;
        else if (entry->d_tag == DT_PLTRELSZ)
            object->call_size = entry->d_un.d_val;
        else if (entry->d_tag == DT_RELA)
            object->data = there;
        else if (entry->d_tag == DT_RELASZ)
            object->data_size = entry->d_un.d_val;
    }
    return object->symbols && object->strings;
}

static size_t number_of(const char *name)
{
    size_t i = 0;
    while (i < GUST_LEN(names) && strcmp(names[i].name, name) != 0)
        i++;
    return i;
}

/* Where a call leads: to us, to a sanitizer that leads to us, or back into its own object, which the linker
 * will bind when it is first made, by the rule that check_first has tried. */
static void check_word(struct report *report, const struct object *object, const ElfW(Rela) * entry)
{
#ifdef __x86_64__
    bool binds = ELF64_R_TYPE(entry->r_info) == R_X86_64_JUMP_SLOT ||
                 ELF64_R_TYPE(entry->r_info) == R_X86_64_GLOB_DAT ||
                 ELF64_R_TYPE(entry->r_info) == R_X86_64_64;
#else
    bool binds = ELF64_R_TYPE(entry->r_info) == R_AARCH64_JUMP_SLOT ||
                 ELF64_R_TYPE(entry->r_info) == R_AARCH64_GLOB_DAT ||
                 ELF64_R_TYPE(entry->r_info) == R_AARCH64_ABS64;
#endif
    const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(entry->r_info)];
    if (!binds || symbol->st_shndx != SHN_UNDEF)
        return;
    size_t number = number_of(object->strings + symbol->st_name);
    if (number == GUST_LEN(names))
        return;
    const void *target = *(void *const *)(object->base + entry->r_offset);
    const char *file = "nothing", *base = base_of(target, &file);
    bool sanitizer = report->wrapped && target == names[number].first;
    if (!base || base == report->own || sanitizer || base == object->loaded || is_stub(target))
        return;
    if (report->complaints++ < 3)
        say(report,
            "%s%s calls %s of %s, past libgust-green: it was loaded with RTLD_DEEPBIND, or linked with -Bsymbolic",
            report->length ? "; " : "", object->name, names[number].name, file);
}

static void check_words(struct report *report, const struct object *object, const ElfW(Rela) * entries,
                        size_t size)
{
    for (size_t i = 0; entries && i < size / sizeof(*entries); i++)
        check_word(report, object, &entries[i]);
}

/* libc, the dynamic linker, ourselves and libgust need not come to us. */
static bool is_beneath(const char *name)
{
    static const char *const files[] = {"libc.so",    "ld-linux",   "libgust",     "linux-vdso",
                                        "libasan.so", "libtsan.so", "libubsan.so", "liblsan.so"};
    const char *slash = strrchr(name, '/');
    const char *file = slash ? slash + 1 : name;
    for (size_t i = 0; i < GUST_LEN(files); i++) {
        if (strncmp(file, files[i], strlen(files[i])) == 0)
            return true;
    }
    return false;
}

static int check_object(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct report *report = argument;
    struct object object = {.name = *info->dlpi_name ? info->dlpi_name : "the program",
                            .base = info->dlpi_addr};
    (void)size;
    if (is_beneath(info->dlpi_name) || !read_dynamic(&object, info))
        return 0;
    check_words(report, &object, object.calls, object.call_size);
    check_words(report, &object, object.data, object.data_size);
    return 0;
}

int gust__green_check_bindings(char *text, size_t size)
{
    struct report report = {.text = text,
                            .size = size,
                            .own = base_of((const void *)&gust__green_next, NULL),
                            .wrapped = sanitized()};
    check_first(&report);
    if (report.complaints == 0)
        dl_iterate_phdr(check_object, &report);
    if (report.complaints > 3)
        say(&report, "; and %u more", report.complaints - 3);
    return report.complaints ? -1 : 0;
}
