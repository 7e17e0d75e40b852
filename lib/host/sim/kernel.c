/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to the simulated IPVS and its answers. The order of the checks is the
 * kernel's, for it decides which of two faults is told.
 */
#include "host/sim/sim.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>

#define ANSWER_BYTES 1024 /* the longest message of a dump is shorter */

struct request {
	struct sim_host *sim;
	uint8_t command;
	bool dump;
	uint16_t family;
	uint32_t sequence;
	struct sim_command content;
	struct wire_service named; /* parsed */
	struct sim_service *service;
	struct buf *answer;
};

void lsvm_sim_kernel_begin(struct sim_host *sim)
{
	sim->kernel.timeouts = (struct ipvs_timeouts){ 900, 120, 300 };
	sim->kernel.hz = SIM_HZ;
}

void lsvm_sim_kernel_end(struct sim_host *sim)
{
	lsvm_sim_services_flush(&sim->kernel);
	lsvm_sim_connections_free(&sim->kernel);
	lsvm_sim_dests_free(&sim->kernel);
}

/* ---- answers ---- */

static void put_answer(struct request *request, uint8_t command,
		       const struct fields *fields, const void *object)
{
	uint8_t bytes[ANSWER_BYTES];
	struct nl_out out = { .data = bytes, .size = sizeof(bytes) };
	const struct genlmsghdr generic = { .cmd = command,
					    .version = IPVS_GENL_VERSION };
	struct nlmsghdr head = { .nlmsg_type = request->family,
				 .nlmsg_flags = request->dump ? NLM_F_MULTI : 0,
				 .nlmsg_seq = request->sequence };

	if (!request->answer)
		return;
	out.used = NLMSG_HDRLEN + GENL_HDRLEN;
	lsvm_fields_write(fields, object, &out);
	head.nlmsg_len = (uint32_t)out.used;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + NLMSG_HDRLEN, &generic, sizeof(generic));
	lsvm_buf_add(request->answer, bytes, out.used);
}

static void put_counters(struct wire_counters *to, const struct ipvs_counters *from)
{
	to->has = BIT(COUNTER_FIELD_COUNT) - 1;
	to->values = *from;
}

static int answer_service(struct sim_service *service, void *arg)
{
	struct request *request = arg;
	struct wire_command content = { .has = BIT(COMMAND_SERVICE) };
	struct wire_service *to = &content.service;

	to->has = BIT(SERVICE_FAMILY) | BIT(SERVICE_SCHEDULER) | BIT(SERVICE_FLAGS) |
		  BIT(SERVICE_TIMEOUT) | BIT(SERVICE_NETMASK) | BIT(SERVICE_STATS) |
		  BIT(SERVICE_STATS64) |
		  (service->fwmark ? BIT(SERVICE_FWMARK)
				   : BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) |
					     BIT(SERVICE_PORT)) |
		  (service->engine[0] ? BIT(SERVICE_ENGINE) : 0);
	to->family = service->family;
	to->protocol = service->protocol;
	to->port = service->port;
	to->fwmark = service->fwmark;
	memcpy(to->addr, service->addr, sizeof(to->addr));
	memcpy(to->scheduler, service->scheduler, sizeof(to->scheduler));
	memcpy(to->engine, service->engine, sizeof(to->engine));
	to->flags = (struct ip_vs_flags){ service->flags, ~0u };
	to->timeout_s = service->timeout_ticks / request->sim->kernel.hz;
	memcpy(to->netmask, service->netmask, sizeof(to->netmask));
	put_counters(&to->stats, &service->counters);
	put_counters(&to->stats64, &service->counters);
	put_answer(request, IPVS_CMD_NEW_SERVICE, &lsvm_wire_command_fields, &content);
	return 0;
}

