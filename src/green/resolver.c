/*
 * The resolver's own calls. It has a state for each thread (_res); a look-up on another thread takes the
 * options and time limits of the caller's with it. The res_n functions work on a state of the caller's, and
 * on its memory, so they are not left behind: the resolver's own time limit ends them.
 */
#include "green/green_int.h"

#include <arpa/nameser.h>
#include <resolv.h>

struct question {
    res_state state; /* the caller's; in res_search and res_query it is only read */
    const char *name;
    const char *domain;
    int class, type;
    const unsigned char *message;
    int message_length;
    unsigned char *answer;
    int length;
    int problem; /* h_errno */
};

/* ---- On the thread ---- */

static void adopt(const struct __res_state *state)
{
    if (!(_res.options & RES_INIT) && res_init() < 0)
        return;
    _res.retrans = state->retrans;
    _res.retry = state->retry;
    _res.options = state->options | RES_INIT;
}

static long search(void *argument)
{
    struct question *question = argument;
    if (question->state->options & RES_INIT)
        adopt(question->state);
    int length = gust__green_next.res_search(question->name, question->class, question->type,
                                             question->answer, question->length);
    question->problem = h_errno;
    return length;
}

static long query(void *argument)
{
    struct question *question = argument;
    if (question->state->options & RES_INIT)
        adopt(question->state);
    int length = gust__green_next.res_query(question->name, question->class, question->type, question->answer,
                                            question->length);
    question->problem = h_errno;
    return length;
}

static long query_domain(void *argument)
{
    struct question *question = argument;
    if (question->state->options & RES_INIT)
        adopt(question->state);
    int length = gust__green_next.res_querydomain(question->name, question->domain, question->class,
                                                  question->type, question->answer, question->length);
    question->problem = h_errno;
    return length;
}

static long send_question(void *argument)
{
    struct question *question = argument;
    if (question->state->options & RES_INIT)
        adopt(question->state);
    return gust__green_next.res_send(question->message, question->message_length, question->answer,
                                     question->length);
}

static long nsearch(void *argument)
{
    struct question *question = argument;
    int length = gust__green_next.res_nsearch(question->state, question->name, question->class,
                                              question->type, question->answer, question->length);
    question->problem = h_errno;
    return length;
}

static long nquery(void *argument)
{
    struct question *question = argument;
    int length = gust__green_next.res_nquery(question->state, question->name, question->class, question->type,
                                             question->answer, question->length);
    question->problem = h_errno;
    return length;
}

static long nquery_domain(void *argument)
{
    struct question *question = argument;
    int length =
        gust__green_next.res_nquerydomain(question->state, question->name, question->domain, question->class,
                                          question->type, question->answer, question->length);
    question->problem = h_errno;
    return length;
}

static long nsend(void *argument)
{
    struct question *question = argument;
    return gust__green_next.res_nsend(question->state, question->message, question->message_length,
                                      question->answer, question->length);
}

static int ask(struct gust__green_call *call, long (*function)(void *argument), struct question *question)
{
    long length = gust__green_offload(call, function, question);
    if (length < 0)
        h_errno = question->problem;
    return (int)length;
}

/* ---- The hooks ---- */

