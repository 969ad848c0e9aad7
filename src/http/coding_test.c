/* Content codings: what clients want, and both directions, cut at every place. */
#include "http/coding.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum gust__coding written[] = {GUST__CODING_GZIP, GUST__CODING_BROTLI, GUST__CODING_ZSTD};

/* ---- choosing ---- */

static const char *choose(const char *accept)
{
    static const enum gust__coding order[] = {GUST__CODING_ZSTD, GUST__CODING_BROTLI, GUST__CODING_GZIP};
    struct gust__http1_limits limits = GUST__HTTP1_DEFAULT_LIMITS;
    struct gust__http1_scan scan = {0};
    struct gust__header headers[10];
    struct gust__request_head head;
    char text[512];
    int size = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", accept);
    assert_int_equal(gust__http1_read_request(&scan, &limits, &head, headers, text, (size_t)size), size);
    return gust__coding_name(gust__coding_choose(&head.fields, order, COUNT(order))).data;
}

static void test_weights_decide_then_our_order(void **state)
{
    (void)state;
    assert_string_equal(choose(""), "identity");
    assert_string_equal(choose("Accept-Encoding: gzip\r\n"), "gzip");
    assert_string_equal(choose("Accept-Encoding: x-gzip\r\n"), "gzip");
    assert_string_equal(choose("Accept-Encoding: gzip, deflate, br, zstd\r\n"), "zstd");
    assert_string_equal(choose("Accept-Encoding: gzip, deflate, br\r\n"), "br");
    assert_string_equal(choose("Accept-Encoding: GZIP;q=0.9, br;q=0.8, zstd;q=0.1\r\n"), "gzip");
    assert_string_equal(choose("Accept-Encoding: gzip;q=0.5\r\nAccept-Encoding: br;q=0.6\r\n"), "br");
    assert_string_equal(choose("Accept-Encoding: *\r\n"), "zstd");
    assert_string_equal(choose("Accept-Encoding: zstd;q=0, *;q=0.3\r\n"), "br");
    assert_string_equal(choose("Accept-Encoding: gzip;q=0, br;q=0.0\r\n"), "identity");
    assert_string_equal(choose("Accept-Encoding: *;q=0\r\n"), "identity");
    assert_string_equal(choose("Accept-Encoding: identity;q=0.5, gzip;q=0.4\r\n"), "identity");
    assert_string_equal(choose("Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n"), "gzip");
    assert_string_equal(choose("Accept-Encoding: identity\r\n"), "identity");
    assert_string_equal(choose("Accept-Encoding: deflate, compress\r\n"), "identity");
    assert_string_equal(choose("Accept-Encoding:\r\n"), "identity");
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(gust__coding_named(GUST__SLICE("Br")), GUST__CODING_BROTLI);
    assert_int_equal(gust__coding_named(GUST__SLICE("deflate")), GUST__CODING_DEFLATE);
    assert_int_equal(gust__coding_named(GUST__SLICE("compress")), GUST__CODING_UNKNOWN);
    assert_int_equal(gust__coding_named(GUST__SLICE("")), GUST__CODING_UNKNOWN);
}

/* ---- both directions ---- */

struct bytes {
    char *data;
    size_t size;
};

