/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control socket and the port with figures, by an agent that lives in the test's own
 * time: what callers get, and what they get when they behave badly. */
#include "agent_fake.h"

#include "agent/control.h"
#include "base/json.h"

static const char cluster_text[] =
	"name: small\n"
	"networks:\n"
	"  - {name: front, subnets: 192.0.2.0/24}\n"
	"directors: [{name: eds1, interfaces: [{network: front, addresses: "
	"192.0.2.11}]}]\n"
	"servers:\n"
	"  - {name: eps1, interfaces: [{network: front, addresses: 192.0.2.21}]}\n"
	"  - {name: eps2, interfaces: [{network: front, addresses: 192.0.2.22}]}\n"
	"partitions: [{name: web, servers: [eps1, eps2], checks: [tcp], vips: ["
	"{name: a1, address: 192.0.2.100, services: [{ports: 80-99}]}]}]\n";

/* What all callers were sent, each by its channel. */
static struct mailbox {
	struct channel *channel;
	struct buf text;
	size_t waiting;
} mailboxes[CONTROL_CALLERS_MAX + 8];
static size_t mailbox_count;
static struct {
	struct channel request;
	int status;
	struct buf text;
	const char *type;
} http;
static struct io_ops io;

static struct mailbox *mailbox(const struct channel *channel)
{
	for (size_t i = 0; i < mailbox_count; i++)
		if (mailboxes[i].channel == channel)
			return &mailboxes[i];
	return NULL;
}

static bool keep_sent(struct lsvm_host *unused, struct channel *channel,
		      const void *bytes, size_t length, const struct addr *to,
		      uint16_t to_port)
{
	struct mailbox *box = mailbox(channel);

	if (!box)
		return true;
	assert_false(channel->closed);
	lsvm_buf_add(&box->text, bytes, length);
	return true;
}

static size_t told_waiting(struct lsvm_host *unused, const struct channel *channel)
{
	struct mailbox *box = mailbox(channel);

	return box ? box->waiting : 0;
}

static void keep_reply(struct lsvm_host *unused, struct channel *request, int status,
		       const char *content_type, const char *text, size_t length)
{
	http.status = status;
	http.type = content_type;
	lsvm_buf_free(&http.text);
	lsvm_buf_add(&http.text, text, length);
}

static int begin(void **state)
{
	mailbox_count = 0;
	http.status = 0;
	io = fake_io;
	io.send = keep_sent;
	io.waiting = told_waiting;
	io.reply = keep_reply;
	fake_setup(cluster_text);
	fake.ops.io = &io;
	good(lsvm_agent_new(host, cluster, "eds1", &agent));
	good(lsvm_agent_set(agent, LSVM_AGENT_CONTROL, "/run/svm/eds.sock"));
	good(lsvm_agent_set(agent, LSVM_AGENT_METRICS, "127.0.0.1:9100"));
	good(lsvm_agent_start(agent));
	return 0;
}

static int end(void **state)
{
	for (size_t i = 0; i < mailbox_count; i++)
		lsvm_buf_free(&mailboxes[i].text);
	lsvm_buf_free(&http.text);
	return fake_teardown(state);
}

/* Somebody connects. */
static struct mailbox *come(void)
{
	struct channel *listener = fake_channel(CHANNEL_LISTEN_LOCAL);
	const struct channel_spec spec = { .kind = CHANNEL_TCP };
	struct mailbox *box = &mailboxes[mailbox_count++];

	assert_non_null(listener);
	*box = (struct mailbox){ 0 };
	fake_open(host, &spec, NULL, &box->channel);
	fake_happens(listener,
		     &(struct io_event){ .fact = IO_ACCEPTED, .accepted = box->channel });
	good(lsvm_agent_dispatch(agent));
	return box;
}

static void speak_bytes(struct mailbox *box, const char *text, size_t length)
{
	fake_happens(box->channel, &(struct io_event){ .fact = IO_BYTES,
						       .bytes = (const uint8_t *)text,
						       .length = length });
	good(lsvm_agent_dispatch(agent));
}

