/* getaddrinfo and getnameinfo. */
#include "base/alloc.h"
#include "green/errand.h"

#include <stdlib.h>

/* ---- getaddrinfo ---- */

struct search {
    struct gust__green_errand errand;
    char *node;
    char *service;
    struct addrinfo hints; /* all 0: none were given */
    struct addrinfo *result;
    int code;  /* EAI_ */
    int error; /* errno */
};

static void search_run(struct gust__green_errand *errand)
{
    struct search *search = (struct search *)(void *)errand;
    const struct addrinfo none = {0};
    bool given = memcmp(&search->hints, &none, sizeof(none)) != 0;
    errno = 0;
    search->code = gust__green_next.getaddrinfo(search->node, search->service, given ? &search->hints : NULL,
                                                &search->result);
    search->error = errno;
}

static void search_release(struct gust__green_errand *errand)
{
    struct search *search = (struct search *)(void *)errand;
    if (search->code == 0 && search->result)
        freeaddrinfo(search->result);
    gust__free(search->node);
    gust__free(search->service);
    gust__free(search);
}

static bool same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool search_same(const struct gust__green_errand *running, const struct gust__green_errand *wanted)
{
    const struct search *one = (const struct search *)(const void *)running;
    const struct search *other = (const struct search *)(const void *)wanted;
    return same_text(one->node, other->node) && same_text(one->service, other->service) &&
           one->hints.ai_flags == other->hints.ai_flags && one->hints.ai_family == other->hints.ai_family &&
           one->hints.ai_socktype == other->hints.ai_socktype &&
           one->hints.ai_protocol == other->hints.ai_protocol;
}

static const struct gust__green_errand_kind search_kind = {"getaddrinfo", search_run, search_release,
                                                           search_same};

static struct search *search_new(const char *node, const char *service, const struct addrinfo *hints)
{
    struct search *search = gust__calloc(1, sizeof(*search));
    if (!search)
        return NULL;
    search->errand.kind = &search_kind;
    search->node = node ? gust__strdup(node) : NULL;
    search->service = service ? gust__strdup(service) : NULL;
    if (hints)
        search->hints = *hints;
    search->code = EAI_AGAIN;
    if ((!node || search->node) && (!service || search->service))
        return search;
    search_release(&search->errand);
    return NULL;
}

/* An entry as glibc makes them, because its freeaddrinfo frees it: the address in one block with it, the
 * canonical name in another. From libc's heap, where it goes back to. */
static struct addrinfo *copy_entry(const struct addrinfo *from)
{
    struct addrinfo *copy = malloc(sizeof(*copy) + from->ai_addrlen);
    if (!copy)
        return NULL;
    *copy = *from;
    copy->ai_next = NULL;
    copy->ai_addr = from->ai_addr ? (struct sockaddr *)(void *)(copy + 1) : NULL;
    if (from->ai_addr)
        memcpy(copy->ai_addr, from->ai_addr, from->ai_addrlen);
    copy->ai_canonname = from->ai_canonname ? strdup(from->ai_canonname) : NULL;
    if (!from->ai_canonname || copy->ai_canonname)
        return copy;
    free(copy);
    return NULL;
}

/* 0 or EAI_MEMORY. */
static int copy_all(const struct addrinfo *from, struct addrinfo **to)
{
    struct addrinfo *first = NULL, **end = &first;
    for (; from; from = from->ai_next) {
        *end = copy_entry(from);
        if (!*end) {
            if (first)
                freeaddrinfo(first);
            return EAI_MEMORY;
        }
        end = &(*end)->ai_next;
    }
    *to = first;
    return 0;
}

static int take_result(struct search *search, struct addrinfo **result)
{
    if (!gust__green_errand_is_ours(&search->errand))
        return copy_all(search->result, result);
    *result = search->result;
    search->result = NULL;
    return 0;
}

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* What needs no look-up: an address in figures, or none, and a port in figures, or none. EAI_NONAME: it does.
 */
