/* Networks and protocols: records that hardly anybody asks for, found as hosts and services are. */
#include "green/records.h"

/* ---- On the thread ---- */

static int network_by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getnetbyname_r(look_up->name, &look_up->record.network, look_up->data,
                                           look_up->size, (struct netent **)(void *)found, &look_up->problem);
}

static int network_by_number(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getnetbyaddr_r((uint32_t)look_up->number, look_up->family,
                                           &look_up->record.network, look_up->data, look_up->size,
                                           (struct netent **)(void *)found, &look_up->problem);
}

static int protocol_by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getprotobyname_r(look_up->name, &look_up->record.protocol, look_up->data,
                                             look_up->size, (struct protoent **)(void *)found);
}

static int protocol_by_number(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getprotobynumber_r(look_up->number, &look_up->record.protocol, look_up->data,
                                               look_up->size, (struct protoent **)(void *)found);
}

static struct gust__green_look_up *new_by_address(uint32_t address, int family)
{
    struct gust__green_look_up *look_up =
        gust__green_look_up_new(&gust__green_networks, network_by_number, NULL, NULL);
    if (!look_up)
        return NULL;
    look_up->number = (int)address;
    look_up->family = family;
    return look_up;
}

static struct gust__green_look_up *new_by_number(int number)
{
    struct gust__green_look_up *look_up =
        gust__green_look_up_new(&gust__green_protocols, protocol_by_number, NULL, NULL);
    if (look_up)
        look_up->number = number;
    return look_up;
}

/* ---- Networks ---- */

GUST__EXPORT struct netent *getnetbyname(const char *name)
{
    if (!gust__green_here())
        return gust__green_next.getnetbyname(name);
    struct gust__green_call call = GUST__GREEN_CALL("getnetbyname", -1);
    return gust__green_look_up_own(
        &call, gust__green_look_up_new(&gust__green_networks, network_by_name, name, NULL));
}

GUST__EXPORT struct netent *getnetbyaddr(uint32_t address, int family)
{
    if (!gust__green_here())
        return gust__green_next.getnetbyaddr(address, family);
    struct gust__green_call call = GUST__GREEN_CALL("getnetbyaddr", -1);
    return gust__green_look_up_own(&call, new_by_address(address, family));
}

GUST__EXPORT int getnetbyname_r(const char *name, struct netent *network, char *data, size_t size,
                                struct netent **result, int *problem)
{
    if (!gust__green_here())
        return gust__green_next.getnetbyname_r(name, network, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("getnetbyname_r", -1);
    return gust__green_look_up_to(&call,
                                  gust__green_look_up_new(&gust__green_networks, network_by_name, name, NULL),
                                  network, data, size, (void **)result, problem);
}

GUST__EXPORT int getnetbyaddr_r(uint32_t address, int family, struct netent *network, char *data, size_t size,
                                struct netent **result, int *problem)
{
    if (!gust__green_here())
        return gust__green_next.getnetbyaddr_r(address, family, network, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("getnetbyaddr_r", -1);
    return gust__green_look_up_to(&call, new_by_address(address, family), network, data, size,
                                  (void **)result, problem);
}

/* ---- Protocols ---- */

GUST__EXPORT struct protoent *getprotobyname(const char *name)
{
    if (!gust__green_here())
        return gust__green_next.getprotobyname(name);
    struct gust__green_call call = GUST__GREEN_CALL("getprotobyname", -1);
    return gust__green_look_up_own(
        &call, gust__green_look_up_new(&gust__green_protocols, protocol_by_name, name, NULL));
}

GUST__EXPORT struct protoent *getprotobynumber(int number)
{
    if (!gust__green_here())
        return gust__green_next.getprotobynumber(number);
    struct gust__green_call call = GUST__GREEN_CALL("getprotobynumber", -1);
    return gust__green_look_up_own(&call, new_by_number(number));
}

GUST__EXPORT int getprotobyname_r(const char *name, struct protoent *protocol, char *data, size_t size,
                                  struct protoent **result)
{
    if (!gust__green_here())
        return gust__green_next.getprotobyname_r(name, protocol, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getprotobyname_r", -1);
    return gust__green_look_up_to(
        &call, gust__green_look_up_new(&gust__green_protocols, protocol_by_name, name, NULL), protocol, data,
        size, (void **)result, NULL);
}

GUST__EXPORT int getprotobynumber_r(int number, struct protoent *protocol, char *data, size_t size,
                                    struct protoent **result)
{
    if (!gust__green_here())
        return gust__green_next.getprotobynumber_r(number, protocol, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getprotobynumber_r", -1);
    return gust__green_look_up_to(&call, new_by_number(number), protocol, data, size, (void **)result, NULL);
}
