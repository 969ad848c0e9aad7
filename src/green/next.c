/* The definitions that ours stand before: libc's, or another interposer's. */
#include "green/green_int.h"

#include <dlfcn.h>
#include <stdatomic.h>

static _Thread_local bool resolving __attribute__((tls_model("initial-exec")));
static _Atomic bool resolved;

/* Each pointer leads here until its function was looked up: by a library's constructor that runs before ours,
 * or, while the look-up is in progress, by an allocator under dlsym, which gets the early answer. */
static bool look_up_now(void)
{
    if (resolving)
        return false;
    gust__green_resolve();
    return true;
}

#define GUST__HOOK(result, name, parameters, arguments, early)      \
    static result first_##name parameters                           \
    {                                                               \
        if (look_up_now() && gust__green_next.name != first_##name) \
            return gust__green_next.name arguments;                 \
        return early;                                               \
    }
#include "green/symbols.h"

struct gust__green_next gust__green_next = {
#define GUST__HOOK(result, name, parameters, arguments, early) .name = first_##name,
#include "green/symbols.h"
};

/* glibc has old pthread_cond_ functions beside those in use; RTLD_NEXT without a version may give them. */
#ifdef __x86_64__
#define CONDITIONS "GLIBC_2.3.2"
#else
#define CONDITIONS "GLIBC_2.17"
#endif

static void *next_of(const char *name)
{
    void *found = NULL;
    if (strncmp(name, "pthread_cond_", strlen("pthread_cond_")) == 0)
        found = dlvsym(RTLD_NEXT, name, CONDITIONS);
    return found ? found : dlsym(RTLD_NEXT, name);
}

/* Several threads may do this at once: they write the same. */
__attribute__((constructor(101))) void gust__green_resolve(void)
{
    if (atomic_load_explicit(&resolved, memory_order_acquire))
        return;
    int saved = errno;
    void *found;
    resolving = true;
#define GUST__HOOK(result, name, parameters, arguments, early) \
    found = next_of(#name);                                    \
    if (found)                                                 \
        *(void **)(void *)&gust__green_next.name = found;
#include "green/symbols.h"
    resolving = false;
    atomic_store_explicit(&resolved, true, memory_order_release);
    errno = saved;
}
