/*
 * libmongoc on coroutines of one thread, against a server that takes 0.2 s for a ping when asked to.
 *
 *     green_mongo URL single    a client of its own for each coroutine
 *     green_mongo URL pool      the library's own pool: clients are fewer, and threads of the library watch
 *
 * Each coroutine pings, stores a document and finds it. It says how long one ping took and how long all did.
 */
#include <gust/green.h>
#include <gust/gust.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mongoc/mongoc.h>

enum { COROUTINES = 40, POOLED = 20 };

static struct {
    mongoc_client_pool_t *pool; /* NULL: each has its own */
    char *url;
    mongoc_client_t *own[COROUTINES];
} test;

static void fail(const char *what, const bson_error_t *error)
{
    fprintf(stderr, "green_mongo: %s: %s\n", what, error ? error->message : "failed");
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void ping(mongoc_client_t *client, const char *comment)
{
    bson_error_t error;
    bson_t *command = BCON_NEW("ping", BCON_INT32(1), "comment", BCON_UTF8(comment));
    if (!mongoc_client_command_simple(client, "admin", command, NULL, NULL, &error))
        fail("ping", &error);
    bson_destroy(command);
}

static void store(mongoc_collection_t *collection, int number)
{
    bson_error_t error;
    bson_t *document = BCON_NEW("number", BCON_INT32(number), "square", BCON_INT32(number * number));
    if (!mongoc_collection_insert_one(collection, document, NULL, NULL, &error))
        fail("insert", &error);
    bson_destroy(document);
}

static void look(mongoc_collection_t *collection, int number)
{
    const bson_t *found;
    bson_iter_t field;
    bson_error_t error;
    bson_t *filter = BCON_NEW("number", BCON_INT32(number), "$where", "sleep(20) || true");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, NULL, NULL);
    if (!mongoc_cursor_next(cursor, &found) || !bson_iter_init_find(&field, found, "square") ||
        bson_iter_int32(&field) != number * number)
        fail("find", mongoc_cursor_error(cursor, &error) ? &error : NULL);
    if (mongoc_cursor_next(cursor, &found))
        fail("find", NULL);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
}

static int converse(void *own)
{
    mongoc_client_t **slot = own;
    int number = (int)(slot - test.own);
    mongoc_client_t *client = test.pool ? mongoc_client_pool_pop(test.pool) : *slot;
    ping(client, "sleep(200)");
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, "test", test.pool ? "pool" : "single");
    store(collection, number);
    look(collection, number);
    mongoc_collection_destroy(collection);
    if (test.pool)
        mongoc_client_pool_push(test.pool, client);
    return 0;
}

static void open_clients(mongoc_uri_t *uri, bool pool)
{
    if (pool) {
        test.pool = mongoc_client_pool_new(uri);
        mongoc_client_pool_max_size(test.pool, POOLED);
        return;
    }
    for (int i = 0; i < COROUTINES; i++) {
        test.own[i] = mongoc_client_new_from_uri(uri);
        ping(test.own[i], "at once");
    }
}

static double measure_one(void)
{
    mongoc_client_t *client = test.pool ? mongoc_client_pool_pop(test.pool) : test.own[0];
    ping(client, "at once"); /* connected now */
    double began = now();
    ping(client, "sleep(200)");
    double took = now() - began;
    if (test.pool)
        mongoc_client_pool_push(test.pool, client);
    return took;
}

static void close_clients(void)
{
    if (test.pool)
        mongoc_client_pool_destroy(test.pool); /* joins the threads */
    for (int i = 0; i < COROUTINES && !test.pool; i++)
        mongoc_client_destroy(test.own[i]);
}

static int run(void *pool)
{
    mongoc_init();
    mongoc_uri_t *uri = mongoc_uri_new(test.url);
    open_clients(uri, pool != NULL);
    double one = measure_one(), began = now();
    {
        GUST_GROUP(group);
        for (int i = 0; i < COROUTINES; i++)
            gust_go(&group, converse, &test.own[i]);
        if (gust_group_wait(&group) < 0)
            fail("gust_group_wait", NULL);
    }
    printf("one: %.0f ms, %d: %.0f ms\n", one, COROUTINES, now() - began);
    close_clients();
    mongoc_uri_destroy(uri);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    test.url = argv[1];
    gust_green_require();
    if (gust_run(run, strcmp(argv[2], "pool") ? NULL : argv[2], GUST_S(60)) < 0)
        fail(gust_error_text(gust_error_last()), NULL);
    mongoc_cleanup();
    return EXIT_SUCCESS;
}
