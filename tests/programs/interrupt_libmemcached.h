/* memcached is never slow: it is stopped while it is asked, and goes on to answer afterwards. */
#include <glob.h>
#include <signal.h>
#include <unistd.h>

static pid_t server;

static gust_pool *open_pool(char *where)
{
    server = (pid_t)atoi(getenv("GUST_MEMCACHED_PID"));
    return new_pool(where);
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static int get(memcached_st *client, const char *key, char answer[ANSWER_SIZE])
{
    size_t length;
    uint32_t flags;
    memcached_return_t status;
    char *value = memcached_get(client, key, strlen(key), &length, &flags, &status);
    if (value)
        snprintf(answer, ANSWER_SIZE, "%.*s", (int)length, value);
    free(value);
    return value ? 0 : -1;
}

static bool has_stopped(const char *stat)
{
    char state = ' ';
    FILE *file = fopen(stat, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = ' ';
    if (file)
        fclose(file);
    return state == 'T';
}

/* The signal is sent, and each thread stops when it comes to it. */
static void stop_server(void)
{
    char pattern[60];
    size_t stopped, threads;
    snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/stat", (int)server);
    kill(server, SIGSTOP);
    do {
        glob_t found = {0};
        glob(pattern, 0, NULL, &found);
        for (stopped = 0, threads = found.gl_pathc; stopped < threads;) {
            if (!has_stopped(found.gl_pathv[stopped]))
                break;
            stopped++;
        }
        globfree(&found);
        usleep(1000);
    } while (stopped < threads);
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    if (!memcached_success(memcached_set(client, "slow", 4, "earlier", 7, 0, 0)))
        fail("memcached_set", memcached_last_error_message(client));
    stop_server();
    int status = get(client, "slow", answer);
    kill(server, SIGCONT);
    return status;
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    char key[50], value[50];
    snprintf(key, sizeof(key), "quick%u", number);
    snprintf(value, sizeof(value), "%u", number);
    if (!memcached_success(memcached_set(client, key, strlen(key), value, strlen(value), 0, 0)))
        return -1;
    return get(client, key, answer);
}
