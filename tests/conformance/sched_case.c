/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sched_case.h"

#include <err.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* Sebastiano Vigna's SplitMix64. */
static uint64_t next_random(struct sched_case *c)
{
	uint64_t z = c->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(struct sched_case *c, uint32_t limit)
{
	return (uint32_t)(next_random(c) % limit);
}

static bool chance(struct sched_case *c, uint32_t percent)
{
	return below(c, 100) < percent;
}

static void apply(struct sched_case *c, struct ipvs_socket *socket,
		  struct ipvs_change *change)
{
	size_t done;

	if (lsvm_ipvs_socket_apply(socket, change, 1, &done) < 0)
		errx(1, "seed %llu: %s", (unsigned long long)c->seed,
		     lsvm_ctx_error_text(c->ctx));
}

static void good(struct sched_case *c, int result)
{
	if (result < 0)
		errx(1, "seed %llu: %s", (unsigned long long)c->seed,
		     lsvm_ctx_error_text(c->ctx));
}

static uint32_t random_weight(struct sched_case *c)
{
	if (chance(c, 15))
		return 0;
	switch (c->weight_style) {
	case 0:
		return 1;
	case 1:
		return 1 + below(c, 5);
	case 2:
		return 10 * (1 + below(c, 10));
	case 3:
		return 1 + below(c, 300);
	}
	return 1 + below(c, 65535);
}

static void random_thresholds(struct sched_case *c, struct ipvs_destination *dest)
{
	dest->upper_threshold = dest->lower_threshold = 0;
	if (!c->has_thresholds || chance(c, 40))
		return;
	dest->upper_threshold = 1 + below(c, 8);
	dest->lower_threshold = below(c, dest->upper_threshold + 1);
}

static void make_service(struct sched_case *c)
{
	struct ipvs_service *service = &c->service;
	const bool ipv6 = chance(c, 25);
	const uint32_t name = (uint32_t)(c->seed % 131072) * 8;

	service->key.addr.family = ipv6 ? 6 : 4;
	if (chance(c, 50)) {
		service->key.fwmark = 1 + (uint32_t)(c->seed % 0xfffffff);
	} else {
		service->key.protocol = chance(c, 60) ? IPPROTO_TCP : IPPROTO_UDP;
		service->key.port = 80;
	}
	if (!service->key.fwmark) {
		const uint32_t low = htonl(ipv6 ? name : 0xac100000 + name);

		if (ipv6)
			memcpy(service->key.addr.bytes, "\xfd\x01", 2);
		memcpy(service->key.addr.bytes + (ipv6 ? 12 : 0), &low, 4);
	}
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", c->scheduler);
	service->flags = chance(c, 50) ? IP_VS_SVC_F_SCHED1 : 0;
	service->flags |= chance(c, 40) ? IP_VS_SVC_F_SCHED2 : 0;
	service->netmask = ipv6 ? 128 : 0xffffffff;
	if (chance(c, 30)) {
		service->flags |= IP_VS_SVC_F_PERSISTENT;
		service->timeout_s = chance(c, 60) ? 2 : 300;
		if (chance(c, 50))
			service->netmask =
				ipv6 ? 1 + below(c, 128) : 0xffffffffu << below(c, 20);
		if (!service->key.fwmark && chance(c, 20))
			service->key.port = 0;
	}
	if (chance(c, 10))
		service->flags |= IP_VS_SVC_F_ONEPACKET;
}

static void make_pool(struct sched_case *c)
{
	c->pool_count = 1 + below(c, CASE_DESTINATIONS);
	c->weight_style = below(c, 5);
	c->has_thresholds = chance(c, 40);
	c->removes = chance(c, 70);
	c->is_nat = chance(c, 25);
	for (size_t i = 0; i < c->pool_count; i++) {
		struct ipvs_destination *dest = &c->pool[i];

		c->numbers[i] = -1;
		const uint32_t low = (uint32_t)next_random(c) & ~15u;

		dest->addr.family = c->service.key.addr.family;
		dest->addr.bytes[0] = dest->addr.family == 4 ? 192 : 0xfd;
		dest->addr.bytes[1] = 3;
		dest->addr.bytes[2] = (uint8_t)(low >> 8);
		dest->addr.bytes[3] = (uint8_t)((low & 0xf0) + i);
		if (dest->addr.family == 6)
			memcpy(dest->addr.bytes + 10, &low, 4);
		dest->port = chance(c, 80) ? 80 : (uint16_t)(1 + below(c, 65535));
		dest->forwarding = c->is_nat ? IP_VS_CONN_F_MASQ : IP_VS_CONN_F_DROUTE;
	}
}

static void log_dest(struct sched_case *c, const char *what, size_t i)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	const struct ipvs_destination *dest = &c->pool[i];

	lsvm_buf_printf(&c->log, "%s %s %u %u %u %u\n", what,
			lsvm_addr_text(&dest->addr, text), dest->port, dest->weight,
			dest->upper_threshold, dest->lower_threshold);
}

