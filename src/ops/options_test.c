/* Options: where they come from, what counts, what is refused. */
#include "ops/options.h"
#include "ops/options_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <gust/error.h>

static char complaint[256];
static unsigned port;
static int64_t body, idle;
static bool quick;
static const char *address;

static enum gust__options_result read_line(const char *line)
{
    struct gust__option own[] = {
        {"port", GUST__OPTION_COUNT, &port, "PORT", "", 0, 65535},
        {"max-body", GUST__OPTION_SIZE, &body, "SIZE", "", 0, 0},
        {"idle-timeout", GUST__OPTION_DURATION, &idle, "TIME", "", 0, (double)GUST_S(3600)},
        {"quick", GUST__OPTION_BOOL, &quick, NULL, "", 0, 0},
        {"address", GUST__OPTION_TEXT, &address, "HOST", "", 0, 0},
    };
    static char copies[8][512]; /* texts are borrowed */
    static unsigned turn;
    char *words[32] = {"program"}, *copy = copies[turn++ % 8];
    int count = 1;
    snprintf(copy, sizeof(copies[0]), "%s", line);
    for (char *word; (word = strsep(&copy, " "));) {
        if (*word)
            words[count++] = word;
    }
    port = 8888, body = 1, idle = 2, quick = false, address = "default";
    complaint[0] = 0;
    return gust__options_parse(own, GUST_LEN(own), count, words, complaint, sizeof(complaint));
}

static void good(const char *line)
{
    if (read_line(line) != GUST__OPTIONS_RUN)
        print_error("%s\n", complaint);
    assert_string_equal(complaint, "");
}

static void bad(const char *line, const char *expected)
{
    assert_int_equal(read_line(line), GUST__OPTIONS_WRONG);
    assert_string_equal(complaint, expected);
}

static void test_kinds_of_values(void **state)
{
    (void)state;
    good("--port=80 --max-body 10M --idle_timeout=1500ms --quick --address=");
    assert_int_equal(port, 80);
    assert_int_equal(body, 10 << 20);
    assert_int_equal(idle, GUST_MS(1500));
    assert_true(quick);
    assert_string_equal(address, "");
    good("--quick=no --idle-timeout=1h -- --port=1");
    assert_false(quick);
    assert_int_equal(port, 8888);
    assert_int_equal(idle, GUST_S(3600));
    bad("--idle-timeout=61m", "--idle-timeout=61m: expected a time: 500ms, 20s, 5m, 0 to 3600 s");
    good("--port=65535");
    bad("--port=65536", "--port=65536: expected a whole number, 0 to 65535");
    bad("--port=-1", "--port=-1: expected a whole number, 0 to 65535");
    bad("--port=", "--port=: expected a whole number, 0 to 65535");
    bad("--port", "--port needs a value");
    bad("--max-body=9223372036854775807K",
        "--max-body=9223372036854775807K: expected a size: 65536, 64K, 100M");
    bad("--quick=perhaps", "--quick=perhaps: expected true or false");
    bad("--prot=1", "unknown option --prot; --help lists them");
    bad("80", "unexpected argument \"80\"; --help lists the options");
    assert_int_equal(read_line("--port=80 --help"), GUST__OPTIONS_HELP);
}

/* ---- the program's own ---- */