static void add(struct bytes *bytes, const char *data, size_t size)
{
    bytes->data = realloc(bytes->data, bytes->size + size + 1);
    assert_non_null(bytes->data);
    if (size)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

/* Feeds one piece, in rooms of so many bytes. */
static void feed(struct gust__encoder *encoder, struct gust__slice text, enum gust__encode what, size_t room,
                 struct bytes *out)
{
    char to[4096];
    for (bool done = false; !done;) {
        ssize_t made = gust__encode(encoder, &text, what, to, room, &done);
        assert_true(made >= 0 && (size_t)made <= room);
        add(out, to, (size_t)made);
    }
    assert_int_equal(text.size, 0);
}

static struct bytes encode(enum gust__coding coding, struct gust__slice text)
{
    struct bytes out = {0};
    struct gust__encoder *encoder = gust__encoder_new(coding, text.size);
    assert_non_null(encoder);
    feed(encoder, text, GUST__ENCODE_END, 4096, &out);
    gust__encoder_free(encoder);
    return out;
}

/* Decodes what comes in two pieces. -> whole: 1; not whole: 0; malformed: -1 */
static int decode(enum gust__coding coding, struct gust__slice data, size_t cut, size_t room,
                  struct bytes *out)
{
    char to[4096];
    struct gust__slice pieces[] = {gust__slice(data.data, cut), gust__slice_from(data, cut)};
    struct gust__decoder *decoder = gust__decoder_new(coding);
    assert_non_null(decoder);
    int result = 0;
    for (int i = 0; i < 2 && result >= 0; i++) {
        ssize_t made;
        while ((made = gust__decode(decoder, &pieces[i], to, room)) == (ssize_t)room)
            add(out, to, (size_t)made);
        if (made < 0) {
            assert_int_equal(errno, EBADMSG);
            result = -1;
        } else {
            assert_int_equal(pieces[i].size, 0);
            add(out, to, (size_t)made);
        }
    }
    if (result == 0)
        result = gust__decoder_whole(decoder);
    gust__decoder_free(decoder);
    return result;
}

static char text[3000];

static void make_text(void)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(text); i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = "etaoin shrdlu"[(seed >> 24) % 13];
    }
}

static void test_round_trips_cut_at_every_place(void **state)
{
    (void)state;
    make_text();
    for (size_t i = 0; i < COUNT(written); i++) {
        struct bytes coded = encode(written[i], gust__slice(text, sizeof(text)));
        assert_in_range(coded.size, 1, sizeof(text) * 3 / 4);
        for (size_t cut = 0; cut <= coded.size; cut++) {
            struct bytes out = {0};
            assert_int_equal(
                decode(written[i], gust__slice(coded.data, coded.size), cut, 1 + cut % 700, &out), 1);
            assert_int_equal(out.size, sizeof(text));
            assert_memory_equal(out.data, text, sizeof(text));
            free(out.data);
        }
        free(coded.data);
    }
}

static void test_what_is_cut_short_is_not_whole(void **state)
{
    (void)state;
    make_text();
    for (size_t i = 0; i < COUNT(written); i++) {
        struct bytes coded = encode(written[i], gust__slice(text, sizeof(text)));
        for (size_t size = 1; size < coded.size; size++) {
            struct bytes out = {0};
            assert_int_equal(decode(written[i], gust__slice(coded.data, size), size / 2, 4096, &out), 0);
            free(out.data);
        }
        free(coded.data);
    }
}

static void test_encoding_in_pieces_of_every_size(void **state)
{
    (void)state;
    make_text();
    for (size_t i = 0; i < COUNT(written); i++) {
        for (size_t piece = 1; piece < 100; piece += 7) {
            struct gust__encoder *encoder = gust__encoder_new(written[i], 0);
            struct bytes coded = {0}, out = {0};
            for (size_t at = 0; at < sizeof(text); at += piece) {
                size_t size = sizeof(text) - at < piece ? sizeof(text) - at : piece;
                feed(encoder, gust__slice(text + at, size), at % 3 ? GUST__ENCODE_ON : GUST__ENCODE_FLUSH,
                     GUST__ENCODE_ROOM + piece, &coded);
            }
            feed(encoder, GUST__SLICE(""), GUST__ENCODE_END, GUST__ENCODE_ROOM + piece, &coded);
            gust__encoder_free(encoder);
            assert_int_equal(decode(written[i], gust__slice(coded.data, coded.size), 1, 4096, &out), 1);
            assert_int_equal(out.size, sizeof(text));
            assert_memory_equal(out.data, text, sizeof(text));
            free(coded.data);
            free(out.data);
        }
    }
}

static void test_what_was_flushed_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(written); i++) {
        struct gust__encoder *encoder = gust__encoder_new(written[i], 0);
        struct bytes coded = {0}, out = {0};
        feed(encoder, GUST__SLICE("data: 1\n\n"), GUST__ENCODE_FLUSH, 4096, &coded);
        assert_int_equal(decode(written[i], gust__slice(coded.data, coded.size), 0, 4096, &out), 0);
        assert_int_equal(out.size, 9);
        assert_memory_equal(out.data, "data: 1\n\n", 9);
        gust__encoder_free(encoder);
        free(coded.data);
        free(out.data);
    }
}