static void speak(struct mailbox *box, const char *text)
{
	speak_bytes(box, text, strlen(text));
}

/* The answer, which must be one line of JSON. */
static json_t *ask(struct mailbox *box, const char *text)
{
	json_error_t error;
	json_t *json;

	box->text.length = 0;
	speak(box, text);
	pass(10);
	if (!box->text.length || box->text.data[box->text.length - 1] != '\n')
		fail_msg("no line came");
	json = json_loadb(box->text.data, box->text.length, 0, &error);
	if (!json)
		fail_msg("%s: %.200s", error.text, box->text.data);
	return json;
}

static bool is_ok(json_t *json)
{
	bool ok = json_is_true(json_object_get(json, "ok"));

	json_decref(json);
	return ok;
}

static void assert_error(json_t *json, const char *word, const char *text)
{
	const char *has = json_string_value(json_object_get(json, "text"));

	assert_string_equal(json_string_value(json_object_get(json, "error")), word);
	if (!strstr(has, text))
		fail_msg("'%s' is not in '%s'", text, has);
	json_decref(json);
}

/* ---- what is asked ---- */

static void the_status_comes_in_pieces_and_is_one_document(void **state)
{
	struct mailbox *box = come();
	json_t *json = ask(box, "{\"command\":\"status\"}\n"),
	       *status = json_object_get(json, "status"),
	       *pool = json_object_get(status, "pool");
	char *text;

	assert_string_equal(json_string_value(json_object_get(status, "schema")),
			    "lsvm-agent-status/1");
	assert_int_equal(json_array_size(json_object_get(pool, "services")), 20);
	assert_int_equal(json_array_size(json_object_get(status, "checks")), 40);
	json_decref(json);
	good(lsvm_agent_status_to_json(agent, &text));
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	lsvm_free(text);
}

static void figures_are_what_prometheus_reads(void **state)
{
	struct mailbox *box = come();
	json_t *json = ask(box, "{\"command\":\"metrics\"}\n");
	const char *text = json_string_value(json_object_get(json, "metrics"));
	char why[200], *own;

	assert_non_null(text);
	if (!lsvm_exposition_check(text, strlen(text), why, sizeof(why)))
		fail_msg("%s\n%s", why, text);
	assert_non_null(strstr(text, "\nlsvm_events_total{kind=\"started\"} 1\n"));
	assert_non_null(strstr(text, "\nlsvm_director_master 1\n"));
	assert_non_null(strstr(text, "lsvm_server_weight{service=\"tcp 192.0.2.100:80\","
				     "server=\"eps1\",address=\"192.0.2.21:80\"} 1\n"));
	assert_non_null(strstr(text, "lsvm_ipvs_connections_total{service="));
	json_decref(json);
	good(lsvm_agent_metrics_to_text(agent, &own));
	assert_true(lsvm_exposition_check(own, strlen(own), NULL, 0));
	lsvm_free(own);
}

static void servers_are_drained_and_enabled(void **state)
{
	struct mailbox *box = come();

	assert_true(is_ok(ask(box, "{\"command\":\"drain\",\"server\":\"eps1\"}\n")));
	assert_true(told(LSVM_EVENT_DRAINED, "drained"));
	assert_true(is_ok(ask(box, "{\"command\":\"enable\",\"server\":\"eps1\","
				   "\"partition\":\"web\"}\n")));
	assert_true(told(LSVM_EVENT_ENABLED, "enabled in partition web"));
	assert_error(ask(box, "{\"command\":\"drain\",\"server\":\"x\"}\n"), "not-found",
		     "eps1, eps2");
	assert_error(ask(box, "{\"command\":\"drain\"}\n"), "argument", "server");
	assert_error(ask(box, "{\"command\":\"drain\",\"server\":7}\n"), "argument",
		     "server");
	assert_error(ask(box, "{\"command\":\"drain\",\"serve\":\"x\"}\n"), "argument",
		     "'serve'");
}

