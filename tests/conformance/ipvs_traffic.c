/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes of a small table with packets in between: connections, counts and statistics of
 * both kernels, also of destinations and services that went and came back.
 *
 * The kernel adds its statistics up every two seconds, so there is a wait before each
 * look; rates, which follow the clock, and counts of
 * templates are left out. Persistent services are not deleted:
 * the simulated kernel's templates go with them.
 */
#include "ipvs_sides.h"

/* Attributes have an enum of that name. */
#define wire raw_wire
#include "sched_wire.h"
#undef wire

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS 150
#define SETTLED_STEPS 6
#define WAIT_US 2300000

struct traffic {
	struct side *side;
	struct dice dice;
	struct raw_wire wire;
	VEC(struct flow) flows; /* every connection there ever was */
	VEC(bool) closed;
	uint16_t next_port;
	struct map seen;
	size_t packets;
};

static const struct {
	uint16_t family;
	uint8_t protocol;
	uint16_t port;
	uint32_t flags;
	const char *address;
} virtuals[] = {
	{ AF_INET, IPPROTO_TCP, 80, 0, "192.0.2.1" },
	{ AF_INET, IPPROTO_TCP, 443, IP_VS_SVC_F_PERSISTENT, "192.0.2.1" },
	{ AF_INET, IPPROTO_UDP, 53, 0, "192.0.2.2" },
	{ AF_INET6, IPPROTO_TCP, 80, 0, "2001:db8::1" },
};

static void name_service(size_t which, struct wire_service *to)
{
	to->family = virtuals[which].family;
	to->protocol = virtuals[which].protocol;
	to->port = virtuals[which].port;
	inet_pton(to->family, virtuals[which].address, to->addr);
	to->has = BIT(SERVICE_FAMILY) | BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) |
		  BIT(SERVICE_PORT);
}

static void describe_service(struct dice *dice, size_t which, struct wire_service *to)
{
	static const char *const schedulers[] = { "rr", "wrr", "lc", "wlc", "sh",
						  "mh", "sed", "nq", "dh",  "fo" };
	const uint32_t mask = to->family == AF_INET6 ? 128 : ~0u;

	strcpy(to->scheduler, schedulers[dice_roll(dice, ARRAY_SIZE(schedulers))]);
	to->flags = (struct ip_vs_flags){ virtuals[which].flags, ~0u };
	to->timeout_s = 300;
	memcpy(to->netmask, &mask, sizeof(mask));
	to->has |= BIT(SERVICE_SCHEDULER) | BIT(SERVICE_FLAGS) | BIT(SERVICE_TIMEOUT) |
		   BIT(SERVICE_NETMASK);
}

static void describe_dest(struct dice *dice, uint16_t family, struct wire_destination *to)
{
	const uint8_t last = (uint8_t)(1 + dice_roll(dice, 4));

	to->family = family;
	if (family == AF_INET6)
		memcpy(to->addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x20", 16),
			to->addr[15] += last;
	else
		memcpy(to->addr, "\x0a\0\0", 3), to->addr[3] = last;
	to->port = 80;
	to->forwarding = IP_VS_CONN_F_DROUTE;
	to->weight = dice_roll(dice, 4);
	to->upper_threshold = dice_roll(dice, 3) ? 0 : 3 + dice_roll(dice, 10);
	to->lower_threshold = to->upper_threshold && !dice_roll(dice, 2) ? 2 : 0;
	to->has = BIT(DESTINATION_LOWER + 1) - 1;
}

/* A line for the transcript, and the request to both. What sets counters to zero,
 * now or when it comes back, waits until the kernel has added them up: it would miss
 * the latest. */
static void request(struct traffic *t, bool settled, struct buf *real,
		    struct buf *simulated)
{
	static const uint8_t commands[] = {
		IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_SERVICE, IPVS_CMD_NEW_DEST,
		IPVS_CMD_NEW_DEST,    IPVS_CMD_NEW_DEST,    IPVS_CMD_SET_DEST,
		IPVS_CMD_SET_DEST,
	};
	static const uint8_t counting[] = { IPVS_CMD_DEL_SERVICE, IPVS_CMD_ZERO,
					    IPVS_CMD_DEL_DEST, IPVS_CMD_DEL_DEST,
					    IPVS_CMD_DEL_DEST };
	uint8_t command = settled ? counting[dice_roll(&t->dice, ARRAY_SIZE(counting))]
				  : commands[dice_roll(&t->dice, ARRAY_SIZE(commands))];
	const size_t which = dice_roll(&t->dice, ARRAY_SIZE(virtuals));
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };
	struct op op;

	if (command == IPVS_CMD_DEL_SERVICE && virtuals[which].flags)
		command = IPVS_CMD_SET_SERVICE;
	name_service(which, &content.service);
	if (command == IPVS_CMD_NEW_SERVICE || command == IPVS_CMD_SET_SERVICE)
		describe_service(&t->dice, which, &content.service);
	if (command >= IPVS_CMD_NEW_DEST && command <= IPVS_CMD_DEL_DEST) {
		content.has |= BIT(COMMAND_DESTINATION);
		describe_dest(&t->dice, content.service.family, &content.destination);
	}
	op_of(command, NLM_F_ACK, t->side->socket->out.family, &content, &op);
	op_text(real, op.bytes, op.length);
	op_text(simulated, op.bytes, op.length);
	lsvm_buf_printf(real, " -> %d\n", ask_kernel(t->side, &op, real));
	lsvm_buf_printf(simulated, " -> %d\n", ask_simulated(t->side, &op, simulated));
}

