/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words between machines: said, heard once, and what is refused. */
#include "peer/peer.h"
#include "test.h"

#include <libsvm/agent.h>
#include <stdlib.h>

static struct lsvm_ctx *ctx;
static struct peer_key cluster, eps1, eds2;
static struct peer_hear hear;
static const struct addr from = { 4, { 192, 0, 2, 11 } };

static int setup(void **state)
{
	const uint8_t secret[PEER_KEY_BYTES] = { 1, 2, 3 };

	lsvm_ctx_new(&ctx);
	cluster = (struct peer_key){ .is_cluster = true, .bytes = { 7, 8, 9 } };
	assert_true(lsvm_peer_key_of(&cluster, "eps1", &eps1));
	assert_true(lsvm_peer_key_of(&cluster, "eds2", &eds2));
	lsvm_peer_hear_init(&hear, &cluster, secret);
	return 0;
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

static struct peer_call start(const struct peer_key *key, enum peer_word word, uint8_t n)
{
	const uint8_t nonce[PEER_NONCE_BYTES] = { n };
	struct peer_call call;

	lsvm_peer_call_init(&call, key, word, nonce, 0);
	return call;
}

static enum peer_heard tell(const uint8_t *bytes, size_t length, uint64_t now,
			    struct peer_reply *reply, struct peer_talk **talk,
			    const char **why)
{
	return lsvm_peer_hear_input(&hear, &from, 5000, bytes, length, now, reply, talk,
				    why);
}

/* Up to the word being heard; *ret_word is the datagram with it. */
static struct peer_talk *say(struct peer_call *call, uint8_t *ret_word,
			     size_t *ret_length)
{
	uint8_t bytes[PEER_MESSAGE_BYTES];
	struct peer_talk *talk = NULL;
	struct peer_reply reply;
	const char *why;
	size_t length = lsvm_peer_call_next(call, bytes);

	assert_int_equal(tell(bytes, length, 0, &reply, &talk, &why), PEER_HEARD_NOTHING);
	lsvm_peer_call_input(call, reply.bytes, reply.length, 0);
	assert_int_equal(call->state, PEER_SAYING);
	*ret_length = lsvm_peer_call_next(call, ret_word);
	assert_int_equal(tell(ret_word, *ret_length, 0, &reply, &talk, &why),
			 PEER_HEARD_WORD);
	assert_int_equal(reply.length, 0);
	return talk;
}

static void a_word_is_heard_once_and_answered(void **state)
{
	struct peer_call call = start(&eps1, PEER_UP, 1);
	uint8_t word[PEER_MESSAGE_BYTES];
	struct peer_reply reply;
	struct peer_talk *talk, *again = NULL;
	const char *why;
	size_t length;

	talk = say(&call, word, &length);
	assert_string_equal(talk->message.name, "eps1");
	assert_int_equal(talk->message.word, PEER_UP);
	/* While it is acted upon a repeated word changes nothing. */
	assert_int_equal(tell(word, length, 1, &reply, &again, &why), PEER_HEARD_NOTHING);
	assert_int_equal(reply.length, 0);
	lsvm_peer_hear_answer(&hear, talk, 42, &reply);
	/* The answer was lost; the word comes again and gets it again. */
	assert_int_equal(tell(word, length, 2, &reply, &again, &why), PEER_HEARD_NOTHING);
	assert_null(again);
	lsvm_peer_call_input(&call, reply.bytes, reply.length, 2);
	assert_int_equal(call.state, PEER_DONE);
	assert_int_equal(call.number, 42);
	assert_true(lsvm_peer_call_deadline(&call) == IO_NEVER);
	assert_int_equal(lsvm_peer_call_next(&call, word), 0);
}

static void a_recorded_word_is_worth_nothing(void **state)
{
	const uint8_t other_secret[PEER_KEY_BYTES] = { 9 };
	struct peer_call call = start(&eps1, PEER_UP, 1);
	uint8_t word[PEER_MESSAGE_BYTES];
	struct peer_reply reply;
	struct peer_talk *talk;
	const char *why = "";
	size_t length;

	talk = say(&call, word, &length);
	lsvm_peer_hear_answer(&hear, talk, 0, &reply);
	/* The talk is forgotten: others began since. */
	for (uint8_t n = 2; n < 10; n++) {
		struct peer_call later = start(&eps1, PEER_UP, n);
		uint8_t bytes[PEER_MESSAGE_BYTES];

		tell(bytes, lsvm_peer_call_next(&later, bytes), 3, &reply, &talk, &why);
	}
	assert_int_equal(tell(word, length, 4, &reply, &talk, &why), PEER_HEARD_REFUSED);
	assert_non_null(strstr(why, "sent again"));
	/* Nor after the director was started anew. */
	lsvm_peer_hear_init(&hear, &cluster, other_secret);
	assert_int_equal(tell(word, length, 5, &reply, &talk, &why), PEER_HEARD_REFUSED);
}

static void another_key_another_name_and_a_changed_bit_are_refused(void **state)
{
	struct peer_key other = { .is_cluster = true, .bytes = { 1 } }, key;
	struct peer_call call;
	uint8_t bytes[PEER_MESSAGE_BYTES];
	struct peer_reply reply;
	struct peer_talk *talk;
	const char *why;
	size_t length;

	assert_true(lsvm_peer_key_of(&other, "eps1", &key));
	call = start(&key, PEER_UP, 1);
	length = lsvm_peer_call_next(&call, bytes);
	assert_int_equal(tell(bytes, length, 0, &reply, &talk, &why), PEER_HEARD_REFUSED);
	assert_string_equal(why, "signed with another key");
	/* eps1 cannot speak for eps2. */
	key = eps1;
	strcpy(key.name, "eps2");
	call = start(&key, PEER_UP, 1);
	length = lsvm_peer_call_next(&call, bytes);
	assert_int_equal(tell(bytes, length, 0, &reply, &talk, &why), PEER_HEARD_REFUSED);
	call = start(&eps1, PEER_UP, 1);
	length = lsvm_peer_call_next(&call, bytes);
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 4;
		assert_int_equal(tell(bytes, length, 0, &reply, &talk, &why),
				 PEER_HEARD_REFUSED);
		bytes[i] ^= 4;
		assert_int_equal(tell(bytes, i, 0, &reply, &talk, &why),
				 PEER_HEARD_REFUSED);
	}
	assert_int_equal(tell(bytes, length, 0, &reply, &talk, &why), PEER_HEARD_NOTHING);
	/* What we said ourselves, sent back. */
	assert_int_equal(tell(reply.bytes, reply.length, 0, &reply, &talk, &why),
			 PEER_HEARD_REFUSED);
	assert_string_equal(why, "our own words, sent back");
}

