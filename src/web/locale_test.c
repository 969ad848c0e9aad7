/* Locales: catalogues made by the real msgfmt, plural rules, dates, numbers. */
#include "web/testing.h"

#include "base/clock.h"
#include "web/locale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/gust-locale-XXXXXX";

static const char header[] = "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n";

/* What msgfmt makes of a catalogue's source, with its own options. */
static void make(const char *code, const char *plural_forms, const char *messages, const char *options)
{
    char command[512], path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, code);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/%s/LC_MESSAGES", directory, code);
    mkdir(path, 0755);
    snprintf(command, sizeof(command), "msgfmt %s -o %s/messages.mo -", options, path);
    FILE *pipe = popen(command, "w");
    assert_non_null(pipe);
    fprintf(pipe, "%s\"%s\\n\"\n\n%s", header, plural_forms, messages);
    assert_int_equal(pclose(pipe), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    make(
        "de", "Plural-Forms: nplurals=2; plural=n != 1;",
        "msgid \"Hello\"\nmsgstr \"Guten Tag\"\n\n"
        "msgctxt \"menu\"\nmsgid \"Open\"\nmsgstr \"\xc3\x96"
        "ffnen\"\n\n"
        "msgctxt \"door\"\nmsgid \"Open\"\nmsgstr \"Offen\"\n\n"
        "msgid \"%d letter\"\nmsgid_plural \"%d letters\"\nmsgstr[0] \"%d Brief\"\nmsgstr[1] \"%d Briefe\"\n\n"
        "msgid \"March\"\nmsgstr \"M\xc3\xa4rz\"\n\nmsgid \"Sunday\"\nmsgstr \"Sonntag\"\n\n"
        "msgid \"%(month_name)s %(day)s, %(year)s at %(time)s\"\n"
        "msgstr \"%(day)s. %(month_name)s %(year)s um %(time)s\"\n\n"
        "msgid \"%(weekday)s, %(month_name)s %(day)s\"\nmsgstr \"%(weekday)s, %(day)s. %(month_name)s\"\n\n"
        "msgid \"%(commas)s and %(last)s\"\nmsgstr \"%(commas)s und %(last)s\"\n\n"
        "msgid \"1 minute ago\"\nmsgid_plural \"%(minutes)d minutes ago\"\n"
        "msgstr[0] \"vor 1 Minute\"\nmsgstr[1] \"vor %(minutes)d Minuten\"\n\n"
        "msgctxt \"number\"\nmsgid \",\"\nmsgstr \".\"\n\nmsgctxt \"number\"\nmsgid \".\"\nmsgstr \",\"\n",
        "");
    make("pl",
         "Plural-Forms: nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;",
         "msgid \"%d letter\"\nmsgid_plural \"%d letters\"\n"
         "msgstr[0] \"%d list\"\nmsgstr[1] \"%d listy\"\nmsgstr[2] \"%d list\xc3\xb3w\"\n",
         "--endianness=big");
    make("pt_BR", "X: y", "msgid \"Hello\"\nmsgstr \"Oi\"\n", "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

static gust_locales *open_locales(void)
{
    gust_locales *locales = gust_locales_new(.directory = directory);
    if (!locales)
        print_error("%s\n", gust_error_text(gust_error_last()));
    assert_non_null(locales);
    return locales;
}

static void check_closest(const gust_locales *locales, const char *languages, const char *code)
{
    assert_string_equal(gust_locale_code(gust_locale_closest(locales, languages)), code);
}

static void test_the_closest_is_found(void **state)
{
    (void)state;
    gust_locales *locales = open_locales();
    check_closest(locales, "de", "de");
    check_closest(locales, "de-AT", "de");
    check_closest(locales, "DE_at", "de");
    check_closest(locales, "pt-br, de", "pt_BR");
    check_closest(locales, "pt", "en_US");
    check_closest(locales, "fr, pl;q=0.2, de;q=0.3", "de");
    check_closest(locales, "de;q=0, pl;q=0.001", "pl");
    check_closest(locales, "*", "en_US");
    check_closest(locales, "", "en_US");
    check_closest(locales, "../../etc, ., de", "de");
    check_closest(locales, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,de", "de"); /* the 16th */
    check_closest(locales, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,de", "en_US");
    gust_locales_free(locales);
}

static void test_messages_are_translated(void **state)
{
    (void)state;
    gust_locales *locales = open_locales();
    const gust_locale *de = gust_locale_closest(locales, "de"), *en = gust_locale_closest(locales, "en");
    assert_string_equal(gust_translate(de, "Hello"), "Guten Tag");
    assert_string_equal(gust_translate(de, "Hell"), "Hell");
    assert_string_equal(gust_translate(de, "Hello!"), "Hello!");
    assert_string_equal(gust_translate(de, ""), "");
    assert_string_equal(gust_translate(en, "Hello"), "Hello");
    assert_string_equal(gust_translate(NULL, "Hello"), "Hello");
    assert_string_equal(gust_translate(de, "Open"), "Open");
    assert_string_equal(gust_translate_in(de, "menu", "Open"), "\xc3\x96"
                                                               "ffnen");
    assert_string_equal(gust_translate_in(de, "door", "Open"), "Offen");
    assert_string_equal(gust_translate_in(de, "doo", "Open"), "Open");
    gust_locales_free(locales);
}

static void test_plural_forms_follow_the_rule(void **state)
{
    (void)state;
    gust_locales *locales = open_locales();
    const gust_locale *pl = gust_locale_closest(locales, "pl"), *de = gust_locale_closest(locales, "de");
    const struct {
        uint64_t n;
        const char *form;
    } polish[] = {{0, "%d list\xc3\xb3w"},  {1, "%d list"},           {2, "%d listy"},
                  {5, "%d list\xc3\xb3w"},  {12, "%d list\xc3\xb3w"}, {22, "%d listy"},
                  {112, "%d list\xc3\xb3w"}};
    for (size_t i = 0; i < GUST_LEN(polish); i++)
        assert_string_equal(gust_translate_n(pl, "%d letter", "%d letters", polish[i].n), polish[i].form);
    assert_string_equal(gust_translate_n(de, "%d letter", "%d letters", 0), "%d Briefe");
    assert_string_equal(gust_translate_n(NULL, "%d letter", "%d letters", 1), "%d letter");
    assert_string_equal(gust_translate_n(NULL, "%d letter", "%d letters", 0), "%d letters");
    gust_locales_free(locales);
}

static void test_plural_rules(void **state)
{
    (void)state;
    const struct {
        const char *rule;
        uint64_t n, form;
    } good[] = {{"0", 5, 0},           {"n", 5, 5},      {"!n", 0, 1},        {"n*2+1", 3, 7},
                {"(n-1)%3", 6, 2},     {"n/0", 1, 0},    {"n>1||n==0", 0, 1}, {"n>=2&&n<=4", 3, 1},
                {"n?n<3?1:2:0", 3, 2}, {"n != 1 ", 1, 0}};
    const char *bad[] = {"", "x", "n n", "(n", "n?1", "1+", "n = 1", "n&1"};
    uint64_t form;
    for (size_t i = 0; i < GUST_LEN(good); i++) {
        assert_int_equal(gust__plural_form(good[i].rule, good[i].n, &form), 0);
        assert_int_equal(form, good[i].form);
    }
    for (size_t i = 0; i < GUST_LEN(bad); i++)
        assert_int_equal(gust__plural_form(bad[i], 1, &form), -1);
    for (int levels = 62; levels <= 64; levels++) { /* with the innermost: at most 64 */
        char deep[256] = "";
        for (int i = 0; i < levels; i++)
            strcat(deep, "(");
        strcat(deep, "1");
        for (int i = 0; i < levels; i++)
            strcat(deep, ")");
        assert_int_equal(gust__plural_form(deep, 1, &form), levels <= 63 ? 0 : -1);
    }
}

static void test_dates(void **state)
{
    (void)state;
    char text[128];
    gust_locales *locales = open_locales();
    const gust_locale *de = gust_locale_closest(locales, "de"), *en = gust_locale_closest(locales, "en");
    int64_t now = gust__clock_wall() / 1000000000, then = 952214405; /* Sunday, 5 March 2000, 00:00:05 */
    assert_string_equal(gust_format_date(de, text, sizeof(text), then), "5. M\xc3\xa4rz 2000 um 0:00");
    assert_string_equal(gust_format_date(en, text, sizeof(text), then), "March 5, 2000 at 12:00 am");
    assert_string_equal(gust_format_date(en, text, sizeof(text), then, .shorter = true), "March 5, 2000");
    assert_string_equal(gust_format_date(en, text, sizeof(text), then, .utc_offset = -60),
                        "March 4, 2000 at 11:00 pm");
    assert_string_equal(gust_format_day(de, text, sizeof(text), then, 0), "Sonntag, 5. M\xc3\xa4rz");
    assert_string_equal(gust_format_date(de, text, sizeof(text), now - 180), "vor 3 Minuten");
    assert_string_equal(gust_format_date(en, text, sizeof(text), now - 7200), "2 hours ago");
    assert_non_null(strstr(gust_format_date(en, text, sizeof(text), now - 30), " seconds ago"));
    assert_non_null(strstr(gust_format_date(en, text, sizeof(text), now - 4 * 86400), "day at "));
    assert_null(strstr(gust_format_date(en, text, sizeof(text), now - 180, .full = true), "ago"));
    assert_non_null(strstr(gust_format_date(en, text, sizeof(text), now + 86400), "20"));
    assert_string_equal(gust_format_date(en, text, 6, then), "March");
    gust_locales_free(locales);
}

static void test_numbers_and_lists(void **state)
{
    (void)state;
    char text[128];
    const char *names[] = {"A", "B", "C"};
    gust_locales *locales = open_locales();
    const gust_locale *de = gust_locale_closest(locales, "de");
    assert_string_equal(gust_format_number(de, text, sizeof(text), -1234567.891, 2), "-1.234.567,89");
    assert_string_equal(gust_format_number(NULL, text, sizeof(text), 1234567, 0), "1,234,567");
    assert_string_equal(gust_format_number(NULL, text, sizeof(text), 123, 0), "123");
    assert_string_equal(gust_format_number(NULL, text, sizeof(text), 1000, 1), "1,000.0");
    assert_string_equal(gust_format_number(NULL, text, sizeof(text), 0.5, 10), "0.500000000");
    assert_string_equal(gust_format_list(de, text, sizeof(text), names, 3), "A, B und C");
    assert_string_equal(gust_format_list(NULL, text, sizeof(text), names, 2), "A and B");
    assert_string_equal(gust_format_list(NULL, text, sizeof(text), names, 1), "A");
    assert_string_equal(gust_format_list(NULL, text, sizeof(text), names, 0), "");
    assert_string_equal(gust_format_list(NULL, text, 4, names, 3), "A, ");
    gust_locales_free(locales);
}

/* ---- broken catalogues ---- */

static void test_no_broken_catalogue_is_read(void **state)
{
    (void)state;
    char path[256], bytes[4096];
    snprintf(path, sizeof(path), "%s/de/LC_MESSAGES/messages.mo", directory);
    FILE *file = fopen(path, "r");
    size_t size = fread(bytes, 1, sizeof(bytes) - 1, file);
    fclose(file);
    struct gust__catalog catalog;
    bytes[size] = 0;
    assert_int_equal(gust__catalog_read(&catalog, gust__slice(bytes, size)), 0);
    for (size_t cut = 0; cut < size; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, bytes, cut);
        copy[cut] = 0;
        assert_int_equal(gust__catalog_read(&catalog, gust__slice(copy, cut)), -1);
        free(copy);
    }
}

static void test_a_broken_catalogue_is_named(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof(path), "%s/xx", directory);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/xx/LC_MESSAGES", directory);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/xx/LC_MESSAGES/messages.mo", directory);
    FILE *file = fopen(path, "w");
    fputs("nothing", file);
    fclose(file);
    assert_null(gust_locales_new(.directory = directory));
    assert_int_equal(errno, EBADMSG);
    assert_non_null(strstr(gust_error_text(gust_error_last()), "xx/LC_MESSAGES/messages.mo"));
    unlink(path);
    assert_null(gust_locales_new(.directory = "/nowhere"));
    assert_int_equal(errno, ENOENT);
}

/* ---- in a request ---- */

static void greet(gust_request *request)
{
    if (gust_query_arg(request, "language"))
        gust_set_locale(request, gust_query_arg(request, "language"));
    gust_print(request, gust_translate(gust_locale_of(request), "Hello"));
}

static void test_a_request_has_its_clients_locale(void **state)
{
    (void)state;
    gust_locales *locales = open_locales();
    gust_app *app = gust_app_new(), *sub = gust_app_new(), *without = gust_app_new();
    gust_app_set(app, .locales = locales);
    gust_route(app, "/", greet);
    gust_route(sub, "/", greet);
    gust_mount(app, "/sub", sub);
    gust_route(without, "/", greet);
    const char *request = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: de-DE,en;q=0.5\r\n\r\n";
    assert_string_equal(gust__test_request(app, request)->body, "Guten Tag");
    assert_string_equal(
        gust__test_request(app, "GET /sub/ HTTP/1.1\r\nHost: a\r\nAccept-Language: de\r\n\r\n")->body,
        "Guten Tag");
    assert_string_equal(gust__test_fetch(app, "GET /")->body, "Hello");
    assert_string_equal(gust__test_fetch(app, "GET /?language=pt-BR")->body, "Oi");
    assert_string_equal(gust__test_request(without, request)->body, "Hello");
    gust_app_free(without);
    gust_app_free(app);
    gust_locales_free(locales);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_closest_is_found),
        cmocka_unit_test(test_messages_are_translated),
        cmocka_unit_test(test_plural_forms_follow_the_rule),
        cmocka_unit_test(test_plural_rules),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_numbers_and_lists),
        cmocka_unit_test(test_no_broken_catalogue_is_read),
        cmocka_unit_test(test_a_broken_catalogue_is_named),
        cmocka_unit_test(test_a_request_has_its_clients_locale),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