static void log_service(struct sched_case *c, bool expire_quiescent,
			uint32_t cache_expiration_s)
{
	const struct ipvs_key *key = &c->service.key;
	char text[LSVM_ADDRESS_TEXT_BYTES] = "";

	lsvm_buf_printf(&c->log, "case %llu %s\nservice %u %u %u %s %u %u %u %u %s\n",
			(unsigned long long)c->seed, c->scheduler, key->addr.family,
			key->fwmark, key->protocol,
			key->fwmark ? "-" : lsvm_addr_text(&key->addr, text), key->port,
			c->service.flags, c->service.timeout_s, c->service.netmask,
			c->service.scheduler);
	lsvm_buf_printf(&c->log, "settings %u %u\n", expire_quiescent,
			cache_expiration_s);
}

static void edit_destination(struct sched_case *c, struct ipvs_socket *socket, size_t i)
{
	struct ipvs_destination *dest = &c->pool[i];

	if (chance(c, 60))
		dest->weight = random_weight(c);
	else
		random_thresholds(c, dest);
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_DESTINATION_EDIT,
				     .service = &c->service,
				     .destination = dest,
				     .weight = dest->weight });
	good(c, lsvm_sched_change(c->machine, (uint32_t)c->numbers[i], dest->weight,
				  dest->upper_threshold, dest->lower_threshold));
	log_dest(c, "edit", i);
}

static void add_destination(struct sched_case *c, struct ipvs_socket *socket, size_t i)
{
	struct ipvs_destination *dest = &c->pool[i];

	dest->weight = random_weight(c);
	random_thresholds(c, dest);
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_DESTINATION_ADD,
				     .service = &c->service,
				     .destination = dest,
				     .weight = dest->weight });
	char text[LSVM_ADDRESS_TEXT_BYTES];

	c->numbers[i] = lsvm_sched_add(c->machine, lsvm_addr_text(&dest->addr, text),
				       dest->port, dest->weight, dest->upper_threshold,
				       dest->lower_threshold);
	good(c, c->numbers[i]);
	c->present[i] = true;
	log_dest(c, "add", i);
}

static void remove_destination(struct sched_case *c, struct ipvs_socket *socket, size_t i)
{
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_DESTINATION_DELETE,
				     .service = &c->service,
				     .destination = &c->pool[i] });
	good(c, lsvm_sched_remove(c->machine, (uint32_t)c->numbers[i]));
	c->present[i] = false;
	c->was_removed[i] = true;
	log_dest(c, "remove", i);
}

static void set_service(struct sched_case *c, struct ipvs_socket *socket)
{
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_SERVICE_EDIT, .service = &c->service });
	good(c, lsvm_sched_edit(c->machine, (struct lsvm_ipvs_service *)&c->service));
	lsvm_buf_printf(&c->log, "change %s %u\n", c->service.scheduler,
			c->service.flags);
}

static void edit_service(struct sched_case *c, struct ipvs_socket *socket)
{
	static const char *const others[] = { "rr", "wlc", "lblcr", "sh", "mh" };

	if (chance(c, 30)) {
		/* To another and back: the scheduler begins anew. */
		snprintf(c->service.scheduler, sizeof(c->service.scheduler), "%s",
			 others[below(c, ARRAY_SIZE(others))]);
		set_service(c, socket);
		snprintf(c->service.scheduler, sizeof(c->service.scheduler), "%s",
			 c->scheduler);
	} else {
		c->service.flags ^=
			chance(c, 50) ? IP_VS_SVC_F_SCHED1 : IP_VS_SVC_F_SCHED2;
	}
	set_service(c, socket);
}

