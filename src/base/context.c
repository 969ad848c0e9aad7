#include "base/context.h"
#include "base/error_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

_Thread_local struct gust__coroutine *gust__current;
_Thread_local struct gust__context gust__thread_context = {0};
static _Thread_local bool watched __attribute__((tls_model("initial-exec")));

unsigned gust__fork_generation = 1;

void (*gust__locks_lost)(void);

static pthread_key_t key;
static bool have_key;

void gust__context_end(void)
{
    struct gust_error *error = gust__thread_context.error;
    gust__thread_context.error = NULL;
    gust__error_free(error);
    watched = false; /* another thread-end handler may still set one: then this one runs again */
}

static void thread_ends(void *unused)
{
    (void)unused;
    gust__context_end();
}

void gust__context_watch(void)
{
    if (watched)
        return;
    watched = true;
    if (have_key)
        pthread_setspecific(key, &gust__thread_context);
}

static void after_fork(void)
{
    gust__current = NULL;
    gust__fork_generation++;
}

/* Without a key (the process has used up all 1024) a thread's last error is lost with the thread. */
static __attribute__((constructor)) void begin(void)
{
    have_key = pthread_key_create(&key, thread_ends) == 0;
    pthread_atfork(NULL, NULL, after_fork);
}