static void answer_dest(struct request *request, const struct sim_dest *dest)
{
	struct wire_command content = { .has = BIT(COMMAND_DESTINATION) };
	struct wire_destination *to = &content.destination;

	to->has = BIT(DESTINATION_STATS64 + 1) - 1;
	memcpy(to->addr, dest->name.addr, sizeof(to->addr));
	to->port = dest->name.port;
	to->family = dest->name.family;
	to->forwarding = dest->forwarding;
	to->weight = (uint32_t)dest->weight;
	to->upper_threshold = dest->upper;
	to->lower_threshold = dest->lower;
	to->tunnel_type = dest->tunnel_type;
	to->tunnel_port = dest->tunnel_port;
	to->tunnel_flags = dest->tunnel_flags;
	to->active_count = dest->active;
	to->inactive_count = dest->inactive;
	to->persistent_count = dest->persistent;
	put_counters(&to->stats, &dest->counters);
	put_counters(&to->stats64, &dest->counters);
	put_answer(request, IPVS_CMD_NEW_DEST, &lsvm_wire_command_fields, &content);
}

static void answer_daemon(struct request *request, const struct wire_daemon *daemon)
{
	struct wire_command content = { .has = BIT(COMMAND_DAEMON), .daemon = *daemon };

	if (daemon->state)
		put_answer(request, IPVS_CMD_NEW_DAEMON, &lsvm_wire_command_fields,
			   &content);
}

static void answer_timeouts(struct request *request)
{
	const struct ipvs_timeouts *timeouts = &request->sim->kernel.timeouts;
	const struct wire_command content = {
		.has = BIT(COMMAND_TCP) | BIT(COMMAND_TCP_FIN) | BIT(COMMAND_UDP),
		.tcp_s = timeouts->tcp_s,
		.tcp_fin_s = timeouts->tcp_fin_s,
		.udp_s = timeouts->udp_s,
	};

	put_answer(request, IPVS_CMD_SET_CONFIG, &lsvm_wire_command_fields, &content);
}

static void answer_info(struct request *request)
{
	const struct wire_info info = { .has = BIT(INFO_VERSION) | BIT(INFO_BUCKETS),
					.version = SIM_IPVS_VERSION,
					.bucket_count = SIM_CONNECTION_BUCKETS };

	put_answer(request, IPVS_CMD_SET_INFO, &lsvm_wire_info_fields, &info);
}

/* ---- what a request is about ---- */

static bool is_family(uint16_t family)
{
	return family == AF_INET || family == AF_INET6;
}

/* Parses the service that is named and looks for it; not to find it is no fault yet. */
static int find_service(struct request *request, bool whole)
{
	const uint32_t name =
		BIT(SERVICE_PROTOCOL) | BIT(SERVICE_ADDR) | BIT(SERVICE_PORT);
	const uint32_t rest = BIT(SERVICE_SCHEDULER) | BIT(SERVICE_FLAGS) |
			      BIT(SERVICE_TIMEOUT) | BIT(SERVICE_NETMASK);
	struct wire_service *named = &request->named;
	int err = lsvm_sim_parse_service(request->content.service, named);

	if (err)
		return err;
	if (!(named->has & BIT(SERVICE_FAMILY)) ||
	    (!(named->has & BIT(SERVICE_FWMARK)) && (named->has & name) != name))
		return EINVAL;
	if (!is_family(named->family))
		return EAFNOSUPPORT;
	if (named->has & BIT(SERVICE_FWMARK)) {
		named->protocol = IPPROTO_TCP;
		named->port = 0;
		memset(named->addr, 0, sizeof(named->addr));
	}
	request->service = lsvm_sim_service_find(&request->sim->kernel, named);
	return whole && (named->has & rest) != rest ? EINVAL : 0;
}

static int parse_dest(struct request *request, bool whole, struct wire_destination *ret)
{
	const uint32_t name = BIT(DESTINATION_ADDR) | BIT(DESTINATION_PORT);
	const uint32_t rest = BIT(DESTINATION_FORWARDING) | BIT(DESTINATION_WEIGHT) |
			      BIT(DESTINATION_UPPER) | BIT(DESTINATION_LOWER);
	const struct sim_kernel *kernel = &request->sim->kernel;
	int err = lsvm_sim_parse_dest(request->content.destination, ret);

	if (err)
		return err;
	if ((ret->has & name) != name || (whole && (ret->has & rest) != rest))
		return EINVAL;
	if (!ret->family)
		ret->family = request->service->family;
	if (!is_family(ret->family))
		return EAFNOSUPPORT;
	if (whole && ret->family != request->service->family &&
	    (kernel->master.state || kernel->backup.state ||
	     ret->forwarding != IP_VS_CONN_F_TUNNEL))
		return EINVAL;
	return 0;
}

