/*
 * Calls that few programs make, natively and on a coroutine: libc's own names of others, old ways to wait for
 * a signal, the databases of networks and protocols and reading them entry by entry, asynchronous requests,
 * terminals.
 */
#include "differential.h"

#include <aio.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <grp.h>
#include <netdb.h>
#include <pty.h>
#include <pwd.h>
#include <resolv.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <termios.h>

/* ---- libc's own names ---- */

pid_t __wait(int *status);
pid_t __waitpid(pid_t pid, int *status, int options);
int __sigsuspend(const sigset_t *mask);
int bsd_sigpause(int bits) __asm__("sigpause");
int xpg_sigpause(int signal) __asm__("__xpg_sigpause");

static pid_t child(int milliseconds, int status)
{
    pid_t pid = fork();
    differential_must(pid >= 0, "fork");
    if (pid == 0) {
        const struct timespec pause = {0, milliseconds * 1000000L};
        nanosleep(&pause, NULL);
        _exit(status);
    }
    return pid;
}

static void children_by_libcs_names(struct differential *d)
{
    int status = -1;
    pid_t pid = child(30, 7);
    NOTE(d, __waitpid(pid, &status, 0) == pid);
    differential_text(d, "status %#x\n", (unsigned)status);
    pid = child(20, 4);
    NOTE(d, __wait(&status) == pid);
    differential_text(d, "status %#x\n", (unsigned)status);
    NOTE(d, __wait(&status));
    NOTE(d, __waitpid(1, &status, 0));
}

/* ---- Waiting for a handler ---- */

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    handled = signal;
}

static pthread_t waiter;

static void kill_the_waiter(struct differential *d, int signal)
{
    (void)d;
    pthread_kill(waiter, signal);
}

static long by_sigsuspend(int signal)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, signal);
    return __sigsuspend(&mask);
}

static long by_bsd_sigpause(int signal)
{
    (void)signal;
    return bsd_sigpause(0);
}

static long by_xpg_sigpause(int signal)
{
    return xpg_sigpause(signal);
}

/* Once with the signal pending, once with one that comes late. */
static void let_in_by(struct differential *d, long (*suspend)(int signal))
{
    struct sigaction action = {.sa_handler = handler}, before;
    sigset_t set, mask;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaction(SIGUSR1, &action, &before);
    pthread_sigmask(SIG_BLOCK, &set, &mask);
    waiter = pthread_self();
    handled = 0;
    pthread_kill(waiter, SIGUSR1);
    NOTE(d, suspend(SIGUSR1));
    differential_text(d, "handled %d\n", (int)handled);
    handled = 0;
    differential_later(d, 30, kill_the_waiter, SIGUSR1);
    NOTE(d, suspend(SIGUSR1));
    differential_text(d, "handled %d\n", (int)handled);
    differential_join(d);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGUSR1, &before, NULL);
}

static void sigsuspend_by_libcs_name(struct differential *d)
{
    let_in_by(d, by_sigsuspend);
}

static void sigpause_of_bsd(struct differential *d)
{
    let_in_by(d, by_bsd_sigpause);
}

static void sigpause_of_system_v(struct differential *d)
{
    let_in_by(d, by_xpg_sigpause);
    NOTE(d, xpg_sigpause(1000));
}

/* ---- Calls that a handler ends, or not, as SA_RESTART says ---- */

static void *write_late(void *fd)
{
    const struct timespec pause = {0, 60 * 1000000L};
    nanosleep(&pause, NULL);
    differential_must(write(*(int *)fd, "late", 4) == 4, "write");
    return NULL;
}

/* Something comes at 60 ms, from a thread of its own: a signal with these flags comes before. (Not when what
 * is looked at again and again is being looked at: at 15 and at 31 ms.) */
static void with_handler(struct differential *d, int flags, void (*wait)(struct differential *d, int fd))
{
    int ends[2];
    pthread_t writer;
    differential_must(pipe(ends) == 0, "pipe");
    pthread_create(&writer, NULL, write_late, &ends[1]);
    differential_signal(d, 22, flags);
    wait(d, ends[0]);
    pthread_join(writer, NULL);
    differential_join(d);
    signal(SIGUSR1, SIG_DFL);
    close(ends[0]);
    close(ends[1]);
}

static void with_both(struct differential *d, void (*wait)(struct differential *d, int fd))
{
    with_handler(d, 0, wait);
    with_handler(d, SA_RESTART, wait);
}

