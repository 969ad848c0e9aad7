/* What the other tables do not call: openers, duplicators, positions under all their names, barriers, values.
 */
#include "differential.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <threads.h>

enum { OPENS = 1, MAKES = 2, READS = 4, MEETS = 16, SPINS = 32, KEEPS = 64, SPLICES = 128, CONNECTS = 256 };

int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
int __dup2(int from, int to);
int __fcntl(int fd, int command, ...);
int __close(int fd);
int __connect(int fd, const struct sockaddr *address, socklen_t length);
ssize_t __pread64(int fd, void *data, size_t size, off64_t offset);
ssize_t __pwrite64(int fd, const void *data, size_t size, off64_t offset);
ssize_t __pread_chk(int fd, void *data, size_t size, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *data, size_t size, off64_t offset, size_t room);

#define OPERATION(name, call)                        \
    static long name(struct differential *d, int fd) \
    {                                                \
        (void)d, (void)fd;                           \
        return call;                                 \
    }

/* ---- openers and makers ---- */

static const char *path;
enum { HOW = O_RDONLY | O_CLOEXEC };

OPERATION(by_open, open(path, HOW))
OPERATION(by_open64, open64(path, HOW))
OPERATION(by_open_alias, __open(path, HOW))
OPERATION(by_open64_alias, __open64(path, HOW))
OPERATION(by_open_2, __open_2(path, HOW))
OPERATION(by_open64_2, __open64_2(path, HOW))
OPERATION(by_openat, openat(AT_FDCWD, path, HOW))
OPERATION(by_openat64, openat64(AT_FDCWD, path, HOW))
OPERATION(by_openat_2, __openat_2(AT_FDCWD, path, HOW))
OPERATION(by_openat64_2, __openat64_2(AT_FDCWD, path, HOW))
OPERATION(by_dup, dup(0))
OPERATION(by_dup2, dup2(0, 70))
OPERATION(by_dup2_alias, __dup2(0, 70))
OPERATION(by_dup3, dup3(0, 70, O_CLOEXEC))
OPERATION(by_fcntl, fcntl(0, F_DUPFD, 10))
OPERATION(by_fcntl64, fcntl64(0, F_DUPFD_CLOEXEC, 10))
OPERATION(by_fcntl_alias, __fcntl(0, F_DUPFD, 10))
OPERATION(by_epoll_create, epoll_create(1))
OPERATION(by_epoll_create1, epoll_create1(EPOLL_CLOEXEC))
OPERATION(by_inotify_init, inotify_init())
OPERATION(by_inotify_init1, inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
OPERATION(by_socket, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))

static long by_signalfd(struct differential *d, int fd)
{
    sigset_t none;
    (void)d, (void)fd;
    sigemptyset(&none);
    return signalfd(-1, &none, SFD_CLOEXEC);
}

/* Which number it is, is no matter. */
static void open_it(struct differential *d)
{
    errno = 0;
    int fd = (int)d->operation->call(d, 0);
    differential_text(d, "opened %d, errno %s, close on exec %d\n", fd >= 0, strerrorname_np(errno),
                      fd < 0 ? 0 : fcntl(fd, F_GETFD));
    differential_flags(d, fd);
    if (fd >= 0)
        NOTE(d, __close(fd));
}

static void it_is_there(struct differential *d)
{
    path = "/dev/null";
    open_it(d);
}

static void it_is_not_there(struct differential *d)
{
    path = "/no/such/file";
    open_it(d);
}

static void it_has_no_name(struct differential *d)
{
    path = "";
    open_it(d);
}

static void there_are_no_numbers_left(struct differential *d)
{
    struct rlimit limit, few;
    path = "/dev/null";
    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    few.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &few);
    errno = 0;
    long fd = d->operation->call(d, 0);
    int code = errno;
    setrlimit(RLIMIT_NOFILE, &limit);
    differential_text(d, "opened %d, errno %s\n", fd >= 0, strerrorname_np(code));
}

/* ---- positions ---- */

OPERATION(by_pread, pread(fd, d->room, 4, 1))
OPERATION(by_pread64, pread64(fd, d->room, 4, 1))
OPERATION(by_pread64_alias, __pread64(fd, d->room, 4, 1))
OPERATION(by_pread_chk, __pread_chk(fd, d->room, 4, 1, sizeof(d->room)))
OPERATION(by_pread64_chk, __pread64_chk(fd, d->room, 4, 1, sizeof(d->room)))
OPERATION(by_pwrite, pwrite(fd, "xyz", 3, 1))
OPERATION(by_pwrite64, pwrite64(fd, "xyz", 3, 1))
OPERATION(by_pwrite64_alias, __pwrite64(fd, "xyz", 3, 1))
#define IN                  \
    (const struct iovec[2]) \
    {                       \
        {d->room, 2},       \
        {                   \
            d->room + 2, 2  \
        }                   \
    }