/* Deleted and added again, with some of its destinations: they keep their connections. */
static void bear_again(struct sched_case *c, struct ipvs_socket *socket)
{
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_SERVICE_DELETE,
				     .service = &c->service });
	lsvm_sched_vacate(c->machine);
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_SERVICE_ADD, .service = &c->service });
	good(c, lsvm_sched_begin_anew(c->machine, &c->service));
	lsvm_buf_text(&c->log, "again\n");
	for (size_t i = 0; i < c->pool_count; i++) {
		c->was_removed[i] = true;
		c->present[i] = false;
		if (chance(c, 70))
			add_destination(c, socket, i);
	}
}

static void edit(struct sched_case *c, struct ipvs_socket *socket)
{
	const size_t i = below(c, (uint32_t)c->pool_count);

	if (c->removes && chance(c, 5)) {
		bear_again(c, socket);
		return;
	}
	if (chance(c, 10))
		edit_service(c, socket);
	else if (!c->present[i])
		add_destination(c, socket, i);
	else if (c->removes && chance(c, 30))
		remove_destination(c, socket, i);
	else
		edit_destination(c, socket, i);
}

void case_begin(struct sched_case *c, struct lsvm_ctx *ctx, struct ipvs_socket *socket,
		bool expire_quiescent, uint32_t cache_expiration_s)
{
	c->ctx = ctx;
	c->random = c->seed;
	c->start_ms = wire_now_ms();
	make_service(c);
	make_pool(c);
	log_service(c, expire_quiescent, cache_expiration_s);
	apply(c, socket,
	      &(struct ipvs_change){ .kind = IPVS_SERVICE_ADD, .service = &c->service });
	good(c,
	     lsvm_sched_new(ctx, (struct lsvm_ipvs_service *)&c->service, &c->machine));
	lsvm_sched_set_expire_quiescent(c->machine, expire_quiescent);
	lsvm_sched_set_cache_expiration_s(c->machine, cache_expiration_s);
	for (size_t i = 0; i < c->pool_count; i++)
		if (chance(c, 85))
			add_destination(c, socket, i);
}

static void make_flow(struct sched_case *c, struct flow *flow)
{
	const struct ipvs_key *key = &c->service.key;
	const uint32_t name =
		(uint32_t)(c->seed % 131072) * 8 + (key->fwmark ? below(c, 8) : 0);
	const uint32_t low = htonl(key->addr.family == 6 ? name : 0xac100000 + name);
	/* Clients of a few networks, so that granularity shows. */
	const uint32_t client = htonl(0x14000000 + below(c, 3) * 0x10000 +
				      below(c, chance(c, 50) ? 40 : 65536));

	flow->family = key->addr.family;
	flow->protocol =
		key->fwmark ? (chance(c, 70) ? IPPROTO_TCP : IPPROTO_UDP) : key->protocol;
	if (flow->family == 6) {
		memcpy(flow->virtual, "\xfd\x01", 2);
		memcpy(flow->client, "\x20\x01\x0d\xb8", 4);
		flow->client[7] = (uint8_t)below(c, 4);
	}
	memcpy(flow->virtual + (flow->family == 6 ? 12 : 0), &low, 4);
	memcpy(flow->client + (flow->family == 6 ? 12 : 0), &client, 4);
	/* No port twice: every packet is a connection of its own. */
	flow->client_port = chance(c, 1) ? 20 : (uint16_t)(1024 + c->attempts.count * 7);
	flow->virtual_port = key->port || chance(c, 50) ? 80 : 443;
}

static size_t pool_index(const struct sched_case *c, uint32_t number)
{
	size_t i = 0;

	while (i < c->pool_count && c->numbers[i] != (int)number)
		i++;
	return i;
}

static const char *bytes_text(uint8_t family, const uint8_t *bytes, char *buf)
{
	struct addr addr = { .family = family };

	memcpy(addr.bytes, bytes, sizeof(addr.bytes));
	return lsvm_addr_text(&addr, buf);
}

