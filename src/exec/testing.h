/* What the tests of process pools share. Each test leaves as many descriptors and processes as it found. */
#ifndef GUST_EXEC_TESTING_H
#define GUST_EXEC_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/backtrace.h"
#include "base/buffer.h"
#include "coro/sanitizer.h"
#include "exec/processes_int.h"
#include "exec/zygote.h"

#include <gust/gust.h>

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that has not ended; one that nobody reaped has. */
__attribute__((unused)) static bool process_is_there(int pid)
{
    char path[64], state = 'X';
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = 'X';
        fclose(file);
    }
    return state != 'X' && state != 'Z';
}

/* Of this process, the dead ones that were not reaped too. */
__attribute__((unused)) static int count_children(void)
{
    DIR *folder = opendir("/proc");
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char path[300];
        int parent = 0;
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        FILE *file = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
        if (!file)
            continue;
        if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1)
            count += parent == getpid();
        fclose(file);
    }
    closedir(folder);
    return count;
}

__attribute__((unused)) static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder itself */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static int descriptors_before, children_before;

__attribute__((unused)) static int begin_pool_test(void **state)
{
    (void)state;
    descriptors_before = count_descriptors();
    children_before = count_children();
    return 0;
}

__attribute__((unused)) static int end_pool_test(void **state)
{
    (void)state;
    assert_int_equal(count_descriptors(), descriptors_before);
    assert_int_equal(count_children(), children_before);
    return 0;
}

#define pool_test(function) cmocka_unit_test_setup_teardown(function, begin_pool_test, end_pool_test)

struct pool_run {
    gust_processes *pool;
    int (*function)(gust_processes *pool);
    int result;
};

__attribute__((unused)) static int run_with_pool(void *argument)
{
    struct pool_run *run = argument;
    return run->result = run->function(run->pool);
}

/* Runs function(pool) in a coroutine, and frees the pool. */
__attribute__((unused)) static void with_pool(gust_processes *pool, int (*function)(gust_processes *pool))
{
    struct pool_run run = {pool, function, 0};
    assert_non_null(pool);
    assert_int_equal(gust_run(run_with_pool, &run, GUST_S(60)), 0);
    gust_processes_free(pool);
}

#endif
