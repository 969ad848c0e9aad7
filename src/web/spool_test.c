#include "web/spool.h"

#include "base/faults.h"
#include "base/sys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>

/* A directory of the test's own; its entries are counted when the file is open: none may show. */
static char folder[] = "/tmp/gust-spool-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails if a file is left */
}

static int count_entries(void)
{
    int count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void check_file(int fd)
{
    char content[16] = "";
    struct stat status;
    assert_true(fd >= 0);
    assert_int_equal(count_entries(), 0);
    assert_int_equal(gust__spool_write(fd, "hello ", 6), 0);
    assert_int_equal(gust__spool_write(fd, "", 0), 0);
    assert_int_equal(gust__spool_write(fd, "there", 5), 0);
    assert_int_equal(gust__sys_pread(fd, content, sizeof(content), 0), 11);
    assert_string_equal(content, "hello there");
    assert_int_equal(gust__sys_fstat(fd, &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    gust__sys_close(fd);
}

static void test_a_file_has_no_name(void **state)
{
    (void)state;
    check_file(gust__spool_open(folder));
}

static void test_the_directory_comes_from_the_environment(void **state)
{
    (void)state;
    setenv("TMPDIR", folder, 1);
    check_file(gust__spool_open(NULL));
    setenv("TMPDIR", "/nonexistent/directory", 1);
    assert_int_equal(gust__spool_open(NULL), -1);
    assert_int_equal(errno, ENOENT);
    unsetenv("TMPDIR");
    check_file(gust__spool_open(NULL));
}

static void test_failed_writes_are_told(void **state)
{
    (void)state;
    assert_int_equal(gust__spool_write(-1, "x", 1), -1);
    assert_int_equal(errno, EBADF);
    int full = gust__sys_openat(AT_FDCWD, "/dev/full", O_WRONLY | O_CLOEXEC, 0);
    assert_int_equal(gust__spool_write(full, "x", 1), -1);
    assert_int_equal(errno, ENOSPC);
    gust__sys_close(full);
}

#ifdef GUST_FAULTS
static void test_file_systems_without_nameless_files(void **state)
{
    (void)state;
    gust__faults_sys_at("openat", 1, false, EOPNOTSUPP);
    check_file(gust__spool_open(folder));
    assert_int_equal(gust__faults_struck(), 1);
    gust__faults_set(NULL);
}

static void test_interrupted_writes_go_on(void **state)
{
    (void)state;
    int fd = gust__spool_open(folder);
    gust__faults_sys_at("write", 1, false, EINTR);
    check_file(fd);
    assert_int_equal(gust__faults_struck(), 1);
    gust__faults_set(NULL);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_has_no_name),
        cmocka_unit_test(test_the_directory_comes_from_the_environment),
        cmocka_unit_test(test_failed_writes_are_told),
#ifdef GUST_FAULTS
        cmocka_unit_test(test_file_systems_without_nameless_files),
        cmocka_unit_test(test_interrupted_writes_go_on),
#endif
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