static void events_are_kept_and_followed(void **state)
{
	struct mailbox *box = come(), *follower = come();
	json_t *json = ask(box, "{\"command\":\"events\"}\n"),
	       *events = json_object_get(json, "events");
	const size_t count = json_array_size(events);

	assert_true(count >= 2);
	assert_int_equal(json_integer_value(json_object_get(json, "last")), count);
	json_decref(json);
	json = ask(box, "{\"command\":\"events\",\"since\":1}\n");
	assert_int_equal(json_array_size(json_object_get(json, "events")), count - 1);
	json_decref(json);
	json = ask(box, "{\"command\":\"events\",\"since\":999}\n");
	assert_int_equal(json_array_size(json_object_get(json, "events")), 0);
	json_decref(json);
	assert_true(is_ok(ask(follower, "{\"command\":\"events\",\"follow\":true}\n")));
	follower->text.length = 0;
	assert_true(is_ok(ask(box, "{\"command\":\"drain\",\"server\":\"eps1\"}\n")));
	pass(1);
	assert_true(follower->text.length && strstr(follower->text.data, "\"drained\""));
	/* A follower may be silent for ever. */
	pass(1000 * 600);
	assert_false(follower->channel->closed);
	assert_true(box->channel->closed);
}

static void a_follower_that_takes_nothing_is_cut_off_and_told_why(void **state)
{
	struct mailbox *follower = come(), *box = come();

	assert_true(is_ok(ask(follower, "{\"command\":\"events\",\"follow\":true}\n")));
	follower->text.length = 0;
	follower->waiting = CONTROL_WAITING_BYTES + 1;
	for (int i = 0; i < CONTROL_EVENTS_KEPT + 10; i++)
		lsvm_agent_say(agent, LSVM_EVENT_FAILED, LSVM_SEVERITY_ERROR, "x", "%d",
			       i);
	pass(10);
	assert_int_equal(follower->text.length, 0);
	follower->waiting = 0;
	fake_happens(follower->channel, &(struct io_event){ .fact = IO_DRAINED });
	good(lsvm_agent_dispatch(agent));
	assert_true(follower->channel->closed);
	assert_non_null(strstr(follower->text.data, "more slowly than they come"));
	assert_true(is_ok(ask(box, "{\"command\":\"events\",\"since\":1000}\n")));
	assert_true(told(LSVM_EVENT_REFUSED, "more slowly"));
}

static void a_long_answer_waits_for_who_takes_it(void **state)
{
	struct mailbox *box = come();

	box->waiting = CONTROL_WAITING_BYTES + 1;
	speak(box, "{\"command\":\"status\"}\n");
	pass(10);
	assert_int_equal(box->text.length, 0);
	box->waiting = 0;
	fake_happens(box->channel, &(struct io_event){ .fact = IO_DRAINED });
	good(lsvm_agent_dispatch(agent));
	pass(10);
	assert_true(box->text.length > 1000);
}

static void a_reload_is_answered_when_it_is_done(void **state)
{
	struct mailbox *box = come();
	struct lsvm_cluster *next;

	speak(box, "{\"command\":\"reload\"}\n");
	assert_true(lsvm_agent_is_reload_asked(agent));
	assert_int_equal(box->text.length, 0);
	next = load(cluster_text);
	good(lsvm_agent_reload(agent, next));
	lsvm_cluster_unref(next);
	assert_false(lsvm_agent_is_reload_asked(agent));
	assert_string_equal(box->text.data, "{\"ok\":true}\n");
	box->text.length = 0;
	speak(box, "{\"command\":\"reload\"}\n");
	good(lsvm_agent_refuse_reload(agent, "the file is gone"));
	assert_false(lsvm_agent_is_reload_asked(agent));
	assert_non_null(strstr(box->text.data, "the file is gone"));
	assert_true(told(LSVM_EVENT_REFUSED, "the file is gone"));
	/* It may ask on. */
	assert_true(is_ok(ask(box, "{\"command\":\"events\"}\n")));
}

