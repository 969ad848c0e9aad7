#include "net/resolver.h"
#include "base/alloc.h"

#include <gust/error.h>

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

/* Blocks the thread. */
static struct gust__addresses *look_up(const char *host, int family)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, NULL, &hints, &list);
    if (code) {
        gai_failed(host, code);
        return NULL;
    }
    struct gust__addresses *addresses = copy_list(list);
    freeaddrinfo(list);
    return addresses;
}

static void set_ports(struct gust__addresses *addresses, unsigned port)
{
    for (size_t i = 0; addresses && i < addresses->count; i++)
        gust__address_set_port(&addresses->list[i], port);
}

struct gust__addresses *gust__resolve(const char *host, unsigned port, int family, int64_t until)
{
    struct gust__address address;
    (void)until;
    if (!*host)
        return wildcards(port, family);
    if (gust__address_numeric(host, port, &address) == 0)
        return one_address(&address, family);
    struct gust__addresses *addresses = look_up(host, family);
    set_ports(addresses, port);
    return addresses;
}
