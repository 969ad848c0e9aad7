/* db.load.find({$where: "sleep(...) || true"}) through libmongoc. */
#include "load.h"

#include <stdio.h>

#include <mongoc/mongoc.h>

static void *open_connection(const struct load *load)
{
    bson_error_t error;
    bson_t ping = BSON_INITIALIZER;
    mongoc_init();
    mongoc_uri_t *uri = mongoc_uri_new_with_error(load->url, &error);
    mongoc_client_t *client = uri ? mongoc_client_new_from_uri_with_error(uri, &error) : NULL;
    if (uri)
        mongoc_uri_destroy(uri);
    BSON_APPEND_INT32(&ping, "ping", 1); /* it connects when it is first asked */
    if (client && !mongoc_client_command_simple(client, "admin", &ping, NULL, NULL, &error)) {
        mongoc_client_destroy(client);
        client = NULL;
    }
    if (!client)
        fprintf(stderr, "%s\n", error.message);
    bson_destroy(&ping);
    return client;
}

static int call(void *connection, const struct load *load)
{
    char where[64];
    bson_error_t error;
    const bson_t *found;
    snprintf(where, sizeof(where), "sleep(%.0f) || true", load->seconds * 1e3);
    mongoc_collection_t *collection = mongoc_client_get_collection(connection, "load", "load");
    bson_t *filter = BCON_NEW("$where", BCON_UTF8(where));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, NULL, NULL);
    while (mongoc_cursor_next(cursor, &found))
        ;
    int status = mongoc_cursor_error(cursor, &error) ? -1 : 0;
    if (status < 0)
        fprintf(stderr, "%s\n", error.message);
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    mongoc_collection_destroy(collection);
    return status;
}

static void close_connection(void *connection)
{
    mongoc_client_destroy(connection);
}

const struct load_kind load_mongodb = {"mongodb", "find({$where: \"sleep(...)\"})", open_connection, call,
                                       close_connection};
