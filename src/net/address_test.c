#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/address.h"

#include <gust/error.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void reads_hosts_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
    } good[] = {
        {"127.0.0.1:7000", "127.0.0.1", 7000}, {":80", "", 80},
        {"localhost:0", "localhost", 0},       {"[::1]:65535", "::1", 65535},
        {"a.example:1", "a.example", 1},       {"[fe80::1%1]:9", "fe80::1%1", 9},
    };
    for (size_t i = 0; i < GUST_LEN(good); i++) {
        struct gust__endpoint endpoint;
        assert_int_equal(gust__endpoint_parse(good[i].text, &endpoint), 0);
        assert_false(endpoint.local);
        assert_string_equal(endpoint.host, good[i].host);
        assert_int_equal(endpoint.port, good[i].port);
    }
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "80",
        "localhost",
        "localhost:",
        "localhost:65536",
        "localhost:-1",
        "localhost:+1",
        "localhost:1 ",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[]:80",
        "[localhost]:1",
        "[127.0.0.1]:1",
        "a b:1",
        "a\n:1",
        "[::1%]:80",
        "unix:",
        "unix:@",
        "host:99999999999999999999",
        "a/b:1",
        "x@y:1",
    };
    for (size_t i = 0; i < GUST_LEN(bad); i++) {
        struct gust__endpoint endpoint;
        errno = 0;
        gust_error_clear();
        assert_int_equal(gust__endpoint_parse(bad[i], &endpoint), -1);
        assert_int_equal(errno, EINVAL);
        assert_non_null(strstr(gust_error_text(gust_error_last()), "is no address"));
    }
}

static void a_host_name_has_at_most_253_characters(void **state)
{
    (void)state;
    for (int length = 252; length <= 254; length++) {
        char text[300];
        memset(text, 'a', 300);
        snprintf(text + length, 20, ":1");
        struct gust__endpoint endpoint;
        errno = 0;
        assert_int_equal(gust__endpoint_parse(text, &endpoint), length <= 253 ? 0 : -1);
        assert_int_equal(errno, length <= 253 ? 0 : ENAMETOOLONG);
    }
}

static void a_unix_name_has_at_most_107_bytes(void **state)
{
    (void)state;
    for (int abstract = 0; abstract < 2; abstract++) {
        for (int length = 106; length <= 108; length++) {
            char text[200] = "unix:";
            memset(text + 5, 'p', 150);
            text[5] = abstract ? '@' : '/';
            text[5 + length] = '\0';
            struct gust__endpoint endpoint;
            errno = 0;
            assert_int_equal(gust__endpoint_parse(text, &endpoint), length <= 107 ? 0 : -1);
            assert_int_equal(errno, length <= 107 ? 0 : ENAMETOOLONG);
            if (length <= 107) {
                char formatted[GUST__ADDRESS_TEXT];
                assert_true(endpoint.local);
                assert_int_equal(endpoint.address.length, 2 + length + !abstract);
                assert_string_equal(gust__address_format(&endpoint.address, formatted), text);
            }
        }
    }
}

static void formats_what_it_reads(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1", "fe80::1%1", "::ffff:10.0.0.1",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967"};
    for (size_t i = 0; i < GUST_LEN(hosts); i++) {
        struct gust__address address;
        char text[GUST__ADDRESS_TEXT], expected[GUST__ADDRESS_TEXT];
        assert_int_equal(gust__address_numeric(hosts[i], 65535, &address), 0);
        snprintf(expected, sizeof(expected), strchr(hosts[i], ':') ? "[%s]:65535" : "%s:65535", hosts[i]);
        assert_string_equal(gust__address_format(&address, text), expected);
        assert_int_equal(gust__address_port(&address), 65535);
        gust__address_set_port(&address, 1);
        assert_int_equal(gust__address_port(&address), 1);
    }
}

static void formats_what_has_no_name(void **state)
{
    (void)state;
    struct gust__address address = {0};
    char text[GUST__ADDRESS_TEXT];
    assert_string_equal(gust__address_format(&address, text), "");
    struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    gust__address_set(&address, (struct sockaddr *)&unnamed, 2);
    assert_string_equal(gust__address_format(&address, text), "unix:");
    memset(unnamed.sun_path, 'x', sizeof(unnamed.sun_path)); /* the longest: no NUL at the end */
    gust__address_set(&address, (struct sockaddr *)&unnamed, sizeof(unnamed));
    assert_int_equal(strlen(gust__address_format(&address, text)), 5 + 108);
    struct sockaddr other = {.sa_family = AF_PACKET};
    gust__address_set(&address, &other, sizeof(other));
    assert_string_equal(gust__address_format(&address, text), "");
}

static void names_are_not_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "127.1", "0x7f000001",  "1.2.3.4.5",
                                        "",          "::1%",  "::1%nosuchif"};
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        struct gust__address address;
        errno = 0;
        assert_int_equal(gust__address_numeric(names[i], 1, &address), -1);
        assert_int_equal(errno, EINVAL);
    }
}

static void a_host_may_come_without_a_port(void **state)
{
    (void)state;
    char host[GUST__HOST_MAX + 1];
    int port;
    assert_int_equal(gust__host_parse("db.example", host, &port), 0);
    assert_string_equal(host, "db.example");
    assert_int_equal(port, -1);
    assert_int_equal(gust__host_parse("::1", host, &port), 0);
    assert_string_equal(host, "::1");
    assert_int_equal(port, -1);
    assert_int_equal(gust__host_parse("[::1]:5", host, &port), 0);
    assert_int_equal(port, 5);
    assert_int_equal(gust__host_parse("1:2:3", host, &port), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_hosts_and_ports),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(a_host_name_has_at_most_253_characters),
        cmocka_unit_test(a_unix_name_has_at_most_107_bytes),
        cmocka_unit_test(formats_what_it_reads),
        cmocka_unit_test(formats_what_has_no_name),
        cmocka_unit_test(names_are_not_numbers),
        cmocka_unit_test(a_host_may_come_without_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
