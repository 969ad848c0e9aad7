/*
 * Many coroutines ask PostgreSQL without a pause, through a pool that is smaller than they are many, while
 * somebody kills the server's backends. Every call has to come back, with its own answer or with an error.
 *
 *     green_hammer URL SECONDS
 *
 * Exit status 1: an answer was another question's, a call took longer than PATIENCE, or descriptors were
 * left. Compiled by tests/test_green_hammer.py with the recipe for libpq of docs/pool-recipes.md as RECIPE.
 */
#include RECIPE

#include <gust/green.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COROUTINES = 90, POOLED = 60, KINDS = 64, KIND_SIZE = 120, WIDE = 300000, ROWS = 3000 };

#define PATIENCE GUST_S(30) /* longer than a server takes to start anew on a busy machine */
#define SHORT    GUST_MS(20)

struct call_kind {
    const char *name;
    const char *query; /* answers with the number, which is $1, in the first column of each row */
    int rows;
    bool wide;        /* $2 is long: writing waits too */
    int64_t deadline; /* 0: none */
};

static const struct call_kind call_kinds[] = {
    {"quick", "select $1, $2", 1, false, 0},
    {"slow", "select $1, $2 from pg_sleep(random() * 0.2)", 1, false, 0},
    {"many rows", "select $1, $2, repeat('x', 500) from generate_series(1, 3000)", ROWS, false, 0},
    {"long question", "select $1, length($2)", 1, true, 0},
    {"under a deadline", "select $1, $2 from pg_sleep(random() * 0.04)", 1, false, SHORT},
};

static struct {
    gust_pool *pool;
    char *wide;
    int64_t ends;
    unsigned long number; /* of the question asked last */
    unsigned long calls[GUST_LEN(call_kinds)];
    unsigned long answered[GUST_LEN(call_kinds)];
    struct {
        char text[KIND_SIZE];
        unsigned long count;
    } errors[KINDS];
    size_t error_count;
    int64_t longest; /* call of libpq, connecting included */
    const char *longest_is;
    int64_t began[COROUTINES]; /* the call that each is in; 0: none */
    const char *doing[COROUTINES];
} hammer;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return GUST_S(time.tv_sec) + time.tv_nsec;
}

static void fail(const char *what, const char *more)
{
    fprintf(stderr, "green_hammer: %s: %s\n", what, more);
    exit(EXIT_FAILURE);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* ---- What came of a call ---- */

/* The last line but for its continuations: libpq appends to what an earlier question left. */
static void last_reason(char kind[KIND_SIZE], const char *code, const char *text)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *reason = strstr(line, "failed: "); /* before it stands where the server is */
        reason = reason ? reason + strlen("failed: ") : line;
        if (*line != '\t')
            snprintf(kind, KIND_SIZE, "%s %.*s", code, (int)strcspn(reason, "\n"), reason);
    }
}

static void count_error(const char *code, const char *text)
{
    char kind[KIND_SIZE] = "no reason";
    last_reason(kind, code, text);
    size_t i = 0;
    while (i < hammer.error_count && strcmp(hammer.errors[i].text, kind) != 0)
        i++;
    if (i == KINDS)
        fail("more kinds of errors than there is room for", kind);
    if (i == hammer.error_count)
        strcpy(hammer.errors[hammer.error_count++].text, kind);
    hammer.errors[i].count++;
}

/* The taker opens the connection itself: what it does is told apart from waiting for its turn. */
static void *open_by_asker(void *url)
{
    size_t who = (size_t)atoi(gust_coroutine_name());
    hammer.doing[who] = "connect";
    return open_postgresql(url);
}

static void begin_call(size_t who, const char *what)
{
    hammer.doing[who] = what;
    hammer.began[who] = now();
}

static void end_call(size_t who)
{
    int64_t took = now() - hammer.began[who];
    hammer.began[who] = 0;
    if (took > hammer.longest) {
        hammer.longest = took;
        hammer.longest_is = hammer.doing[who];
    }
}

static void check_answer(const PGresult *result, const struct call_kind *kind, const char *number)
{
    if (PQntuples(result) != kind->rows)
        fail("rows are missing", kind->name);
    for (int row = 0; row < kind->rows; row += kind->rows / 10 + 1) {
        if (strcmp(PQgetvalue(result, row, 0), number) != 0)
            fail("the answer to another question", PQgetvalue(result, row, 0));
    }
}

/* ---- The calls ---- */

static PGresult *query(PGconn *connection, const struct call_kind *kind, const char *number)
{
    const char *values[] = {number, kind->wide ? hammer.wide : "1"};
    if (!kind->deadline)
        return PQexecParams(connection, kind->query, 2, NULL, values, NULL, NULL, 0);
    GUST_DEADLINE(kind->deadline);
    return PQexecParams(connection, kind->query, 2, NULL, values, NULL, NULL, 0);
}