static void send_both(struct traffic *t, const struct flow *flow, uint8_t flags)
{
	struct sim_flow sim = {
		.family = flow->family == 6 ? AF_INET6 : AF_INET,
		.protocol = flow->protocol,
		.client_port = flow->client_port,
		.virtual_port = flow->virtual_port,
	};
	struct sim_dest *dest = NULL;

	memcpy(sim.client, flow->client, sizeof(sim.client));
	memcpy(sim.virtual, flow->virtual, sizeof(sim.virtual));
	wire_send(&t->wire, flow, flags);
	if (flags & WIRE_FIN)
		lsvm_sim_close(t->side->sim, &sim);
	else
		lsvm_sim_packet(t->side->sim, &sim, 0,
				flags == WIRE_SYN || flow->protocol == IPPROTO_UDP,
				&dest);
	t->packets++;
}

static void open_connection(struct traffic *t)
{
	const size_t which = dice_roll(&t->dice, ARRAY_SIZE(virtuals));
	const uint8_t client = (uint8_t)(1 + dice_roll(&t->dice, 20));
	struct flow *flow = vec_push(&t->flows);

	if (!flow || !vec_push(&t->closed))
		errx(1, "out of memory");
	flow->family = virtuals[which].family == AF_INET6 ? 6 : 4;
	flow->protocol = virtuals[which].protocol;
	flow->virtual_port = virtuals[which].port;
	flow->client_port = ++t->next_port;
	inet_pton(virtuals[which].family, virtuals[which].address, flow->virtual);
	inet_pton(virtuals[which].family,
		  flow->family == 6 ? "2001:db8:9::" : "198.51.100.0", flow->client);
	flow->client[flow->family == 6 ? 15 : 3] = client;
	send_both(t, flow, WIRE_SYN);
}

static void use_connection(struct traffic *t)
{
	size_t at;

	if (!t->flows.count)
		return;
	at = dice_roll(&t->dice, (uint32_t)t->flows.count);
	if (t->closed.items[at])
		return;
	if (t->flows.items[at].protocol == IPPROTO_TCP && !dice_roll(&t->dice, 3)) {
		t->closed.items[at] = true;
		send_both(t, &t->flows.items[at], WIRE_FIN | WIRE_ACK);
		return;
	}
	send_both(t, &t->flows.items[at], WIRE_ACK);
}

/* ---- looking ---- */

static void note(void *data, const struct flow *flow, const struct addr *dest)
{
	struct traffic *t = data;
	struct addr *to = lsvm_map_get(&t->seen, flow, sizeof(*flow));

	if (to)
		*to = *dest;
}

