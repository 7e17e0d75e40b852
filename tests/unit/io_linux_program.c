/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs beside the real machine: what they are fed and say, how they end. */
#include "io_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct channel *run(struct world *w, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return OPEN(w, NULL, .kind = CHANNEL_PROGRAM, .argv = argv);
}

/* All that it prints until it ends. */
static int ends(struct world *w, char *text, size_t size)
{
	size_t length = 0;

	for (;;) {
		assert_true(await_ms(w, WAIT_MS));
		if (fact.fact != IO_BYTES)
			break;
		assert_true(length + fact.length < size);
		memcpy(text + length, fact.bytes, fact.length);
		length += fact.length;
	}
	text[length] = '\0';
	assert_int_equal(fact.fact, IO_EXITED);
	return fact.status;
}

static void a_program_says_its_words_and_its_status(void **state)
{
	struct world *w = *state;
	char text[256];
	struct channel *c = run(w, "echo one; echo two >&2; exit 7");

	assert_int_equal(ends(w, text, sizeof(text)), 7);
	assert_string_equal(text, "one\ntwo\n");
	w->io->close(w->host, c);
	c = run(w, "kill -TERM $$");
	assert_int_equal(ends(w, text, sizeof(text)), 128 + SIGTERM);
	w->io->close(w->host, c);
	assert_false(await_ms(w, 20));
}

static void a_program_reads_what_is_sent(void **state)
{
	struct world *w = *state;
	static char many[300000], text[300100];
	struct channel *c = run(w, "cat; echo end");

	memset(many, 'x', sizeof(many));
	assert_true(w->io->send(w->host, c, many, sizeof(many), NULL, 0));
	assert_true(w->io->send(w->host, c, "", 0, NULL, 0));
	assert_int_equal(ends(w, text, sizeof(text)), 0);
	assert_int_equal(strlen(text), sizeof(many) + 4);
	w->io->close(w->host, c);
}

static void a_program_that_reads_nothing_hurts_nobody(void **state)
{
	struct world *w = *state;
	static char many[300000];
	char text[16];
	struct channel *c = run(w, "exec 0<&-; echo closed; read x; sleep 0.05");

	expect(w, IO_BYTES);
	/* SIGPIPE would end this process. */
	assert_true(w->io->send(w->host, c, many, sizeof(many), NULL, 0));
	ends(w, text, sizeof(text));
	assert_true(w->io->send(w->host, c, many, sizeof(many), NULL, 0));
	w->io->close(w->host, c);
}

static void a_program_that_is_not_there_is_a_failure(void **state)
{
	struct world *w = *state;
	const char *const missing[] = { "no-such-program", NULL };
	const char *const closed[] = { "/etc/passwd", NULL };
	struct channel *c = OPEN(w, NULL, .kind = CHANNEL_PROGRAM, .argv = missing);

	expect_failure(w, IO_ERROR_OTHER);
	assert_non_null(strstr(fact.text, "no such program"));
	w->io->close(w->host, c);
	c = OPEN(w, NULL, .kind = CHANNEL_PROGRAM, .argv = closed);
	expect_failure(w, IO_ERROR_PERMISSION);
	w->io->close(w->host, c);
}

static void a_flood_of_output_ends_the_channel(void **state)
{
	struct world *w = *state;
	struct channel *c = run(w, "yes");
	size_t total = 0;

	do {
		assert_true(await_ms(w, WAIT_MS));
		total += fact.length;
	} while (fact.fact == IO_BYTES);
	assert_int_equal(fact.fact, IO_FAILED);
	assert_int_equal(fact.error, IO_ERROR_OVERFLOW);
	assert_true(total <= 1024 * 1024);
	w->io->close(w->host, c);
	assert_false(await_ms(w, 20));
}

