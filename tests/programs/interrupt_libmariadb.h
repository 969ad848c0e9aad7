static gust_pool *open_pool(char *where)
{
    static struct mariadb_place place;
    static char host[100], user[100], password[100], database[100];
    if (sscanf(where, "mysql://%99[^:]:%99[^@]@%99[^:]:%u/%99s", user, password, host, &place.port,
               database) != 5)
        return NULL;
    place.host = host;
    place.user = user;
    place.password = password;
    place.database = database;
    return new_pool(&place);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int query(MYSQL *connection, const char *text, char answer[ANSWER_SIZE])
{
    MYSQL_RES *result = mysql_query(connection, text) ? NULL : mysql_store_result(connection);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    if (row)
        snprintf(answer, ANSWER_SIZE, "%s", row[0]);
    mysql_free_result(result);
    return row ? 0 : -1;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    return query(client, "SELECT 'earlier', SLEEP(3)", answer);
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    char text[50];
    snprintf(text, sizeof(text), "SELECT %u", number);
    return query(client, text, answer);
}
