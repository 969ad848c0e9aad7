#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY GUST_S(86400)

/* Each test has a folder of its own, and is in it. */
static char folder[64];
static struct gust__log_file file;
static int64_t now;

static int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gust-log-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return -1;
    file = (struct gust__log_file){.fd = -1};
    now = gust__clock_wall();
    return 0;
}

static int leave_folder(void **state)
{
    char command[128];
    (void)state;
    gust__log_file_close(&file);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return chdir("/") < 0 ? -1 : system(command);
}

static void open_log(struct gust__log_rotation rotation)
{
    if (!rotation.keep)
        rotation.keep = 3;
    assert_int_equal(gust__log_file_open(&file, "log", &rotation, now), 0);
}

static void write_line(const char *text)
{
    const struct iovec pieces[] = {{(char *)(uintptr_t)text, strlen(text)}, {(char[]){'\n'}, 1}};
    gust__log_file_write(&file, pieces, 2, now);
}

/* What the file has; NULL: it is not there. */
static const char *content(const char *name)
{
    static char text[1000];
    FILE *stream = fopen(name, "re");
    if (!stream)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

/* ---- by size ---- */

static void lines_below_and_at_the_size_stay(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("1234");
    write_line("123");
    assert_string_equal(content("log"), "1234\n123\n");
    gust__log_file_close(&file);
    unlink("log");
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("1234");
    write_line("5678");
    assert_string_equal(content("log"), "1234\n5678\n");
    assert_null(content("log.1"));
}

static void a_line_above_the_size_begins_a_file(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("1234");
    write_line("12345");
    assert_string_equal(content("log"), "12345\n");
    assert_string_equal(content("log.1"), "1234\n");
}

static void a_line_longer_than_the_size_has_a_file_of_its_own(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("0123456789abcdef");
    assert_null(content("log.1")); /* an empty file is not rotated */
    write_line("x");
    assert_string_equal(content("log"), "x\n");
    assert_string_equal(content("log.1"), "0123456789abcdef\n");
}

static void what_an_earlier_process_wrote_counts(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("1234");
    gust__log_file_close(&file);
    open_log((struct gust__log_rotation){.max_size = 10});
    write_line("123456");
    assert_string_equal(content("log.1"), "1234\n");
}

static void so_many_are_kept(void **state)
{
    (void)state;
    for (unsigned keep = 1; keep <= 3; keep++) {
        char name[16], line[16];
        open_log((struct gust__log_rotation){.max_size = 2, .keep = keep});
        for (int i = 0; i < 6; i++) {
            snprintf(line, sizeof(line), "%d", i);
            write_line(line);
        }
        for (unsigned i = 1; i <= keep; i++) {
            snprintf(name, sizeof(name), "log.%u", i);
            snprintf(line, sizeof(line), "%u\n", 5 - i);
            assert_string_equal(content(name), line);
        }
        snprintf(name, sizeof(name), "log.%u", keep + 1);
        assert_null(content(name));
        gust__log_file_close(&file);
        unlink("log");
    }
}

static void a_gap_is_filled_first(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 2});
    write_line("1"), write_line("2"), write_line("3");
    assert_int_equal(rename("log.1", "elsewhere"), 0);
    write_line("4");
    assert_string_equal(content("log.1"), "3\n");
    assert_string_equal(content("log.2"), "1\n"); /* it had no reason to move */
    assert_null(content("log.3"));
}

static void a_folder_without_room_for_it_is_written_on(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 2, .keep = 1});
    assert_int_equal(mkdir("log.1", 0700), 0); /* no file can take its place */
    write_line("1"), write_line("2");
    assert_string_equal(content("log"), "1\n2\n");
    rmdir("log.1");
    write_line("3"); /* not tried at each line */
    assert_string_equal(content("log"), "1\n2\n3\n");
    now += GUST_S(1);
    write_line("4");
    assert_string_equal(content("log"), "4\n");
}

static void a_process_that_rotates_is_not_waited_for(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 2});
    write_line("1");
    int other = open("log", O_WRONLY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX), 0);
    write_line("2");
    assert_string_equal(content("log"), "1\n2\n");
    close(other);
    write_line("3");
    assert_string_equal(content("log"), "3\n");
}

