/* Names, users, groups and services: natively and on a coroutine. */
#include "differential.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>

static void note_addresses(struct differential *d, struct addrinfo *list)
{
    for (const struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        differential_text(d, "%d %d %d %d %s ", entry->ai_flags, entry->ai_family, entry->ai_socktype,
                          entry->ai_protocol, entry->ai_canonname ? entry->ai_canonname : "-");
        differential_data(d, entry->ai_addr, entry->ai_addrlen);
    }
    freeaddrinfo(list);
}

static void look_up(struct differential *d, const char *node, const char *service, int flags, int type)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_socktype = type}, *list = NULL;
    if (NOTE_UNTIMED(d, getaddrinfo(node, service, &hints, &list)) == 0)
        note_addresses(d, list);
}

static void names_in_figures(struct differential *d)
{
    look_up(d, "127.0.0.1", "80", 0, SOCK_STREAM);
    look_up(d, "127.0.0.1", NULL, 0, 0);
    look_up(d, "::1", "5432", 0, SOCK_STREAM);
    look_up(d, NULL, "80", AI_PASSIVE, SOCK_STREAM);
    look_up(d, NULL, NULL, 0, 0);
    look_up(d, "127.0.0.1", "http", AI_NUMERICSERV, SOCK_STREAM);
    look_up(d, "127.0.0.1", "99999999999", 0, SOCK_STREAM);
    look_up(d, "name", "80", AI_NUMERICHOST, SOCK_STREAM);
    look_up(d, "127.0.0.1", "80", AI_CANONNAME, SOCK_STREAM);
    look_up(d, "127.0.0.1", "80", 0x40000000, SOCK_STREAM);
    look_up(d, "127.0.0.1", "80", 0, 99);
    look_up(d, "", "80", 0, SOCK_STREAM);
    look_up(d, "127.0.0.1", "", 0, SOCK_STREAM);
}

static void names_in_words(struct differential *d)
{
    char name[256];
    struct addrinfo *list = NULL;
    gethostname(name, sizeof(name));
    look_up(d, "localhost", "http", 0, SOCK_STREAM);
    look_up(d, "localhost", "80", AI_CANONNAME, SOCK_STREAM);
    look_up(d, name, "80", 0, SOCK_STREAM);
    look_up(d, "127.0.0.1", "https", 0, SOCK_STREAM);
    look_up(d, "localhost", "no-such-service", 0, SOCK_STREAM);
    if (NOTE_UNTIMED(d, getaddrinfo("localhost", NULL, NULL, &list)) == 0)
        note_addresses(d, list);
}

static void name(struct differential *d, const char *address, socklen_t host_size, socklen_t service_size,
                 int flags)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
    inet_pton(AF_INET, address, &in.sin_addr);
    NOTE_UNTIMED(
        d, getnameinfo((struct sockaddr *)&in, sizeof(in), host, host_size, service, service_size, flags));
    differential_text(d, "%s %s\n", host, service);
}

static void addresses_are_named(struct differential *d)
{
    name(d, "127.0.0.1", NI_MAXHOST, NI_MAXSERV, 0);
    name(d, "127.0.0.1", NI_MAXHOST, NI_MAXSERV, NI_NUMERICHOST | NI_NUMERICSERV);
    name(d, "127.0.0.1", 3, NI_MAXSERV, 0);
    name(d, "127.0.0.1", 9, 0, 0);
    name(d, "127.0.0.1", 10, 0, 0);
    name(d, "127.0.0.1", NI_MAXHOST, 4, 0);
    name(d, "127.0.0.1", NI_MAXHOST, 5, 0);
    name(d, "127.0.0.1", 0, 0, 0);
    name(d, "127.0.0.1", 0, NI_MAXSERV, 0);
    name(d, "127.0.0.1", NI_MAXHOST, NI_MAXSERV, NI_DGRAM);
    name(d, "127.0.0.1", NI_MAXHOST, NI_MAXSERV, 0x40000000);
    struct sockaddr_in in = {.sin_family = AF_INET};
    char host[64];
    NOTE_UNTIMED(d, getnameinfo((struct sockaddr *)&in, 3, host, sizeof(host), NULL, 0, 0));
    NOTE_UNTIMED(d, getnameinfo((struct sockaddr *)&in, sizeof(in), NULL, 0, NULL, 0, 0));
}

static void note_host(struct differential *d, const struct hostent *host)
{
    if (!host) {
        differential_text(d, "none, h_errno %d\n", h_errno);
        return;
    }
    differential_text(d, "%s %d %d", host->h_name, host->h_addrtype, host->h_length);
    for (char **alias = host->h_aliases; *alias; alias++)
        differential_text(d, " %s", *alias);
    for (char **address = host->h_addr_list; *address; address++)
        differential_data(d, *address, (size_t)host->h_length);
}

static void hosts_the_old_way(struct differential *d)
{
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    note_host(d, gethostbyname("localhost"));
    note_host(d, gethostbyname("127.0.0.1"));
    note_host(d, gethostbyname2("localhost", AF_INET6));
    note_host(d, gethostbyname2("localhost", AF_INET));
    note_host(d, gethostbyaddr(&loopback, sizeof(loopback), AF_INET));
    note_host(d, gethostbyaddr(&loopback, 3, AF_INET));
}

