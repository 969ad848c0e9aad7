/* Hosts by name and by address: the old calls. */
#include "green/records.h"

static int by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.gethostbyname_r(look_up->name, &look_up->record.host, look_up->data,
                                            look_up->size, (struct hostent **)(void *)found,
                                            &look_up->problem);
}

static int by_family(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.gethostbyname2_r(look_up->name, look_up->number, &look_up->record.host,
                                             look_up->data, look_up->size, (struct hostent **)(void *)found,
                                             &look_up->problem);
}

static int by_address(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.gethostbyaddr_r(look_up->address, look_up->length, look_up->number,
                                            &look_up->record.host, look_up->data, look_up->size,
                                            (struct hostent **)(void *)found, &look_up->problem);
}

static struct gust__green_look_up *new_by_family(const char *name, int family)
{
    struct gust__green_look_up *look_up = gust__green_look_up_new(&gust__green_hosts, by_family, name, NULL);
    if (look_up)
        look_up->number = family;
    return look_up;
}

static struct gust__green_look_up *new_by_address(const void *address, socklen_t length, int family)
{
    struct gust__green_look_up *look_up = gust__green_look_up_new(&gust__green_hosts, by_address, NULL, NULL);
    if (!look_up)
        return NULL;
    memcpy(look_up->address, address, length);
    look_up->length = length;
    look_up->number = family;
    return look_up;
}

/* Others libc refuses at once. */
static bool is_address(socklen_t length, int family)
{
    return (family == AF_INET && length == 4) || (family == AF_INET6 && length == 16);
}

GUST__EXPORT struct hostent *gethostbyname(const char *name)
{
    if (!gust__green_here())
        return gust__green_next.gethostbyname(name);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyname", -1);
    return gust__green_look_up_own(&call, gust__green_look_up_new(&gust__green_hosts, by_name, name, NULL));
}

GUST__EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    if (!gust__green_here())
        return gust__green_next.gethostbyname2(name, family);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyname2", -1);
    return gust__green_look_up_own(&call, new_by_family(name, family));
}

GUST__EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    if (!gust__green_here() || !is_address(length, family))
        return gust__green_next.gethostbyaddr(address, length, family);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyaddr", -1);
    return gust__green_look_up_own(&call, new_by_address(address, length, family));
}

GUST__EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *data, size_t size,
                                 struct hostent **result, int *problem)
{
    if (!gust__green_here())
        return gust__green_next.gethostbyname_r(name, host, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyname_r", -1);
    return gust__green_look_up_to(&call, gust__green_look_up_new(&gust__green_hosts, by_name, name, NULL),
                                  host, data, size, (void **)result, problem);
}

GUST__EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host, char *data, size_t size,
                                  struct hostent **result, int *problem)
{
    if (!gust__green_here())
        return gust__green_next.gethostbyname2_r(name, family, host, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyname2_r", -1);
    return gust__green_look_up_to(&call, new_by_family(name, family), host, data, size, (void **)result,
                                  problem);
}

GUST__EXPORT int gethostbyaddr_r(const void *address, socklen_t length, int family, struct hostent *host,
                                 char *data, size_t size, struct hostent **result, int *problem)
{
    if (!gust__green_here() || !is_address(length, family))
        return gust__green_next.gethostbyaddr_r(address, length, family, host, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("gethostbyaddr_r", -1);
    return gust__green_look_up_to(&call, new_by_address(address, length, family), host, data, size,
                                  (void **)result, problem);
}