#define OUT                 \
    (const struct iovec[2]) \
    {                       \
        {(void *)"x", 1},   \
        {                   \
            (void *)"yz", 2 \
        }                   \
    }
OPERATION(by_preadv, preadv(fd, IN, 2, 1))
OPERATION(by_preadv64, preadv64(fd, IN, 2, 1))
OPERATION(by_preadv2, preadv2(fd, IN, 2, 1, 0))
OPERATION(by_preadv64v2, preadv64v2(fd, IN, 2, 1, 0))
OPERATION(by_pwritev, pwritev(fd, OUT, 2, 1))
OPERATION(by_pwritev64, pwritev64(fd, OUT, 2, 1))
OPERATION(by_pwritev2, pwritev2(fd, OUT, 2, 1, 0))
OPERATION(by_pwritev64v2, pwritev64v2(fd, OUT, 2, 1, 0))

static void of_a_file(struct differential *d)
{
    FILE *file = tmpfile();
    int fd = fileno(file);
    differential_must(write(fd, "hello world", 11) == 11, "write");
    differential_operate(d, fd);
    NOTE(d, lseek(fd, 0, SEEK_CUR));
    NOTE(d, lseek(fd, 0, SEEK_SET));
    NOTE(d, read(fd, d->room, 12));
    differential_data(d, d->room, 11);
    fclose(file);
}

static void of_an_empty_file(struct differential *d)
{
    FILE *file = tmpfile();
    differential_operate(d, fileno(file));
    fclose(file);
}

static void of_a_pipe(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_operate(d, ends[0]);
    differential_operate(d, ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void of_no_descriptor(struct differential *d)
{
    differential_operate(d, -1);
}

/* ---- barriers, spin locks, values ---- */

static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static volatile int held;

OPERATION(by_barrier, pthread_barrier_wait(&barrier) <= 0) /* which of them is told so, may vary */
OPERATION(by_spin_lock, pthread_spin_lock(&spin))
OPERATION(by_spin_trylock, pthread_spin_trylock(&spin))

static void come(struct differential *d, int unused)
{
    d->operation->call(d, unused);
}

static void a_sibling_comes(struct differential *d)
{
    NOTE(d, pthread_barrier_init(&barrier, NULL, 2));
    differential_later(d, 12, come, 0);
    differential_operate(d, 0);
    differential_join(d);
    NOTE(d, pthread_barrier_destroy(&barrier));
}

static void it_is_for_one(struct differential *d)
{
    NOTE(d, pthread_barrier_init(&barrier, NULL, 1));
    differential_operate(d, 0);
    differential_operate(d, 0);
    NOTE(d, pthread_barrier_destroy(&barrier));
    volatile unsigned none = 0;
    NOTE(d, pthread_barrier_init(&barrier, NULL, none));
}

static void hold_it(struct differential *d, int milliseconds)
{
    (void)d;
    pthread_spin_lock(&spin);
    held = 1;
    usleep((unsigned)milliseconds * 1000);
    pthread_spin_unlock(&spin);
}

static void a_sibling_spins(struct differential *d)
{
    held = 0;
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    differential_later(d, 0, hold_it, 12);
    while (!held)
        usleep(1000);
    d->arranged = 0;
    if (differential_operate(d, 0) == 0)
        NOTE(d, pthread_spin_unlock(&spin));
    differential_join(d);
    pthread_spin_destroy(&spin);
}

static long by_key(struct differential *d, int fd)
{
    pthread_key_t key;
    (void)fd;
    NOTE(d, pthread_key_create(&key, NULL));
    NOTE(d, pthread_getspecific(key) == NULL);
    NOTE(d, pthread_setspecific(key, d));
    NOTE(d, pthread_getspecific(key) == d);
    NOTE(d, pthread_key_delete(key));
    return pthread_key_delete(key);
}

static long by_tss(struct differential *d, int fd)
{
    tss_t key;
    (void)fd;
    NOTE(d, tss_create(&key, NULL));
    NOTE(d, tss_get(key) == NULL);
    NOTE(d, tss_set(key, d));
    NOTE(d, tss_get(key) == d);
    tss_delete(key);
    return tss_set(key, d);
}

static void a_value_is_kept(struct differential *d)
{
    differential_operate(d, 0);
}

/* ---- vmsplice, __connect ---- */

static char much[1 << 17];

OPERATION(by_vmsplice, vmsplice(fd, &(const struct iovec){much, 5}, 1, 0))

static void empty_it(struct differential *d, int fd)
{
    static char room[1 << 17];
    (void)d;
    differential_must(read(fd, room, sizeof(room)) > 0, "read");
}

static void there_is_room(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    differential_operate(d, ends[1]);
    NOTE(d, read(ends[0], d->room, 8));
    close(ends[0]);
    close(ends[1]);
}

static void room_comes(struct differential *d)
{
    int ends[2];
    differential_must(pipe(ends) == 0, "pipe");
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], much, sizeof(much)) > 0)
        ;
    fcntl(ends[1], F_SETFL, 0);
    differential_later(d, 12, empty_it, ends[0]);
    differential_operate(d, ends[1]);
    differential_flags(d, ends[1]);
    differential_join(d);
    close(ends[0]);
    close(ends[1]);
}