static void who_comes_late_follows(void **state)
{
    (void)state;
    static struct gust__log_file other; /* as another process has one */
    const struct iovec line = {(char[]){"a\n"}, 2};
    open_log((struct gust__log_rotation){.max_size = 10});
    assert_int_equal(gust__log_file_open(&other, "log", &file.rotation, now), 0);
    write_line("1234"), write_line("5678");
    gust__log_file_write(&other, &line, 1, now);
    gust__log_file_close(&other);
    write_line("b");
    assert_string_equal(content("log"), "a\nb\n");
    assert_string_equal(content("log.1"), "1234\n5678\n");
    assert_null(content("log.2"));
}

/* ---- by time ---- */

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct tm at = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour};
    at.tm_min = minute;
    return timegm(&at) * GUST_S(1);
}

static void midnight_is_local_and_each_days_own(void **state)
{
    (void)state;
    static const struct gust__log_rotation rotation = {.at_midnight = true};
    const struct {
        const char *zone;
        int64_t from, to;
    } cases[] = {
        {"UTC0", utc(2026, 11, 23, 7, 1), utc(2026, 11, 24, 0, 0)},
        {"UTC0", utc(2026, 11, 23, 0, 0), utc(2026, 11, 24, 0, 0)},
        {"UTC0", utc(2026, 11, 23, 0, 0) - 1, utc(2026, 11, 23, 0, 0)},
        {"UTC0", utc(2026, 12, 31, 23, 59), utc(2027, 1, 1, 0, 0)},
        {"FAR-14", utc(2026, 11, 23, 9, 59), utc(2026, 11, 23, 10, 0)},
        {"FAR-14", utc(2026, 11, 23, 10, 0), utc(2026, 11, 24, 10, 0)},
        {"FAR12", utc(2026, 11, 23, 11, 59), utc(2026, 11, 23, 12, 0)},
        /* a day of 23 hours, and one of 25 */
        {"CET-1CEST,M3.5.0,M10.5.0/3", utc(2026, 3, 28, 23, 0), utc(2026, 3, 29, 22, 0)},
        {"CET-1CEST,M3.5.0,M10.5.0/3", utc(2026, 10, 24, 22, 0), utc(2026, 10, 25, 23, 0)},
        /* 00:00 becomes 01:00: that day has no midnight */
        {"BRT3BRST,M10.3.0/0,M2.3.0/0", utc(2026, 10, 17, 15, 0), utc(2026, 10, 18, 3, 0)},
        {"BRT3BRST,M10.3.0/0,M2.3.0/0", utc(2026, 10, 18, 3, 0), utc(2026, 10, 19, 2, 0)},
        /* 00:00 becomes 23:00: the day before ends an hour later */
        {"BRT3BRST,M10.3.0/0,M2.3.0/0", utc(2026, 2, 14, 15, 0), utc(2026, 2, 15, 3, 0)},
        {"BRT3BRST,M10.3.0/0,M2.3.0/0", utc(2026, 2, 15, 2, 30), utc(2026, 2, 15, 3, 0)},
        /* 01:00 becomes 00:00: midnight comes twice */
        {"CST5CDT,M3.2.0/0,M11.1.0/1", utc(2026, 10, 31, 12, 0), utc(2026, 11, 1, 4, 0)},
        {"CST5CDT,M3.2.0/0,M11.1.0/1", utc(2026, 11, 1, 4, 30), utc(2026, 11, 2, 5, 0)},
    };
    for (size_t i = 0; i < GUST_LEN(cases); i++) {
        setenv("TZ", cases[i].zone, 1);
        tzset();
        int64_t next = gust__log_next_rotation(&rotation, cases[i].from);
        if (next != cases[i].to)
            fail_msg("%s, case %zu: %+lld s off", cases[i].zone, i,
                     (long long)(next - cases[i].to) / 1000000000);
    }
    unsetenv("TZ");
    tzset();
}

