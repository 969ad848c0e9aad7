static bool is_postgresql;

static gust_pool *open_pool(char *where)
{
    is_postgresql = strstr(where, "PostgreSQL") != NULL;
    return new_pool(where);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int query(struct odbc *odbc, const char *text, char answer[ANSWER_SIZE])
{
    SQLHSTMT statement;
    int status = -1;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, odbc->connection, &statement)))
        return -1;
    if (SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)(uintptr_t)text, SQL_NTS)) &&
        SQL_SUCCEEDED(SQLFetch(statement)) &&
        SQL_SUCCEEDED(SQLGetData(statement, 1, SQL_C_CHAR, answer, ANSWER_SIZE, NULL)))
        status = 0;
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return status;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    return query(client, is_postgresql ? "select 'earlier' from pg_sleep(3)" : "select 'earlier', sleep(3)",
                 answer);
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    char text[50];
    snprintf(text, sizeof(text), "select %u", number);
    return query(client, text, answer);
}
