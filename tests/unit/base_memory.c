/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The containers of the ground floor: arena, buf, vec and map. */
#include "base/base.h"

#include <stdio.h>

#include "test.h"

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena arena = { 0 };

	for (size_t size = 1; size < 20000; size = size * 3 + 1) {
		uint8_t *memory = lsvm_arena_alloc(&arena, size);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, size);
	}
	assert_true(arena.bytes > 20000);
	lsvm_arena_free(&arena);
	assert_null(arena.chunks);
}

static void an_arena_remembers_that_it_failed(void **state)
{
	struct arena arena = { 0 };

	assert_null(lsvm_arena_array(&arena, SIZE_MAX / 2, 16));
	assert_true(arena.failed);
	assert_null(lsvm_arena_alloc(&arena, 1));
	assert_null(lsvm_arena_strdup(&arena, "x"));
	lsvm_arena_free(&arena);
	assert_false(arena.failed);
}

static void an_arena_copies_and_formats_text(void **state)
{
	struct arena arena = { 0 };

	assert_string_equal(lsvm_arena_strdup(&arena, ""), "");
	assert_string_equal(lsvm_arena_strndup(&arena, "partition", 4), "part");
	assert_string_equal(lsvm_arena_printf(&arena, "/%s/%u", "vips", 7u), "/vips/7");
	lsvm_arena_free(&arena);
}

static void a_buf_holds_what_was_added(void **state)
{
	struct buf buf = { 0 };
	char *text;

	for (unsigned i = 0; i < 1000; i++) {
		lsvm_buf_printf(&buf, "%03u", i);
		lsvm_buf_text(&buf, ",");
	}
	lsvm_buf_add(&buf, "\0!", 2);
	assert_int_equal(buf.length, 4002);
	assert_memory_equal(buf.data, "000,001,", 8);
	assert_memory_equal(buf.data + 3996, "999,\0!", 7);
	text = lsvm_buf_take(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.length, 0);
	lsvm_free(text);
}

static void an_empty_buf_is_the_empty_text(void **state)
{
	struct buf buf = { 0 };
	char *text = lsvm_buf_take(&buf);

	assert_string_equal(text, "");
	lsvm_free(text);
}

static void a_buf_that_grows_too_far_fails_and_stays_failed(void **state)
{
	struct buf buf = { 0 };

	lsvm_buf_text(&buf, "kept");
	lsvm_buf_add(&buf, "", SIZE_MAX / 4);
	assert_true(buf.failed);
	lsvm_buf_text(&buf, "more");
	assert_int_equal(buf.length, 4);
	assert_null(lsvm_buf_take(&buf));
	assert_false(buf.failed);
}

static void a_vec_keeps_its_items_while_it_grows(void **state)
{
	VEC(uint64_t) vec = { 0 };

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t *item = vec_push(&vec);

		assert_non_null(item);
		assert_int_equal(*item, 0);
		*item = i;
	}
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(vec.items[i], i);
	vec_free(&vec);
	assert_int_equal(vec.count, 0);
}

/* Keys of twelve pairs of words, each pair one of two that leave the fast hash the same:
 * the one's topmost bit comes out as two bits, which the other takes away again. */
static void put_colliding(uint64_t *words, unsigned which)
{
	for (unsigned i = 0; i < 12; i++, which >>= 1) {
		words[2 * i] = 0x6161616161616161u ^ (uint64_t)(which & 1) << 63;
		words[2 * i + 1] = 0x6262626262626262u;
		if (which & 1)
			words[2 * i + 1] ^= 1ull << 63 | 1ull << 31;
	}
}