static void test_own_options(void **state)
{
    (void)state;
    gust_define("level", .kind = GUST_OPTION_INT, .value = "-3", .min = -5, .max = 5);
    gust_define("ratio", .kind = GUST_OPTION_REAL, .value = "0.5");
    gust_define("room", .kind = GUST_OPTION_SIZE);
    gust_define("wait", .kind = GUST_OPTION_DURATION, .value = "2s", .min = 1, .max = 60);
    gust_define("loud", .kind = GUST_OPTION_BOOL);
    gust_define("db-url");
    good("");
    assert_int_equal(gust_option_int("level"), -3);
    assert_true(gust_option_real("ratio") == 0.5);
    assert_int_equal(gust_option_int("wait"), GUST_S(2));
    assert_null(gust_option("room"));
    assert_int_equal(gust_option_int("room"), 0);
    assert_false(gust_option_bool("loud"));
    assert_false(gust_option_given("level"));
    good("--level=5 --ratio=1e3 --room=2K --wait=60s --loud --db_url=x");
    assert_int_equal(gust_option_int("level"), 5);
    assert_true(gust_option_real("ratio") == 1000);
    assert_true(gust_option_real("level") == 5);
    assert_int_equal(gust_option_int("room"), 2048);
    assert_int_equal(gust_option_int("wait"), GUST_S(60));
    assert_true(gust_option_bool("loud"));
    assert_string_equal(gust_option("db_url"), "x");
    assert_string_equal(gust_option("level"), "5");
    assert_true(gust_option_given("level"));
    bad("--level=6", "--level=6: expected a whole number, -5 to 5");
    bad("--level=-6", "--level=-6: expected a whole number, -5 to 5");
    bad("--level=5.5", "--level=5.5: expected a whole number, -5 to 5");
    bad("--ratio=half", "--ratio=half: expected a number");
    bad("--wait=61s", "--wait=61s: expected a time: 500ms, 20s, 5m, 1 to 60 s");
    bad("--wait=999ms", "--wait=999ms: expected a time: 500ms, 20s, 5m, 1 to 60 s");
    good("");
    assert_int_equal(gust_option_int("level"), -3); /* read anew, all is default again */
    assert_null(gust_option("unknown"));
    assert_int_equal(gust_option_int("unknown"), 0);
    gust_define("level", .kind = GUST_OPTION_INT, .value = "much");
    bad("", "the default of --level does not fit: much");
    gust_define("level", .value = "1");
}

static void test_no_name_has_two_meanings(void **state)
{
    (void)state;
    gust_define("max_body");
    bad("", "the program defines --max_body, which gust_main has already");
}

static void test_several_values(void **state)
{
    (void)state;
    gust_define("admin", .multiple = true, .value = "root");
    gust_define("number", .kind = GUST_OPTION_INT, .multiple = true);
    good("");
    assert_string_equal(gust_option_at("admin", 0), "root");
    assert_null(gust_option_at("admin", 1));
    assert_null(gust_option_at("number", 0));
    good("--admin=ann,bob --admin=cy --number=1,2");
    assert_string_equal(gust_option_at("admin", 0), "ann");
    assert_string_equal(gust_option_at("admin", 1), "bob");
    assert_string_equal(gust_option_at("admin", 2), "cy");
    assert_null(gust_option_at("admin", 3));
    assert_string_equal(gust_option("admin"), "cy");
    assert_int_equal(gust_option_int("number"), 2);
    bad("--number=1,x", "--number=x: expected a whole number");
    good("--db_url=1 --db_url=2"); /* of one value the last counts */
    assert_string_equal(gust_option("db-url"), "2");
    assert_null(gust_option_at("db-url", 1));
}

static int calls;

static int changed(const char *name, const char *value, void *argument)
{
    assert_ptr_equal(argument, &calls);
    assert_string_equal(name, "watched");
    calls++;
    return strcmp(value, "bad") == 0 ? gust_error_set(EINVAL, "not this one") : 0;
}

static void test_the_program_is_told(void **state)
{
    (void)state;
    gust_define("watched", .multiple = true, .changed = changed, .argument = &calls);
    good("");
    assert_int_equal(calls, 0);
    good("--watched=1,2");
    assert_int_equal(calls, 2);
    bad("--watched=bad", "--watched=bad: not this one");
}

/* ---- the environment and the file ---- */

static char file_option[64], path[32] = "/tmp/gust-options-XXXXXX";

static void write_file(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(text, 1, size, file);
    fclose(file);
}

