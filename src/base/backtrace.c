#include "base/backtrace.h"
#include "base/buffer.h"
#include "base/context.h"
#include "base/lock.h"
#include "base/sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unwind.h>

struct capture {
    void **frames;
    size_t max;
    size_t count;
    size_t skip;
};

/* A coroutine's first frame has address 0 or claims to be its own caller; either ends the walk. */
static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *argument)
{
    struct capture *capture = argument;
    void *address = (void *)_Unwind_GetIP(frame);
    if (!address || capture->count == capture->max)
        return _URC_END_OF_STACK;
    if (capture->skip > 0) {
        capture->skip--;
        return _URC_NO_REASON;
    }
    capture->frames[capture->count++] = address;
    return capture->count == capture->max ? _URC_END_OF_STACK : _URC_NO_REASON;
}

__attribute__((noinline)) size_t gust__backtrace_capture(void **frames, size_t max, size_t skip)
{
    int saved = errno;
    struct capture capture = {.frames = frames, .max = max, .skip = skip + 1};
    _Unwind_Backtrace(add_frame, &capture);
    errno = saved;
    return capture.count;
}

struct interrupted {
    void **frames;
    size_t max;
    size_t count;
    bool past; /* the handler's own frames */
};

static _Unwind_Reason_Code add_interrupted(struct _Unwind_Context *frame, void *argument)
{
    struct interrupted *interrupted = argument;
    int signal_frame = 0;
    uintptr_t address = _Unwind_GetIPInfo(frame, &signal_frame);
    interrupted->past |= signal_frame;
    if (address == 0 || interrupted->count == interrupted->max)
        return _URC_NORMAL_STOP;
    if (interrupted->past)
        interrupted->frames[interrupted->count++] = (void *)address;
    return _URC_NO_REASON;
}

size_t gust__backtrace_capture_interrupted(void **frames, size_t max)
{
    struct interrupted interrupted = {.frames = frames, .max = max};
    _Unwind_Backtrace(add_interrupted, &interrupted);
    return interrupted.count;
}

/* ---- Symbols ---- */

struct place { /* what is known of an address; strings are borrowed, NULL: not known */
    const char *function;
    uintptr_t offset; /* of the return address in it */
    const char *file;
    int line;
};

/*
 * libdw, loaded when a backtrace is first printed: few programs want its code and memory otherwise. Debugging
 * information is looked for in the files themselves and under their build id on this machine, never by
 * debuginfod over the network, as libdw's standard search would.
 */
#if __has_include(<elfutils/libdwfl.h>)
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

static struct {
    bool tried;
    Dwfl *session;
    __typeof__(dwfl_begin) *begin;
    __typeof__(dwfl_end) *end;
    __typeof__(dwfl_report_begin_add) *report_begin_add;
    __typeof__(dwfl_report_end) *report_end;
    __typeof__(dwfl_linux_proc_report) *linux_proc_report;
    __typeof__(dwfl_linux_proc_find_elf) *linux_proc_find_elf;
    __typeof__(dwfl_build_id_find_debuginfo) *build_id_find_debuginfo;
    __typeof__(dwfl_addrmodule) *addrmodule;
    __typeof__(dwfl_module_addrinfo) *module_addrinfo;
    __typeof__(dwfl_module_getsrc) *module_getsrc;
    __typeof__(dwfl_lineinfo) *lineinfo;
    __typeof__(dwfl_module_nextcu) *module_nextcu;
    __typeof__(dwarf_haspc) *haspc;
    __typeof__(dwarf_getsrc_die) *getsrc_die;
    __typeof__(dwarf_linesrc) *linesrc;
    __typeof__(dwarf_lineno) *lineno;
} dw;

static bool dw_resolve(void *library)
{
    struct {
        const char *name;
        void *place;
    } const wanted[] = {
        {"dwfl_begin", &dw.begin},
        {"dwfl_end", &dw.end},
        {"dwfl_report_begin_add", &dw.report_begin_add},
        {"dwfl_report_end", &dw.report_end},
        {"dwfl_linux_proc_report", &dw.linux_proc_report},
        {"dwfl_linux_proc_find_elf", &dw.linux_proc_find_elf},
        {"dwfl_build_id_find_debuginfo", &dw.build_id_find_debuginfo},
        {"dwfl_addrmodule", &dw.addrmodule},
        {"dwfl_module_addrinfo", &dw.module_addrinfo},
        {"dwfl_module_getsrc", &dw.module_getsrc},
        {"dwfl_lineinfo", &dw.lineinfo},
        {"dwfl_module_nextcu", &dw.module_nextcu},
        {"dwarf_haspc", &dw.haspc},
        {"dwarf_getsrc_die", &dw.getsrc_die},
        {"dwarf_linesrc", &dw.linesrc},
        {"dwarf_lineno", &dw.lineno},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        void *symbol = dlsym(library, wanted[i].name);
        if (!symbol)
            return false;
        memcpy(wanted[i].place, &symbol, sizeof(symbol));
    }
    return true;
}

