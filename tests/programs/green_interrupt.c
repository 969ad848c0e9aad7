/*
 * Interrupts a client library in the middle of an answer, and looks whether any later question on that pool
 * is answered with what came of an earlier one. Compiled once for each recipe of docs/pool-recipes.md: RECIPE
 * is its file, CLIENT the file beside this one that knows what to ask.
 *
 *     green_interrupt WHERE [keep]
 *
 * keep: the connection is left alone, as it is without the layer's remedy: for seeing that this finds what it
 * looks for.
 */
#include RECIPE

#include <gust/green.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, QUESTIONS = 3, ANSWER_SIZE = 100 };

static void fail(const char *what, const char *more)
{
    fprintf(stderr, "green_interrupt: %s: %s\n", what, more);
    exit(EXIT_FAILURE);
}

/* ---- what CLIENT defines ---- */

static gust_pool *open_pool(char *where);
static void give_back(gust_pool *pool, void *client);
/* Asks what is answered after 3 s, with "earlier". 0, or -1 when it failed. */
static int ask_slowly(void *client);
/* Asks to be answered with the number. 0, or -1 when it failed. */
static int ask(void *client, unsigned number, char answer[ANSWER_SIZE]);

#include CLIENT

/* ---- the test ---- */

static struct {
    gust_pool *pool;
    bool keep;
    unsigned number;      /* of the question asked last */
    unsigned interrupted; /* slow questions */
    unsigned dead;        /* later questions on an interrupted connection that failed */
    unsigned answered;    /* and those that were answered, and rightly so */
} test;

/* One quick question. false: it failed. A wrong answer ends the program. */
static bool question(void *client)
{
    char answer[ANSWER_SIZE] = "", wanted[ANSWER_SIZE];
    snprintf(wanted, sizeof(wanted), "%u", ++test.number);
    if (ask(client, test.number, answer) < 0)
        return false;
    if (strcmp(answer, wanted))
        fail("the answer to an earlier question", answer);
    return true;
}

static void after_interruption(void *client, int status)
{
    if (status == 0)
        fail("a deadline or cancel", "did not reach into the library");
    test.interrupted++;
    for (int i = 0; i < QUESTIONS; i++) {
        if (question(client))
            test.answered++;
        else
            test.dead++;
    }
}

static void *take_client(void)
{
    void *client = gust_pool_take(test.pool);
    if (!client)
        fail("gust_pool_take", gust_error_text(gust_error_last()));
    return client;
}

/* Warm: connected, and asked before. */
static void *take_warm_client(void)
{
    void *client = take_client();
    if (!question(client))
        fail("a connection of the pool", "does not answer");
    return client;
}

static int ask_slowly_and_keep(void *client)
{
    GUST_GREEN_KEEP;
    return ask_slowly(client);
}

static void by_deadline(void)
{
    void *client = take_warm_client();
    int status;
    GUST_DEFER(give_back, test.pool, client);
    {
        GUST_DEADLINE(GUST_MS(100));
        status = test.keep ? ask_slowly_and_keep(client) : ask_slowly(client);
    }
    after_interruption(client, status);
}

static int ask_until_cancelled(void *client)
{
    if (ask_slowly(client) == 0)
        fail("a cancel", "did not reach into the library");
    return 0;
}

/* The connection is taken and given back by this coroutine, which was not interrupted itself: nothing but the
 * shut-down socket tells that it is not to be used any more. */
static void by_cancelling_a_child(void)
{
    void *client = take_warm_client();
    GUST_DEFER(give_back, test.pool, client);
    {
        GUST_GROUP(group);
        gust_go(&group, ask_until_cancelled, client);
        gust_sleep(GUST_MS(100));
    }
    after_interruption(client, -1);
}

static int run(void *where)
{
    test.pool = open_pool(where);
    if (!test.pool)
        return -1;
    for (int i = 0; i < ROUNDS; i++) {
        by_deadline();
        by_cancelling_a_child();
        void *client = take_warm_client();
        give_back(test.pool, client);
    }
    if (gust_pool_taken_count(test.pool) != 0 || gust_pool_open_count(test.pool) > 1)
        fail("the pool", "has lost count");
    gust_pool_free(test.pool);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        return 2;
    test.keep = argc == 3 && !strcmp(argv[2], "keep");
    gust_green_require();
    if (gust_run(run, argv[1], 0) < 0)
        fail("gust_run", gust_error_text(gust_error_last()));
    printf("interrupted %u, then dead %u, answered %u\n", test.interrupted, test.dead, test.answered);
    return EXIT_SUCCESS;
}