static void hosts_into_buffers(struct differential *d)
{
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    struct hostent host, *result;
    char data[1024];
    int problem = 0;
    NOTE_UNTIMED(d, gethostbyname_r("localhost", &host, data, sizeof(data), &result, &problem));
    note_host(d, result);
    NOTE_UNTIMED(d, gethostbyname_r("localhost", &host, data, 8, &result, &problem));
    differential_text(d, "%d %d\n", result == NULL, problem);
    NOTE_UNTIMED(d, gethostbyname2_r("localhost", AF_INET, &host, data, sizeof(data), &result, &problem));
    note_host(d, result);
    NOTE_UNTIMED(d, gethostbyaddr_r(&loopback, 4, AF_INET, &host, data, sizeof(data), &result, &problem));
    note_host(d, result);
    differential_text(d, "%d\n", result == &host);
}

static void users_and_groups(struct differential *d)
{
    struct passwd user, *u;
    struct group group, *g;
    char data[1024];
    gid_t groups[64];
    int count = 64;
    u = getpwnam("daemon");
    differential_text(d, "%s %s %u %u %s %s %s\n", u->pw_name, u->pw_passwd, u->pw_uid, u->pw_gid,
                      u->pw_gecos, u->pw_dir, u->pw_shell);
    u = getpwuid(0);
    differential_text(d, "%s %s\n", u->pw_name, u->pw_dir);
    differential_text(d, "%d %d\n", getpwnam("no-such-user") == NULL, getpwuid(54321) == NULL);
    NOTE_UNTIMED(d, getpwnam_r("root", &user, data, sizeof(data), &u));
    differential_text(d, "%s %s %d\n", u->pw_name, u->pw_dir, u == &user);
    NOTE_UNTIMED(d, getpwuid_r(0, &user, data, 8, &u));
    differential_text(d, "%d\n", u == NULL);
    NOTE_UNTIMED(d, getpwuid_r(54321, &user, data, sizeof(data), &u));
    differential_text(d, "%d\n", u == NULL);
    g = getgrnam("daemon");
    differential_text(d, "%s %u %d\n", g->gr_name, g->gr_gid, g->gr_mem[0] == NULL);
    g = getgrgid(0);
    differential_text(d, "%s\n", g->gr_name);
    NOTE_UNTIMED(d, getgrnam_r("root", &group, data, sizeof(data), &g));
    NOTE_UNTIMED(d, getgrgid_r(54321, &group, data, sizeof(data), &g));
    NOTE_UNTIMED(d, getgrgid_r(0, &group, data, 4, &g));
    NOTE_UNTIMED(d, getgrouplist("root", 0, groups, &count));
    differential_text(d, "%d %u\n", count, groups[0]);
    count = 0;
    NOTE_UNTIMED(d, getgrouplist("root", 0, groups, &count));
    differential_text(d, "%d\n", count);
}

static void services(struct differential *d)
{
    struct servent service, *s;
    char data[1024];
    s = getservbyname("http", "tcp");
    differential_text(d, "%s %d %s\n", s->s_name, s->s_port, s->s_proto);
    s = getservbyport(htons(443), NULL);
    differential_text(d, "%s %s\n", s->s_name, s->s_proto);
    differential_text(d, "%d\n", getservbyname("no-such-service", "tcp") == NULL);
    NOTE_UNTIMED(d, getservbyname_r("https", NULL, &service, data, sizeof(data), &s));
    differential_text(d, "%s %d\n", s->s_name, s->s_port);
    NOTE_UNTIMED(d, getservbyport_r(htons(80), "tcp", &service, data, sizeof(data), &s));
    NOTE_UNTIMED(d, getservbyport_r(htons(80), "tcp", &service, data, 4, &s));
    NOTE_UNTIMED(d, getservbyport_r(htons(80), "no-such-protocol", &service, data, sizeof(data), &s));
    differential_text(d, "%d\n", s == NULL);
}

/* ---- The resolver, with a name server of our own ---- */

static int server;

/* Answers one question with NXDOMAIN, in so many milliseconds. */
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

static void questions_to_a_server(struct differential *d)
{
    unsigned char reply[512], question[512];
    struct __res_state state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    server = socket(AF_INET, SOCK_DGRAM, 0);
    bind(server, (struct sockaddr *)&address, sizeof(address));
    getsockname(server, (struct sockaddr *)&address, &length);
    memset(&state, 0, sizeof(state));
    res_ninit(&state);
    state.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
    state.nscount = 1;
    state.nsaddr_list[0] = address;
    differential_later(d, 20, answer, 0);
    NOTE(d, res_nquery(&state, "missing.test", C_IN, T_A, reply, sizeof(reply)));
    differential_text(d, "h_errno %d\n", h_errno);
    differential_later(d, 20, answer, 0);
    NOTE(d, res_nsearch(&state, "missing.test.", C_IN, T_A, reply, sizeof(reply)));
    differential_text(d, "h_errno %d\n", h_errno);
    int size =
        res_nmkquery(&state, QUERY, "missing.test", C_IN, T_A, NULL, 0, NULL, question, sizeof(question));
    differential_later(d, 20, answer, 0);
    NOTE(d, res_nsend(&state, question, size, reply, sizeof(reply)));
    res_nclose(&state);
    close(server);
}

int main(void)
{
    static const struct differential_case cases[] = {
        CASE(names_in_figures),  CASE(names_in_words),        CASE(addresses_are_named),
        CASE(hosts_the_old_way), CASE(hosts_into_buffers),    CASE(users_and_groups),
        CASE(services),          CASE(questions_to_a_server),
    };
    return differential_main(cases, GUST_LEN(cases));
}
