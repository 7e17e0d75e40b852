/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bounded reader of foreign bytes. */
#include "base/base.h"

#include "test.h"

static void numbers_are_read_in_their_byte_order(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct reader reader = { bytes, sizeof(bytes), false };

	assert_int_equal(lsvm_read_u8(&reader), 1);
	assert_int_equal(lsvm_read_be16(&reader), 0x0203);
	assert_int_equal(lsvm_read_be32(&reader), 0x04050607);
	assert_int_equal(reader.left, 0);
	assert_false(reader.failed);
}

static void native_numbers_are_copied_unaligned(void **state)
{
	uint8_t bytes[15] = { 0xff };
	uint64_t eight = 0x1122334455667788u;
	uint32_t four = 0xaabbccddu;
	uint16_t two = 0x1234;
	struct reader reader = { bytes, sizeof(bytes), false };

	memcpy(bytes + 1, &eight, 8);
	memcpy(bytes + 9, &four, 4);
	memcpy(bytes + 13, &two, 2);
	assert_int_equal(lsvm_read_u8(&reader), 0xff);
	assert_int_equal(lsvm_read_u64(&reader), eight);
	assert_int_equal(lsvm_read_u32(&reader), four);
	assert_int_equal(lsvm_read_u16(&reader), two);
	assert_false(reader.failed);
}

static void a_read_past_the_end_gives_zero_and_sticks(void **state)
{
	static const uint8_t bytes[] = { 9, 9, 9 };
	struct reader reader = { bytes, sizeof(bytes), false };

	assert_int_equal(lsvm_read_be32(&reader), 0);
	assert_true(reader.failed);
	assert_int_equal(lsvm_read_u8(&reader), 0);
	assert_int_equal(reader.left, 3);
}

static void bytes_are_lent_from_the_input(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct reader reader = { bytes, sizeof(bytes), false };

	assert_ptr_equal(lsvm_read_bytes(&reader, 2), bytes);
	assert_ptr_equal(lsvm_read_bytes(&reader, 0), bytes + 2);
	assert_null(lsvm_read_bytes(&reader, SIZE_MAX));
	assert_true(reader.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_in_their_byte_order),
		cmocka_unit_test(native_numbers_are_copied_unaligned),
		cmocka_unit_test(a_read_past_the_end_gives_zero_and_sticks),
		cmocka_unit_test(bytes_are_lent_from_the_input),
	};

	return RUN(tests);
}
