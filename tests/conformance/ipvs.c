/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated kernel against the module: the same random requests, good and bad, go to
 * both as the same bytes, and what both answer, with the whole table in the order of its
 * dump every few requests, must be equal character for character.
 *
 * Only two things of the kernel's are not to be foreseen, and both are asked of it first:
 * the bits of an address in its hash of services, and how many ticks a second has. A sync
 * daemon gets a moment to start before anything else happens, for one that is stopped
 * sooner is never answered.
 *
 * ipvs [--seed N] [--count N] [--print]: a difference prints the seed, the number of the
 * request and both answers; the same seed goes the same way again.
 */
#include "ipvs_sides.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_EVERY 25
#define DAEMON_START_US 60000

struct score {
	size_t requests, refused, looks, lines;
};

/* ---- both sides ---- */

static int keep_answer(struct ipvs_socket *socket, const struct nl_message *message,
		       void *arg)
{
	struct buf *buf = arg;
	const uint8_t none[NLMSG_HDRLEN] = { 0 };
	struct buf whole = { 0 };

	lsvm_buf_add(&whole, none, sizeof(none));
	lsvm_buf_add(&whole, message->payload.at, message->payload.left);
	if (whole.failed)
		errx(1, "out of memory");
	op_text(buf, (const uint8_t *)whole.data, whole.length);
	lsvm_buf_text(buf, "\n");
	lsvm_buf_free(&whole);
	return 0;
}

/* The answer's messages as lines; the verdict. */
int ask_kernel(struct side *side, const struct op *op, struct buf *ret)
{
	int number = 0, err;
	uint32_t sequence = ++side->socket->out.sequence;

	memcpy(side->socket->out.data, op->bytes, op->length);
	memcpy(side->socket->out.data + offsetof(struct nlmsghdr, nlmsg_seq), &sequence,
	       sizeof(sequence));
	side->socket->out.used = op->length;
	lsvm_ipvs_begin(side->socket);
	err = lsvm_ipvs_exchange(side->socket, keep_answer, ret, &number);
	if (err < 0)
		errx(1, "the kernel: %s", lsvm_ctx_error_text(side->ctx));
	return number;
}

int ask_simulated(struct side *side, const struct op *op, struct buf *ret)
{
	struct buf answer = { 0 };
	struct reader bytes;
	struct nl_message message;
	int number = lsvm_sim_kernel_request(side->sim, op->bytes, op->length, &answer);

	bytes = (struct reader){ (const uint8_t *)answer.data, answer.length, false };
	while (lsvm_nl_next(&bytes, &message) > 0)
		keep_answer(NULL, &message, ret);
	lsvm_buf_free(&answer);
	return number;
}

static void write_verdict(struct buf *buf, int number)
{
	lsvm_buf_printf(buf, "-> %s\n", number ? strerrorname_np(number) : "done");
}

/* ---- the table ---- */

static void dump(struct side *side, asker ask, uint8_t command,
		 const struct wire_command *content, struct buf *ret)
{
	struct op op;

	op_of(command, NLM_F_DUMP, side->socket->out.family, content, &op);
	write_verdict(ret, ask(side, &op, ret));
}

/* One service's name out of a line of op_text(): the attributes that name it. */
static bool name_in_line(const char *line, struct wire_service *ret)
{
	unsigned type;
	int used;

	*ret = (struct wire_service){ 0 };
	line = strchr(line, '{');
	if (!line)
		return false;
	for (line++; sscanf(line, " %u=%n", &type, &used) == 1 && type <= 5;) {
		uint8_t bytes[16] = { 0 };
		unsigned value;
		size_t length = 0;
		uint16_t two;

		for (line += used; sscanf(line, "%2x", &value) == 1 && *line != ' ';
		     line += 2)
			bytes[length++] = (uint8_t)value;
		memcpy(&two, bytes, 2);
		if (type == IPVS_SVC_ATTR_AF)
			ret->family = two, ret->has |= BIT(SERVICE_FAMILY);
		else if (type == IPVS_SVC_ATTR_PROTOCOL)
			ret->protocol = two, ret->has |= BIT(SERVICE_PROTOCOL);
		else if (type == IPVS_SVC_ATTR_ADDR)
			memcpy(ret->addr, bytes, 16), ret->has |= BIT(SERVICE_ADDR);
		else if (type == IPVS_SVC_ATTR_PORT)
			ret->port = (uint16_t)(bytes[0] << 8 | bytes[1]),
			ret->has |= BIT(SERVICE_PORT);
		else if (type == IPVS_SVC_ATTR_FWMARK)
			memcpy(&ret->fwmark, bytes, 4), ret->has |= BIT(SERVICE_FWMARK);
	}
	return true;
}

