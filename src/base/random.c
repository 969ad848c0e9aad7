#include "base/random.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/sys.h"

#include <errno.h>
#include <stdbool.h>

struct generator { /* xoshiro256**, by Blackman and Vigna */
    uint64_t state[4];
    unsigned generation; /* of forks: another one than the process's means seed anew. 0: never seeded */
};

static _Thread_local struct generator generator __attribute__((tls_model("initial-exec")));

int gust__random_bytes(void *to, size_t size)
{
    char *at = to;
    while (size > 0) {
        ssize_t got = gust__sys_getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        at += got;
        size -= (size_t)got;
    }
    return 0;
}

/* splitmix64: spreads one seed over the state where the kernel gave none. */
static uint64_t spread(uint64_t *seed)
{
    uint64_t mixed = *seed += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static __attribute__((noinline)) void seed(struct generator *one)
{
    int saved = errno;
    uint64_t other =
        (uint64_t)gust__clock_now() ^ (uint64_t)(uintptr_t)one ^ (uint64_t)gust__sys_getpid() << 32;
    bool seeded = gust__random_bytes(one->state, sizeof(one->state)) == 0;
    for (int i = 0; i < 4 && !seeded; i++)
        one->state[i] = spread(&other);
    one->state[0] |= 1; /* all zeros is the one state that it never leaves */
    one->generation = gust__fork_generation;
    errno = saved;
}

static inline uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t gust__random_u64(void)
{
    struct generator *one = &generator;
    if (__builtin_expect(one->generation != gust__fork_generation, 0))
        seed(one);
    uint64_t *s = one->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}