static struct addr simulated_dest(const struct sim_kernel *kernel,
				  const struct flow *flow)
{
	struct addr addr = { 0 };

	for (size_t i = 0; i < kernel->connection_bucket_count; i++) {
		const struct sim_connection *at = kernel->connections[i];

		for (; at; at = at->next) {
			if (at->flow.client_port != flow->client_port)
				continue;
			addr.family = flow->family;
			memcpy(addr.bytes, at->dest->name.addr,
			       flow->family == 6 ? 16 : 4);
		}
	}
	return addr;
}

static void look_at_connections(struct traffic *t, struct buf *real,
				struct buf *simulated)
{
	struct addr *seen = calloc(t->flows.count + 1, sizeof(*seen));
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (!seen)
		errx(1, "out of memory");
	for (size_t i = 0; i < t->flows.count; i++) {
		void *old;

		if (lsvm_map_put(&t->seen, &t->flows.items[i], sizeof(struct flow),
				 &seen[i], &old) < 0)
			errx(1, "out of memory");
	}
	wire_read(note, t);
	for (size_t i = 0; i < t->flows.count; i++) {
		const struct flow *flow = &t->flows.items[i];
		struct addr to = simulated_dest(&t->side->sim->kernel, flow);

		lsvm_buf_printf(real, "port %u of client %u to %s\n", flow->client_port,
				flow->client[flow->family == 6 ? 15 : 3],
				seen[i].family ? lsvm_addr_text(&seen[i], text) : "-");
		lsvm_buf_printf(simulated, "port %u of client %u to %s\n",
				flow->client_port,
				flow->client[flow->family == 6 ? 15 : 3],
				to.family ? lsvm_addr_text(&to, text) : "-");
	}
	lsvm_map_free(&t->seen);
	free(seen);
}

/* Rates are what attributes 6 to 10 of statistics hold; they become "?". So do counts of
 * templates, attribute 9 of a destination: the kernel counts those, too, that no client
 * can find any more, until their time is over. */
static void mask_rates(char *text)
{
	bool is_dest = false;
	unsigned depth = 0;

	for (char *at = text; *at; at++) {
		unsigned type;
		int used;

		depth += *at == '{';
		depth -= *at == '}';
		if (*at == '\n') {
			depth = 0;
			is_dest = !strncmp(at + 1, "new-dest 2{", 11);
		}
		if (!depth || *at != ' ' || sscanf(at, " %u=%n", &type, &used) != 1 ||
		    (depth == 2 ? type < 6 : type != 9 || !is_dest))
			continue;
		for (at += used; *at != ' '; at++)
			*at = '?';
		at--;
	}
}

bool compare_traffic(struct side *side, uint64_t seed, size_t rounds, bool print,
		     size_t *ret_packets)
{
	struct traffic t = { .side = side, .dice = { .state = seed }, .next_port = 2000 };
	struct buf real = { 0 }, simulated = { 0 };
	bool same = true;

	t.wire.ipv4 = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	t.wire.ipv6 = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	if (t.wire.ipv4 < 0 || t.wire.ipv6 < 0)
		err(1, "raw socket");
	for (size_t i = 0; same && i < rounds; i++) {
		for (unsigned j = 0; j < STEPS; j++) {
			const uint32_t what = dice_roll(&t.dice, 4);

			if (what == 0 || (i ? j < SETTLED_STEPS : j < 30))
				request(&t, i && j < SETTLED_STEPS, &real, &simulated);
			else if (what == 1)
				use_connection(&t);
			else
				open_connection(&t);
		}
		usleep(WAIT_US);
		look_at_connections(&t, &real, &simulated);
		look(side, ask_kernel, &real);
		look(side, ask_simulated, &simulated);
		if (real.failed || simulated.failed)
			errx(1, "out of memory");
		mask_rates(real.data);
		mask_rates(simulated.data);
		same = !strcmp(real.data, simulated.data);
		if (!same)
			print_difference(real.data, simulated.data);
	}
	if (print || !same)
		printf("%s", same ? real.data : "");
	if (!same)
		printf("they differ in the traffic of --seed %llu\n",
		       (unsigned long long)seed);
	*ret_packets += t.packets;
	lsvm_buf_free(&real);
	lsvm_buf_free(&simulated);
	vec_free(&t.flows);
	vec_free(&t.closed);
	wire_close(&t.wire);
	return same;
}
