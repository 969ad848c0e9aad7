#include "coro/overflow.h"

#include "base/alloc.h"
#include "base/backtrace.h"
#include "base/sys.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    signal_stack_size = 64 * 1024, /* the unwinder needs some 10 KiB, a frame with AVX-512 registers 3 more */
    frames_max = 48,
};

static const int signals[] = {SIGSEGV, SIGBUS};
enum { signal_count = sizeof(signals) / sizeof(signals[0]) };

static struct sigaction before[signal_count];
static gust__overflow_namer *_Atomic name_of;

static _Thread_local const struct gust__stack_arena *arena_here __attribute__((tls_model("initial-exec")));
static _Thread_local void *signal_stack;
static _Thread_local stack_t signal_stack_before;

/* ---- Writing, with what a signal handler may use ---- */

struct line {
    char text[512];
    size_t length;
};

static void add_text(struct line *line, const char *text)
{
    while (*text && line->length < sizeof(line->text))
        line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uintptr_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits);
    digits[--at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    add_text(line, digits + at);
}

/* A name is text of the user's: what could disturb a terminal is shown as '?'. */
static void add_name(struct line *line, const char *name)
{
    size_t start = line->length;
    for (size_t i = 0; i < 200 && name[i] && line->length < sizeof(line->text); i++)
        line->text[line->length++] = (unsigned char)name[i] < ' ' || name[i] == 0x7f ? '?' : name[i];
    if (line->length == start)
        add_text(line, "unnamed");
}

static void write_line(int fd, struct line *line)
{
    if (line->length == sizeof(line->text))
        line->length--;
    line->text[line->length++] = '\n';
    ssize_t written = gust__sys_write(fd, line->text, line->length);
    (void)written; /* no one is left to be told */
    line->length = 0;
}

void gust__overflow_print(int fd, void *const *addresses, size_t count)
{
    struct line line = {.length = 0};
    for (size_t i = 0; i < count; i++) {
        struct dl_find_object found;
        add_text(&line, "  ");
        if (_dl_find_object(addresses[i], &found) == 0 && found.dlfo_link_map) {
            const char *module = found.dlfo_link_map->l_name;
            add_text(&line, module && *module ? module : "program");
            add_text(&line, "+0x");
            add_number(&line, (uintptr_t)addresses[i] - (uintptr_t)found.dlfo_link_map->l_addr, 16);
        } else {
            add_text(&line, "0x");
            add_number(&line, (uintptr_t)addresses[i], 16);
        }
        write_line(fd, &line);
    }
}

/* ---- The report ---- */

static void report(struct gust__stack stack)
{
    struct line line = {.length = 0};
    gust__overflow_namer *namer = atomic_load(&name_of);
    const char *name = namer ? namer(stack) : NULL;
    add_text(&line, "gust: the stack of coroutine \"");
    add_name(&line, name ? name : "");
    add_text(&line, "\" overflowed (");
    add_number(&line, stack.size, 10);
    add_text(&line, " bytes)");
    write_line(STDERR_FILENO, &line);
    void *frames[frames_max];
    size_t count = gust__backtrace_capture_interrupted(frames, frames_max);
    gust__overflow_print(STDERR_FILENO, frames, count);
}

/* Lets the fault happen again, now under the action that the signal gets. */
static void repeat_under(const struct sigaction *action, const siginfo_t *info, int signal)
{
    sigaction(signal, action, NULL);
    if (info->si_code <= 0) /* it was sent, and won't happen again by itself */
        gust__sys_tgkill(gust__sys_getpid(), gust__sys_gettid(), signal);
}

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    struct gust__stack stack;
    int saved = errno;
    bool overflow = info->si_code > 0 && arena_here &&
                    gust__stack_of(arena_here, info->si_addr, &stack) == GUST__STACK_IN_GUARD;
    if (overflow) {
        report(stack);
        repeat_under(&(struct sigaction){.sa_handler = SIG_DFL}, info, signal);
    } else {
        repeat_under(&before[signal == signals[0] ? 0 : 1], info, signal);
    }
    errno = saved;
}

/* ---- Installing ---- */

int gust__overflow_install(gust__overflow_namer *namer)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    atomic_store(&name_of, namer);
    for (size_t i = 0; i < signal_count; i++) {
        if (sigaction(signals[i], &action, &before[i]) < 0) {
            while (i-- > 0)
                sigaction(signals[i], &before[i], NULL);
            return -1;
        }
    }
    return 0;
}

void gust__overflow_uninstall(void)
{
    for (size_t i = 0; i < signal_count; i++)
        sigaction(signals[i], &before[i], NULL);
}

int gust__overflow_enter(const struct gust__stack_arena *arena)
{
    signal_stack = gust__malloc(signal_stack_size);
    if (!signal_stack)
        return -1;
    stack_t stack = {.ss_sp = signal_stack, .ss_size = signal_stack_size};
    if (sigaltstack(&stack, &signal_stack_before) < 0) {
        gust__free(signal_stack);
        signal_stack = NULL;
        return -1;
    }
    arena_here = arena;
    return 0;
}

void gust__overflow_leave(void)
{
    arena_here = NULL;
    sigaltstack(&signal_stack_before, NULL);
    gust__free(signal_stack);
    signal_stack = NULL;
}
