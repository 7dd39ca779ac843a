/* test_crypto.c - published test vectors: FIPS 180-4, RFC 1321, RFC 3720, RFC 8032, the CRC catalogue. */
#include "core/core_test.h"
#include "core/crypto.h"

static void assert_hex(const void *bytes, size_t n, const char *hex)
{
    char out[256];
    assert_true(n < sizeof out / 2);
    hex_print(out, bytes, n);
    assert_string_equal(out, hex);
}

static void sha256_of_known_texts(void **state)
{
    (void)state;
    unsigned char out[SHA256_SIZE];
    sha256_of(out, "", 0);
    assert_hex(out, sizeof out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of(out, "abc", 3);
    assert_hex(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void sha256_in_pieces_is_the_same(void **state)
{
    (void)state;
    unsigned char all[300], want[SHA256_SIZE], got[SHA256_SIZE];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)(i * 7);
    sha256_of(want, all, sizeof all);
    for (size_t step = 1; step < 130; step++) {
        struct sha256 h;
        sha256_init(&h);
        for (size_t at = 0; at < sizeof all; at += step)
            sha256_update(&h, all + at, at + step <= sizeof all ? step : sizeof all - at);
        sha256_update(&h, NULL, 0);
        sha256_final(&h, got);
        assert_memory_equal(got, want, SHA256_SIZE);
    }
}

static void md5_of_known_texts(void **state)
{
    (void)state;
    unsigned char out[MD5_SIZE];
    md5_of(out, "", 0);
    assert_hex(out, sizeof out, "d41d8cd98f00b204e9800998ecf8427e");
    md5_of(out, "message digest", 14);
    assert_hex(out, sizeof out, "f96b697d7cb7938d525a2f31aaf161d0");
}

static void crcs_of_known_texts(void **state)
{
    (void)state;
    unsigned char zeros[32] = { 0 };
    assert_int_equal(crc32_of("123456789", 9), 0xCBF43926u);
    assert_int_equal(crc32_of("", 0), 0);
    assert_int_equal(crc32c_of("123456789", 9), 0xE3069283u);
    assert_int_equal(crc32c_of(zeros, 32), 0x8A9136AAu);
}

/* RFC 8032, 7.1, tests 1 and 3. */
static void ed25519_signs_as_the_rfc_does(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *public_key, *message, *signature;
    } cases[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
          "4a7c15e9716ed28dc027beceea1ec40a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char secret[ED25519_KEY], key[ED25519_KEY], message[2], signature[ED25519_SIGNATURE];
        size_t n = strlen(cases[i].message) / 2;
        assert_true(hex_parse(secret, sizeof secret, str_of(cases[i].secret)));
        assert_true(hex_parse(message, n, str_of(cases[i].message)));
        ed25519_public(key, secret);
        assert_hex(key, sizeof key, cases[i].public_key);
        ed25519_sign(signature, key, secret, message, n);
        assert_hex(signature, sizeof signature, cases[i].signature);
        assert_true(ed25519_verify(signature, key, message, n));
    }
}

static void a_changed_byte_fails_verification(void **state)
{
    (void)state;
    unsigned char secret[ED25519_KEY] = { 1 }, key[ED25519_KEY], signature[ED25519_SIGNATURE];
    char message[] = "checkpoint 7";
    ed25519_public(key, secret);
    ed25519_sign(signature, key, secret, message, sizeof message);
    assert_true(ed25519_verify(signature, key, message, sizeof message));
    message[3] ^= 1;
    assert_false(ed25519_verify(signature, key, message, sizeof message));
    message[3] ^= 1;
    signature[40] ^= 1;
    assert_false(ed25519_verify(signature, key, message, sizeof message));
    signature[40] ^= 1;
    key[0] ^= 1;
    assert_false(ed25519_verify(signature, key, message, sizeof message));
}

static void hex_is_exact_about_length_and_digits(void **state)
{
    (void)state;
    unsigned char out[2];
    assert_true(hex_parse(out, 2, STR("00fF")));
    assert_true(out[0] == 0 && out[1] == 255);
    assert_false(hex_parse(out, 2, STR("00f")));
    assert_false(hex_parse(out, 2, STR("00fff")));
    assert_false(hex_parse(out, 2, STR("00fg")));
    assert_false(hex_parse(out, 2, STR("0 ff")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sha256_of_known_texts),
    cmocka_unit_test(sha256_in_pieces_is_the_same),
    cmocka_unit_test(md5_of_known_texts),
    cmocka_unit_test(crcs_of_known_texts),
    cmocka_unit_test(ed25519_signs_as_the_rfc_does),
    cmocka_unit_test(a_changed_byte_fails_verification),
    cmocka_unit_test(hex_is_exact_about_length_and_digits),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
