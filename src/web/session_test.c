/* Sessions and users, in memory and in SQLite. */
#include "web/testing.h"

#include "base/clock.h"
#include "web/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include <gust/secure.h>

static char cookie[256]; /* "session=…", as the last answer set it */

static void get(gust_request *request)
{
    const char *value = gust_session_get(request, "name");
    gust_print(request, value ? value : "none");
}

static void set(gust_request *request)
{
    const char *value = gust_query_arg(request, "value");
    gust_printf(request, "%d", gust_session_set(request, "name", value) < 0 ? errno : 0);
}

static void rotate(gust_request *request)
{
    gust_session_rotate(request);
}

static void end(gust_request *request)
{
    gust_session_end(request);
}

static void late(gust_request *request)
{
    gust_print(request, "x");
    gust_flush(request);
    int result = gust_session_set(request, "name", "late");
    gust_printf(request, "%d", result < 0 && errno == EALREADY);
}

static void log_in(gust_request *request)
{
    gust_log_in(request, "ann");
}

static void log_out(gust_request *request)
{
    gust_log_out(request);
}

static void who(gust_request *request)
{
    const char *user = gust_user(request);
    gust_print(request, user ? user : "nobody");
}

static int times_asked;

static const char *user_of_header(gust_request *request)
{
    times_asked++;
    return gust_header(request, "X-User");
}

static void who_twice(gust_request *request)
{
    who(request);
    who(request);
}

static void next_page(gust_request *request)
{
    gust_print(request, gust_next_url(request, "/home"));
}

static bool has_role(gust_request *request, const char *user, const char *role)
{
    (void)request;
    return strcmp(user, "ann") == 0 && strcmp(role, "member") == 0;
}

static gust_app *app_with(gust_sessions *sessions)
{
    gust_app *app = gust_app_new();
    gust_app_set(app, .sessions = sessions, .login_url = "/login", .has_role = has_role);
    gust_route(app, "/get", get);
    gust_route(app, "/set", set);
    gust_route(app, "/rotate", rotate);
    gust_route(app, "/end", end);
    gust_route(app, "/late", late);
    gust_route(app, "/in", log_in);
    gust_route(app, "/out", log_out);
    gust_route(app, "/who", who);
    gust_route(app, "/next", next_page);
    gust_route(app, "/members", who, .login = true);
    gust_route(app, "/member-role", who, .role = "member");
    gust_route(app, "/admin-role", who, .role = "admin");
    cookie[0] = 0;
    return app;
}

/* With the cookie that was set last, as a browser keeps it. */
static struct gust__test_answer *ask(gust_app *app, const char *method_and_target)
{
    char text[1024];
    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n", method_and_target, cookie);
    struct gust__test_answer *answer = gust__test_request(app, text);
    const char *at = strstr(answer->headers, "Set-Cookie: session=");
    if (at)
        sscanf(at, "Set-Cookie: %255[^;\n]", cookie);
    return answer;
}

static void check(gust_app *app, const char *target, const char *body)
{
    char text[256];
    snprintf(text, sizeof(text), "GET %s", target);
    assert_string_equal(ask(app, text)->body, body);
}

static void each_store(void (*test)(gust_sessions *sessions))
{
    char path[] = "/tmp/gust-sessions-XXXXXX", store[64], file[64];
    int fd = mkstemp(path);
    gust_sessions *sessions = gust_sessions_new();
    test(sessions);
    gust_sessions_free(sessions);
    snprintf(store, sizeof(store), "sqlite:%s", path);
    sessions = gust_sessions_new(.store = store);
    if (sessions) {
        test(sessions);
        gust_sessions_free(sessions);
    } else
        assert_int_equal(errno, ENOTSUP);
    close(fd);
    unlink(path);
    snprintf(file, sizeof(file), "%s-wal", path);
    assert_int_equal(access(file, F_OK), -1);
}

static void check_values(gust_sessions *sessions)
{
    gust_app *app = app_with(sessions);
    struct gust__test_answer *answer = ask(app, "GET /get");
    assert_string_equal(answer->body, "none");
    assert_null(strstr(answer->headers, "Set-Cookie")); /* nothing to keep */
    answer = ask(app, "GET /set?value=1%20%C3%A9");
    assert_non_null(strstr(answer->headers, "; Path=/; SameSite=Lax; HttpOnly\n"));
    assert_int_equal(strlen(cookie), strlen("session=") + 64);
    answer = ask(app, "GET /get");
    assert_string_equal(answer->body, "1 \xc3\xa9");
    assert_null(strstr(answer->headers, "Set-Cookie"));
    check(app, "/set", "0"); /* removes it */
    check(app, "/get", "none");
    gust_app_free(app);
}

static void test_values_are_kept(void **state)
{
    (void)state;
    each_store(check_values);
}