/* Tells the session what is loaded now; modules that it knows keep what was read of them. */
static bool dw_report(void)
{
    dw.report_begin_add(dw.session);
    bool reported = dw.linux_proc_report(dw.session, gust__sys_getpid()) == 0;
    return dw.report_end(dw.session, NULL, NULL) == 0 && reported;
}

static void dw_open(void)
{
    static Dwfl_Callbacks callbacks;
    dw.tried = true;
    void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    if (!dw_resolve(library))
        goto fail;
    callbacks.find_elf = dw.linux_proc_find_elf;
    callbacks.find_debuginfo = dw.build_id_find_debuginfo;
    dw.session = dw.begin(&callbacks);
    if (!dw.session)
        goto fail;
    if (dw_report())
        return;
    dw.end(dw.session);
    dw.session = NULL;
fail:
    dlclose(library);
}

/* gcc writes an index of addresses, .debug_aranges; clang does not, and then libdw 0.188 finds no line. */
static void dw_find_line_without_index(Dwfl_Module *module, uintptr_t address, struct place *place)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = NULL;
    while ((unit = dw.module_nextcu(module, unit, &bias))) {
        if (dw.haspc(unit, address - bias) <= 0)
            continue;
        Dwarf_Line *line = dw.getsrc_die(unit, address - bias);
        if (!line)
            continue;
        place->file = dw.linesrc(line, NULL, NULL);
        dw.lineno(line, &place->line);
        return;
    }
}

static void dw_describe(uintptr_t address, struct place *place)
{
    if (!dw.tried)
        dw_open();
    if (!dw.session)
        return;
    Dwfl_Module *module = dw.addrmodule(dw.session, address);
    if (!module && dw_report()) /* loaded since */
        module = dw.addrmodule(dw.session, address);
    if (!module)
        return;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    place->function = dw.module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
    place->offset = (uintptr_t)offset + 1;
    Dwfl_Line *line = dw.module_getsrc(module, address);
    if (line)
        place->file = dw.lineinfo(line, NULL, &place->line, NULL, NULL, NULL);
    else
        dw_find_line_without_index(module, address, place);
}

static void dw_forget(void)
{
    dw.tried = false; /* what it was doing in a thread that is not here any more cannot be told: begin anew */
    dw.session = NULL;
}
#else
static void dw_describe(uintptr_t address, struct place *place)
{
    (void)address, (void)place;
}

static void dw_forget(void)
{
}
#endif

static struct gust__lock lock; /* of libdw's session, which is for one thread at a time */

static void after_fork(void)
{
    if (atomic_load_explicit(&lock.state, memory_order_relaxed) != 0)
        dw_forget();
    lock = (struct gust__lock){0};
}

static __attribute__((constructor)) void begin(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A return address stands behind its call, which may be a function's last instruction: the byte before it is
 * what belongs to the caller. */
static int print_frame(struct gust__buffer *buffer, const void *frame, bool deep)
{
    uintptr_t address = (uintptr_t)frame - 1;
    struct place place = {0};
    if (deep)
        dw_describe(address, &place);
    if (place.function && place.file)
        return gust__buffer_printf(buffer, "  at %s (%s:%d)\n", place.function, place.file, place.line);

    Dl_info info = {0};
    bool known = dladdr((const void *)address, &info) != 0;
    const char *object = known && info.dli_fname ? base_name(info.dli_fname) : NULL;
    if (!place.function && known && info.dli_sname) {
        place.function = info.dli_sname;
        place.offset = (uintptr_t)frame - (uintptr_t)info.dli_saddr;
    }
    if (place.function)
        return gust__buffer_printf(buffer, "  at %s+%#tx (%s)\n", place.function, place.offset,
                                   object ? object : "?");
    if (object)
        return gust__buffer_printf(buffer, "  at %s+%#tx\n", object,
                                   (uintptr_t)frame - (uintptr_t)info.dli_fbase);
    return gust__buffer_printf(buffer, "  at %p\n", frame);
}

struct printing {
    struct gust__buffer *buffer;
    void *const *frames;
    size_t count;
    int result;
    int code; /* errno, which is the thread's own */
    bool deep;
};

static void print_all(void *argument)
{
    struct printing *printing = argument;
    gust__lock_take(&lock);
    for (size_t i = 0; i < printing->count && printing->result == 0; i++)
        printing->result = print_frame(printing->buffer, printing->frames[i], printing->deep);
    printing->code = errno;
    gust__lock_drop(&lock);
}

int gust__backtrace_print(struct gust__buffer *buffer, void *const *frames, size_t count)
{
    int saved = errno;
    struct printing printing = {.buffer = buffer, .frames = frames, .count = count, .deep = true};
    struct gust__thread thread;
    if (!gust__current || count == 0) {
        print_all(&printing);
    } else if (gust__thread_start(&thread, "gust-backtrace", print_all, &printing) == 0) {
        gust__thread_join(&thread);
    } else {
        printing.deep = false; /* what dladdr knows needs little stack */
        print_all(&printing);
    }
    errno = printing.result < 0 ? printing.code : saved;
    return printing.result;
}
