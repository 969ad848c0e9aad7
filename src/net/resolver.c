#include "net/resolver.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error_int.h"
#include "base/list.h"
#include "coro/coroutine.h"
#include "net/state.h"
#include "pool/threads.h"

#include <gust/error.h>
#include <gust/future.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>

static struct gust__addresses *new_addresses(size_t count)
{
    struct gust__addresses *addresses =
        gust__calloc(1, sizeof(*addresses) + count * sizeof(struct gust__address));
    if (addresses)
        addresses->count = count;
    return addresses;
}

static struct gust__addresses *one_address(const struct gust__address *address, int family)
{
    if (family != AF_UNSPEC && address->any.sa_family != family) {
        gust_error_set(EAFNOSUPPORT, "the address is of another family");
        return NULL;
    }
    struct gust__addresses *addresses = new_addresses(1);
    if (addresses)
        addresses->list[0] = *address;
    return addresses;
}

static struct gust__addresses *wildcards(unsigned port, int family)
{
    struct gust__addresses *addresses = new_addresses(2);
    if (!addresses)
        return NULL;
    addresses->count = 0;
    if (family != AF_INET6)
        gust__address_numeric("0.0.0.0", port, &addresses->list[addresses->count++]);
    if (family != AF_INET)
        gust__address_numeric("::", port, &addresses->list[addresses->count++]);
    return addresses;
}

/* ---- getaddrinfo ---- */

typedef int getaddrinfo_function(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static getaddrinfo_function *system_look_up = getaddrinfo;

void gust__resolver_replace(getaddrinfo_function *function)
{
    system_look_up = function ? function : getaddrinfo;
}

static int gai_failed(const char *host, int code)
{
    if (code == EAI_SYSTEM)
        return gust_error_set(errno, "%s: %s", host, strerrordesc_np(errno));
    if (code == EAI_MEMORY)
        return gust_error_set(ENOMEM, NULL);
    return gust_error_set_detail("gai", code, EHOSTUNREACH, "%s: %s", host, gai_strerror(code));
}

static bool known(const struct addrinfo *info)
{
    return info->ai_family == AF_INET || info->ai_family == AF_INET6;
}

static struct gust__addresses *copy_list(const struct addrinfo *list)
{
    size_t count = 0;
    for (const struct addrinfo *info = list; info && count < GUST__ADDRESSES_MAX; info = info->ai_next)
        count += known(info);
    struct gust__addresses *addresses = new_addresses(count);
    size_t i = 0;
    for (const struct addrinfo *info = list; addresses && i < count; info = info->ai_next) {
        if (known(info))
            gust__address_set(&addresses->list[i++], info->ai_addr, info->ai_addrlen);
    }
    return addresses;
}

/* What the system gives is either's to free: a test's function makes lists of its own by getaddrinfo too. */
static struct gust__addresses *ask_system(const char *host, int family)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = system_look_up(host, NULL, &hints, &list);
    if (code) {
        gai_failed(host, code);
        return NULL;
    }
    struct gust__addresses *addresses = copy_list(list);
    freeaddrinfo(list);
    return addresses;
}

/* ---- look-ups on threads ---- */

/* One question under way. The waiters' part is the loop's; the thread has a part of its own, so that neither
 * needs the other. */
struct look_up {
    struct gust__list node;    /* of the loop's */
    struct gust__list waiters; /* struct waiter */
    gust_future *future;
    int family;
    char host[GUST__HOST_MAX + 1];
};

struct waiter {
    struct gust__list node;
    struct gust__coroutine *coroutine;
    struct gust__addresses *addresses;
    struct gust_error *error;
    bool answered;
};

struct job {
    struct gust__work work;
    gust_future *future; /* the maker's end */
    int family;
    char host[GUST__HOST_MAX + 1];
};

static void run_job(struct gust__work *work)
{
    struct job *job = GUST__CONTAINER(work, struct job, work);
    struct gust__addresses *addresses = ask_system(job->host, job->family);
    if (addresses)
        gust_future_set(job->future, addresses, gust__free);
    else
        gust_future_fail_last(job->future);
    gust__free(job);
}

/* The last waiter gets the answer itself, those before copies. */
static void answer(struct waiter *waiter, gust_future *future, bool last)
{
    const struct gust__addresses *addresses = gust_future_value(future);
    waiter->answered = true;
    gust__list_remove(&waiter->node);
    if (!addresses) {
        waiter->error = gust__error_copy(gust_future_error(future));
    } else if (last) {
        waiter->addresses = gust_future_take(future);
    } else {
        waiter->addresses = new_addresses(addresses->count);
        if (waiter->addresses)
            memcpy(waiter->addresses->list, addresses->list, addresses->count * sizeof(struct gust__address));
        else
            waiter->error = gust__error_new(NULL, 0, ENOMEM, GUST__ERROR_PLAIN, NULL);
    }
    gust__wake(waiter->coroutine);
}

