/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events written down and told to a program, by an agent in the test's own time. */
#include "agent_fake.h"

#include "base/json.h"

static const char cluster_text[] =
	"name: small\n"
	"networks:\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"partitions: [{name: web, servers: [eps1], vips: ["
	"{address: 192.0.2.100, services: [{ports: 80}]}]}]\n";

static struct io_ops io;
static struct buf lines;
static bool disk_is_full;

static int keep_line(struct lsvm_host *unused, const char *to, const struct io_log *line)
{
	if (disk_is_full)
		return lsvm_fail(ctx, LSVM_ERR_IO, "the disk is full");
	assert_string_equal(to, "/var/log/svm.log");
	assert_string_equal(line->name, "svm-eds");
	lsvm_buf_printf(&lines, "<%d>%s\n", line->priority, line->text);
	return 0;
}

static int begin(void **state)
{
	disk_is_full = false;
	lines = (struct buf){ 0 };
	io = fake_io;
	io.log = keep_line;
	fake_setup(cluster_text);
	fake.ops.io = &io;
	good(lsvm_agent_new(host, cluster, "eds1", &agent));
	return 0;
}

static int end(void **state)
{
	lsvm_buf_free(&lines);
	return fake_teardown(state);
}

static void say(const char *text)
{
	lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_ERROR, "it", "%s", text);
	good(lsvm_agent_dispatch(agent));
	pass(1);
}

/* How often the text stands in the log. */
static size_t logged(const char *text)
{
	size_t count = 0;

	for (const char *at = lines.length ? lines.data : ""; (at = strstr(at, text));
	     at++)
		count++;
	return count;
}

static void events_are_written_down(void **state)
{
	good(lsvm_agent_set(agent, LSVM_AGENT_LOG, "/var/log/svm.log"));
	good(lsvm_agent_start(agent));
	say("broke");
	assert_int_equal(logged("<3>error failed it: broke\n"), 1);
	assert_int_equal(logged("notice started"), 1);
}

static void a_full_disk_is_told_once_and_what_is_missing_is_counted(void **state)
{
	good(lsvm_agent_set(agent, LSVM_AGENT_LOG, "/var/log/svm.log"));
	good(lsvm_agent_start(agent));
	pass(1);
	disk_is_full = true;
	for (int i = 0; i < 5; i++)
		say("broke");
	assert_true(told(LSVM_EVENT_FAILED, "the disk is full"));
	assert_false(told(LSVM_EVENT_FAILED, "the disk is full"));
	disk_is_full = false;
	say("more");
	assert_int_equal(logged("6 lines before this one are missing"), 1);
	assert_int_equal(logged("error failed it: more"), 1);
	assert_true(told(LSVM_EVENT_APPLIED, "works again"));
}

static void a_log_is_the_journal_or_a_whole_path(void **state)
{
	good(lsvm_agent_set(agent, LSVM_AGENT_LOG, "journal"));
	assert_int_equal(lsvm_agent_set(agent, LSVM_AGENT_LOG, "svm.log"),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_agent_set(agent, LSVM_AGENT_NOTIFY, "tell"),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_agent_set(agent, LSVM_AGENT_METRICS, "9100"),
			 LSVM_ERR_ARGUMENT);
	assert_int_equal(lsvm_agent_set(agent, LSVM_AGENT_CONTROL, "eds.sock"),
			 LSVM_ERR_ARGUMENT);
}

/* ---- the program ---- */

static void begin_program(void)
{
	good(lsvm_agent_set(agent, LSVM_AGENT_NOTIFY, "/usr/local/bin/tell"));
	good(lsvm_agent_start(agent));
	pass(1);
}

static void ends(struct channel *program, int status)
{
	fake_happens(program, &(struct io_event){ .fact = IO_EXITED, .status = status });
	good(lsvm_agent_dispatch(agent));
	pass(1);
}

/* All that waits is told, by programs that end well. */
static size_t end_all(void)
{
	struct channel *program;
	size_t count = 0;

	while ((program = fake_channel(CHANNEL_PROGRAM))) {
		ends(program, 0);
		assert_true(++count < 1000);
	}
	return count;
}

static void each_event_is_told_by_a_program_of_its_own(void **state)
{
	struct channel *program;

	begin_program();
	program = fake_channel(CHANNEL_PROGRAM);
	assert_non_null(program);
	assert_int_equal(program->sent_count, 2); /* the event, and the end */
	assert_int_equal(program->sent_length, 0);
	end_all();
	say("one");
	say("two");
	program = fake_channel(CHANNEL_PROGRAM);
	assert_non_null(program);
	ends(program, 0);
	assert_true(program->closed);
	assert_non_null(fake_channel(CHANNEL_PROGRAM));
	assert_true(fake_channel(CHANNEL_PROGRAM) != program);
	assert_int_equal(end_all(), 1);
}

static void a_program_that_hangs_is_ended_and_told_once(void **state)
{
	struct channel *first;

	begin_program();
	end_all();
	say("one");
	say("two");
	first = fake_channel(CHANNEL_PROGRAM);
	pass(9000);
	assert_false(first->closed);
	pass(2000);
	assert_true(first->closed);
	assert_true(told(LSVM_EVENT_FAILED, "did not end within 10 s"));
	pass(20000);
	assert_false(told(LSVM_EVENT_FAILED, "did not end"));
	/* And once it works again, that is told. */
	say("three");
	end_all();
	assert_true(told(LSVM_EVENT_APPLIED, "works again"));
}

static void a_program_that_fails_is_told_once(void **state)
{
	begin_program();
	end_all();
	say("one");
	say("two");
	ends(fake_channel(CHANNEL_PROGRAM), 7);
	ends(fake_channel(CHANNEL_PROGRAM), 7);
	assert_true(told(LSVM_EVENT_FAILED, "ended with status 7"));
	assert_false(told(LSVM_EVENT_FAILED, "ended with status 7"));
	/* The event about the program is not for the program. */
	assert_null(fake_channel(CHANNEL_PROGRAM));
}

static void what_waits_is_bounded_and_what_is_lost_is_counted(void **state)
{
	begin_program();
	for (int i = 0; i < 300; i++)
		lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_ERROR, "it", "%d",
			       i);
	good(lsvm_agent_dispatch(agent));
	assert_true(end_all() <= 257);
	assert_true(told(LSVM_EVENT_FAILED, "too slow for"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(events_are_written_down),
		T(a_full_disk_is_told_once_and_what_is_missing_is_counted),
		T(a_log_is_the_journal_or_a_whole_path),
		T(each_event_is_told_by_a_program_of_its_own),
		T(a_program_that_hangs_is_ended_and_told_once),
		T(a_program_that_fails_is_told_once),
		T(what_waits_is_bounded_and_what_is_lost_is_counted),
	};

	return RUN(tests);
}