static int set_timeouts(struct request *request)
{
	const struct sim_command *content = &request->content;
	struct ipvs_timeouts *own = &request->sim->kernel.timeouts;
	const uint32_t most = INT_MAX / request->sim->kernel.hz;

	if (content->tcp_s > most || content->tcp_fin_s > most || content->udp_s > most)
		return EINVAL;
	if (content->tcp_s)
		own->tcp_s = content->tcp_s;
	if (content->tcp_fin_s)
		own->tcp_fin_s = content->tcp_fin_s;
	if (content->udp_s)
		own->udp_s = content->udp_s;
	return 0;
}

static int set_daemon(struct request *request)
{
	struct wire_daemon daemon;
	int err = lsvm_sim_parse_daemon(request->content.daemon, &daemon);

	if (err)
		return err;
	return request->command == IPVS_CMD_NEW_DAEMON
		       ? lsvm_sim_daemon_start(request->sim, &daemon)
		       : lsvm_sim_daemon_stop(&request->sim->kernel, &daemon);
}

static int change_dest(struct request *request)
{
	struct sim_kernel *kernel = &request->sim->kernel;
	struct wire_destination dest;
	int err = parse_dest(request, request->command != IPVS_CMD_DEL_DEST, &dest);

	if (err)
		return err;
	if (request->command == IPVS_CMD_NEW_DEST)
		return lsvm_sim_dest_add(request->sim, request->service, &dest);
	if (request->command == IPVS_CMD_SET_DEST)
		return lsvm_sim_dest_edit(kernel, request->service, &dest);
	return lsvm_sim_dest_delete(kernel, request->service, &dest);
}

/* Everything that names a service. */
static int change(struct request *request)
{
	struct sim_kernel *kernel = &request->sim->kernel;
	const bool whole = request->command == IPVS_CMD_NEW_SERVICE ||
			   request->command == IPVS_CMD_SET_SERVICE;
	int err = find_service(request, whole);

	if (err)
		return err;
	if (request->command == IPVS_CMD_NEW_SERVICE)
		return request->service
			       ? EEXIST
			       : lsvm_sim_service_add(request->sim, &request->named);
	if (!request->service)
		return ESRCH;
	switch (request->command) {
	case IPVS_CMD_SET_SERVICE:
		return lsvm_sim_service_edit(request->sim, request->service,
					     &request->named);
	case IPVS_CMD_DEL_SERVICE:
		lsvm_sim_service_delete(kernel, request->service);
		return 0;
	case IPVS_CMD_ZERO:
		lsvm_sim_zero(kernel, request->service);
		return 0;
	}
	return change_dest(request);
}

static int get_service(struct request *request)
{
	int err = find_service(request, false);

	if (err)
		return err;
	if (!request->service)
		return ESRCH;
	return answer_service(request->service, request);
}

static int dump(struct request *request)
{
	struct sim_kernel *kernel = &request->sim->kernel;

	switch (request->command) {
	case IPVS_CMD_GET_SERVICE:
		return lsvm_sim_services_each(kernel, answer_service, request);
	case IPVS_CMD_GET_DEST:
		/* Of a service that is not there: none. */
		if (find_service(request, false) || !request->service)
			return 0;
		lsvm_sim_count_templates(kernel, request->service);
		for (const struct sim_dest *dest = request->service->ring.next;
		     dest != &request->service->ring; dest = dest->next)
			answer_dest(request, dest);
		return 0;
	case IPVS_CMD_GET_DAEMON:
		answer_daemon(request, &kernel->master);
		answer_daemon(request, &kernel->backup);
		return 0;
	}
	return EOPNOTSUPP;
}