static void check_numbers(gust_sessions *sessions)
{
    char first[256];
    gust_app *app = app_with(sessions);
    ask(app, "GET /set?value=1");
    memcpy(first, cookie, sizeof(first));
    ask(app, "GET /rotate");
    assert_string_not_equal(first, cookie);
    check(app, "/get", "1");
    memcpy(cookie, first, sizeof(cookie));
    check(app, "/get", "none"); /* the old number is void */
    memset(cookie + 8, 'a', 64);
    ask(app, "GET /set?value=2");
    assert_null(strstr(cookie, "aaaa")); /* a number that somebody made up is not taken over */
    check(app, "/get", "2");
    struct gust__test_answer *answer = ask(app, "GET /end");
    assert_non_null(strstr(answer->headers, "Max-Age=0"));
    check(app, "/get", "none");
    gust_app_free(app);
}

static void test_numbers_change_and_end(void **state)
{
    (void)state;
    each_store(check_numbers);
}

static void check_ended(gust_sessions *sessions)
{
    char first[256];
    gust_app *app = app_with(sessions);
    ask(app, "GET /set?value=1");
    memcpy(first, cookie, sizeof(first));
    ask(app, "GET /end");
    memcpy(cookie, first, sizeof(cookie));
    check(app, "/get", "none");
    gust_app_free(app);
}

static void test_an_ended_session_is_gone_from_the_store(void **state)
{
    (void)state;
    each_store(check_ended);
}

/* ---- time ---- */

/* Instead of waiting: what counts as old is younger. */
static void age(gust_sessions *sessions, int64_t absolute, int64_t idle)
{
    sessions->idle += idle;
    sessions->absolute += absolute;
}

static void test_sessions_expire(void **state)
{
    (void)state;
    gust_sessions *sessions = gust_sessions_new(.idle = GUST_S(100), .absolute = GUST_S(1000));
    gust_app *app = app_with(sessions);
    assert_int_equal(sessions->idle, 100);
    assert_int_equal(sessions->absolute, 1000);
    ask(app, "GET /set?value=1");
    age(sessions, 0, -50);
    check(app, "/get", "1");
    age(sessions, 0, -50);
    check(app, "/get", "none");
    age(sessions, -500, 100);
    ask(app, "GET /set?value=2");
    check(app, "/get", "2");
    age(sessions, -500, 0);
    check(app, "/get", "none");
    gust_app_free(app);
    gust_sessions_free(sessions);
}

/* ---- limits ---- */

static void test_a_session_has_so_many_bytes(void **state)
{
    (void)state;
    char code[16];
    gust_sessions *sessions = gust_sessions_new(.max_bytes = 8);
    gust_app *app = app_with(sessions);
    snprintf(code, sizeof(code), "%d", EMSGSIZE);
    check(app, "/set?value=123", "0");
    check(app, "/set?value=1234", "0");
    check(app, "/set?value=12345", code);
    check(app, "/get", "1234");
    check(app, "/set?value=4321", "0"); /* what it replaces does not count */
    gust_app_free(app);
    gust_sessions_free(sessions);
}

static void test_memory_holds_so_many(void **state)
{
    (void)state;
    char first[256];
    gust_sessions *sessions = gust_sessions_new(.max = 3);
    gust_app *app = app_with(sessions);
    ask(app, "GET /set?value=first");
    memcpy(first, cookie, sizeof(first));
    for (int i = 0; i < 2; i++) {
        cookie[0] = 0;
        ask(app, "GET /set?value=x");
    }
    assert_int_equal(gust__session_memory_count(sessions->store), 3);
    memcpy(cookie, first, sizeof(cookie));
    check(app, "/get", "first");
    cookie[0] = 0;
    ask(app, "GET /set?value=fourth");
    assert_int_equal(gust__session_memory_count(sessions->store), 3);
    memcpy(cookie, first, sizeof(cookie));
    check(app, "/get", "none"); /* it was written longest ago */
    gust_app_free(app);
    gust_sessions_free(sessions);
}

static void test_behind_the_head_nothing_can_be_set(void **state)
{
    (void)state;
    gust_sessions *sessions = gust_sessions_new();
    gust_app *app = app_with(sessions);
    check(app, "/late", "x1");
    gust_app_free(app);
    gust_sessions_free(sessions);
}

static void test_stores_that_are_none(void **state)
{
    (void)state;
    const char *wrong[] = {"disk",        "sqlite:",     "redis://", "redis://user@x",
                           "redis://x/y", "redis+unix:", "redis:x"};
    for (size_t i = 0; i < GUST_LEN(wrong); i++) {
        assert_null(gust_sessions_new(.store = wrong[i]));
        assert_true(errno == EINVAL || errno == ENOTSUP);
    }
    gust_sessions *sessions = gust_sessions_new(.store = "sqlite:/nowhere/at/all");
    gust_app *app = app_with(sessions);
    if (sessions) {
        assert_int_equal(ask(app, "GET /get")->status, 200); /* no cookie: the store is not asked */
        memset(cookie, 0, sizeof(cookie));
        snprintf(cookie, sizeof(cookie), "session=%064d", 0);
        assert_int_equal(ask(app, "GET /get")->status, 503);
        assert_non_null(strstr(gust__test_last.log, "/nowhere/at/all"));
    }
    gust_app_free(app);
    gust_sessions_free(sessions);
    app = app_with(NULL);
    assert_int_equal(ask(app, "GET /get")->status, 500);
    gust_app_free(app);
}