static void keys_chosen_to_collide_do_not_make_a_map_slow(void **state)
{
	static uint64_t keys[4096][24];
	struct map map = { 0 };
	unsigned at = 0;

	for (; at < 200; at++) {
		put_colliding(keys[at], at);
		assert_int_equal(
			lsvm_map_put(&map, keys[at], sizeof(keys[at]), keys[at], NULL),
			0);
	}
	/* They do collide: otherwise this proves nothing. */
	assert_int_equal(map.secret, 0);
	for (; at < 4096; at++) {
		put_colliding(keys[at], at);
		assert_int_equal(
			lsvm_map_put(&map, keys[at], sizeof(keys[at]), keys[at], NULL),
			0);
	}
	assert_int_not_equal(map.secret, 0);
	for (unsigned i = 0; i < 4096; i++)
		assert_ptr_equal(lsvm_map_get(&map, keys[i], sizeof(keys[i])), keys[i]);
	assert_null(lsvm_map_find(&map, "absent"));
	assert_int_equal(lsvm_map_put(&map, keys[7], sizeof(keys[7]), NULL, NULL),
			 LSVM_ERR_EXISTS);
	lsvm_map_free(&map);
}

static void a_hundred_thousand_plain_names_need_no_secret(void **state)
{
	static char names[100000][16];
	struct map map = { 0 };

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(names[i], sizeof(names[i]), "server%u", i);
		assert_int_equal(
			lsvm_map_put(&map, names[i], strlen(names[i]), names[i], NULL),
			0);
	}
	assert_int_equal(map.secret, 0);
	lsvm_map_free(&map);
}

static void a_map_finds_what_was_put_and_nothing_else(void **state)
{
	static char names[2000][8];
	struct map map = { 0 };

	assert_null(lsvm_map_find(&map, "absent"));
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		assert_int_equal(
			lsvm_map_put(&map, names[i], strlen(names[i]), names[i], NULL),
			0);
	}
	assert_int_equal(map.count, 2000);
	for (unsigned i = 0; i < 2000; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%u", i);
		assert_ptr_equal(lsvm_map_find(&map, name), names[i]);
	}
	assert_null(lsvm_map_find(&map, "n2000"));
	assert_null(lsvm_map_find(&map, ""));
	lsvm_map_free(&map);
}

static void a_second_put_of_a_key_answers_the_first_value(void **state)
{
	struct map map = { 0 };
	int first, second;
	void *old = NULL;

	assert_int_equal(lsvm_map_put(&map, "a", 1, &first, NULL), 0);
	assert_int_equal(lsvm_map_put(&map, "a", 1, &second, &old), LSVM_ERR_EXISTS);
	assert_ptr_equal(old, &first);
	assert_ptr_equal(lsvm_map_find(&map, "a"), &first);
	assert_int_equal(map.count, 1);
	lsvm_map_free(&map);
}

static void map_keys_are_bytes_of_a_length(void **state)
{
	struct map map = { 0 };
	int one, two;

	assert_int_equal(lsvm_map_put(&map, "a\0b", 3, &one, NULL), 0);
	assert_int_equal(lsvm_map_put(&map, "a\0c", 3, &two, NULL), 0);
	assert_ptr_equal(lsvm_map_get(&map, "a\0b", 3), &one);
	assert_ptr_equal(lsvm_map_get(&map, "a\0c", 3), &two);
	assert_null(lsvm_map_get(&map, "a", 1));
	lsvm_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(an_arena_remembers_that_it_failed),
		cmocka_unit_test(an_arena_copies_and_formats_text),
		cmocka_unit_test(a_buf_holds_what_was_added),
		cmocka_unit_test(an_empty_buf_is_the_empty_text),
		cmocka_unit_test(a_buf_that_grows_too_far_fails_and_stays_failed),
		cmocka_unit_test(a_vec_keeps_its_items_while_it_grows),
		cmocka_unit_test(a_map_finds_what_was_put_and_nothing_else),
		cmocka_unit_test(keys_chosen_to_collide_do_not_make_a_map_slow),
		cmocka_unit_test(a_hundred_thousand_plain_names_need_no_secret),
		cmocka_unit_test(a_second_put_of_a_key_answers_the_first_value),
		cmocka_unit_test(map_keys_are_bytes_of_a_length),
	};

	return RUN(tests);
}
