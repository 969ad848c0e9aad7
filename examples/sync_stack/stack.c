#include "stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What travels down: each level adds a word of its own on the way back up. */
struct call {
    struct backend *backend;
    const char *path;
    char *answer;
    size_t size;
};

static int do_stuff(struct call *call)
{
    char question[256];
    if (snprintf(question, sizeof(question), "stuff for %s", call->path) >= (int)sizeof(question)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return backend_ask(call->backend, question, call->answer, call->size);
}

static int add_level(struct call *call, int level)
{
    size_t length = strlen(call->answer);
    int added = snprintf(call->answer + length, call->size - length, " <- func%d", level);
    if (added < 0 || (size_t)added >= call->size - length) {
        errno = ENOBUFS;
        return -1;
    }
    return 0;
}

static int func10(struct call *call)
{
    return do_stuff(call) < 0 ? -1 : add_level(call, 10);
}

static int func9(struct call *call)
{
    return func10(call) < 0 ? -1 : add_level(call, 9);
}

static int func8(struct call *call)
{
    return func9(call) < 0 ? -1 : add_level(call, 8);
}

static int func7(struct call *call)
{
    return func8(call) < 0 ? -1 : add_level(call, 7);
}

static int func6(struct call *call)
{
    return func7(call) < 0 ? -1 : add_level(call, 6);
}

static int func5(struct call *call)
{
    return func6(call) < 0 ? -1 : add_level(call, 5);
}

static int func4(struct call *call)
{
    return func5(call) < 0 ? -1 : add_level(call, 4);
}

static int func3(struct call *call)
{
    return func4(call) < 0 ? -1 : add_level(call, 3);
}

static int func2(struct call *call)
{
    return func3(call) < 0 ? -1 : add_level(call, 2);
}

static int func1(struct call *call)
{
    return func2(call) < 0 ? -1 : add_level(call, 1);
}

int handle_request(struct backend *backend, const char *path, char *answer, size_t size)
{
    struct call call = {backend, path, answer, size};
    return func1(&call);
}