/* Asks the machine what the kernel does with the packet, and tells it that it came. */
static void foretell(struct sched_case *c, struct attempt *attempt)
{
	const struct flow *flow = &attempt->flow;
	const int protocol =
		flow->protocol == IPPROTO_UDP ? LSVM_PROTOCOL_UDP : LSVM_PROTOCOL_TCP;
	char client[LSVM_ADDRESS_TEXT_BYTES], virtual[LSVM_ADDRESS_TEXT_BYTES],
		dest[LSVM_ADDRESS_TEXT_BYTES] = "-";
	const uint64_t now_ms = wire_now_ms() - c->start_ms;
	uint32_t number = 0, foreseen = 0;
	int outcome;

	bytes_text(flow->family, flow->client, client);
	bytes_text(flow->family, flow->virtual, virtual);
	outcome = lsvm_sched_peek(c->machine, virtual, client, flow->client_port,
				  protocol, now_ms, &foreseen);
	attempt->outcome =
		lsvm_sched_connect(c->machine, virtual, client, flow->client_port,
				   protocol, now_ms, &number, &attempt->connection);
	good(c, attempt->outcome);
	if (outcome != attempt->outcome || number != foreseen)
		case_report(c, "what was peeked at is not what came");
	attempt->over = true;
	if (attempt->outcome <= LSVM_SCHED_PERSISTENT) {
		const size_t i = pool_index(c, number);

		c->decisions[i]++;
		lsvm_addr_text(&c->pool[i].addr, dest);
		attempt->over = attempt->connection == LSVM_SCHED_NO_CONNECTION;
		if (!attempt->over)
			attempt->expected = c->pool[i].addr;
	}
	lsvm_buf_printf(&c->log, "connect %llu %u %s %s %u %s %s\n",
			(unsigned long long)now_ms, flow->protocol, virtual, client,
			flow->client_port, lsvm_sched_outcome_name(attempt->outcome),
			dest);
}

static void one_client(struct sched_case *c, struct wire *wire)
{
	struct attempt *attempt = vec_push(&c->attempts);

	if (!attempt)
		errx(1, "out of memory");
	make_flow(c, &attempt->flow);
	wire_send(wire, &attempt->flow, WIRE_SYN);
	foretell(c, attempt);
	if (!attempt->over && attempt->flow.protocol == IPPROTO_TCP)
		wire_send(wire, &attempt->flow, WIRE_ACK);
}

void case_round(struct sched_case *c, struct ipvs_socket *socket, struct wire *wire,
		unsigned client_count)
{
	wire_mark(wire, c->service.key.fwmark);
	c->round_start_ms = wire_now_ms();
	for (unsigned i = 0; i < client_count; i++) {
		if (chance(c, 8))
			edit(c, socket);
		one_client(c, wire);
	}
}

void case_end_some(struct sched_case *c, struct wire *wire)
{
	const uint32_t percent = below(c, 101);

	wire_mark(wire, c->service.key.fwmark);
	for (size_t i = 0; i < c->attempts.count; i++) {
		struct attempt *attempt = &c->attempts.items[i];
		const int number = attempt->over
					   ? 0
					   : lsvm_sched_connection_destination(
						     c->machine, attempt->connection);

		/* A packet to a destination that was removed is dropped unread; with NAT
		 * the kernel waits a minute for the server's FIN. */
		if (attempt->over || c->is_nat || attempt->flow.protocol == IPPROTO_UDP ||
		    !chance(c, percent) ||
		    !lsvm_sched_destination_is_present(c->machine, (uint32_t)number))
			continue;
		wire_send(wire, &attempt->flow, WIRE_FIN | WIRE_ACK);
		good(c, lsvm_sched_connection_set_active(c->machine, attempt->connection,
							 false));
		attempt->ends_ms = wire_now_ms() - c->start_ms + 1000;
		lsvm_buf_printf(&c->log, "inactive %zu\n", i);
	}
	if (c->service.timeout_s == 2 && wire_now_ms() - c->round_start_ms > 700)
		c->is_void = true;
}

void case_settle(struct sched_case *c)
{
	for (size_t i = 0; i < c->attempts.count; i++) {
		struct attempt *attempt = &c->attempts.items[i];

		if (attempt->over || !attempt->ends_ms)
			continue;
		good(c,
		     lsvm_sched_close(c->machine, attempt->connection, attempt->ends_ms));
		lsvm_buf_printf(&c->log, "end %zu %llu\n", i,
				(unsigned long long)attempt->ends_ms);
		attempt->expected = (struct addr){ 0 };
		attempt->over = true;
	}
}

void case_free(struct sched_case *c)
{
	lsvm_sched_free(c->machine);
	vec_free(&c->attempts);
	lsvm_buf_free(&c->log);
}