/* Everything there is, in the order of the dumps. */
void look(struct side *side, asker ask, struct buf *ret)
{
	const struct wire_command nothing = { 0 };
	struct buf services = { 0 };

	dump(side, ask, IPVS_CMD_GET_SERVICE, &nothing, &services);
	lsvm_buf_text(ret, services.data);
	for (char *line = services.data, *end; (end = strchr(line, '\n'));
	     line = end + 1) {
		struct wire_command content = { .has = BIT(COMMAND_SERVICE) };

		*end = '\0';
		if (name_in_line(line, &content.service))
			dump(side, ask, IPVS_CMD_GET_DEST, &content, ret);
	}
	dump(side, ask, IPVS_CMD_GET_DAEMON, &nothing, ret);
	lsvm_buf_free(&services);
}

/* ---- what cannot be foreseen ---- */

static void add_service(struct side *side, uint16_t port)
{
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };
	struct buf answer = { 0 };
	struct op op;

	content.service = (struct wire_service){
		.has = BIT(SERVICE_ENGINE) - 1 - BIT(SERVICE_FWMARK),
		.family = AF_INET,
		.protocol = 6,
		.port = port,
		.scheduler = "rr",
	};
	op_of(IPVS_CMD_NEW_SERVICE, NLM_F_ACK, side->socket->out.family, &content, &op);
	if (ask_kernel(side, &op, &answer))
		errx(1, "the kernel refuses a service");
	lsvm_buf_free(&answer);
}

/* 256 services that differ in their port only lie in 256 buckets: the first that is
 * dumped tells. */
static void find_secret(struct side *side)
{
	const struct wire_command nothing = { 0 };
	struct wire_service first;
	struct buf text = { 0 };
	struct op op;

	for (uint16_t port = 0; port < SIM_SERVICE_BUCKETS; port++)
		add_service(side, port);
	dump(side, ask_kernel, IPVS_CMD_GET_SERVICE, &nothing, &text);
	*strchr(text.data, '\n') = '\0';
	if (!name_in_line(text.data, &first))
		errx(1, "no services: %s", text.data);
	side->sim->kernel.secret = (uint8_t)(6 ^ first.port);
	op_of(IPVS_CMD_FLUSH, NLM_F_ACK, side->socket->out.family, &nothing, &op);
	ask_kernel(side, &op, &text);
	lsvm_buf_free(&text);
}

static void find_ticks(struct side *side)
{
	static const uint32_t usual[] = { 100, 250, 300, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		struct wire_command content = { .has = BIT(COMMAND_TCP),
						.tcp_s = INT32_MAX / usual[i] + 1 };
		struct buf text = { 0 };
		struct op op;
		int number;

		op_of(IPVS_CMD_SET_CONFIG, NLM_F_ACK, side->socket->out.family, &content,
		      &op);
		number = ask_kernel(side, &op, &text);
		lsvm_buf_free(&text);
		if (number == EINVAL) {
			side->sim->kernel.hz = usual[i];
			return;
		}
	}
	errx(1, "cannot find out the kernel's ticks");
}

static void set_defaults(struct side *side)
{
	const struct wire_command content = { .has = BIT(COMMAND_TCP), .tcp_s = 900 };
	struct buf text = { 0 };
	struct op op;

	op_of(IPVS_CMD_SET_CONFIG, NLM_F_ACK, side->socket->out.family, &content, &op);
	ask_kernel(side, &op, &text);
	lsvm_buf_free(&text);
}

/* ---- a run ---- */

void open_sides(struct side *side)
{
	struct lsvm_host *host;
	struct address address = { .interface = "sync0" };

	if (unshare(CLONE_NEWNET) ||
	    system("ip link set lo up && ip link add sync0 type dummy && "
		   "ip address add 10.99.0.1/24 dev sync0 && ip link set sync0 up && "
		   "ip route add default dev sync0 && "
		   "ip -6 route add default dev sync0 && ip link add bare0 type dummy && "
		   "ip link set bare0 up && ip link add down0 type dummy"))
		errx(1, "cannot make a namespace");
	if (lsvm_ctx_new(&side->ctx) < 0 ||
	    lsvm_ipvs_socket_open(side->ctx, &side->socket) < 0 ||
	    lsvm_host_new_simulated(side->ctx, "sim", &host) < 0 ||
	    lsvm_host_simulate_interface(host, "sync0") < 0 ||
	    lsvm_host_simulate_interface(host, "bare0") < 0 ||
	    lsvm_host_simulate_interface(host, "down0") < 0)
		errx(1, "%s", lsvm_ctx_error_text(side->ctx));
	side->sim = (struct sim_host *)host;
	lsvm_sim_link(side->sim, "down0")->link.down = true;
	lsvm_prefix_parse("10.99.0.1/24", &address.prefix);
	if (lsvm_sim_address_add(side->sim, &address) < 0)
		errx(1, "%s", lsvm_ctx_error_text(side->ctx));
	find_secret(side);
	find_ticks(side);
	set_defaults(side);
}