static void wait_for_child(struct differential *d, int fd)
{
    int status = 0;
    pid_t pid = child(60, 3);
    (void)fd;
    NOTE(d, waitpid(pid, &status, 0) == pid);
    while (waitpid(pid, &status, 0) == pid)
        ;
}

static void wait_for_any_child(struct differential *d, int fd)
{
    int status = 0;
    pid_t pid = child(60, 3);
    (void)fd;
    NOTE(d, wait(&status) == pid);
    while (wait(&status) == pid)
        ;
}

static void children_and_handlers(struct differential *d)
{
    with_both(d, wait_for_child);
    with_both(d, wait_for_any_child);
}

static void wait_for_signal(struct differential *d, int fd)
{
    const struct timespec limit = {0, 60 * 1000000L};
    sigset_t set, before;
    (void)fd;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    NOTE(d, sigtimedwait(&set, NULL, &limit));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wait_for_handler(struct differential *d, int fd)
{
    (void)fd;
    NOTE(d, pause());
}

static void signals_and_handlers(struct differential *d)
{
    with_both(d, wait_for_signal);
    with_both(d, wait_for_handler);
}

static void wait_for_request(struct differential *d, int fd)
{
    char data[16] = "";
    struct aiocb request = {.aio_fildes = fd, .aio_buf = data, .aio_nbytes = sizeof(data)};
    const struct aiocb *list[] = {&request};
    differential_must(aio_read(&request) == 0, "aio_read");
    NOTE(d, aio_suspend(list, 1, NULL));
    while (aio_suspend(list, 1, NULL) < 0)
        ;
    differential_text(d, "%zd\n", aio_return(&request));
}

static struct {
    long type;
    char text[4];
} letter = {.type = 1};

static void *send_late(void *queue)
{
    const struct timespec pause = {0, 60 * 1000000L};
    nanosleep(&pause, NULL);
    differential_must(msgsnd(*(int *)queue, &letter, sizeof(letter.text), 0) == 0, "msgsnd");
    return NULL;
}

static void wait_for_message(struct differential *d, int fd)
{
    int queue = msgget(IPC_PRIVATE, 0600);
    pthread_t sender;
    (void)fd;
    pthread_create(&sender, NULL, send_late, &queue);
    NOTE(d, msgrcv(queue, &letter, sizeof(letter.text), 0, 0));
    pthread_join(sender, NULL);
    msgctl(queue, IPC_RMID, NULL);
}

static void requests_and_handlers(struct differential *d)
{
    with_both(d, wait_for_request);
    with_both(d, wait_for_message);
}

static void move(struct differential *d, int fd)
{
    int ends[2];
    char data[16] = "";
    differential_must(pipe(ends) == 0, "pipe");
    NOTE(d, splice(fd, NULL, ends[1], NULL, sizeof(data), 0));
    close(ends[0]);
    close(ends[1]);
}

static void accept_with(struct differential *d, int milliseconds)
{
    struct sockaddr_in address;
    int listener = differential_listen(&address);
    const struct timeval limit = {0, milliseconds * 1000};
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    NOTE(d, accept(listener, NULL, NULL));
    close(listener);
}

/* Where a call has a time limit of its own, SA_RESTART does not count. */
static void accept_in_time(struct differential *d, int fd)
{
    (void)fd;
    accept_with(d, 60);
}

static void sockets_and_handlers(struct differential *d)
{
    with_both(d, move);
    with_both(d, accept_in_time);
}

/* ---- Networks and protocols ---- */

static void note_list(struct differential *d, char **list)
{
    for (; *list; list++)
        differential_text(d, " %s", *list);
    differential_text(d, "\n");
}

static void note_network(struct differential *d, const struct netent *network)
{
    differential_text(d, "network %s", network ? network->n_name : "none\n");
    if (!network)
        return;
    differential_text(d, " %d %u", network->n_addrtype, network->n_net);
    note_list(d, network->n_aliases);
}

static void note_protocol(struct differential *d, const struct protoent *protocol)
{
    differential_text(d, "protocol %s", protocol ? protocol->p_name : "none\n");
    if (!protocol)
        return;
    differential_text(d, " %d", protocol->p_proto);
    note_list(d, protocol->p_aliases);
}

static void networks(struct differential *d)
{
    struct netent record, *result = NULL;
    char data[1024];
    int problem = 0;
    note_network(d, getnetbyname("loopback"));
    note_network(d, getnetbyname("no-such-network"));
    note_network(d, getnetbyaddr(127 << 24, AF_INET));
    note_network(d, getnetbyaddr(1, AF_INET));
    NOTE_UNTIMED(d, getnetbyname_r("loopback", &record, data, sizeof(data), &result, &problem));
    note_network(d, result);
    NOTE_UNTIMED(d, getnetbyname_r("loopback", &record, data, 4, &result, &problem));
    note_network(d, result);
    NOTE_UNTIMED(d, getnetbyaddr_r(127 << 24, AF_INET, &record, data, sizeof(data), &result, &problem));
    note_network(d, result);
}

static void protocols(struct differential *d)
{
    struct protoent record, *result = NULL;
    char data[1024];
    note_protocol(d, getprotobyname("tcp"));
    note_protocol(d, getprotobyname("no-such-protocol"));
    note_protocol(d, getprotobynumber(17));
    note_protocol(d, getprotobynumber(12345));
    NOTE_UNTIMED(d, getprotobyname_r("udp", &record, data, sizeof(data), &result));
    note_protocol(d, result);
    NOTE_UNTIMED(d, getprotobyname_r("udp", &record, data, 4, &result));
    note_protocol(d, result);
    NOTE_UNTIMED(d, getprotobynumber_r(6, &record, data, sizeof(data), &result));
    note_protocol(d, result);
    NOTE_UNTIMED(d, getprotobynumber_r(12345, &record, data, sizeof(data), &result));
    note_protocol(d, result);
}

/* A coroutine has a record of its own, which another's call leaves alone. */
static void ask_for_another(struct differential *d, int number)
{
    (void)d;
    getprotobynumber(number);
}

static void a_coroutines_record_is_its_own(struct differential *d)
{
    const struct protoent *tcp = getprotobyname("tcp");
    if (d->green) /* natively the other would be written over it */
        differential_later(d, 1, ask_for_another, 17);
    usleep(10000);
    note_protocol(d, tcp);
}

/* ---- Entry by entry ---- */

static void entries(struct differential *d)
{
    sethostent(1), setnetent(1), setprotoent(1), setservent(1), setpwent(), setgrent();
    const struct hostent *host = gethostent();
    differential_text(d, "host %s\n", host ? host->h_name : "none");
    note_network(d, getnetent());
    for (int i = 0; i < 3; i++)
        note_protocol(d, getprotoent());
    const struct servent *service = getservent();
    differential_text(d, "service %s %d\n", service ? service->s_name : "none",
                      service ? service->s_port : 0);
    for (const struct passwd *user; (user = getpwent());)
        differential_text(d, "%s ", user->pw_name);
    for (const struct group *group; (group = getgrent());)
        differential_text(d, "%s ", group->gr_name);
    endhostent(), endnetent(), endprotoent(), endservent(), endpwent(), endgrent();
}

static void entries_into_buffers(struct differential *d)
{
    struct hostent host, *h = NULL;
    struct netent network, *n = NULL;
    struct protoent protocol, *p = NULL;
    struct servent service, *s = NULL;
    struct passwd user, *u = NULL;
    struct group group, *g = NULL;
    char data[1024];
    int problem = 0;
    sethostent(1), setnetent(1), setprotoent(1), setservent(1), setpwent(), setgrent();
    NOTE_UNTIMED(d, gethostent_r(&host, data, sizeof(data), &h, &problem));
    differential_text(d, "%s\n", h ? h->h_name : "none");
    NOTE_UNTIMED(d, getnetent_r(&network, data, sizeof(data), &n, &problem));
    note_network(d, n);
    NOTE_UNTIMED(d, getprotoent_r(&protocol, data, sizeof(data), &p));
    note_protocol(d, p);
    NOTE_UNTIMED(d, getservent_r(&service, data, sizeof(data), &s));
    differential_text(d, "%s\n", s ? s->s_name : "none");
    NOTE_UNTIMED(d, getpwent_r(&user, data, 4, &u));
    NOTE_UNTIMED(d, getpwent_r(&user, data, sizeof(data), &u));
    differential_text(d, "%s\n", u ? u->pw_name : "none");
    while (getgrent_r(&group, data, sizeof(data), &g) == 0)
        ;
    NOTE_UNTIMED(d, getgrent_r(&group, data, sizeof(data), &g));
    endhostent(), endnetent(), endprotoent(), endservent(), endpwent(), endgrent();
}

/* ---- The resolver, with a name server of our own ---- */

static int server;

/* Answers one question with NXDOMAIN. */
static void answer(struct differential *d, int unused)
{
    unsigned char message[512];
    struct sockaddr_in from;
    socklen_t length = sizeof(from);
    (void)d, (void)unused;
    ssize_t size = recvfrom(server, message, sizeof(message), 0, (struct sockaddr *)&from, &length);
    message[2] |= 0x80;
    message[3] = 0x83;
    if (size > 0)
        sendto(server, message, (size_t)size, 0, (struct sockaddr *)&from, length);
}

static void ask_ours(struct __res_state *state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    server = socket(AF_INET, SOCK_DGRAM, 0);
    bind(server, (struct sockaddr *)&address, sizeof(address));
    getsockname(server, (struct sockaddr *)&address, &length);
    memset(state, 0, sizeof(*state));
    res_ninit(state);
    state->nscount = 1;
    state->nsaddr_list[0] = address;
}

static void questions_in_a_domain(struct differential *d)
{
    unsigned char reply[512];
    struct __res_state state;
    ask_ours(&state);
    differential_later(d, 20, answer, 0);
    NOTE(d, res_nquerydomain(&state, "missing", "test", C_IN, T_A, reply, sizeof(reply)));
    differential_text(d, "h_errno %d\n", h_errno);
    res_nclose(&state);
    close(server);
}

/* The state of the thread cannot be told of our server, but what it refuses without asking anybody. */
static void questions_that_are_too_long(struct differential *d)
{
    unsigned char reply[512];
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    NOTE_UNTIMED(d, res_querydomain(name, "test", C_IN, T_A, reply, sizeof(reply)));
}

/* ---- Asynchronous requests ---- */

static const struct timespec brief = {0, 30 * 1000000L}, wrong = {0, -1};

static void requests_for_input(struct differential *d)
{
    int ends[2];
    char data[16] = "";
    differential_must(pipe(ends) == 0, "pipe");
    struct aiocb request = {.aio_fildes = ends[0], .aio_buf = data, .aio_nbytes = sizeof(data)};
    const struct aiocb *list[] = {NULL, &request};
    differential_must(aio_read(&request) == 0, "aio_read");
    NOTE(d, aio_suspend(list, 2, &brief));
    NOTE(d, aio_suspend(list, 2, &wrong));
    differential_later(d, 30, differential_write, ends[1]);
    NOTE(d, aio_suspend(list, 2, NULL));
    NOTE(d, aio_error(&request));
    NOTE(d, aio_return(&request));
    differential_data(d, data, 5);
    NOTE(d, aio_suspend(list, 2, NULL));
    close(ends[0]);
    close(ends[1]);
}

#ifndef DIFFERENTIAL_TSAN /* libc's threads for this are unseen by it, and allocate */

/* One, for glibc 2.36 crashes now and then when several are waited for. */
static void requests_for_names(struct differential *d)
{
    struct gaicb request = {.ar_name = "localhost"};
    struct gaicb *all[] = {&request};
    const struct gaicb *list[] = {NULL, &request};
    NOTE_UNTIMED(d, getaddrinfo_a(GAI_NOWAIT, all, 1, NULL));
    while (gai_suspend(list, 2, NULL) == 0)
        ;
    NOTE_UNTIMED(d, gai_suspend(list, 2, NULL));
    NOTE_UNTIMED(d, gai_suspend(list, 2, &brief));
    differential_text(d, "%d\n", gai_error(&request));
    freeaddrinfo(request.ar_result);
}

#endif

/* ---- Terminals ---- */

static void terminals_are_drained(struct differential *d)
{
    int master, slave, ends[2];
    differential_must(openpty(&master, &slave, NULL, NULL, NULL) == 0 && pipe(ends) == 0, "openpty");
    differential_must(write(slave, "output", 6) == 6, "write");
    NOTE_UNTIMED(d, tcdrain(slave));
    NOTE_UNTIMED(d, tcdrain(ends[1]));
    NOTE_UNTIMED(d, tcdrain(-1));
    close(master), close(slave), close(ends[0]), close(ends[1]);
}

int main(void)
{
    static const struct differential_case cases[] = {
        CASE(children_by_libcs_names),
        CASE(sigsuspend_by_libcs_name),
        CASE(sigpause_of_bsd),
        CASE(sigpause_of_system_v),
        CASE(children_and_handlers),
        CASE(signals_and_handlers),
        CASE(requests_and_handlers),
        CASE(sockets_and_handlers),
        CASE(networks),
        CASE(protocols),
        CASE(a_coroutines_record_is_its_own),
        CASE(entries),
        CASE(entries_into_buffers),
        CASE(questions_in_a_domain),
        CASE(questions_that_are_too_long),
        CASE(requests_for_input),
#ifndef DIFFERENTIAL_TSAN
        CASE(requests_for_names),
#endif
        CASE(terminals_are_drained),
    };
    return differential_main(cases, GUST_LEN(cases));
}