/* ---- users ---- */

static void test_users_log_in_and_out(void **state)
{
    (void)state;
    char before[256];
    gust_sessions *sessions = gust_sessions_new();
    gust_app *app = app_with(sessions);
    check(app, "/who", "nobody");
    ask(app, "GET /set?value=1");
    memcpy(before, cookie, sizeof(before));
    ask(app, "GET /in");
    assert_string_not_equal(before, cookie);
    check(app, "/who", "ann");
    check(app, "/get", "1");
    ask(app, "GET /out");
    check(app, "/who", "nobody");
    gust_app_free(app);
    gust_sessions_free(sessions);
}

static void test_routes_ask_for_a_user(void **state)
{
    (void)state;
    gust_sessions *sessions = gust_sessions_new();
    gust_app *app = app_with(sessions);
    struct gust__test_answer *answer = ask(app, "GET /members?a=1&b=%20");
    assert_int_equal(answer->status, 302);
    assert_non_null(strstr(answer->headers, "Location: /login?next=%2Fmembers%3Fa%3D1%26b%3D%2520\n"));
    assert_int_equal(ask(app, "POST /members")->status, 403);
    assert_int_equal(ask(app, "GET /member-role")->status, 302);
    ask(app, "GET /in");
    assert_string_equal(ask(app, "POST /members")->body, "ann");
    assert_string_equal(ask(app, "GET /member-role")->body, "ann");
    assert_int_equal(ask(app, "GET /admin-role")->status, 403);
    gust_app_free(app);
    gust_sessions_free(sessions);
}

static void test_an_application_may_know_its_users(void **state)
{
    (void)state;
    gust_app *app = gust_app_new();
    gust_app_set(app, .login_url = "/login", .current_user = user_of_header);
    gust_route(app, "/never", next_page);
    gust_route(app, "/who", who_twice, .login = true);
    const char *asking = "GET /who HTTP/1.1\r\nHost: a\r\nX-User: bob\r\n\r\n";
    ask(app, "GET /never");
    assert_int_equal(times_asked, 0);
    assert_string_equal(gust__test_request(app, asking)->body, "bobbob");
    assert_int_equal(times_asked, 1);
    assert_int_equal(ask(app, "GET /who")->status, 302);
    assert_int_equal(ask(app, "POST /who")->status, 403);
    gust_app_free(app);
}

static void test_next_stays_on_this_site(void **state)
{
    (void)state;
    gust_app *app = app_with(NULL);
    check(app, "/next", "/home");
    check(app, "/next?next=/a%3Fb", "/a?b");
    check(app, "/next?next=//evil.example", "/home");
    check(app, "/next?next=/%5Cevil.example", "/home");
    check(app, "/next?next=https://evil.example", "/home");
    check(app, "/next?next=/a%0d%0ab", "/home");
    gust_app_free(app);
}

/* ---- passwords ---- */

static int check_passwords(void *unused)
{
    char hash[GUST_PASSWORD_ROOM], again[GUST_PASSWORD_ROOM], longest[513];
    (void)unused;
    assert_int_equal(gust_password_hash("open sesame", hash), 0);
    assert_int_equal(gust_password_hash("open sesame", again), 0);
    assert_int_equal(strncmp(hash, "$y$", 3), 0);
    assert_string_not_equal(hash, again);
    assert_true(gust_password_fits("open sesame", hash));
    assert_true(gust_password_fits("open sesame", again));
    assert_false(gust_password_fits("open sesame!", hash));
    assert_false(gust_password_fits("", hash));
    assert_false(gust_password_fits("open sesame", NULL));
    assert_false(gust_password_fits("open sesame", "*"));
    assert_false(gust_password_fits("open sesame", ""));
    memset(longest, 'x', sizeof(longest));
    longest[511] = 0;
    assert_int_equal(gust_password_hash(longest, hash), 0);
    assert_true(gust_password_fits(longest, hash));
    longest[511] = 'x';
    longest[512] = 0;
    assert_int_equal(gust_password_hash(longest, hash), -1);
    assert_int_equal(errno, EINVAL);
    return 0;
}

static void test_passwords(void **state)
{
    (void)state;
    assert_int_equal(gust_run(check_passwords, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_kept),
        cmocka_unit_test(test_numbers_change_and_end),
        cmocka_unit_test(test_an_ended_session_is_gone_from_the_store),
        cmocka_unit_test(test_sessions_expire),
        cmocka_unit_test(test_a_session_has_so_many_bytes),
        cmocka_unit_test(test_memory_holds_so_many),
        cmocka_unit_test(test_behind_the_head_nothing_can_be_set),
        cmocka_unit_test(test_stores_that_are_none),
        cmocka_unit_test(test_users_log_in_and_out),
        cmocka_unit_test(test_routes_ask_for_a_user),
        cmocka_unit_test(test_an_application_may_know_its_users),
        cmocka_unit_test(test_next_stays_on_this_site),
        cmocka_unit_test(test_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