void close_sides(struct side *side)
{
	lsvm_ipvs_socket_close(side->socket);
	lsvm_host_free(&side->sim->host);
	lsvm_ctx_unref(side->ctx);
}

void print_difference(const char *real, const char *simulated)
{
	while (*real && *simulated) {
		const size_t a = strcspn(real, "\n"), b = strcspn(simulated, "\n");

		if (a != b || memcmp(real, simulated, a) != 0)
			break;
		real += a + 1;
		simulated += b + 1;
	}
	printf("kernel:    %.*s\nsimulated: %.*s\n", (int)strcspn(real, "\n"), real,
	       (int)strcspn(simulated, "\n"), simulated);
}

/* Whether both said the same. */
static bool step(struct side *side, const struct op *op, bool and_look,
		 struct score *score, bool print)
{
	struct buf real = { 0 }, simulated = { 0 };
	const uint8_t command = op->bytes[NLMSG_HDRLEN];
	int number;
	bool same;

	op_text(&real, op->bytes, op->length);
	lsvm_buf_text(&real, "\n");
	lsvm_buf_text(&simulated, real.data);
	number = ask_kernel(side, op, &real);
	write_verdict(&real, number);
	if (command == IPVS_CMD_NEW_DAEMON && !number)
		usleep(DAEMON_START_US);
	write_verdict(&simulated, ask_simulated(side, op, &simulated));
	if (and_look) {
		look(side, ask_kernel, &real);
		look(side, ask_simulated, &simulated);
		score->looks++;
	}
	if (real.failed || simulated.failed)
		errx(1, "out of memory");
	same = !strcmp(real.data, simulated.data);
	if (print)
		fputs(real.data, stdout);
	if (!same) {
		printf("request:   %.*s\n", (int)strcspn(real.data, "\n"), real.data);
		print_difference(real.data, simulated.data);
	}
	score->refused += number != 0;
	for (const char *at = real.data; (at = strchr(at, '\n')); at++)
		score->lines++;
	lsvm_buf_free(&real);
	lsvm_buf_free(&simulated);
	return same;
}

static bool run(uint64_t seed, size_t count, bool print, struct score *score)
{
	struct dice dice = { .state = seed };
	struct side side = { 0 };
	bool same = true;

	open_sides(&side);
	for (size_t i = 0; same && i < count; i++) {
		struct op op;

		op_make(&dice, side.socket->out.family, &op);
		same = step(&side, &op,
			    i % LOOK_EVERY == LOOK_EVERY - 1 || i == count - 1, score,
			    print);
		score->requests++;
		if (!same)
			printf("they differ at request %zu of --seed %llu\n", i,
			       (unsigned long long)seed);
	}
	close_sides(&side);
	return same;
}

static bool run_sysctls(void)
{
	struct side side = { 0 };
	size_t writes = 0;
	bool same;

	open_sides(&side);
	same = compare_sysctls(&side, &writes);
	close_sides(&side);
	printf("%zu writes to sysctls%s\n", writes, same ? "" : " DIFFER");
	return same;
}

static bool run_traffic(uint64_t seed, bool print)
{
	struct side side = { 0 };
	size_t packets = 0;
	bool same;

	open_sides(&side);
	same = compare_traffic(&side, seed, 5, print, &packets);
	close_sides(&side);
	printf("%zu packets%s\n", packets, same ? "" : " DIFFER");
	return same;
}

int main(int argc, char **argv)
{
	const bool full = getenv("LSVM_FULL") != NULL;
	size_t count = 10000, runs = full ? 10 : 1, failed = 0;
	uint64_t seed = 1;
	struct score score = { 0 };
	bool print = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--print"))
			print = true;
		else if (i + 1 < argc && !strcmp(argv[i], "--seed"))
			seed = strtoull(argv[++i], NULL, 10), runs = 1;
		else if (i + 1 < argc && !strcmp(argv[i], "--count"))
			count = strtoull(argv[++i], NULL, 10);
		else
			errx(2, "unknown option %s", argv[i]);
	}
	if (system("modprobe -a dummy ip_vs ip_vs_pe_sip"))
		errx(1, "modprobe");
	for (size_t i = 0; i < runs; i++)
		failed += !run(seed + i, count, print, &score);
	failed += !run_sysctls();
	for (size_t i = 0; i < runs; i++)
		failed += !run_traffic(seed + i, print);
	printf("%zu requests (%zu refused), %zu looks, %zu lines; %zu of %zu runs "
	       "differ\n",
	       score.requests, score.refused, score.looks, score.lines, failed, runs);
	return failed != 0;
}
