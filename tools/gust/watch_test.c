/* The watcher of `gust dev`: what counts, folders that come later, many changes told as one. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gust-watch-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
}

static void make(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0777), 0);
}

/* ---- names ---- */

static void sources_templates_and_files_count(void **state)
{
    static const char *const names[] = {"a.c",      "a.h",       "b.cpp",     "CMakeLists.txt", "x.cmake",
                                        "Makefile", "post.html", "style.css", "app.js",         "logo.svg"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++)
        assert_true(watch_counts_file(names[i]));
}

static void what_editors_builds_and_programs_leave_does_not(void **state)
{
    static const char *const names[] = {"a.c~",  ".a.c.swp", "4913", "#a.c#",   ".#a.c",     "a.o",
                                        "a.out", "blog.db",  "core", "lib.so",  "a.c.orig",  "blog.db-wal",
                                        "blog",  "a.log",    ".c",   "a.d.tmp", ".gitignore"};
    static const char *const folders[] = {".git",         "build",      "build-debug",
                                          "node_modules", "CMakeFiles", "data"};
    (void)state;
    for (size_t i = 0; i < GUST_LEN(names); i++)
        assert_false(watch_counts_file(names[i]));
    for (size_t i = 0; i < GUST_LEN(folders); i++)
        assert_false(watch_counts_folder(folders[i]));
    assert_true(watch_counts_folder("templates"));
}

/* ---- changes ---- */

struct seen {
    gust_event event;
    unsigned count;
    void (*steps)(struct seen *seen);
};

static void on_change(void *argument)
{
    struct seen *seen = argument;
    seen->count++;
    gust_event_set(&seen->event);
}

static void wait_for_change(struct seen *seen)
{
    GUST_DEADLINE(GUST_S(10));
    assert_int_equal(gust_event_wait(&seen->event), 0);
    gust_event_clear(&seen->event);
}

static int run(void *argument)
{
    struct seen *seen = argument;
    struct watcher *watcher = watcher_new(folder, on_change, seen);
    assert_non_null(watcher);
    seen->steps(seen);
    watcher_free(watcher);
    return 0;
}

static void watch_while(void (*steps)(struct seen *seen))
{
    struct seen seen = {.steps = steps};
    assert_int_equal(gust_run(run, &seen, 0), 0);
}

/* Two changes that the loop sees in two of its turns. A busy machine may take longer between them than the
 * watcher waits; but not each time. */
static void write_apart(struct seen *seen)
{
    for (int tries = 0; tries < 50; tries++) {
        seen->count = 0;
        write_file("a.c");
        for (int turns = 0; turns < 5; turns++)
            gust_yield();
        write_file("b.c");
        wait_for_change(seen);
        gust_sleep(GUST_MS(200));
        gust_event_clear(&seen->event);
        if (seen->count == 1)
            return;
    }
    fail_msg("two changes were told one by one each time");
}

static void changes_close_together_are_told_once(void **state)
{
    (void)state;
    watch_while(write_apart);
}

/* A change that does not count is seen by none coming before that of one that does. */
static void write_others(struct seen *seen)
{
    write_file("a.o");
    write_file("build/a.c");
    write_file(".git/a.c");
    write_file("other/a.c");
    gust_sleep(GUST_MS(300));
    assert_int_equal(seen->count, 0);
    write_file("a.c");
    wait_for_change(seen);
    assert_int_equal(seen->count, 1);
}

static void builds_and_hidden_folders_are_left_out(void **state)
{
    (void)state;
    make("build");
    make(".git");
    make("other"); /* a build in a folder of another name */
    write_file("other/CMakeCache.txt");
    watch_while(write_others);
}

static void go_deeper(struct seen *seen)
{
    make("templates");
    make("templates/mail");
    write_file("templates/mail/a.html"); /* perhaps before it is watched */
    wait_for_change(seen);
    write_file("templates/mail/b.html");
    wait_for_change(seen);
    unlink(in_folder("templates/mail/b.html"));
    wait_for_change(seen);
    char from[256];
    strcpy(from, in_folder("templates/mail"));
    assert_int_equal(rename(from, in_folder("moved")), 0);
    wait_for_change(seen);
    write_file("moved/a.html");
    wait_for_change(seen);
}

static void folders_that_come_later_are_watched(void **state)
{
    (void)state;
    watch_while(go_deeper);
}

static void replace_file(struct seen *seen)
{
    char from[256];
    write_file("a.c.new");
    strcpy(from, in_folder("a.c.new"));
    assert_int_equal(rename(from, in_folder("a.c")), 0);
    wait_for_change(seen);
}

static void a_file_that_is_replaced_is_a_change(void **state)
{
    (void)state;
    watch_while(replace_file);
}

static int watch_nothing(void *argument)
{
    (void)argument;
    assert_null(watcher_new("/nonexistent/gust", on_change, NULL));
    assert_int_equal(errno, ENOENT);
    return 0;
}

static void a_folder_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(gust_run(watch_nothing, NULL, 0), 0);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_templates_and_files_count),
        cmocka_unit_test(what_editors_builds_and_programs_leave_does_not),
        IN_A_FOLDER(changes_close_together_are_told_once),
        IN_A_FOLDER(builds_and_hidden_folders_are_left_out),
        IN_A_FOLDER(folders_that_come_later_are_watched),
        IN_A_FOLDER(a_file_that_is_replaced_is_a_change),
        cmocka_unit_test(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