static int answer_all(gust_future *future, void *argument)
{
    struct look_up *look_up = argument;
    gust_future_code(future); /* an error has been read, whether or not somebody still waits */
    while (!gust__list_empty(&look_up->waiters)) {
        struct gust__list *node = look_up->waiters.next;
        answer(GUST__CONTAINER(node, struct waiter, node), future, node->next == &look_up->waiters);
    }
    gust__list_remove(&look_up->node);
    gust__free(look_up);
    return 0;
}

static int start_job(struct look_up *look_up)
{
    struct job *job = gust__malloc(sizeof(*job));
    if (!job)
        return -1;
    *job = (struct job){.work.run = run_job, .future = look_up->future, .family = look_up->family};
    memcpy(job->host, look_up->host, sizeof(job->host));
    if (gust__threads_submit(NULL, &job->work) == 0)
        return 0;
    int code = errno;
    gust__free(job);
    errno = code;
    return -1;
}

static void drop_future(gust_future *future)
{
    int code = errno;
    gust_future_fail(future, ECANCELED, NULL);
    gust_future_code(future);
    gust_future_free(future);
    errno = code;
}

static struct look_up *start_look_up(struct gust__net *net, const char *host, int family)
{
    struct look_up *look_up = gust__malloc(sizeof(*look_up));
    if (!look_up)
        return NULL;
    *look_up = (struct look_up){.family = family};
    memcpy(look_up->host, host, strlen(host) + 1);
    gust__list_init(&look_up->waiters);
    look_up->future = gust_future_new(net->loop);
    if (!look_up->future)
        goto fail;
    if (start_job(look_up) < 0) {
        drop_future(look_up->future);
        goto fail;
    }
    gust__list_append(&net->look_ups, &look_up->node);
    gust_future_then(look_up->future, answer_all, look_up);
    return look_up;
fail:;
    int code = errno;
    gust__free(look_up);
    errno = code;
    return NULL;
}

/* ---- the loop's part ---- */

/* Whoever still waited was woken by his own cancel. */
void gust__look_ups_end(struct gust__net *net)
{
    struct gust__list *node;
    while ((node = gust__list_take_first(&net->look_ups)))
        gust__free(GUST__CONTAINER(node, struct look_up, node));
}

static struct look_up *find_look_up(struct gust__net *net, const char *host, int family)
{
    for (struct gust__list *node = net->look_ups.next; node != &net->look_ups; node = node->next) {
        struct look_up *look_up = GUST__CONTAINER(node, struct look_up, node);
        if (look_up->family == family && strcmp(look_up->host, host) == 0)
            return look_up;
    }
    return start_look_up(net, host, family);
}

size_t gust__resolver_count(const gust_loop *loop)
{
    const struct gust__net *net = (struct gust__net *)(void *)gust__loop_state(loop, GUST__LOOP_RESOLVER);
    size_t count = 0;
    if (net)
        for (const struct gust__list *node = net->look_ups.next; node != &net->look_ups; node = node->next)
            count++;
    return count;
}

/* ---- waiting ---- */

static struct gust__addresses *wait_for_answer(struct look_up *look_up, int64_t until)
{
    struct waiter waiter = {.coroutine = gust__current};
    gust__list_append(&look_up->waiters, &waiter.node);
    while (!waiter.answered) {
        int waited = gust__park_until(GUST__INTERRUPTIBLE, "a name", until);
        if (waited == 0 || waiter.answered)
            continue;
        gust__list_remove(&waiter.node);
        if (waited > 0)
            gust_error_set(ETIMEDOUT, "%s: no answer to the look-up", look_up->host);
        return NULL;
    }
    if (waiter.error)
        gust__error_put(waiter.error);
    return waiter.addresses;
}

static struct gust__addresses *resolve_name(const char *host, int family, int64_t until)
{
    if (!gust__current)
        return ask_system(host, family);
    struct gust__net *net = gust__net_of(gust__current->loop);
    struct look_up *look_up = net ? find_look_up(net, host, family) : NULL;
    return look_up ? wait_for_answer(look_up, until) : NULL;
}

struct gust__addresses *gust__resolve(const char *host, unsigned port, int family, int64_t until)
{
    struct gust__address address;
    if (!*host)
        return wildcards(port, family);
    if (gust__address_numeric(host, port, &address) == 0)
        return one_address(&address, family);
    struct gust__addresses *addresses = resolve_name(host, family, until);
    for (size_t i = 0; addresses && i < addresses->count; i++)
        gust__address_set_port(&addresses->list[i], port);
    return addresses;
}
