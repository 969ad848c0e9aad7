static gust_pool *open_pool(char *where)
{
    static struct redis_place place;
    static char host[100];
    if (sscanf(where, "redis://%99[^:]:%d", host, &place.port) != 2)
        return NULL;
    place.host = host;
    return new_pool(&place);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int command(redisReply *reply, char answer[ANSWER_SIZE])
{
    int status = reply ? 0 : -1;
    if (reply)
        snprintf(answer, ANSWER_SIZE, "%s", reply->str ? reply->str : "earlier");
    freeReplyObject(reply);
    return status;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    return command(redisCommand(client, "BLPOP nothing 3"), answer);
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    return command(redisCommand(client, "ECHO %u", number), answer);
}
