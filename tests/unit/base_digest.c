/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests, by the examples of FIPS 180-4 and RFC 4231. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char *hex(const uint8_t bytes[DIGEST_BYTES], char *buf)
{
	for (int i = 0; i < DIGEST_BYTES; i++)
		sprintf(buf + 2 * i, "%02x", bytes[i]);
	return buf;
}

static void a_digest_is_that_of_the_standard_whole_or_in_pieces(void **state)
{
	static const char text[] =
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct digest *digest = lsvm_digest_new();
	uint8_t bytes[DIGEST_BYTES];
	char buf[2 * DIGEST_BYTES + 1];

	assert_true(lsvm_digest_add(digest, "abc", 3));
	assert_true(lsvm_digest_end(digest, bytes));
	assert_string_equal(hex(bytes, buf), "ba7816bf8f01cfea414140de5dae2223"
					     "b00361a396177a9cb410ff61f20015ad");
	for (size_t i = 0; i < strlen(text); i++)
		assert_true(lsvm_digest_add(digest, text + i, 1));
	assert_true(lsvm_digest_end(digest, bytes));
	assert_string_equal(hex(bytes, buf), "248d6a61d20638b8e5c026930c3e6039"
					     "a33ce45964ff2167f6ecedd419db06c1");
	lsvm_digest_free(digest);
	lsvm_digest_free(NULL);
}

static void a_code_is_that_of_the_standard(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	uint8_t bytes[DIGEST_BYTES];
	char buf[2 * DIGEST_BYTES + 1];

	assert_true(lsvm_hmac("Jefe", 4, text, strlen(text), bytes));
	assert_string_equal(hex(bytes, buf), "5bdcc146bf60754e6a042426089575c7"
					     "5a003f089d2739839dec58b964ec3843");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_that_of_the_standard_whole_or_in_pieces),
		cmocka_unit_test(a_code_is_that_of_the_standard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