static void stop_is_an_orderly_end(void **state)
{
	struct mailbox *box = come();

	speak(box, "{\"command\":\"stop\"}\n");
	assert_string_equal(box->text.data, "{\"ok\":true}\n");
	pass(5000);
	assert_true(lsvm_agent_is_finished(agent));
}

/* ---- bad manners ---- */

static void garbage_is_answered_with_a_reason_and_let_go(void **state)
{
	static const char *const garbage[] = {
		"\n",
		"x\n",
		"[]\n",
		"7\n",
		"{}\n",
		"{\"command\":1}\n",
		"{\"command\":\"status\",\"command\":\"status\"}\n",
		"\xff\xfe\n",
		"{\"command\":\"status\"\n",
		"GET / HTTP/1.1\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct mailbox *box = come();

		assert_error(ask(box, garbage[i]), "parse", "what it says");
		assert_true(box->channel->closed);
	}
	assert_true(told(LSVM_EVENT_REFUSED, "what it says"));
	assert_false(told(LSVM_EVENT_REFUSED, "what it says")); /* once a minute */
	assert_error(ask(come(), "{\"command\":\"\xc3\xa4\"}\n"), "not-found",
		     "there are status");
}

static void a_line_has_an_end_somewhere(void **state)
{
	char line[CONTROL_LINE_BYTES + 1];
	struct mailbox *box = come();

	memset(line, ' ', sizeof(line));
	speak_bytes(box, line, CONTROL_LINE_BYTES);
	assert_false(box->channel->closed);
	speak_bytes(box, line, 1);
	assert_true(box->channel->closed);
	assert_non_null(strstr(box->text.data, "4096"));
}

static void lines_come_in_any_pieces(void **state)
{
	struct mailbox *box = come();
	const char *text = "{\"command\":\"enable\",\"server\":\"eps1\"}\n"
			   "{\"command\":\"enable\",\"server\":\"eps2\"}\n";

	for (size_t i = 0; text[i]; i++)
		speak_bytes(box, &text[i], 1);
	assert_string_equal(box->text.data, "{\"ok\":true}\n{\"ok\":true}\n");
}

static void a_flood_of_requests_is_not_worked_off(void **state)
{
	struct mailbox *box = come(), *other = come();
	struct buf flood = { 0 };

	for (int i = 0; i < 1000; i++)
		lsvm_buf_text(&flood, "{\"command\":\"enable\",\"server\":\"eps1\"}\n");
	speak_bytes(box, flood.data, flood.length);
	lsvm_buf_free(&flood);
	assert_true(box->channel->closed);
	assert_non_null(strstr(box->text.data, "before the answer came"));
	speak(other, "{\"command\":\"status\"}\n{\"command\":\"status\"}\n");
	assert_true(other->channel->closed);
	/* In the middle of an answer the reason still has a line of its own. */
	other = come();
	speak(other, "{\"command\":\"status\"}\n");
	speak(other, "{\"command\":\"status\"}\n");
	assert_true(other->channel->closed);
	assert_non_null(strstr(other->text.data, "\n{\"ok\":false"));
}

static void callers_beyond_the_limit_are_told_to_come_again(void **state)
{
	struct mailbox *last = NULL;

	for (int i = 0; i <= CONTROL_CALLERS_MAX; i++)
		last = come();
	assert_true(last->channel->closed);
	assert_non_null(strstr(last->text.data, "\"busy\""));
	assert_false(mailboxes[0].channel->closed);
	fake_happens(mailboxes[0].channel, &(struct io_event){ .fact = IO_ENDED });
	good(lsvm_agent_dispatch(agent));
	assert_true(mailboxes[0].channel->closed);
	assert_false(come()->channel->closed);
}