static int search_at_once(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **result)
{
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    if (service && !is_number(service))
        return EAI_NONAME;
    const int given = numeric.ai_flags;
    numeric.ai_flags |= AI_NUMERICHOST;
    int code = gust__green_next.getaddrinfo(node, service, &numeric, result);
    for (struct addrinfo *entry = code ? NULL : *result; entry; entry = entry->ai_next)
        entry->ai_flags = given;
    return code;
}

GUST__EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                             struct addrinfo **result)
{
    if (!gust__green_here())
        return gust__green_next.getaddrinfo(node, service, hints, result);
    int saved = errno;
    int code = search_at_once(node, service, hints, result);
    if (code != EAI_NONAME)
        return code;
    errno = saved;
    struct gust__green_call call = GUST__GREEN_CALL("getaddrinfo", -1);
    struct search *search = search_new(node, service, hints);
    if (!search)
        return EAI_MEMORY;
    search = (struct search *)(void *)gust__green_errand_run(&call, &search->errand);
    if (!search)
        return EAI_SYSTEM;
    code = search->code ? search->code : take_result(search, result);
    errno = code == EAI_SYSTEM ? search->error : saved;
    gust__green_errand_drop(&search->errand);
    return code;
}

/* ---- getnameinfo ---- */

enum { HOST_MAX = 1025 * 2, SERVICE_MAX = 256 }; /* longer ones no resolver gives */

struct naming {
    struct gust__green_errand errand;
    struct sockaddr_storage address;
    socklen_t length;
    socklen_t host_size;
    socklen_t service_size;
    int flags;
    int code;
    int error;
    char host[HOST_MAX];
    char service[SERVICE_MAX];
};

static void naming_run(struct gust__green_errand *errand)
{
    struct naming *naming = (struct naming *)(void *)errand;
    errno = 0;
    naming->code = gust__green_next.getnameinfo((const struct sockaddr *)&naming->address, naming->length,
                                                naming->host_size ? naming->host : NULL, naming->host_size,
                                                naming->service_size ? naming->service : NULL,
                                                naming->service_size, naming->flags);
    naming->error = errno;
}

static void naming_release(struct gust__green_errand *errand)
{
    gust__free(errand);
}

static const struct gust__green_errand_kind naming_kind = {"getnameinfo", naming_run, naming_release, NULL};

static socklen_t at_most(socklen_t size, socklen_t max)
{
    return size < max ? size : max;
}

static int name_it(struct gust__green_call *call, struct naming *naming, char *host, char *service)
{
    int saved = errno;
    naming = (struct naming *)(void *)gust__green_errand_run(call, &naming->errand);
    if (!naming)
        return EAI_SYSTEM;
    int code = naming->code;
    if (naming->host[0]) /* also when the service failed */
        memcpy(host, naming->host, strlen(naming->host) + 1);
    if (naming->service[0])
        memcpy(service, naming->service, strlen(naming->service) + 1);
    errno = code == EAI_SYSTEM ? naming->error : saved;
    gust__green_errand_drop(&naming->errand);
    return code;
}

GUST__EXPORT int getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
                             socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    bool figures = (!host || flags & NI_NUMERICHOST) && (!service || flags & NI_NUMERICSERV);
    if (!gust__green_here() || figures || length > sizeof(struct sockaddr_storage))
        return gust__green_next.getnameinfo(address, length, host, host_size, service, service_size, flags);
    struct gust__green_call call = GUST__GREEN_CALL("getnameinfo", -1);
    struct naming *naming = gust__calloc(1, sizeof(*naming));
    if (!naming)
        return EAI_MEMORY;
    naming->errand.kind = &naming_kind;
    memcpy(&naming->address, address, length);
    naming->length = length;
    naming->host_size = host ? at_most(host_size, HOST_MAX) : 0;
    naming->service_size = service ? at_most(service_size, SERVICE_MAX) : 0;
    naming->flags = flags;
    return name_it(&call, naming, host, service);
}
