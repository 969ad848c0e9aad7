static gust_pool *open_pool(char *where)
{
    return new_pool(where);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int query(PGconn *connection, const char *text, char answer[ANSWER_SIZE])
{
    PGresult *result = PQexec(connection, text);
    int status = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : -1;
    if (status == 0)
        snprintf(answer, ANSWER_SIZE, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return status;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    return query(client, "select 'earlier' from pg_sleep(3)", answer);
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    char text[50];
    snprintf(text, sizeof(text), "select %u", number);
    return query(client, text, answer);
}
