/* Users, groups and services: files by default, a directory server where the machine is set up so. */
#include "green/records.h"

/* ---- On the thread ---- */

static int user_by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getpwnam_r(look_up->name, &look_up->record.user, look_up->data, look_up->size,
                                       (struct passwd **)(void *)found);
}

static int user_by_number(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getpwuid_r((uid_t)look_up->number, &look_up->record.user, look_up->data,
                                       look_up->size, (struct passwd **)(void *)found);
}

static int group_by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getgrnam_r(look_up->name, &look_up->record.group, look_up->data, look_up->size,
                                       (struct group **)(void *)found);
}

static int group_by_number(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getgrgid_r((gid_t)look_up->number, &look_up->record.group, look_up->data,
                                       look_up->size, (struct group **)(void *)found);
}

static int service_by_name(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getservbyname_r(look_up->name, look_up->other, &look_up->record.service,
                                            look_up->data, look_up->size, (struct servent **)(void *)found);
}

static int service_by_port(struct gust__green_look_up *look_up, void **found)
{
    return gust__green_next.getservbyport_r(look_up->number, look_up->other, &look_up->record.service,
                                            look_up->data, look_up->size, (struct servent **)(void *)found);
}

typedef int (*find)(struct gust__green_look_up *look_up, void **found);

static struct gust__green_look_up *by_number(const struct gust__green_database *database, find function,
                                             int number, const char *other)
{
    struct gust__green_look_up *look_up = gust__green_look_up_new(database, function, NULL, other);
    if (look_up)
        look_up->number = number;
    return look_up;
}

/* ---- Users ---- */

GUST__EXPORT struct passwd *getpwnam(const char *name)
{
    if (!gust__green_here())
        return gust__green_next.getpwnam(name);
    struct gust__green_call call = GUST__GREEN_CALL("getpwnam", -1);
    return gust__green_look_up_own(&call,
                                   gust__green_look_up_new(&gust__green_users, user_by_name, name, NULL));
}

GUST__EXPORT struct passwd *getpwuid(uid_t user)
{
    if (!gust__green_here())
        return gust__green_next.getpwuid(user);
    struct gust__green_call call = GUST__GREEN_CALL("getpwuid", -1);
    return gust__green_look_up_own(&call, by_number(&gust__green_users, user_by_number, (int)user, NULL));
}

GUST__EXPORT int getpwnam_r(const char *name, struct passwd *user, char *data, size_t size,
                            struct passwd **result)
{
    if (!gust__green_here())
        return gust__green_next.getpwnam_r(name, user, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getpwnam_r", -1);
    return gust__green_look_up_to(&call,
                                  gust__green_look_up_new(&gust__green_users, user_by_name, name, NULL), user,
                                  data, size, (void **)result, NULL);
}

GUST__EXPORT int getpwuid_r(uid_t number, struct passwd *user, char *data, size_t size,
                            struct passwd **result)
{
    if (!gust__green_here())
        return gust__green_next.getpwuid_r(number, user, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getpwuid_r", -1);
    return gust__green_look_up_to(&call, by_number(&gust__green_users, user_by_number, (int)number, NULL),
                                  user, data, size, (void **)result, NULL);
}

/* ---- Groups ---- */

GUST__EXPORT struct group *getgrnam(const char *name)
{
    if (!gust__green_here())
        return gust__green_next.getgrnam(name);
    struct gust__green_call call = GUST__GREEN_CALL("getgrnam", -1);
    return gust__green_look_up_own(&call,
                                   gust__green_look_up_new(&gust__green_groups, group_by_name, name, NULL));
}

GUST__EXPORT struct group *getgrgid(gid_t group)
{
    if (!gust__green_here())
        return gust__green_next.getgrgid(group);
    struct gust__green_call call = GUST__GREEN_CALL("getgrgid", -1);
    return gust__green_look_up_own(&call, by_number(&gust__green_groups, group_by_number, (int)group, NULL));
}

GUST__EXPORT int getgrnam_r(const char *name, struct group *group, char *data, size_t size,
                            struct group **result)
{
    if (!gust__green_here())
        return gust__green_next.getgrnam_r(name, group, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getgrnam_r", -1);
    return gust__green_look_up_to(&call,
                                  gust__green_look_up_new(&gust__green_groups, group_by_name, name, NULL),
                                  group, data, size, (void **)result, NULL);
}

GUST__EXPORT int getgrgid_r(gid_t number, struct group *group, char *data, size_t size, struct group **result)
{
    if (!gust__green_here())
        return gust__green_next.getgrgid_r(number, group, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getgrgid_r", -1);
    return gust__green_look_up_to(&call, by_number(&gust__green_groups, group_by_number, (int)number, NULL),
                                  group, data, size, (void **)result, NULL);
}

struct group_list {
    const char *user;
    gid_t group;
    gid_t *groups;
    int *count;
};

static long list_groups(void *argument)
{
    struct group_list *list = argument;
    return gust__green_next.getgrouplist(list->user, list->group, list->groups, list->count);
}

/* Not left behind: it fills an array of the caller's. */
GUST__EXPORT int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
    if (!gust__green_here())
        return gust__green_next.getgrouplist(user, group, groups, count);
    struct gust__green_call call = GUST__GREEN_CALL("getgrouplist", -1);
    struct group_list list = {user, group, groups, count};
    return (int)gust__green_offload(&call, list_groups, &list);
}

/* ---- Services ---- */

GUST__EXPORT struct servent *getservbyname(const char *name, const char *protocol)
{
    if (!gust__green_here())
        return gust__green_next.getservbyname(name, protocol);
    struct gust__green_call call = GUST__GREEN_CALL("getservbyname", -1);
    return gust__green_look_up_own(
        &call, gust__green_look_up_new(&gust__green_services, service_by_name, name, protocol));
}

GUST__EXPORT struct servent *getservbyport(int port, const char *protocol)
{
    if (!gust__green_here())
        return gust__green_next.getservbyport(port, protocol);
    struct gust__green_call call = GUST__GREEN_CALL("getservbyport", -1);
    return gust__green_look_up_own(&call, by_number(&gust__green_services, service_by_port, port, protocol));
}

GUST__EXPORT int getservbyname_r(const char *name, const char *protocol, struct servent *service, char *data,
                                 size_t size, struct servent **result)
{
    if (!gust__green_here())
        return gust__green_next.getservbyname_r(name, protocol, service, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getservbyname_r", -1);
    return gust__green_look_up_to(
        &call, gust__green_look_up_new(&gust__green_services, service_by_name, name, protocol), service, data,
        size, (void **)result, NULL);
}

GUST__EXPORT int getservbyport_r(int port, const char *protocol, struct servent *service, char *data,
                                 size_t size, struct servent **result)
{
    if (!gust__green_here())
        return gust__green_next.getservbyport_r(port, protocol, service, data, size, result);
    struct gust__green_call call = GUST__GREEN_CALL("getservbyport_r", -1);
    return gust__green_look_up_to(&call, by_number(&gust__green_services, service_by_port, port, protocol),
                                  service, data, size, (void **)result, NULL);
}