static struct sockaddr_in server;

OPERATION(by_connect, connect(fd, (const struct sockaddr *)&server, sizeof(server)))
OPERATION(by_connect_alias, __connect(fd, (const struct sockaddr *)&server, sizeof(server)))

static void one_listens(struct differential *d)
{
    int listener = differential_listen(&server), fd = socket(AF_INET, SOCK_STREAM, 0);
    differential_operate(d, fd);
    differential_flags(d, fd);
    differential_operate(d, fd);
    close(fd);
    close(listener);
}

static void nobody_listens(struct differential *d)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    close(differential_listen(&server));
    differential_operate(d, fd);
    differential_flags(d, fd);
    close(fd);
}

static const struct differential_operation operations[] = {
    {"open", by_open, OPENS},
    {"open64", by_open64, OPENS},
    {"__open", by_open_alias, OPENS},
    {"__open64", by_open64_alias, OPENS},
    {"__open_2", by_open_2, OPENS},
    {"__open64_2", by_open64_2, OPENS},
    {"openat", by_openat, OPENS},
    {"openat64", by_openat64, OPENS},
    {"__openat_2", by_openat_2, OPENS},
    {"__openat64_2", by_openat64_2, OPENS},
    {"dup", by_dup, MAKES},
    {"dup2", by_dup2, MAKES},
    {"__dup2", by_dup2_alias, MAKES},
    {"dup3", by_dup3, MAKES},
    {"fcntl", by_fcntl, MAKES},
    {"fcntl64", by_fcntl64, MAKES},
    {"__fcntl", by_fcntl_alias, MAKES},
    {"epoll_create", by_epoll_create, MAKES},
    {"epoll_create1", by_epoll_create1, MAKES},
    {"inotify_init", by_inotify_init, MAKES},
    {"inotify_init1", by_inotify_init1, MAKES},
    {"socket", by_socket, MAKES},
    {"signalfd", by_signalfd, MAKES},
    {"pread", by_pread, READS},
    {"pread64", by_pread64, READS},
    {"__pread64", by_pread64_alias, READS},
    {"__pread_chk", by_pread_chk, READS},
    {"__pread64_chk", by_pread64_chk, READS},
    {"preadv", by_preadv, READS},
    {"preadv64", by_preadv64, READS},
    {"preadv2", by_preadv2, READS},
    {"preadv64v2", by_preadv64v2, READS},
    {"pwrite", by_pwrite, READS},
    {"pwrite64", by_pwrite64, READS},
    {"__pwrite64", by_pwrite64_alias, READS},
    {"pwritev", by_pwritev, READS},
    {"pwritev64", by_pwritev64, READS},
    {"pwritev2", by_pwritev2, READS},
    {"pwritev64v2", by_pwritev64v2, READS},
    {"pthread_barrier_wait", by_barrier, MEETS},
    {"pthread_spin_lock", by_spin_lock, SPINS},
    {"pthread_spin_trylock", by_spin_trylock, SPINS},
    {"pthread_key_create", by_key, KEEPS},
    {"tss_create", by_tss, KEEPS},
    {"vmsplice", by_vmsplice, SPLICES},
    {"connect", by_connect, CONNECTS},
    {"__connect", by_connect_alias, CONNECTS},
};

static const struct differential_scenario scenarios[] = {
    {"it is there", it_is_there, OPENS},
    {"it is not there", it_is_not_there, OPENS},
    {"it has no name", it_has_no_name, OPENS},
    {"there are no numbers left", there_are_no_numbers_left, OPENS},
    {"one is made", open_it, MAKES},
    {"there are no numbers left", there_are_no_numbers_left, MAKES},
    {"of a file", of_a_file, READS},
    {"of an empty file", of_an_empty_file, READS},
    {"of a pipe", of_a_pipe, READS},
    {"of no descriptor", of_no_descriptor, READS},
    {"a sibling comes", a_sibling_comes, MEETS},
    {"it is for one", it_is_for_one, MEETS},
    {"a sibling spins", a_sibling_spins, SPINS},
    {"a value is kept", a_value_is_kept, KEEPS},
    {"there is room", there_is_room, SPLICES},
    {"room comes", room_comes, SPLICES},
    {"one listens", one_listens, CONNECTS},
    {"nobody listens", nobody_listens, CONNECTS},
};

static const struct differential_difference differences[] = {{.scenario = NULL}};

int main(void)
{
    return differential_table(operations, GUST_LEN(operations), scenarios, GUST_LEN(scenarios), differences);
}
