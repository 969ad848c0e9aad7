/* Looking records of the name databases up. */
#include "green/records.h"
#include "base/alloc.h"

/* ---- Copying a record with what it points to ---- */

/* Room that is used up from the front. */
struct room {
    char *data;
    size_t size;
    bool full;
};

static void *reserve(struct room *room, size_t size, size_t alignment)
{
    size_t skip = -(uintptr_t)room->data & (alignment - 1);
    if (room->full || size > room->size || skip > room->size - size) {
        room->full = true;
        return NULL;
    }
    void *reserved = room->data + skip;
    room->data += skip + size;
    room->size -= skip + size;
    return reserved;
}

static char *copy_bytes(struct room *room, const char *from, size_t size)
{
    char *to = from ? reserve(room, size, 1) : NULL;
    return to ? memcpy(to, from, size) : NULL;
}

static char *copy_text(struct room *room, const char *text)
{
    return text ? copy_bytes(room, text, strlen(text) + 1) : NULL;
}

/* A list that ends with NULL; size 0: of texts. */
static char **copy_list(struct room *room, char **list, size_t size)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    char **copy = list ? reserve(room, (count + 1) * sizeof(*copy), sizeof(*copy)) : NULL;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < count; i++)
        copy[i] = size ? copy_bytes(room, list[i], size) : copy_text(room, list[i]);
    copy[count] = NULL;
    return copy;
}

static int copy_host(const void *from, void *to, char *data, size_t size)
{
    const struct hostent *host = from;
    struct hostent *copy = to;
    struct room room = {data, size, false};
    *copy = *host;
    copy->h_aliases = copy_list(&room, host->h_aliases, 0);
    copy->h_addr_list = copy_list(&room, host->h_addr_list, (size_t)host->h_length);
    copy->h_name = copy_text(&room, host->h_name);
    return room.full ? ERANGE : 0;
}

static int copy_user(const void *from, void *to, char *data, size_t size)
{
    const struct passwd *user = from;
    struct passwd *copy = to;
    struct room room = {data, size, false};
    *copy = *user;
    copy->pw_name = copy_text(&room, user->pw_name);
    copy->pw_passwd = copy_text(&room, user->pw_passwd);
    copy->pw_gecos = copy_text(&room, user->pw_gecos);
    copy->pw_dir = copy_text(&room, user->pw_dir);
    copy->pw_shell = copy_text(&room, user->pw_shell);
    return room.full ? ERANGE : 0;
}

static int copy_group(const void *from, void *to, char *data, size_t size)
{
    const struct group *group = from;
    struct group *copy = to;
    struct room room = {data, size, false};
    *copy = *group;
    copy->gr_mem = copy_list(&room, group->gr_mem, 0);
    copy->gr_name = copy_text(&room, group->gr_name);
    copy->gr_passwd = copy_text(&room, group->gr_passwd);
    return room.full ? ERANGE : 0;
}

static int copy_service(const void *from, void *to, char *data, size_t size)
{
    const struct servent *service = from;
    struct servent *copy = to;
    struct room room = {data, size, false};
    *copy = *service;
    copy->s_aliases = copy_list(&room, service->s_aliases, 0);
    copy->s_name = copy_text(&room, service->s_name);
    copy->s_proto = copy_text(&room, service->s_proto);
    return room.full ? ERANGE : 0;
}

static int copy_network(const void *from, void *to, char *data, size_t size)
{
    const struct netent *network = from;
    struct netent *copy = to;
    struct room room = {data, size, false};
    *copy = *network;
    copy->n_aliases = copy_list(&room, network->n_aliases, 0);
    copy->n_name = copy_text(&room, network->n_name);
    return room.full ? ERANGE : 0;
}

static int copy_protocol(const void *from, void *to, char *data, size_t size)
{
    const struct protoent *protocol = from;
    struct protoent *copy = to;
    struct room room = {data, size, false};
    *copy = *protocol;
    copy->p_aliases = copy_list(&room, protocol->p_aliases, 0);
    copy->p_name = copy_text(&room, protocol->p_name);
    return room.full ? ERANGE : 0;
}

static gust_local last_host = {.drop = gust__free, .name = "hostent"};
static gust_local last_user = {.drop = gust__free, .name = "passwd"};
static gust_local last_group = {.drop = gust__free, .name = "group"};
static gust_local last_service = {.drop = gust__free, .name = "servent"};
static gust_local last_network = {.drop = gust__free, .name = "netent"};
static gust_local last_protocol = {.drop = gust__free, .name = "protoent"};

