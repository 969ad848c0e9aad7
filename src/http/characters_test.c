#include "http/characters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define ALPHA "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

static void assert_class(enum gust__character_class character_class, const char *members)
{
    for (int byte = 0; byte < 128; byte++)
        assert_int_equal(gust__is((char)byte, character_class), byte && strchr(members, byte));
    for (int byte = 128; byte < 256; byte++)
        assert_int_equal(gust__is((char)byte, character_class), character_class == GUST__IS_VALUE);
}

static void classes_are_those_of_the_grammars(void **state)
{
    (void)state;
    char visible[96], value[98], cookie[96];
    size_t cookies = 0;
    for (int byte = 0x21; byte <= 0x7E; byte++) {
        visible[byte - 0x21] = (char)byte;
        if (!strchr("\",;\\", byte))
            cookie[cookies++] = (char)byte;
    }
    visible[0x7E - 0x20] = cookie[cookies] = '\0';
    strcpy(value, "\t ");
    strcat(value, visible);
    assert_class(GUST__IS_TOKEN, "!#$%&'*+-.^_`|~" DIGIT ALPHA);
    assert_class(GUST__IS_VALUE, value);
    assert_class(GUST__IS_TARGET, visible);
    assert_class(GUST__IS_NAME, ALPHA DIGIT "-._~!$&'()*+,;=");
    assert_class(GUST__IS_HEX, DIGIT "abcdefABCDEF");
    assert_class(GUST__IS_DIGIT, DIGIT);
    assert_class(GUST__IS_COOKIE, cookie);
    assert_class(GUST__IS_UNRESERVED, ALPHA DIGIT "-._~");
}

static void hex_digits(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const char *place =
            byte ? strchr("0123456789abcdef", byte >= 'A' && byte <= 'F' ? byte + 32 : byte) : NULL;
        assert_int_equal(gust__hex_digit((char)byte), place ? place - strchr("0123456789abcdef", '0') : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_the_grammars),
        cmocka_unit_test(hex_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
