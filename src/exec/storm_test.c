/* Ten thousand calls while workers are killed at random: each call ends, once, and the pool is whole again.
 */
#include "exec/testing.h"

#include "base/random.h"

#include <sys/mman.h>

enum { CALLS = 10000, WORKERS = 4, NOTES = 64 };

/* Shared with the workers: which processes ran a job lately. */
static _Atomic int *notes;

struct number {
    unsigned value;
    bool exits;
};

static int doubles(const void *in, size_t length, gust_output *output)
{
    struct number number;
    (void)length;
    memcpy(&number, in, sizeof(number));
    atomic_store(&notes[number.value % NOTES], getpid());
    if (number.exits)
        exit(3);
    for (volatile uint64_t i = gust__random_u64() % 100000; i > 0; i--)
        ;
    return gust_output_printf(output, "%u", number.value * 2);
}

struct outcome {
    unsigned ends;
    int code;
    int detail;
    bool right;
};

static struct outcome outcomes[CALLS];
static unsigned ended;

static int note_end(gust_future *future, void *argument)
{
    struct outcome *outcome = argument;
    outcome->ends++;
    outcome->code = gust_future_code(future);
    outcome->detail = gust_error_detail(gust_future_error(future));
    gust_result *result = gust_future_take(future);
    outcome->right = result && atoi(result->data) == (int)(outcome - outcomes) * 2;
    gust_result_free(result);
    ended++;
    return 0;
}

static int parent_of(int pid)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

static unsigned kills;

static void kill_one(const gust_processes *pool)
{
    int pid = atomic_load(&notes[gust__random_u64() % NOTES]);
    if (pid == 0 || parent_of(pid) != pool->zygote)
        return;
    kill(pid, gust__random_u64() % 2 ? SIGKILL : SIGSEGV);
    kills++;
}

static int count_workers(const gust_processes *pool)
{
    DIR *folder = opendir("/proc");
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        int pid = atoi(entry->d_name);
        count += pid > 0 && parent_of(pid) == pool->zygote && process_is_there(pid);
    }
    closedir(folder);
    return count;
}

static void start_calls(gust_processes *pool)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct number number = {i, gust__random_u64() % 50 == 0};
        gust_future *future = gust_processes_async(pool, doubles, &number, sizeof(number));
        assert_non_null(future);
        assert_int_equal(gust_future_then(future, note_end, &outcomes[i]), 0);
        if (gust__random_u64() % 50 == 0)
            gust_cancel(future);
    }
}

static void check_outcomes(void)
{
    unsigned results = 0, killed = 0, crashed = 0, exited = 0, cancelled = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        const struct outcome *outcome = &outcomes[i];
        assert_int_equal(outcome->ends, 1);
        if (outcome->code && outcome->code != ECHILD && outcome->code != ECANCELED)
            print_message("%u: %s\n", i, strerror(outcome->code));
        assert_true(outcome->code == 0 || outcome->code == ECHILD || outcome->code == ECANCELED);
        assert_true(outcome->code != 0 || outcome->right);
        results += outcome->code == 0;
        cancelled += outcome->code == ECANCELED;
        killed += outcome->code == ECHILD && outcome->detail == SIGKILL;
        crashed += outcome->code == ECHILD && outcome->detail == SIGSEGV;
        exited += outcome->code == ECHILD && outcome->detail == 3;
    }
    print_message("%u results, %u killed, %u crashed, %u exited, %u cancelled, %u kills\n", results, killed,
                  crashed, exited, cancelled, kills);
    assert_int_equal(results + killed + crashed + exited + cancelled, CALLS);
    assert_true(results > CALLS / 2 && killed > 0 && crashed > 0 && exited > 0 && cancelled > 0);
}

static void wait_until_whole(const gust_processes *pool)
{
    for (int i = 0; i < 10000 && count_workers(pool) != WORKERS; i++)
        gust_sleep(GUST_MS(1));
    assert_int_equal(count_workers(pool), WORKERS);
}

static int storm(gust_processes *pool)
{
    start_calls(pool);
    while (ended < CALLS) {
        kill_one(pool);
        gust_sleep(GUST_MS(1));
    }
    check_outcomes();
    wait_until_whole(pool);
    for (unsigned i = 0; i < 20; i++) {
        struct number number = {i, false};
        assert_int_equal(gust_processes_run(pool, doubles, &number, sizeof(number), NULL), 0);
    }
    wait_until_whole(pool); /* who was killed last may have died only now */
    return 0;
}

static void each_call_ends_once_while_workers_are_killed(void **state)
{
    (void)state;
    void *shared =
        mmap(NULL, NOTES * sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    notes = shared;
    gust_log_set_level(GUST_ERROR); /* workers that are killed at rest are a warning each */
    with_pool(gust_processes_new(.workers = WORKERS), storm);
    munmap(shared, NOTES * sizeof(*notes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(each_call_ends_once_while_workers_are_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
