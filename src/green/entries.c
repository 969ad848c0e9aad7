/*
 * The name databases entry by entry. How far a reader has come libc keeps for the whole process, and the
 * plain functions' results too: as threads do, coroutines that read the same database at once get some
 * entries each. A thread reads in the coroutine's stead, and is not left behind: the entry would be lost.
 */
#include "green/green_int.h"

/* Whose entry, and where to. */
struct entry {
    void *record; /* of the _r functions; the plain ones leave their result here */
    char *data;
    size_t size;
    void **result;
    int problem; /* h_errno */
};

/* ---- On the thread: the plain functions ---- */

static long host(void *argument)
{
    struct entry *entry = argument;
    entry->record = gust__green_next.gethostent();
    entry->problem = h_errno;
    return 0;
}

static long network(void *argument)
{
    struct entry *entry = argument;
    entry->record = gust__green_next.getnetent();
    entry->problem = h_errno;
    return 0;
}

static long protocol(void *argument)
{
    ((struct entry *)argument)->record = gust__green_next.getprotoent();
    return 0;
}

static long service(void *argument)
{
    ((struct entry *)argument)->record = gust__green_next.getservent();
    return 0;
}

static long user(void *argument)
{
    ((struct entry *)argument)->record = gust__green_next.getpwent();
    return 0;
}

static long group(void *argument)
{
    ((struct entry *)argument)->record = gust__green_next.getgrent();
    return 0;
}

static void *read_own(struct gust__green_call *call, long (*function)(void *argument), int *problem)
{
    struct entry entry = {.problem = h_errno};
    gust__green_offload(call, function, &entry);
    if (problem)
        *problem = entry.problem;
    return entry.record;
}

GUST__EXPORT struct hostent *gethostent(void)
{
    if (!gust__green_here())
        return gust__green_next.gethostent();
    struct gust__green_call call = GUST__GREEN_CALL("gethostent", -1);
    return read_own(&call, host, &h_errno);
}

GUST__EXPORT struct netent *getnetent(void)
{
    if (!gust__green_here())
        return gust__green_next.getnetent();
    struct gust__green_call call = GUST__GREEN_CALL("getnetent", -1);
    return read_own(&call, network, &h_errno);
}

GUST__EXPORT struct protoent *getprotoent(void)
{
    if (!gust__green_here())
        return gust__green_next.getprotoent();
    struct gust__green_call call = GUST__GREEN_CALL("getprotoent", -1);
    return read_own(&call, protocol, NULL);
}

GUST__EXPORT struct servent *getservent(void)
{
    if (!gust__green_here())
        return gust__green_next.getservent();
    struct gust__green_call call = GUST__GREEN_CALL("getservent", -1);
    return read_own(&call, service, NULL);
}

GUST__EXPORT struct passwd *getpwent(void)
{
    if (!gust__green_here())
        return gust__green_next.getpwent();
    struct gust__green_call call = GUST__GREEN_CALL("getpwent", -1);
    return read_own(&call, user, NULL);
}

GUST__EXPORT struct group *getgrent(void)
{
    if (!gust__green_here())
        return gust__green_next.getgrent();
    struct gust__green_call call = GUST__GREEN_CALL("getgrent", -1);
    return read_own(&call, group, NULL);
}

/* ---- On the thread: the _r functions ---- */

static long host_to(void *argument)
{
    struct entry *entry = argument;
    return gust__green_next.gethostent_r(entry->record, entry->data, entry->size,
                                         (struct hostent **)(void *)entry->result, &entry->problem);
}

static long network_to(void *argument)
{
    struct entry *entry = argument;
    return gust__green_next.getnetent_r(entry->record, entry->data, entry->size,
                                        (struct netent **)(void *)entry->result, &entry->problem);
}

static long protocol_to(void *argument)
{
    const struct entry *entry = argument;
    return gust__green_next.getprotoent_r(entry->record, entry->data, entry->size,
                                          (struct protoent **)(void *)entry->result);
}

static long service_to(void *argument)
{
    const struct entry *entry = argument;
    return gust__green_next.getservent_r(entry->record, entry->data, entry->size,
                                         (struct servent **)(void *)entry->result);
}

static long user_to(void *argument)
{
    const struct entry *entry = argument;
    return gust__green_next.getpwent_r(entry->record, entry->data, entry->size,
                                       (struct passwd **)(void *)entry->result);
}

static long group_to(void *argument)
{
    const struct entry *entry = argument;
    return gust__green_next.getgrent_r(entry->record, entry->data, entry->size,
                                       (struct group **)(void *)entry->result);
}

static int read_to(struct gust__green_call *call, long (*function)(void *argument), struct entry entry,
                   int *problem)
{
    if (problem)
        entry.problem = *problem;
    int code = (int)gust__green_offload(call, function, &entry);
    if (problem)
        *problem = entry.problem;
    return code;
}

GUST__EXPORT int gethostent_r(struct hostent *record, char *data, size_t size, struct hostent **result,
                              int *problem)
{
    if (!gust__green_here())
        return gust__green_next.gethostent_r(record, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("gethostent_r", -1);
    return read_to(&call, host_to, (struct entry){record, data, size, (void **)result, 0}, problem);
}

GUST__EXPORT int getnetent_r(struct netent *record, char *data, size_t size, struct netent **result,
                             int *problem)
{
    if (!gust__green_here())
        return gust__green_next.getnetent_r(record, data, size, result, problem);
    struct gust__green_call call = GUST__GREEN_CALL("getnetent_r", -1);
    return read_to(&call, network_to, (struct entry){record, data, size, (void **)result, 0}, problem);
}

GUST__EXPORT int getprotoent_r(struct protoent *record, char *data, size_t size, struct protoent **result)
{
    if (!gust__green_here())
        return gust__green_next.getprotoent_r(record, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getprotoent_r", -1);
    return read_to(&call, protocol_to, (struct entry){record, data, size, (void **)result, 0}, NULL);
}

GUST__EXPORT int getservent_r(struct servent *record, char *data, size_t size, struct servent **result)
{
    if (!gust__green_here())
        return gust__green_next.getservent_r(record, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getservent_r", -1);
    return read_to(&call, service_to, (struct entry){record, data, size, (void **)result, 0}, NULL);
}

GUST__EXPORT int getpwent_r(struct passwd *record, char *data, size_t size, struct passwd **result)
{
    if (!gust__green_here())
        return gust__green_next.getpwent_r(record, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getpwent_r", -1);
    return read_to(&call, user_to, (struct entry){record, data, size, (void **)result, 0}, NULL);
}

GUST__EXPORT int getgrent_r(struct group *record, char *data, size_t size, struct group **result)
{
    if (!gust__green_here())
        return gust__green_next.getgrent_r(record, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getgrent_r", -1);
    return read_to(&call, group_to, (struct entry){record, data, size, (void **)result, 0}, NULL);
}