static void intervals_are_the_same_for_all_processes(void **state)
{
    (void)state;
    const struct gust__log_rotation hourly = {.every = GUST_S(3600)}, never = {.max_size = 5};
    assert_true(gust__log_next_rotation(&hourly, utc(2026, 11, 23, 7, 1)) == utc(2026, 11, 23, 8, 0));
    assert_true(gust__log_next_rotation(&hourly, utc(2026, 11, 23, 8, 0) - 1) == utc(2026, 11, 23, 8, 0));
    assert_true(gust__log_next_rotation(&hourly, utc(2026, 11, 23, 8, 0)) == utc(2026, 11, 23, 9, 0));
    assert_true(gust__log_next_rotation(&never, now) == INT64_MAX);
}

static void a_file_is_rotated_when_its_time_has_come(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.at_midnight = true});
    int64_t midnight = gust__log_next_rotation(&file.rotation, now);
    write_line("today");
    now = midnight - 1;
    write_line("still today");
    assert_null(content("log.1"));
    now = midnight;
    write_line("tomorrow");
    assert_string_equal(content("log.1"), "today\nstill today\n");
    assert_string_equal(content("log"), "tomorrow\n");
    now++;
    write_line("and on");
    assert_string_equal(content("log"), "tomorrow\nand on\n");
}

static void yesterdays_file_is_rotated_by_the_next_process(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.every = GUST_S(3600)});
    write_line("old");
    gust__log_file_close(&file);
    struct timespec hours_ago[2] = {{.tv_sec = now / GUST_S(1) - 7200}, {.tv_sec = now / GUST_S(1) - 7200}};
    assert_int_equal(utimensat(AT_FDCWD, "log", hours_ago, 0), 0);
    open_log((struct gust__log_rotation){.every = GUST_S(3600)});
    write_line("new");
    assert_string_equal(content("log.1"), "old\n");
    assert_string_equal(content("log"), "new\n");
}

static void an_empty_file_is_not_kept(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.at_midnight = true});
    now += 3 * DAY;
    write_line("first");
    assert_null(content("log.1"));
    write_line("second"); /* its time begins with its first line */
    assert_null(content("log.1"));
    assert_string_equal(content("log"), "first\nsecond\n");
}

/* ---- others ---- */

static void a_file_that_was_renamed_is_left_a_second_later(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){0});
    write_line("1");
    assert_int_equal(rename("log", "moved"), 0);
    now += GUST_S(1) - 1;
    write_line("2");
    assert_string_equal(content("moved"), "1\n2\n");
    now++;
    write_line("3");
    assert_string_equal(content("log"), "3\n");
    assert_string_equal(content("moved"), "1\n2\n");
}

static void a_truncated_file_is_written_from_its_start(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 100});
    write_line("1"); /* logrotate's copytruncate */
    assert_int_equal(truncate("log", 0), 0);
    write_line("2");
    assert_string_equal(content("log"), "2\n");
}

static void a_line_into_a_removed_file_is_written_again(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 100});
    write_line("1");
    unlink("log");
    write_line("2");
    assert_string_equal(content("log"), "2\n");
}

static void the_path_stays_when_the_directory_changes(void **state)
{
    (void)state;
    open_log((struct gust__log_rotation){.max_size = 2});
    assert_int_equal(chdir("/"), 0);
    write_line("1");
    write_line("2");
    assert_int_equal(chdir(folder), 0);
    assert_string_equal(content("log"), "2\n");
    assert_string_equal(content("log.1"), "1\n");
}

static void what_is_no_file_is_not_rotated(void **state)
{
    (void)state;
    const struct gust__log_rotation rotation = {.max_size = 1, .keep = 1};
    assert_int_equal(gust__log_file_open(&file, "/dev/null", &rotation, now), 0);
    write_line("1"), write_line("2");
    assert_false(file.regular);
    assert_int_equal(access("/dev/null.1", F_OK), -1);
}

static void what_cannot_be_opened_says_so(void **state)
{
    (void)state;
    char path[PATH_MAX + 2];
    const struct gust__log_rotation rotation = {.keep = 1};
    assert_int_equal(gust__log_file_open(&file, "no/such/log", &rotation, now), -1);
    assert_int_equal(errno, ENOENT);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(gust__log_file_open(&file, path, &rotation, now), -1);
    assert_int_equal(errno, ENAMETOOLONG);
}