static void closing_ends_all_that_it_started(void **state)
{
	struct world *w = *state;
	struct channel *c =
		run(w, "trap '' TERM INT HUP; for i in 1 2 3; do (trap '' TERM; "
		       "sleep 1000; :) & done; sleep 1000 & echo $!; wait");
	char text[32] = "";
	int pid;

	expect(w, IO_BYTES);
	memcpy(text, fact.bytes, fact.length);
	pid = atoi(text);
	assert_int_equal(kill(pid, 0), 0);
	w->io->close(w->host, c);
	/* Some are the machine's first process to reap. */
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
		char path[64], line[512] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		file = fopen(path, "r");
		if (!file || (fgets(line, sizeof(line), file) && strstr(line, ") Z"))) {
			if (file)
				fclose(file);
			return;
		}
		fclose(file);
		usleep(10000);
	}
	assert_true(kill(pid, 0) < 0);
}

static void a_grandchild_outlives_the_program_until_the_channel_is_closed(void **state)
{
	struct world *w = *state;
	char text[32];
	/* It holds the output open: the end is told all the same. */
	struct channel *c = run(w, "sleep 1000 & echo $!");

	assert_int_equal(ends(w, text, sizeof(text)), 0);
	assert_int_equal(kill(atoi(text), 0), 0);
	w->io->close(w->host, c);
}

static void what_others_wait_for_is_left_to_them(void **state)
{
	struct world *w = *state;
	char text[32];
	pid_t other = fork();
	struct channel *c;
	int status;

	assert_true(other >= 0);
	if (!other)
		_exit(5);
	c = run(w, "exit 3");
	assert_int_equal(ends(w, text, sizeof(text)), 3);
	w->io->close(w->host, c);
	while (await_ms(w, 10))
		;
	assert_int_equal(waitpid(-1, &status, 0), other);
	assert_int_equal(WEXITSTATUS(status), 5);
}

static void a_status_that_others_took_is_unknown(void **state)
{
	struct world *w = *state;
	char text[32];
	struct channel *c;

	signal(SIGCHLD, SIG_IGN);
	c = run(w, "echo x; exit 4");
	assert_int_equal(ends(w, text, sizeof(text)), -1);
	assert_string_equal(text, "x\n");
	w->io->close(w->host, c);
	signal(SIGCHLD, SIG_DFL);
	assert_false(await_ms(w, 10));
}

static void a_program_gets_nothing_but_its_three_descriptors(void **state)
{
	struct world *w = *state;
	char text[256];
	int leak = fcntl(0, F_DUPFD, 77);
	struct channel *c = run(w, "test -e /proc/self/fd/77 && echo leaked; trap 2>&1");

	assert_true(leak >= 77);
	assert_int_equal(ends(w, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	w->io->close(w->host, c);
	close(leak);
}

static void many_programs_run_at_once(void **state)
{
	struct world *w = *state;
	struct channel *c[40];
	int ended = 0;

	for (int i = 0; i < 40; i++)
		c[i] = run(w, "echo x");
	while (ended < 40) {
		assert_true(await_ms(w, WAIT_MS));
		ended += fact.fact == IO_EXITED;
	}
	for (int i = 0; i < 40; i++)
		w->io->close(w->host, c[i]);
	assert_false(await_ms(w, 50));
	/* None is left to be reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(a_program_says_its_words_and_its_status),
		WORLD(a_program_reads_what_is_sent),
		WORLD(a_program_that_reads_nothing_hurts_nobody),
		WORLD(a_program_that_is_not_there_is_a_failure),
		WORLD(a_flood_of_output_ends_the_channel),
		WORLD(closing_ends_all_that_it_started),
		WORLD(a_grandchild_outlives_the_program_until_the_channel_is_closed),
		WORLD(what_others_wait_for_is_left_to_them),
		WORLD(a_status_that_others_took_is_unknown),
		WORLD(a_program_gets_nothing_but_its_three_descriptors),
		WORLD(many_programs_run_at_once),
	};

	return RUN(tests);
}