static void old_hellos_of_one_machine_keep_no_other_out(void **state)
{
	uint8_t bytes[PEER_MESSAGE_BYTES];
	struct peer_reply reply;
	struct peer_talk *talk;
	const char *why;

	for (unsigned n = 0; n < 2 * PEER_TALKS_MAX; n++) {
		struct peer_call call = start(&eps1, PEER_UP, (uint8_t)n);

		call.message.caller[1] = (uint8_t)(n >> 8);
		assert_int_equal(tell(bytes, lsvm_peer_call_next(&call, bytes), 0, &reply,
				      &talk, &why),
				 PEER_HEARD_NOTHING);
		assert_true(reply.length > 0);
	}
	struct peer_call call = start(&eds2, PEER_TELL, 1);
	size_t length;

	assert_non_null(say(&call, bytes, &length));
}

static void a_call_repeats_begins_again_and_gives_up(void **state)
{
	struct peer_call call = start(&eps1, PEER_UP, 1);
	uint8_t bytes[PEER_MESSAGE_BYTES];
	struct peer_message message;
	unsigned sent = 0, hellos = 0;
	struct peer_reply reply;
	struct peer_talk *talk;
	const char *why;
	uint64_t now = 0;

	/* The challenge comes, and then never an answer. */
	tell(bytes, lsvm_peer_call_next(&call, bytes), 0, &reply, &talk, &why);
	lsvm_peer_call_input(&call, reply.bytes, reply.length, 0);
	while (call.state != PEER_GIVEN_UP) {
		size_t length = lsvm_peer_call_next(&call, bytes);

		if (length) {
			sent++;
			assert_true(lsvm_peer_decode(bytes, length, &message));
			hellos += message.type == PEER_HELLO;
		}
		assert_true(lsvm_peer_call_deadline(&call) > now);
		now = lsvm_peer_call_deadline(&call);
		lsvm_peer_call_tick(&call, now);
	}
	assert_true(now == PEER_PATIENCE_NS);
	assert_in_range(sent, 5, 20);
	assert_true(hellos >= 1);
	/* A late answer of anybody changes nothing any more. */
	lsvm_peer_call_input(&call, reply.bytes, reply.length, now);
	assert_int_equal(call.state, PEER_GIVEN_UP);
}

static void keys_are_text_and_a_machine_s_follows_from_the_cluster_s(void **state)
{
	static const char *const bad[] = { "", "svm-key-1 cluster 12",
					   "svm-key-2 cluster ", "svm-key-1 machine  00",
					   "svm-key-1 machine eps1 zz" };
	uint8_t random[PEER_KEY_BYTES] = { 5 };
	char *text = NULL, *machine = NULL, *none = NULL;
	struct peer_key key, expected;

	assert_int_equal(lsvm_key_generate(ctx, random, sizeof(random), &text), 0);
	assert_int_equal(lsvm_peer_key_parse(ctx, text, strlen(text), &key), 0);
	assert_true(key.is_cluster);
	assert_memory_equal(key.bytes, random, sizeof(random));
	assert_int_equal(lsvm_key_derive(ctx, text, strlen(text), "eps1", &machine), 0);
	assert_true(lsvm_peer_key_of(&key, "eps1", &expected));
	assert_int_equal(lsvm_peer_key_parse(ctx, machine, strlen(machine), &key), 0);
	assert_false(key.is_cluster);
	assert_string_equal(key.name, "eps1");
	assert_memory_equal(key.bytes, expected.bytes, sizeof(key.bytes));
	assert_int_equal(lsvm_key_derive(ctx, machine, strlen(machine), "eps2", &none),
			 LSVM_ERR_PERMISSION);
	assert_int_equal(lsvm_key_derive(ctx, text, strlen(text), "a b", &none),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_key_generate(ctx, random, 16, &none), LSVM_ERR_ARGUMENT);
	assert_null(none);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(lsvm_peer_key_parse(ctx, bad[i], strlen(bad[i]), &key),
				 LSVM_ERR_PARSE);
	text[strlen(text) - 2] = '\0';
	assert_int_equal(lsvm_peer_key_parse(ctx, text, strlen(text), &key),
			 LSVM_ERR_PARSE);
	lsvm_free(text);
	lsvm_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_word_is_heard_once_and_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_recorded_word_is_worth_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			another_key_another_name_and_a_changed_bit_are_refused, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			old_hellos_of_one_machine_keep_no_other_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call_repeats_begins_again_and_gives_up,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			keys_are_text_and_a_machine_s_follows_from_the_cluster_s, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
