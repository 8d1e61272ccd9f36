/* Clocks, hashes and places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/xdg.h"

static void clocks_run_forward(void **state)
{
    uint64_t a = clock_mono_ns(), b = clock_mono_ns();

    (void)state;
    assert_true(a > 0 && b >= a);
    assert_true(clock_wall_us() > INT64_C(1700000000) * 1000000);
}

static void time_is_written_in_utc(void **state)
{
    static const struct {
        int64_t us;
        const char *want;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { -1, "1969-12-31T23:59:59Z" },
        { INT64_C(1795507500) * 1000000 + 999999, "2026-11-24T08:05:00Z" },
        { INT64_MAX, "9999-12-31T23:59:59Z" },
        { INT64_MIN, "0000-01-01T00:00:00Z" },
    };
    char out[21];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clock_iso8601(cases[i].us, out);
        assert_string_equal(out, cases[i].want);
    }
}

/* Source: FIPS 180-2, appendix B.1 and B.2, and the empty message. */
static void sha256_gives_the_published_digests(void **state)
{
    static const struct {
        const char *text, *hex;
    } cases[] = {
        { "abc", "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "", "e3b0c44298fc1c149afbf4c8996fb924"
              "27ae41e4649b934ca495991b7852b855" },
    };
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct sha256 *h = sha256_open();

    (void)state;
    assert_non_null(h);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);

        sha256_bytes(cases[i].text, n, digest);
        hash_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, cases[i].hex);
        sha256_update(h, cases[i].text, n / 2);
        sha256_update(h, cases[i].text + n / 2, n - n / 2);
        sha256_final(h, digest);        /* and starts anew */
        hash_hex(digest, sizeof digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    sha256_close(h);
    sha256_close(NULL);
}

/* Source: xxHash 0.8, XXH3_64bits of the empty input, seed 0. */
static void xxh3_is_xxh3(void **state)
{
    (void)state;
    assert_true(hash_xxh3("", 0, 0) == UINT64_C(0x2D06800538D394C2));
    assert_true(hash_xxh3("a", 1, 0) != hash_xxh3("a", 1, 1));
    assert_true(hash_xxh3("a", 1, 0) != hash_xxh3("b", 1, 0));
}

static void check_path(enum xdg_kind kind, const char *want)
{
    struct str path;

    str_init(&path);
    assert_int_equal(xdg_path(kind, "x/y", &path, NULL), SOR_OK);
    assert_string_equal(path.p, want);
    str_release(&path);
}

static void places_follow_the_specification(void **state)
{
    struct sor_msg msg;
    struct str path;

    (void)state;
    setenv("HOME", "/home/u", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("XDG_STATE_HOME", "", 1);            /* empty: the default */
    setenv("XDG_CACHE_HOME", "relative", 1);    /* ignored */
    unsetenv("XDG_CONFIG_HOME");
    check_path(XDG_DATA, "/data/sorites/x/y");
    check_path(XDG_STATE, "/home/u/.local/state/sorites/x/y");
    check_path(XDG_CACHE, "/home/u/.cache/sorites/x/y");
    check_path(XDG_CONFIG, "/home/u/.config/sorites/x/y");

    unsetenv("HOME");
    check_path(XDG_DATA, "/data/sorites/x/y");
    str_init(&path);
    assert_int_equal(xdg_path(XDG_CONFIG, "x", &path, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "XDG_CONFIG_HOME"));
    str_release(&path);
}

static void parents_are_made_private(void **state)
{
    char dir[] = "/tmp/sorites-test-XXXXXX", path[128];
    struct sor_msg msg;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a/b/file", dir);
    assert_int_equal(xdg_make_parent(path, NULL), SOR_OK);
    assert_int_equal(xdg_make_parent(path, NULL), SOR_OK);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/a/b", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);

    snprintf(path, sizeof path, "%s/a/b/file", dir);
    fclose(fopen(path, "w"));
    snprintf(path, sizeof path, "%s/a/b/file/c", dir);
    assert_int_equal(xdg_make_parent(path, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "file: not a directory"));

    snprintf(path, sizeof path, "%s/a/b/file", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/a/b", dir);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", dir);
    rmdir(path);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(xdg_make_parent("no-slash", NULL), SOR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),
        cmocka_unit_test(time_is_written_in_utc),
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(xxh3_is_xxh3),
        cmocka_unit_test(places_follow_the_specification),
        cmocka_unit_test(parents_are_made_private),
    };
    return cmocka_run_group_tests_name("base_host", tests, NULL, NULL);
}
