#include "coro/stack.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#if defined(__SANITIZE_THREAD__)
enum { default_size = 1024 * 1024 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { default_size = 1024 * 1024 };
#else
enum { default_size = 256 * 1024 };
#endif
#else
enum { default_size = 256 * 1024 };
#endif

enum {
    default_max = 1000000,
    default_warm = 1024,
    fewest = 256,                /* stacks that an arena has room for, or there is none */
    segment_stacks = 256,        /* made accessible at a time */
    mappings_per_guard = 2,      /* the guard, and the stack that it parts from the next */
    usual_max_map_count = 65530, /* where /proc doesn't say */
};

struct gust__stack_arena {
    char *base;
    size_t stride;
    unsigned shift; /* stride is 1 << shift */
    size_t guard;
    size_t max;
    size_t used;       /* stacks that were ever taken: the first ones */
    size_t accessible; /* stacks that are mapped readable and writable: the first ones */
    size_t guarded;    /* of the used ones, the first ones */
    size_t warm_max;
    size_t warm;    /* idle[0 .. warm): the stack given back last stands last */
    size_t cold;    /* idle_end[-cold .. 0): the next to be taken stands first */
    uint32_t *idle; /* numbers of stacks; room for warm_max + 1 warm and max cold ones */
    uint32_t *idle_end;
    size_t protections; /* guards by mprotect */
    enum gust__stack_guarding guarding;
    void (*warn)(const char *text);
    void *mapping; /* what was reserved: base is the first multiple of stride in it */
    size_t mapping_size;
};

/* ---- Which guards ---- */

/* True if a read of the memory by the kernel fails: nothing less proves a guard. */
static bool faults(const char *memory)
{
    int ends[2];
    if (gust__sys_pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    bool fault = gust__sys_raw(SYS_write, ends[1], (long)memory, 1, 0, 0, 0) == -EFAULT;
    gust__sys_close(ends[0]);
    gust__sys_close(ends[1]);
    return fault;
}

static bool kernel_has_guards(size_t page)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *memory = gust__sys_mmap(NULL, page, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    bool has = gust__sys_madvise(memory, page, MADV_GUARD_INSTALL) == 0 && faults(memory);
    gust__sys_munmap(memory, page);
    return has;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static _Atomic int probed = -1;

enum gust__stack_guarding gust__stack_probe(void)
{
    const char *text = getenv("GUST_NO_GUARD_INSTALL");
    bool refused = text && *text && strcmp(text, "0") != 0;
    int saved = errno;
    int found =
        !refused && kernel_has_guards(page_size()) ? GUST__STACK_BY_ADVICE : GUST__STACK_BY_PROTECTION;
    errno = saved;
    atomic_store_explicit(&probed, found, memory_order_relaxed);
    return (enum gust__stack_guarding)found;
}

static enum gust__stack_guarding guarding(void)
{
    int known = atomic_load_explicit(&probed, memory_order_relaxed);
    return known < 0 ? gust__stack_probe() : (enum gust__stack_guarding)known;
}

/* ---- How many guards by mprotect the process can have ---- */

static _Atomic size_t mappings;     /* in use for guards, over all arenas */
static _Atomic size_t mappings_max; /* 0: not yet known */
static _Atomic bool warned;

static size_t half_of_max_map_count(void)
{
    char text[32] = "";
    int fd = gust__sys_openat(AT_FDCWD, "/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        ssize_t got = gust__sys_read(fd, text, sizeof(text) - 1);
        text[got < 0 ? 0 : got] = '\0';
        gust__sys_close(fd);
    }
    size_t count = strtoul(text, NULL, 10);
    return (count ? count : usual_max_map_count) / 2;
}

void gust__stack_limit_mappings(size_t max)
{
    atomic_store(&mappings_max, max ? max : half_of_max_map_count());
    atomic_store(&warned, false);
}

static bool mappings_take(void)
{
    if (atomic_load(&mappings_max) == 0)
        gust__stack_limit_mappings(0);
    size_t before = atomic_fetch_add(&mappings, mappings_per_guard);
    if (before + mappings_per_guard <= atomic_load(&mappings_max))
        return true;
    atomic_fetch_sub(&mappings, mappings_per_guard);
    return false;
}

static void warn_unguarded(const struct gust__stack_arena *arena)
{
    if (atomic_exchange(&warned, true) || !arena->warn)
        return;
    arena->warn(
        "coroutine stacks are unguarded from now on, an overflow overwrites other memory: guards use half "
        "of vm.max_map_count (raise it, or run Linux 6.13 or newer)");
}

/* ---- The arena ---- */

static size_t power_of_two(size_t size)
{
    size_t power = GUST__STACK_MIN;
    while (power < size)
        power <<= 1;
    return power;
}

static bool set_up(struct gust__stack_arena *arena, const struct gust__stack_options *options)
{
    size_t size = options->size ? options->size : default_size;
    arena->max = options->max ? options->max : default_max;
    arena->warm_max = options->warm ? options->warm : default_warm;
    if (size < GUST__STACK_MIN || size > (size_t)1 << 32 || arena->max > GUST__STACK_COUNT_MAX ||
        arena->warm_max < 2)
        return false;
    arena->stride = power_of_two(size);
    arena->shift = (unsigned)__builtin_ctzl(arena->stride);
    arena->guard = page_size() > GUST__STACK_GUARD ? page_size() : GUST__STACK_GUARD;
    arena->guarding = guarding();
    arena->warn = options->warn;
    return arena->guard * 2 <= arena->stride;
}

/* Halves max as long as there are not that many addresses (RLIMIT_AS, valgrind): fewer stacks, but some. */
static int reserve(struct gust__stack_arena *arena)
{
    int saved = errno;
    for (;; arena->max /= 2) {
        arena->mapping_size = (arena->max + 1) << arena->shift; /* one more, to align in */
        arena->mapping = gust__sys_mmap(NULL, arena->mapping_size, PROT_NONE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (arena->mapping != MAP_FAILED)
            break;
        if (arena->max / 2 < fewest) {
            errno = ENOMEM; /* valgrind says EINVAL */
            return -1;
        }
    }
    arena->base = (char *)(((uintptr_t)arena->mapping + arena->stride - 1) & -arena->stride);
    /* A huge page would commit the memory of eight stacks at a touch. Kernels without them say EINVAL. */
    gust__sys_madvise(arena->mapping, arena->mapping_size, MADV_NOHUGEPAGE);
    /* gcore would write all the addresses, used or not, into its core file. */
    gust__sys_madvise(arena->mapping, arena->mapping_size, MADV_DONTDUMP);
    errno = saved;
    return 0;
}

struct gust__stack_arena *gust__stack_arena_new(const struct gust__stack_options *options)
{
    struct gust__stack_arena *arena = gust__calloc(1, sizeof(*arena));
    if (!arena)
        return NULL;
    if (!set_up(arena, options)) {
        errno = EINVAL;
        goto no_arena;
    }
    /* Not cleared: of a million numbers, only the pages that are used become memory. */
    size_t room = arena->max + arena->warm_max + 1;
    arena->idle = gust__malloc(room * sizeof(*arena->idle));
    if (!arena->idle)
        goto no_arena;
    arena->idle_end = arena->idle + room;
    if (reserve(arena) < 0)
        goto no_idle;
    return arena;

no_idle:
    gust__free(arena->idle);
no_arena:
    gust__free(arena);
    return NULL;
}

void gust__stack_arena_free(struct gust__stack_arena *arena)
{
    if (!arena)
        return;
    atomic_fetch_sub(&mappings, arena->protections * mappings_per_guard);
    gust__sys_munmap(arena->mapping, arena->mapping_size);
    gust__free(arena->idle);
    gust__free(arena);
}

size_t gust__stack_arena_stride(const struct gust__stack_arena *arena)
{
    return arena->stride;
}

static struct gust__stack stack_number(const struct gust__stack_arena *arena, size_t number)
{
    return (struct gust__stack){
        .low = arena->base + (number << arena->shift) + arena->guard,
        .size = arena->stride - arena->guard,
    };
}

/* ---- Taking ---- */

static int make_accessible(struct gust__stack_arena *arena)
{
    size_t count = arena->max - arena->accessible;
    if (count > segment_stacks)
        count = segment_stacks;
    char *start = arena->base + (arena->accessible << arena->shift);
    if (gust__sys_mprotect(start, count << arena->shift, PROT_READ | PROT_WRITE) < 0)
        return -1;
    int saved = errno;
    gust__sys_madvise(start, count << arena->shift, MADV_DODUMP);
    errno = saved;
    arena->accessible += count;
    return 0;
}

static bool guard_by_protection(struct gust__stack_arena *arena, char *guard)
{
    if (!mappings_take())
        return false;
    if (gust__sys_mprotect(guard, arena->guard, PROT_NONE) == 0) {
        arena->protections++;
        return true;
    }
    atomic_fetch_sub(&mappings, mappings_per_guard);
    return false;
}

/* Guards the next new stack. -1: there is no memory even for that. A stack without a guard is no failure. */
static int guard_next(struct gust__stack_arena *arena)
{
    char *guard = arena->base + (arena->used << arena->shift);
    if (arena->guarded < arena->used)
        return 0; /* one had to go without: so do all behind it */
    if (arena->guarding == GUST__STACK_BY_ADVICE) {
        if (gust__sys_madvise(guard, arena->guard, MADV_GUARD_INSTALL) == 0) {
            arena->guarded++;
            return 0;
        }
        if (errno != EINVAL)
            return -1;
        arena->guarding = GUST__STACK_BY_PROTECTION; /* the process has locked its memory: mlockall */
    }
    if (guard_by_protection(arena, guard))
        arena->guarded++;
    else
        warn_unguarded(arena);
    return 0;
}

static __attribute__((noinline)) int take_new(struct gust__stack_arena *arena, struct gust__stack *stack)
{
    int saved = errno;
    if (arena->used == arena->max) {
        errno = ENOMEM;
        return -1;
    }
    if ((arena->used == arena->accessible && make_accessible(arena) < 0) || guard_next(arena) < 0) {
        errno = ENOMEM;
        return -1;
    }
    *stack = stack_number(arena, arena->used++);
    errno = saved;
    return 0;
}

int gust__stack_take(struct gust__stack_arena *arena, struct gust__stack *stack)
{
    if (__builtin_expect(arena->warm > 0, 1))
        *stack = stack_number(arena, arena->idle[--arena->warm]);
    else if (arena->cold > 0)
        *stack = stack_number(arena, *(arena->idle_end - arena->cold--));
    else
        return take_new(arena, stack);
    return 0;
}

/* ---- Giving back ---- */

static void sift_down(uint32_t *numbers, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && numbers[child + 1] > numbers[child])
            child++;
        if (numbers[root] >= numbers[child])
            return;
        uint32_t swapped = numbers[root];
        numbers[root] = numbers[child];
        numbers[child] = swapped;
    }
}

/* Heap sort: libc's qsort may allocate. */
static void sort(uint32_t *numbers, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(numbers, root, count);
    for (size_t end = count; end-- > 1;) {
        uint32_t largest = numbers[0];
        numbers[0] = numbers[end];
        numbers[end] = largest;
        sift_down(numbers, 0, end);
    }
}

/* Gives the pages of neighbouring stacks back in one call: guards between them stay as they are. */
static void release_run(const struct gust__stack_arena *arena, size_t first, size_t count)
{
    char *low = stack_number(arena, first).low;
    gust__sys_madvise(low, (count << arena->shift) - arena->guard, MADV_DONTNEED);
}

/* The colder half of the warm stacks becomes cold. */
static __attribute__((noinline)) void release(struct gust__stack_arena *arena)
{
    int saved = errno;
    size_t count = arena->warm / 2;
    uint32_t *idle = arena->idle;
    sort(idle, count);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && idle[next] == idle[next - 1] + 1; next++)
            ;
        release_run(arena, idle[first], next - first);
    }
    /* Lowest numbers are taken first again, so what is in use gathers at the low end. */
    for (size_t number = count; number-- > 0;)
        *(arena->idle_end - ++arena->cold) = idle[number];
    arena->warm -= count;
    memmove(idle, idle + count, arena->warm * sizeof(*idle));
    errno = saved;
}

void gust__stack_give(struct gust__stack_arena *arena, struct gust__stack stack)
{
    arena->idle[arena->warm++] = (uint32_t)((size_t)(stack.low - arena->base) >> arena->shift);
    if (__builtin_expect(arena->warm > arena->warm_max, 0))
        release(arena);
}

/* ---- Questions ---- */

enum gust__stack_place gust__stack_of(const struct gust__stack_arena *arena, const void *address,
                                      struct gust__stack *stack)
{
    size_t distance = (uintptr_t)address - (uintptr_t)arena->base;
    size_t number = distance >> arena->shift;
    if ((uintptr_t)address < (uintptr_t)arena->base || number >= arena->used)
        return GUST__STACK_ELSEWHERE;
    *stack = stack_number(arena, number);
    return (const char *)address < stack->low ? GUST__STACK_IN_GUARD : GUST__STACK_IN_STACK;
}

struct gust__stack_counts gust__stack_arena_counts(const struct gust__stack_arena *arena)
{
    return (struct gust__stack_counts){
        .taken = arena->used - arena->warm - arena->cold,
        .warm = arena->warm,
        .cold = arena->cold,
        .unguarded = arena->used - arena->guarded,
        .max = arena->max,
    };
}
