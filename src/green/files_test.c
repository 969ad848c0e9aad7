/* Which calls on files leave the loop to others, and which are done at once. */
#include <gust/coroutine.h>
#include <gust/green.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 1 << 20 };

static int fd, synchronous;
static char data[SIZE];

struct parking {
    long (*call)(void);
    long result;
    bool other_ran;
    bool parked;
};

static int other(void *argument)
{
    struct parking *parking = argument;
    parking->other_ran = true;
    return 0;
}

static int call_it(void *argument)
{
    struct parking *parking = argument;
    GUST_GROUP(group);
    gust_go(&group, other, parking); /* runs when the call waits */
    parking->result = parking->call();
    parking->parked = parking->other_ran;
    return gust_group_wait(&group);
}

static bool parks(long (*call)(void), long expected)
{
    struct parking parking = {.call = call};
    assert_int_equal(gust_run(call_it, &parking, GUST_S(30)), 0);
    assert_int_equal(parking.result, expected);
    return parking.parked;
}

static long read_cached(void)
{
    return pread(fd, data, SIZE, 0);
}

static long read_all_cached(void)
{
    lseek(fd, 0, SEEK_SET);
    return read(fd, data, SIZE);
}

static long read_at_the_end(void)
{
    return pread(fd, data, SIZE, SIZE - 5);
}

static long write_some(void)
{
    return pwrite(fd, "hello", 5, 0);
}

static long write_synchronously(void)
{
    return pwrite(synchronous, "hello", 5, 0);
}

static long write_with_dsync(void)
{
    return pwritev2(fd, &(struct iovec){data, 5}, 1, 0, RWF_DSYNC);
}

static long flush(void)
{
    return fsync(fd) | fdatasync(fd);
}

static long set_length(void)
{
    return ftruncate(fd, SIZE);
}

static long open_a_file(void)
{
    int opened = open("/dev/null", O_RDONLY);
    return opened < 0 ? -1 : close(opened);
}

static void what_is_in_memory_does_not_wait(void **state)
{
    (void)state;
    assert_false(parks(read_cached, SIZE));
    assert_false(parks(read_all_cached, SIZE));
    assert_false(parks(read_at_the_end, 5));
    assert_false(parks(write_some, 5));
    assert_false(parks(open_a_file, 0));
}

static void what_must_reach_the_disk_does(void **state)
{
    (void)state;
    assert_true(parks(flush, 0));
    assert_true(parks(set_length, 0));
    assert_true(parks(write_synchronously, 5));
    assert_true(parks(write_with_dsync, 5));
}

/* Only where the file system tells: elsewhere it reads at once. */
static void what_is_not_in_memory_is_read_elsewhere(void **state)
{
    unsigned char cached[SIZE / 4096];
    (void)state;
    assert_int_equal(fdatasync(fd), 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    void *memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    assert_int_equal(mincore(memory, SIZE, cached), 0);
    munmap(memory, SIZE);
    if (cached[SIZE / 8192] & 1)
        skip();
    assert_true(parks(read_cached, SIZE));
}

static void writes_wait_elsewhere_when_asked(void **state)
{
    (void)state;
    assert_int_equal(gust_green_on(.offload_writes = true), 0);
    assert_true(parks(write_some, 5));
    assert_int_equal(gust_green_on(), 0);
    assert_false(parks(write_some, 5));
}

static int make_files(void **state)
{
    char path[] = "/var/tmp/gust-files-XXXXXX";
    (void)state;
    fd = mkstemp(path);
    synchronous = open(path, O_RDWR | O_DSYNC);
    unlink(path);
    memset(data, 'x', SIZE);
    return write(fd, data, SIZE) == SIZE ? 0 : -1;
}

static int close_files(void **state)
{
    (void)state;
    return close(fd) | close(synchronous);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_memory_does_not_wait),
        cmocka_unit_test(what_must_reach_the_disk_does),
        cmocka_unit_test(what_is_not_in_memory_is_read_elsewhere),
        cmocka_unit_test(writes_wait_elsewhere_when_asked),
    };
    return cmocka_run_group_tests(tests, make_files, close_files);
}