/* ---- many writers ---- */

enum { WRITERS = 4, LINES = 1500 };

/* How often each line is in log, log.1, ...; -> the files there are */
static int count_lines(unsigned char seen[WRITERS][LINES], long max_size)
{
    int files = 0;
    for (;; files++) {
        char name[32];
        unsigned writer, number;
        snprintf(name, sizeof(name), files ? "log.%d" : "log", files);
        FILE *stream = fopen(name, "re");
        if (!stream)
            return files;
        while (fscanf(stream, "%*[^]]] %u-%u-xxxxxxxxxxxxxxxxxxxxxxxxx\n", &writer, &number) == 2) {
            assert_true(writer < WRITERS && number < LINES);
            seen[writer][number]++;
        }
        assert_true(feof(stream)); /* no line was cut or mixed */
        assert_true(ftell(stream) <= max_size);
        fclose(stream);
    }
}

static void check_lines(long max_size, int files_at_least)
{
    static unsigned char seen[WRITERS][LINES];
    memset(seen, 0, sizeof(seen));
    assert_true(count_lines(seen, max_size) >= files_at_least);
    for (int writer = 0; writer < WRITERS; writer++) {
        for (int i = 0; i < LINES; i++)
            assert_int_equal(seen[writer][i], 1);
    }
}

static void log_lines(void *writer)
{
    for (int i = 0; i < LINES; i++)
        gust_log(GUST_INFO, "%d-%d-xxxxxxxxxxxxxxxxxxxxxxxxx", *(int *)writer, i);
}

static void processes_lose_no_line(void **state)
{
    (void)state;
    const struct gust__log_rotation rotation = {.max_size = 8192, .keep = 1000};
    pid_t children[WRITERS];
    assert_int_equal(gust__log_open(GUST__LOG_GENERAL, "log", &rotation), 0);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork(); /* they share a descriptor at first, as serving processes do */
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            log_lines(&i);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    gust__log_close(GUST__LOG_GENERAL);
    check_lines(WRITERS * LINES * 80, 10); /* larger by what was written while another renamed */
}

static void threads_lose_no_line(void **state)
{
    (void)state;
    const struct gust__log_rotation rotation = {.max_size = 8192, .keep = 1000};
    struct gust__thread threads[WRITERS];
    int numbers[WRITERS];
    assert_int_equal(gust__log_open(GUST__LOG_GENERAL, "log", &rotation), 0);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(gust__thread_start(&threads[i], "log", log_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        gust__thread_join(&threads[i]);
    gust__log_close(GUST__LOG_GENERAL);
    check_lines(8192, 10);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(lines_below_and_at_the_size_stay),
        LOG_TEST(a_line_above_the_size_begins_a_file),
        LOG_TEST(a_line_longer_than_the_size_has_a_file_of_its_own),
        LOG_TEST(what_an_earlier_process_wrote_counts),
        LOG_TEST(so_many_are_kept),
        LOG_TEST(a_gap_is_filled_first),
        LOG_TEST(a_folder_without_room_for_it_is_written_on),
        LOG_TEST(a_process_that_rotates_is_not_waited_for),
        LOG_TEST(who_comes_late_follows),
        LOG_TEST(midnight_is_local_and_each_days_own),
        LOG_TEST(intervals_are_the_same_for_all_processes),
        LOG_TEST(a_file_is_rotated_when_its_time_has_come),
        LOG_TEST(yesterdays_file_is_rotated_by_the_next_process),
        LOG_TEST(an_empty_file_is_not_kept),
        LOG_TEST(a_file_that_was_renamed_is_left_a_second_later),
        LOG_TEST(a_truncated_file_is_written_from_its_start),
        LOG_TEST(a_line_into_a_removed_file_is_written_again),
        LOG_TEST(the_path_stays_when_the_directory_changes),
        LOG_TEST(what_is_no_file_is_not_rotated),
        LOG_TEST(what_cannot_be_opened_says_so),
        LOG_TEST(processes_lose_no_line),
        LOG_TEST(threads_lose_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