static void with_file(const char *text)
{
    write_file(text, strlen(text));
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    snprintf(file_option, sizeof(file_option), "--config=%s", path);
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void bad_file(const char *text, const char *expected)
{
    char whole[256];
    with_file(text);
    snprintf(whole, sizeof(whole), "%s%s", path, expected);
    bad(file_option, whole);
}

static void test_the_strongest_counts(void **state)
{
    (void)state;
    char line[128];
    with_file("port = 1\nadmin = file\nmax_body=1K");
    good(file_option);
    assert_int_equal(port, 1);
    assert_int_equal(body, 1024);
    assert_string_equal(gust_option("admin"), "file");
    setenv("GUST_PORT", "2", 1);
    setenv("GUST_ADMIN", "environment", 1);
    good(file_option);
    assert_int_equal(port, 2);
    assert_int_equal(body, 1024);
    assert_string_equal(gust_option_at("admin", 0), "environment");
    assert_null(gust_option_at("admin", 1));
    snprintf(line, sizeof(line), "--port=3 %s --admin=a,b", file_option);
    good(line);
    assert_int_equal(port, 3);
    assert_string_equal(gust_option_at("admin", 1), "b");
    assert_null(gust_option_at("admin", 2));
    setenv("GUST_MAX_BODY", "much", 1);
    bad("", "GUST_MAX_BODY=much: expected a size: 65536, 64K, 100M");
    unsetenv("GUST_MAX_BODY");
    unsetenv("GUST_PORT");
    unsetenv("GUST_ADMIN");
    setenv("GUST_CONFIG", path, 1);
    good("");
    assert_int_equal(port, 1);
    unsetenv("GUST_CONFIG");
}

static void test_what_a_file_may_look_like(void **state)
{
    (void)state;
    with_file(
        "# a comment\n\n  port=7   # behind it\r\naddress = \" spaced # \" # quoted\nquick=yes\nadmin=#1\nadmin = a#b");
    good(file_option);
    assert_int_equal(port, 7);
    assert_true(quick);
    assert_string_equal(address, " spaced # ");
    assert_string_equal(gust_option_at("admin", 0), "");
    assert_string_equal(gust_option_at("admin", 1), "a#b");
    with_file("address=\"\"");
    good(file_option);
    assert_string_equal(address, "");
    with_file("");
    good(file_option);
    bad_file("port", ":1: expected \"name = value\"");
    bad_file("\nport=x", ":2: port=x: expected a whole number, 0 to 65535");
    bad_file("=x", ":1: expected \"name = value\"");
    bad_file("address=\"x", ":1: expected \"name = value\"");
    bad_file("address=\"x\" y", ":1: expected \"name = value\"");
    bad_file("prot=1", ":1: unknown option prot; --help lists them");
    bad("--config=/nowhere", "--config=/nowhere: No such file or directory");
    bad("--config", "--config needs a value");
}

static void test_a_file_has_so_many_bytes(void **state)
{
    (void)state;
    enum { MOST = 1 << 20 };
    char *text = malloc(MOST + 1), whole[128];
    memset(text, '\n', MOST + 1);
    write_file(text, MOST);
    good(file_option);
    write_file(text, MOST + 1);
    snprintf(whole, sizeof(whole), "%s: File too large", file_option);
    bad(file_option, whole);
    free(text);
}

/* What --help writes, kept in text. */
static void read_help(char *text, size_t size)
{
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    gust__options_help("program", NULL, 0);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
}

static void test_help_has_own_options_in_their_groups(void **state)
{
    (void)state;
    char text[8192];
    gust_define("helped-first", .group = "Storage", .help = "where it is", .value = "here");
    gust_define("helped-alone", .help = "of no group");
    gust_define("helped-last", .group = "Storage", .shown = "URL", .help = "and the copy");
    read_help(text, sizeof(text));
    assert_non_null(strstr(text, "\nOptions of this program:\n"));
    assert_non_null(strstr(text, "--helped-alone"));
    char *group = strstr(text, "\nStorage:\n");
    assert_non_null(group);
    assert_null(strstr(group + 1, "\nStorage:\n"));
    *strstr(group + 1, "\n\n") = 0;
    assert_non_null(strstr(group, "--helped-first"));
    assert_non_null(strstr(group, "where it is (default here)\n"));
    assert_non_null(strstr(group, "--helped-last=URL"));
    assert_null(strstr(group, "--helped-alone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_of_values),
        cmocka_unit_test(test_own_options),
        cmocka_unit_test(test_several_values),
        cmocka_unit_test(test_the_program_is_told),
        cmocka_unit_test(test_the_strongest_counts),
        cmocka_unit_test(test_what_a_file_may_look_like),
        cmocka_unit_test(test_a_file_has_so_many_bytes),
        cmocka_unit_test(test_help_has_own_options_in_their_groups),
        cmocka_unit_test(test_no_name_has_two_meanings), /* last: what is defined stays so */
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