static void test_nothing_and_empty_text_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(written); i++) {
        struct bytes coded = encode(written[i], GUST__SLICE("")), out = {0};
        assert_true(coded.size > 0);
        assert_int_equal(decode(written[i], gust__slice(coded.data, coded.size), 0, 10, &out), 1);
        assert_int_equal(decode(written[i], GUST__SLICE(""), 0, 10, &out), 1);
        assert_int_equal(out.size, 0);
        free(coded.data);
        free(out.data);
    }
}

static void test_members_and_frames_may_follow_each_other(void **state)
{
    static const enum gust__coding several[] = {GUST__CODING_GZIP, GUST__CODING_ZSTD};
    (void)state;
    for (size_t i = 0; i < COUNT(several); i++) {
        struct bytes coded = encode(several[i], GUST__SLICE("one")),
                     two = encode(several[i], GUST__SLICE("two"));
        add(&coded, two.data, two.size);
        for (size_t cut = 0; cut <= coded.size; cut++) {
            struct bytes out = {0};
            assert_int_equal(decode(several[i], gust__slice(coded.data, coded.size), cut, 2, &out), 1);
            assert_int_equal(out.size, 6);
            assert_memory_equal(out.data, "onetwo", 6);
            free(out.data);
        }
        free(coded.data);
        free(two.data);
    }
}

static void test_what_stands_behind_the_end_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(written); i++) {
        struct bytes coded = encode(written[i], GUST__SLICE("text")), out = {0};
        add(&coded, "garbage that is no member and no frame", 38);
        for (size_t cut = 0; cut <= coded.size; cut++)
            assert_int_equal(decode(written[i], gust__slice(coded.data, coded.size), cut, 100, &out), -1);
        free(coded.data);
        free(out.data);
    }
}

static void test_garbage_is_malformed(void **state)
{
    static const enum gust__coding all[] = {GUST__CODING_GZIP, GUST__CODING_BROTLI, GUST__CODING_ZSTD,
                                            GUST__CODING_DEFLATE};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        struct bytes out = {0};
        assert_int_equal(
            decode(all[i], GUST__SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 3, 100, &out), -1);
        free(out.data);
    }
}

static void test_deflate_with_and_without_its_header(void **state)
{
    static const char zlib[] = "\x78\x9c\x4b\x04\x00\x00\x62\x00\x62", bare[] = "\x4b\x04\x00";
    (void)state;
    for (size_t cut = 0; cut <= sizeof(zlib) - 1; cut++) {
        struct bytes out = {0};
        assert_int_equal(decode(GUST__CODING_DEFLATE, gust__slice(zlib, sizeof(zlib) - 1), cut, 10, &out), 1);
        assert_memory_equal(out.data, "a", 1);
        free(out.data);
    }
    struct bytes out = {0};
    assert_int_equal(decode(GUST__CODING_DEFLATE, gust__slice(bare, sizeof(bare) - 1), 1, 10, &out), 1);
    assert_memory_equal(out.data, "a", 1);
    free(out.data);
    assert_int_equal(errno = 0, 0);
    assert_null(gust__encoder_new(GUST__CODING_DEFLATE, 0));
    assert_int_equal(errno, EINVAL);
}

/* What a zstd frame asks for is bounded: this one wants a window of 1 GiB. */
static void test_a_window_beyond_eight_mebibytes_is_refused(void **state)
{
    static const char frame[] = "\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00";
    struct bytes out = {0};
    (void)state;
    assert_int_equal(decode(GUST__CODING_ZSTD, gust__slice(frame, sizeof(frame) - 1), 0, 10, &out), -1);
    free(out.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_decide_then_our_order),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_round_trips_cut_at_every_place),
        cmocka_unit_test(test_what_is_cut_short_is_not_whole),
        cmocka_unit_test(test_encoding_in_pieces_of_every_size),
        cmocka_unit_test(test_what_was_flushed_can_be_read),
        cmocka_unit_test(test_nothing_and_empty_text_are_whole),
        cmocka_unit_test(test_members_and_frames_may_follow_each_other),
        cmocka_unit_test(test_what_stands_behind_the_end_is_malformed),
        cmocka_unit_test(test_garbage_is_malformed),
        cmocka_unit_test(test_deflate_with_and_without_its_header),
        cmocka_unit_test(test_a_window_beyond_eight_mebibytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