static int perform(struct request *request)
{
	switch (request->command) {
	case IPVS_CMD_NEW_SERVICE:
	case IPVS_CMD_SET_SERVICE:
	case IPVS_CMD_DEL_SERVICE:
	case IPVS_CMD_NEW_DEST:
	case IPVS_CMD_SET_DEST:
	case IPVS_CMD_DEL_DEST:
		return change(request);
	case IPVS_CMD_ZERO:
		if (request->content.has & BIT(COMMAND_SERVICE))
			return change(request);
		lsvm_sim_zero(&request->sim->kernel, NULL);
		return 0;
	case IPVS_CMD_FLUSH:
		lsvm_sim_services_flush(&request->sim->kernel);
		return 0;
	case IPVS_CMD_NEW_DAEMON:
	case IPVS_CMD_DEL_DAEMON:
		return set_daemon(request);
	case IPVS_CMD_SET_CONFIG:
		return set_timeouts(request);
	case IPVS_CMD_GET_SERVICE:
		return get_service(request);
	case IPVS_CMD_GET_CONFIG:
		answer_timeouts(request);
		return 0;
	case IPVS_CMD_GET_INFO:
		answer_info(request);
		return 0;
	}
	return EOPNOTSUPP;
}

static bool has_call(uint8_t command, bool is_dump)
{
	if (is_dump)
		return command == IPVS_CMD_GET_SERVICE || command == IPVS_CMD_GET_DEST ||
		       command == IPVS_CMD_GET_DAEMON;
	return command != IPVS_CMD_GET_DEST && command != IPVS_CMD_GET_DAEMON &&
	       command != IPVS_CMD_SET_INFO && command >= IPVS_CMD_NEW_SERVICE &&
	       command <= IPVS_CMD_FLUSH;
}

int lsvm_sim_kernel_request(struct sim_host *sim, const uint8_t *bytes, size_t length,
			    struct buf *ret_answer)
{
	struct request request = { .sim = sim, .answer = ret_answer };
	struct nlmsghdr head;
	struct reader attributes = { bytes + NLMSG_HDRLEN + GENL_HDRLEN,
				     length - NLMSG_HDRLEN - GENL_HDRLEN, false };
	int err;

	if (length < NLMSG_HDRLEN + GENL_HDRLEN)
		return EINVAL;
	memcpy(&head, bytes, sizeof(head));
	request.command = bytes[NLMSG_HDRLEN];
	request.dump = (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	request.family = head.nlmsg_type;
	request.sequence = head.nlmsg_seq;
	if (!has_call(request.command, request.dump))
		return EOPNOTSUPP;
	err = lsvm_sim_parse_command(attributes, &request.content);
	if (err)
		return err;
	return request.dump ? dump(&request) : perform(&request);
}

void lsvm_sim_kernel_answer(struct sim_host *sim, const uint8_t *bytes, size_t length,
			    struct buf *ret_answer)
{
	struct {
		struct nlmsghdr head;
		int32_t number;
		struct nlmsghdr request;
	} verdict = { .head.nlmsg_len = sizeof(verdict) };
	struct nlmsghdr head = { 0 };
	bool is_dump;
	int err;

	memcpy(&head, bytes, length < sizeof(head) ? length : sizeof(head));
	is_dump = (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	err = lsvm_sim_kernel_request(sim, bytes, length, ret_answer);
	if (!err && !is_dump && !(head.nlmsg_flags & NLM_F_ACK))
		return;
	verdict.head.nlmsg_seq = head.nlmsg_seq;
	verdict.head.nlmsg_type = !err && is_dump ? NLMSG_DONE : NLMSG_ERROR;
	if (verdict.head.nlmsg_type == NLMSG_DONE) {
		verdict.head.nlmsg_flags = NLM_F_MULTI;
		verdict.head.nlmsg_len = NLMSG_HDRLEN + sizeof(verdict.number);
	}
	verdict.number = -err;
	verdict.request = head;
	lsvm_buf_add(ret_answer, &verdict, verdict.head.nlmsg_len);
}
