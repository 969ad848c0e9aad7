#include "base/faults.h"

#ifdef GUST_FAULTS

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 8, MAX_NAME = 24 };

struct rule {
    char name[MAX_NAME]; /* "" for allocations */
    unsigned at;
    bool onwards;
    int code;
    _Atomic unsigned count;
};

static struct rule rules[MAX_RULES];
static _Atomic unsigned rule_count;
static _Atomic unsigned counted;
static _Atomic unsigned struck;

static int usual_errno(const char *name)
{
    static const char *const out_of_descriptors[] = {
        "socket",        "socketpair", "accept4",        "pipe2",     "openat",    "dup3",
        "epoll_create1", "eventfd2",   "timerfd_create", "signalfd4", "pidfd_open"};
    for (size_t i = 0; i < sizeof(out_of_descriptors) / sizeof(out_of_descriptors[0]); i++) {
        if (strcmp(name, out_of_descriptors[i]) == 0)
            return EMFILE;
    }
    return strcmp(name, "mmap") == 0 || strcmp(name, "mprotect") == 0 ? ENOMEM : EIO;
}

static void clear(void)
{
    atomic_store(&rule_count, 0);
    atomic_store(&counted, 0);
    atomic_store(&struck, 0);
}

static int add(const char *name, size_t length, unsigned at, bool onwards, int code)
{
    unsigned n = atomic_load(&rule_count);
    if (n == MAX_RULES || length >= MAX_NAME || at == 0)
        return -1;
    struct rule *rule = &rules[n];
    memcpy(rule->name, name, length);
    rule->name[length] = '\0';
    rule->at = at;
    rule->onwards = onwards;
    rule->code = code ? code : length ? usual_errno(rule->name) : ENOMEM;
    atomic_store(&rule->count, 0);
    atomic_store(&rule_count, n + 1);
    return 0;
}

/* Reads "N", "N+", "N:CODE" or "N+:CODE" up to the comma or the end. */
static const char *parse_tail(const char *at, unsigned *n, bool *onwards, int *code)
{
    char *end;
    *n = (unsigned)strtoul(at, &end, 10);
    if (end == at)
        return NULL;
    *onwards = *end == '+';
    at = end + *onwards;
    *code = 0;
    if (*at == ':') {
        *code = (int)strtol(at + 1, &end, 10);
        if (end == at + 1 || *code <= 0)
            return NULL;
        at = end;
    }
    return *at == ',' ? at + 1 : *at ? NULL : at;
}

/* Adds the rule at `at` and returns where the next begins; NULL if it cannot be understood. */
static const char *parse_rule(const char *at)
{
    const char *name = "";
    size_t length = 0;
    if (strncmp(at, "alloc:", 6) == 0) {
        at += 6;
    } else if (strncmp(at, "sys:", 4) == 0) {
        name = at + 4;
        length = strcspn(name, ":,");
        if (length == 0 || name[length] != ':')
            return NULL;
        at = name + length + 1;
    } else {
        return NULL;
    }
    unsigned n;
    bool onwards;
    int code;
    at = parse_tail(at, &n, &onwards, &code);
    return at && add(name, length, n, onwards, code) == 0 ? at : NULL;
}

int gust__faults_set(const char *text)
{
    clear();
    while (text && *text) {
        text = parse_rule(text);
        if (!text) {
            clear();
            errno = EINVAL;
            return -1;
        }
    }
    return 0;
}

void gust__faults_alloc_at(unsigned n, bool onwards)
{
    clear();
    add("", 0, n, onwards, 0);
}

void gust__faults_sys_at(const char *name, unsigned n, bool onwards, int code)
{
    clear();
    add(name, strlen(name), n, onwards, code);
}

unsigned gust__faults_counted(void)
{
    return atomic_load(&counted);
}

unsigned gust__faults_struck(void)
{
    return atomic_load(&struck);
}

static int check(const char *name)
{
    unsigned n = atomic_load_explicit(&rule_count, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) {
        struct rule *rule = &rules[i];
        if (strcmp(rule->name, name) != 0)
            continue;
        unsigned count = atomic_fetch_add(&rule->count, 1) + 1;
        atomic_fetch_add(&counted, 1);
        if (count == rule->at || (rule->onwards && count > rule->at)) {
            atomic_fetch_add(&struck, 1);
            return rule->code;
        }
    }
    return 0;
}

int gust__faults_alloc(void)
{
    return check("");
}

int gust__faults_sys(const char *name)
{
    return check(name);
}

/* A rule that cannot be understood must not pass for a run without failures. */
static __attribute__((constructor)) void read_environment(void)
{
    const char *text = getenv("GUST_FAULT");
    if (gust__faults_set(text) < 0) {
        fprintf(stderr, "gust: GUST_FAULT=%s: not understood\n", text);
        abort();
    }
}

#else
typedef int gust__faults_are_off; /* ISO C wants a declaration in each file */
#endif