static void one_dispatch_makes_few_pieces_however_many_ask(void **state)
{
	size_t before = 0, after = 0, served = 0;

	for (int i = 0; i < CONTROL_CALLERS_MAX; i++)
		come();
	for (int i = 0; i < CONTROL_CALLERS_MAX; i++)
		fake_happens(mailboxes[i].channel,
			     &(struct io_event){ .fact = IO_BYTES,
						 .bytes =
							 (const uint8_t *)"{\"command\":"
									  "\"status\"}\n",
						 .length = 21 });
	good(lsvm_agent_dispatch(agent));
	for (int i = 0; i < CONTROL_CALLERS_MAX; i++)
		before += mailboxes[i].text.length != 0;
	assert_true(before <= 4);
	pass(100);
	for (int i = 0; i < CONTROL_CALLERS_MAX; i++) {
		struct buf *text = &mailboxes[i].text;

		served += text->length && text->data[text->length - 1] == '\n';
		after += text->length;
	}
	assert_int_equal(served, CONTROL_CALLERS_MAX);
	assert_true(after > before);
}

static void a_socket_that_cannot_be_opened_is_tried_again(void **state)
{
	struct channel *listener = fake_channel(CHANNEL_LISTEN_LOCAL);

	fake_happens(listener,
		     &(struct io_event){ .fact = IO_FAILED, .error = IO_ERROR_ADDRESS });
	good(lsvm_agent_dispatch(agent));
	assert_true(told(LSVM_EVENT_FAILED, "another agent answers"));
	assert_null(fake_channel(CHANNEL_LISTEN_LOCAL));
	pass(2000);
	assert_non_null(fake_channel(CHANNEL_LISTEN_LOCAL));
	come();
	assert_true(told(LSVM_EVENT_APPLIED, "works again"));
}

/* ---- HTTP ---- */

static void get(const char *path)
{
	struct channel *port = fake_channel(CHANNEL_HTTP);

	assert_non_null(port);
	http.status = 0;
	fake_happens(port, &(struct io_event){ .fact = IO_REQUEST,
					       .text = path,
					       .accepted = &http.request });
	good(lsvm_agent_dispatch(agent));
	pass(10);
}

static void figures_and_status_come_by_http(void **state)
{
	json_t *json;

	get("/metrics");
	assert_int_equal(http.status, 200);
	assert_string_equal(http.type, EXPOSITION_TYPE);
	assert_true(lsvm_exposition_check(http.text.data, http.text.length, NULL, 0));
	get("/status?x=1");
	assert_int_equal(http.status, 200);
	json = json_loadb(http.text.data, http.text.length, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	get("/metrics2");
	assert_int_equal(http.status, 404);
	get("/");
	assert_int_equal(http.status, 404);
}

static void a_port_that_is_taken_is_tried_again(void **state)
{
	struct channel *port = fake_channel(CHANNEL_HTTP);

	fake_happens(port,
		     &(struct io_event){ .fact = IO_FAILED, .error = IO_ERROR_ADDRESS });
	good(lsvm_agent_dispatch(agent));
	assert_true(told(LSVM_EVENT_FAILED, "127.0.0.1:9100"));
	assert_null(fake_channel(CHANNEL_HTTP));
	pass(2000);
	get("/status");
	assert_int_equal(http.status, 200);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(the_status_comes_in_pieces_and_is_one_document),
		T(figures_are_what_prometheus_reads),
		T(servers_are_drained_and_enabled),
		T(events_are_kept_and_followed),
		T(a_follower_that_takes_nothing_is_cut_off_and_told_why),
		T(a_long_answer_waits_for_who_takes_it),
		T(a_reload_is_answered_when_it_is_done),
		T(stop_is_an_orderly_end),
		T(garbage_is_answered_with_a_reason_and_let_go),
		T(a_line_has_an_end_somewhere),
		T(lines_come_in_any_pieces),
		T(a_flood_of_requests_is_not_worked_off),
		T(callers_beyond_the_limit_are_told_to_come_again),
		T(one_dispatch_makes_few_pieces_however_many_ask),
		T(a_socket_that_cannot_be_opened_is_tried_again),
		T(figures_and_status_come_by_http),
		T(a_port_that_is_taken_is_tried_again),
	};

	return RUN(tests);
}