GUST__EXPORT int res_search(const char *name, int class, int type, unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_search(name, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_search", -1);
    struct question question = {
        .state = &_res, .name = name, .class = class, .type = type, .answer = answer, .length = length};
    return ask(&call, search, &question);
}

GUST__EXPORT int res_query(const char *name, int class, int type, unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_query(name, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_query", -1);
    struct question question = {
        .state = &_res, .name = name, .class = class, .type = type, .answer = answer, .length = length};
    return ask(&call, query, &question);
}

GUST__EXPORT int res_querydomain(const char *name, const char *domain, int class, int type,
                                 unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_querydomain(name, domain, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_querydomain", -1);
    struct question question = {.state = &_res,
                                .name = name,
                                .domain = domain,
                                .class = class,
                                .type = type,
                                .answer = answer,
                                .length = length};
    return ask(&call, query_domain, &question);
}

GUST__EXPORT int res_send(const unsigned char *message, int message_length, unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_send(message, message_length, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_send", -1);
    struct question question = {.state = &_res,
                                .message = message,
                                .message_length = message_length,
                                .answer = answer,
                                .length = length};
    return ask(&call, send_question, &question);
}

GUST__EXPORT int res_nsearch(res_state state, const char *name, int class, int type, unsigned char *answer,
                             int length)
{
    if (!gust__green_here())
        return gust__green_next.res_nsearch(state, name, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_nsearch", -1);
    struct question question = {
        .state = state, .name = name, .class = class, .type = type, .answer = answer, .length = length};
    return ask(&call, nsearch, &question);
}

GUST__EXPORT int res_nquery(res_state state, const char *name, int class, int type, unsigned char *answer,
                            int length)
{
    if (!gust__green_here())
        return gust__green_next.res_nquery(state, name, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_nquery", -1);
    struct question question = {
        .state = state, .name = name, .class = class, .type = type, .answer = answer, .length = length};
    return ask(&call, nquery, &question);
}

GUST__EXPORT int res_nquerydomain(res_state state, const char *name, const char *domain, int class, int type,
                                  unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_nquerydomain(state, name, domain, class, type, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_nquerydomain", -1);
    struct question question = {.state = state,
                                .name = name,
                                .domain = domain,
                                .class = class,
                                .type = type,
                                .answer = answer,
                                .length = length};
    return ask(&call, nquery_domain, &question);
}

GUST__EXPORT int res_nsend(res_state state, const unsigned char *message, int message_length,
                           unsigned char *answer, int length)
{
    if (!gust__green_here())
        return gust__green_next.res_nsend(state, message, message_length, answer, length);
    struct gust__green_call call = GUST__GREEN_CALL("res_nsend", -1);
    struct question question = {.state = state,
                                .message = message,
                                .message_length = message_length,
                                .answer = answer,
                                .length = length};
    return ask(&call, nsend, &question);
}

/* ---- The names until glibc 2.34 ---- */

int __res_search(const char *name, int class, int type, unsigned char *answer, int length);
int __res_query(const char *name, int class, int type, unsigned char *answer, int length);
int __res_nsearch(res_state state, const char *name, int class, int type, unsigned char *answer, int length);
int __res_nquery(res_state state, const char *name, int class, int type, unsigned char *answer, int length);

GUST__EXPORT int __res_search(const char *name, int class, int type, unsigned char *answer, int length)
    __attribute__((nothrow, leaf, alias("res_search")));
GUST__EXPORT int __res_query(const char *name, int class, int type, unsigned char *answer, int length)
    __attribute__((nothrow, leaf, alias("res_query")));
GUST__EXPORT int __res_nsearch(res_state state, const char *name, int class, int type, unsigned char *answer,
                               int length) __attribute__((nothrow, leaf, alias("res_nsearch")));
GUST__EXPORT int __res_nquery(res_state state, const char *name, int class, int type, unsigned char *answer,
                              int length) __attribute__((nothrow, leaf, alias("res_nquery")));

int __res_querydomain(const char *name, const char *domain, int class, int type, unsigned char *answer,
                      int length);
int __res_nquerydomain(res_state state, const char *name, const char *domain, int class, int type,
                       unsigned char *answer, int length);

GUST__EXPORT int __res_querydomain(const char *name, const char *domain, int class, int type,
                                   unsigned char *answer, int length)
    __attribute__((nothrow, leaf, alias("res_querydomain")));
GUST__EXPORT int __res_nquerydomain(res_state state, const char *name, const char *domain, int class,
                                    int type, unsigned char *answer, int length)
    __attribute__((nothrow, leaf, alias("res_nquerydomain")));
