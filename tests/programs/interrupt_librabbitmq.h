static gust_pool *open_pool(char *where)
{
    static struct rabbitmq_place place;
    static char host[100];
    if (sscanf(where, "amqp://guest:guest@%99[^:]:%d", host, &place.port) != 2)
        return NULL;
    place.host = host;
    place.user = place.password = "guest";
    return new_pool(&place);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int status_of(struct rabbitmq *client, amqp_rpc_reply_t reply)
{
    client->broken = client->broken || !is_normal(reply);
    return client->broken ? -1 : 0;
}

static amqp_bytes_t bytes(const char *text)
{
    return amqp_cstring_bytes(text);
}

/* A queue that nobody writes to, listened to with a patience that nothing but an interruption ends. */
static int ask_slowly(void *client)
{
    struct rabbitmq *rabbitmq = client;
    amqp_envelope_t envelope;
    amqp_queue_declare(rabbitmq->connection, CHANNEL, bytes("silent"), 0, 0, 0, 1, amqp_empty_table);
    amqp_basic_consume(rabbitmq->connection, CHANNEL, bytes("silent"), amqp_empty_bytes, 0, 1, 0,
                       amqp_empty_table);
    return status_of(client, amqp_consume_message(rabbitmq->connection, &envelope, NULL, 0));
}

static int read_body(struct rabbitmq *rabbitmq, char answer[ANSWER_SIZE])
{
    amqp_message_t message;
    if (status_of(rabbitmq, amqp_read_message(rabbitmq->connection, CHANNEL, &message, 0)) < 0)
        return -1;
    snprintf(answer, ANSWER_SIZE, "%.*s", (int)message.body.len, (char *)message.body.bytes);
    amqp_destroy_message(&message);
    return 0;
}

/* The number goes into a queue and comes out again. Published without a confirmation, it may not be there at
 * once. */
static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    struct rabbitmq *rabbitmq = client;
    amqp_rpc_reply_t reply;
    char text[50];
    snprintf(text, sizeof(text), "%u", number);
    amqp_queue_declare(rabbitmq->connection, CHANNEL, bytes("numbers"), 0, 0, 0, 0, amqp_empty_table);
    if (status_of(client, amqp_get_rpc_reply(rabbitmq->connection)) < 0)
        return -1;
    amqp_basic_publish(rabbitmq->connection, CHANNEL, amqp_empty_bytes, bytes("numbers"), 0, 0, NULL,
                       bytes(text));
    do
        reply = amqp_basic_get(rabbitmq->connection, CHANNEL, bytes("numbers"), 1);
    while (is_normal(reply) && reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD);
    return status_of(client, reply) < 0 ? -1 : read_body(rabbitmq, answer);
}
