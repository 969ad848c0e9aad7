/* Stored first, so that a question is answered with its number. */
static gust_pool *open_pool(char *where)
{
    return new_pool(where);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int insert(void *client, const bson_t *document)
{
    mongoc_collection_t *collection = mongoc_client_get_collection(client, "test", "answers");
    bool done = mongoc_collection_insert_one(collection, document, NULL, NULL, NULL);
    mongoc_collection_destroy(collection);
    return done ? 0 : -1;
}

static int find(void *client, const bson_t *filter, char answer[ANSWER_SIZE])
{
    const bson_t *found;
    bson_iter_t field;
    bson_error_t error;
    mongoc_collection_t *collection = mongoc_client_get_collection(client, "test", "answers");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, NULL, NULL);
    while (mongoc_cursor_next(cursor, &found)) {
        if (bson_iter_init_find(&field, found, "text"))
            snprintf(answer, ANSWER_SIZE, "%s", bson_iter_utf8(&field, NULL));
    }
    int status = mongoc_cursor_error(cursor, &error) ? -1 : 0;
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(collection);
    return status;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    bson_t *filter = BCON_NEW("$where", "sleep(3000) || true");
    int status = find(client, filter, answer);
    bson_destroy(filter);
    return status;
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    char text[20];
    snprintf(text, sizeof(text), "%u", number);
    bson_t *document = BCON_NEW("number", BCON_INT32((int)number), "text", text);
    bson_t *filter = BCON_NEW("number", BCON_INT32((int)number));
    int status = insert(client, document) < 0 ? -1 : find(client, filter, answer);
    bson_destroy(document);
    bson_destroy(filter);
    return status;
}