static void ask(size_t who, PGconn *connection)
{
    char number[32];
    size_t which = (size_t)random() % GUST_LEN(call_kinds);
    const struct call_kind *kind = &call_kinds[which];
    snprintf(number, sizeof(number), "%lu", ++hammer.number);
    hammer.calls[which]++;
    begin_call(who, kind->name);
    PGresult *result = query(connection, kind, number);
    end_call(who);
    GUST_DEFER(PQclear, result);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        check_answer(result, kind, number);
        hammer.answered[which]++;
        return;
    }
    const char *code = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = PQerrorMessage(connection);
    if (!*text)
        fail("neither an answer nor an error", kind->name);
    count_error(code ? code : "-----", text);
}

static void say_nothing(void *unused, const PGresult *notice)
{
    (void)unused, (void)notice;
}

/* Some questions on one connection; fewer if it fails. */
static void visit(size_t who)
{
    begin_call(who, "wait for a connection");
    PGconn *connection = gust_pool_take(hammer.pool);
    end_call(who);
    if (!connection) {
        count_error("open:", gust_error_text(gust_error_last()));
        gust_sleep(GUST_MS(50));
        return;
    }
    GUST_DEFER(give, hammer.pool, connection);
    PQsetNoticeReceiver(connection, say_nothing, NULL);
    for (int i = 0; i < 20 && now() < hammer.ends && PQstatus(connection) == CONNECTION_OK; i++)
        ask(who, connection);
}

static int keep_asking(void *argument)
{
    size_t who = (size_t)((int64_t *)argument - hammer.began);
    char name[16];
    snprintf(name, sizeof(name), "%zu", who);
    gust_coroutine_set_name(name);
    while (now() < hammer.ends)
        visit(who);
    return 0;
}

static void look_for_hangs(void)
{
    for (size_t i = 0; i < COROUTINES; i++) {
        if (hammer.began[i] && now() - hammer.began[i] > PATIENCE)
            fail("a call does not come back", hammer.doing[i]);
    }
}

static int watch(void *unused)
{
    (void)unused;
    for (;;) {
        if (gust_sleep(GUST_S(1)) < 0)
            return 0;
        look_for_hangs();
    }
}

/* ---- The run ---- */

static void hammer_away(char *url)
{
    hammer.pool = gust_pool_new(.open = open_by_asker, .close = GUST_DROP(PQfinish), .ping = ping_postgresql,
                                .argument = url, .max = POOLED, .wait = 2 * PATIENCE);
    {
        GUST_GROUP(watched);
        GUST_GROUP(askers);
        gust_go(&watched, watch, NULL);
        for (size_t i = 0; i < COROUTINES; i++) {
            if (gust_go(&askers, keep_asking, &hammer.began[i]) < 0)
                fail("gust_go", gust_error_text(gust_error_last()));
        }
        if (gust_group_wait(&askers) < 0)
            fail("gust_group_wait", gust_error_text(gust_error_last()));
    }
    if (gust_pool_taken_count(hammer.pool) != 0)
        fail("the pool", "misses a connection");
    gust_pool_free(hammer.pool);
}

/* What libraries and loop open once, they open here. */
static void warm_up(char *url)
{
    PGconn *connection = open_postgresql(url);
    if (!connection)
        fail("the server does not answer", gust_error_text(gust_error_last()));
    PQclear(query(connection, &call_kinds[4], "0"));
    PQfinish(connection);
}

static unsigned long resident_kilobytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
        fail("/proc/self/statm", "cannot be read");
    fclose(file);
    return resident * 4;
}

static void report(unsigned before, unsigned after)
{
    unsigned long calls = 0, answered = 0, errors = 0;
    for (size_t i = 0; i < GUST_LEN(call_kinds); i++) {
        calls += hammer.calls[i];
        answered += hammer.answered[i];
        printf("%s: %lu calls, %lu answered\n", call_kinds[i].name, hammer.calls[i], hammer.answered[i]);
    }
    for (size_t i = 0; i < hammer.error_count; i++) {
        if (strncmp(hammer.errors[i].text, "open:", 5) != 0)
            errors += hammer.errors[i].count;
        printf("error: %lu x %s\n", hammer.errors[i].count, hammer.errors[i].text);
    }
    printf("longest: %.3f s (%s)\n", (double)hammer.longest / 1e9, hammer.longest_is);
    printf("resident: %lu kB\n", resident_kilobytes());
    printf("queries: %lu calls, %lu answered, %lu errors\n", calls, answered, errors);
    printf("descriptors: %u before, %u after\n", before, after);
    if (calls != answered + errors)
        fail("a call", "is not accounted for");
    if (after != before)
        fail("descriptors", "are left");
}

static int run(void *url)
{
    warm_up(url);
    unsigned before = count_descriptors();
    hammer_away(url);
    report(before, count_descriptors());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    gust_green_require();
    hammer.wide = malloc(WIDE + 1);
    memset(hammer.wide, 'w', WIDE);
    hammer.wide[WIDE] = 0;
    hammer.ends = now() + GUST_S(atol(argv[2]));
    if (gust_run(run, argv[1], 0) < 0)
        fail("gust_run", gust_error_text(gust_error_last()));
    return EXIT_SUCCESS;
}