const struct gust__green_database gust__green_hosts = {sizeof(struct hostent), copy_host, &last_host};
const struct gust__green_database gust__green_users = {sizeof(struct passwd), copy_user, &last_user};
const struct gust__green_database gust__green_groups = {sizeof(struct group), copy_group, &last_group};
const struct gust__green_database gust__green_services = {sizeof(struct servent), copy_service,
                                                          &last_service};
const struct gust__green_database gust__green_networks = {sizeof(struct netent), copy_network, &last_network};
const struct gust__green_database gust__green_protocols = {sizeof(struct protoent), copy_protocol,
                                                           &last_protocol};

/* ---- Looking up ---- */

enum { FIRST_SIZE = 1024, MAX_SIZE = 4 << 20 }; /* of a record; a group can be large */

/* On the thread, with libc's own functions. */
static void run(struct gust__green_errand *errand)
{
    struct gust__green_look_up *look_up = (struct gust__green_look_up *)(void *)errand;
    for (size_t size = FIRST_SIZE; size <= MAX_SIZE; size *= 2) {
        void *found = NULL;
        gust__free(look_up->data);
        look_up->size = size;
        look_up->data = gust__malloc(size);
        look_up->code = look_up->data ? look_up->find(look_up, &found) : ENOMEM;
        look_up->found = found;
        if (look_up->code != ERANGE)
            return;
    }
}

static void release(struct gust__green_errand *errand)
{
    struct gust__green_look_up *look_up = (struct gust__green_look_up *)(void *)errand;
    gust__free(look_up->name);
    gust__free(look_up->other);
    gust__free(look_up->data);
    gust__free(look_up);
}

static const struct gust__green_errand_kind look_up_kind = {"look-up", run, release, NULL};

struct gust__green_look_up *gust__green_look_up_new(const struct gust__green_database *database,
                                                    int (*find)(struct gust__green_look_up *look_up,
                                                                void **found),
                                                    const char *name, const char *other)
{
    struct gust__green_look_up *look_up = gust__calloc(1, sizeof(*look_up));
    if (!look_up)
        return NULL;
    look_up->errand.kind = &look_up_kind;
    look_up->database = database;
    look_up->find = find;
    look_up->name = name ? gust__strdup(name) : NULL;
    look_up->other = other ? gust__strdup(other) : NULL;
    if ((!name || look_up->name) && (!other || look_up->other))
        return look_up;
    release(&look_up->errand);
    errno = ENOMEM;
    return NULL;
}

/* The same look-up, run; NULL: errno says why, and h_errno that trying again may help. */
static struct gust__green_look_up *run_it(struct gust__green_call *call, struct gust__green_look_up *look_up)
{
    if (look_up)
        look_up = (struct gust__green_look_up *)(void *)gust__green_errand_run(call, &look_up->errand);
    return look_up;
}

int gust__green_look_up_to(struct gust__green_call *call, struct gust__green_look_up *look_up, void *to,
                           char *data, size_t size, void **result, int *problem)
{
    int saved = errno;
    *result = NULL;
    look_up = run_it(call, look_up);
    int code = look_up ? look_up->code : errno;
    int why = look_up ? look_up->problem : TRY_AGAIN;
    if (look_up && look_up->found) {
        code = look_up->database->copy(&look_up->record, to, data, size);
        why = code ? NETDB_INTERNAL : why;
        *result = code ? NULL : to;
    }
    if (look_up)
        gust__green_errand_drop(&look_up->errand);
    if (problem)
        *problem = why;
    errno = code ? code : saved;
    return code;
}

/* The coroutine's own copy, in place of its last one. */
static void *keep(const struct gust__green_look_up *look_up)
{
    const struct gust__green_database *database = look_up->database;
    size_t before = (database->size + 15) & ~(size_t)15;
    /* Pointers and texts are aligned differently here and there. */
    size_t size = look_up->size + 2 * sizeof(void *);
    char *copy = gust__malloc(before + size);
    if (!copy)
        return NULL;
    void *last = gust_local_get(database->last);
    if (database->copy(&look_up->record, copy, copy + before, size) || gust_local_set(database->last, copy)) {
        gust__free(copy);
        errno = ENOMEM;
        return NULL;
    }
    gust__free(last);
    return copy;
}

void *gust__green_look_up_own(struct gust__green_call *call, struct gust__green_look_up *look_up)
{
    int saved = errno;
    void *record = NULL;
    look_up = run_it(call, look_up);
    if (!look_up) {
        h_errno = TRY_AGAIN;
        return NULL;
    }
    int code = look_up->code;
    h_errno = look_up->problem;
    if (look_up->found) {
        record = keep(look_up);
        code = record ? 0 : errno;
    }
    gust__green_errand_drop(&look_up->errand);
    errno = code ? code : saved;
    return record;
}
