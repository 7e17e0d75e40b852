/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IPVS tables and changes as text: ipvsadm's commands, and one line for each change. */
#include "ipvs/table.h"
#include "ipvs/words.h"

#include <limits.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

/* Of numbers whose words are one higher. */
static const char *word_text(const struct word *words, uint32_t number, char *buf)
{
	const char *name = "unknown";

	if (number < INT_MAX)
		name = lsvm_word_name(words, (int)number + 1);
	if (strcmp(name, "unknown") == 0)
		snprintf(buf, IPVS_WORD_BYTES, "unknown(%u)", number);
	else
		snprintf(buf, IPVS_WORD_BYTES, "%s", name);
	return buf;
}

const char *lsvm_ipvs_forwarding_text(uint32_t forwarding, char *buf)
{
	return word_text(lsvm_ipvs_forwarding_words, forwarding, buf);
}

static const char *protocol_option(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "-t";
	case IPPROTO_UDP:
		return "-u";
	case IPPROTO_SCTP:
		return "--sctp-service";
	}
	return NULL;
}

static void add_address(struct buf *buf, const struct ipvs_key *key)
{
	char endpoint[LSVM_ADDRESS_TEXT_BYTES];

	if (key->fwmark)
		lsvm_buf_printf(buf, "-f %u%s", key->fwmark,
				key->addr.family == 6 ? " -6" : "");
	else
		lsvm_buf_printf(buf, "%s %s", protocol_option(key->protocol),
				lsvm_endpoint_text(&key->addr, key->port, endpoint));
}

/* ipvsadm has names of its own for two schedulers, and none for their third flag. */
static void add_scheduler_flags(struct buf *buf, const struct ipvs_service *service)
{
	static const char *const plain[] = { "flag-1", "flag-2", "flag-3" };
	static const char *const sh[] = { "sh-fallback", "sh-port", NULL };
	static const char *const mh[] = { "mh-fallback", "mh-port", NULL };
	const char *const *names = plain;
	const char *comma = "";

	if (!(service->flags &
	      (IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3)))
		return;
	if (strcmp(service->scheduler, "sh") == 0)
		names = sh;
	else if (strcmp(service->scheduler, "mh") == 0)
		names = mh;
	lsvm_buf_text(buf, " -b ");
	for (unsigned i = 0; i < 3; i++)
		if ((service->flags & (IP_VS_SVC_F_SCHED1 << i)) && names[i]) {
			lsvm_buf_printf(buf, "%s%s", comma, names[i]);
			comma = ",";
		}
}

static void add_persistence(struct buf *buf, const struct ipvs_service *service)
{
	uint32_t mask = service->netmask;

	if (!(service->flags & IP_VS_SVC_F_PERSISTENT))
		return;
	lsvm_buf_printf(buf, " -p %u", service->timeout_s);
	if (service->key.addr.family == 6) {
		if (mask != 128)
			lsvm_buf_printf(buf, " -M %u", mask);
	} else if (mask != 0xffffffff) {
		lsvm_buf_printf(buf, " -M %u.%u.%u.%u", mask >> 24, mask >> 16 & 255,
				mask >> 8 & 255, mask & 255);
	}
}

static void add_service(struct buf *buf, const struct ipvs_service *service)
{
	lsvm_buf_text(buf, "-A ");
	add_address(buf, &service->key);
	lsvm_buf_printf(buf, " -s %s", service->scheduler);
	add_persistence(buf, service);
	if (service->engine[0])
		lsvm_buf_printf(buf, " --pe %s", service->engine);
	if (service->flags & IP_VS_SVC_F_ONEPACKET)
		lsvm_buf_text(buf, " -o");
	add_scheduler_flags(buf, service);
	lsvm_buf_text(buf, "\n");
}

static const char *forwarding_option(uint32_t forwarding)
{
	switch (forwarding) {
	case IP_VS_CONN_F_MASQ:
		return "-m";
	case IP_VS_CONN_F_TUNNEL:
		return "-i";
	case IP_VS_CONN_F_LOCALNODE:
	case IP_VS_CONN_F_DROUTE:
		return "-g";
	}
	return "";
}

static void add_tunnel(struct buf *buf, const struct ipvs_destination *destination)
{
	static const char *const types[] = { "ipip", "gue", "gre" };
	static const char *const checksums[] = { "nocsum", "csum", "remcsum" };

	if (destination->tunnel_type >= ARRAY_SIZE(types))
		return;
	lsvm_buf_printf(buf, " --tun-type %s", types[destination->tunnel_type]);
	if (destination->tunnel_type == IPVS_TUNNEL_GUE)
		lsvm_buf_printf(buf, " --tun-port %u", destination->tunnel_port);
	if (destination->tunnel_type != IPVS_TUNNEL_IPIP &&
	    destination->tunnel_flags < ARRAY_SIZE(checksums))
		lsvm_buf_printf(buf, " --tun-%s", checksums[destination->tunnel_flags]);
}

static void add_destination(struct buf *buf, const struct ipvs_service *service,
			    const struct ipvs_destination *destination)
{
	char endpoint[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_text(buf, "-a ");
	add_address(buf, &service->key);
	lsvm_buf_printf(
		buf, " -r %s %s -w %u",
		lsvm_endpoint_text(&destination->addr, destination->port, endpoint),
		forwarding_option(destination->forwarding), destination->weight);
	if (destination->forwarding == IP_VS_CONN_F_TUNNEL)
		add_tunnel(buf, destination);
	lsvm_buf_text(buf, "\n");
}

int lsvm_ipvs_table_to_ipvsadm(const struct lsvm_ipvs_table *table, char **ret)
{
	struct buf buf = { 0 };

	lsvm_buf_text(&buf, "");
	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];

		if (!service->key.fwmark && !protocol_option(service->key.protocol))
			continue;
		add_service(&buf, service);
		for (size_t j = 0; j < service->destinations.count; j++)
			add_destination(&buf, service, &service->destinations.items[j]);
	}
	*ret = lsvm_buf_take(&buf);
	return *ret ? 0 : lsvm_fail_nomem(table->ctx);
}

/* ---- changes ---- */

static void service_line(struct buf *buf, const struct ipvs_service *service)
{
	char key[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_buf_printf(buf, "service %s", lsvm_ipvs_key_text(&service->key, key));
}

static void service_settings(struct buf *buf, const struct ipvs_service *service)
{
	lsvm_buf_printf(buf, " scheduler %s", service->scheduler);
	for (unsigned i = 0; i < 3; i++)
		if (service->flags & (IP_VS_SVC_F_SCHED1 << i))
			lsvm_buf_printf(
				buf, " %s",
				lsvm_word_name(lsvm_ipvs_scheduler_flag_words, 1 << i));
	if (service->flags & IP_VS_SVC_F_PERSISTENT)
		lsvm_buf_printf(buf, " persistence %u s", service->timeout_s);
	if (service->engine[0])
		lsvm_buf_printf(buf, " engine %s", service->engine);
	if (service->flags & IP_VS_SVC_F_ONEPACKET)
		lsvm_buf_text(buf, " one-packet");
}

static void destination_line(struct buf *buf, const struct ipvs_change *change)
{
	const struct ipvs_destination *destination = change->destination;
	char key[LSVM_ADDRESS_TEXT_BYTES * 2], endpoint[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_printf(
		buf, "destination %s of %s",
		lsvm_endpoint_text(&destination->addr, destination->port, endpoint),
		lsvm_ipvs_key_text(&change->service->key, key));
}

static void destination_settings(struct buf *buf, const struct ipvs_change *change)
{
	const struct ipvs_destination *destination = change->destination;
	char word[IPVS_WORD_BYTES];

	lsvm_buf_printf(buf, " forwarding %s weight %u",
			lsvm_ipvs_forwarding_text(destination->forwarding, word),
			change->weight);
	if (destination->forwarding == IP_VS_CONN_F_TUNNEL &&
	    destination->tunnel_type != IPVS_TUNNEL_IPIP)
		lsvm_buf_printf(buf, " tunnel %s",
				word_text(lsvm_ipvs_tunnel_words,
					  destination->tunnel_type, word));
	if (destination->upper_threshold)
		lsvm_buf_printf(buf, " thresholds %u %u", destination->lower_threshold,
				destination->upper_threshold);
}

void lsvm_ipvs_change_text(const struct ipvs_change *change, struct buf *buf)
{
	static const char *const verbs[] = {
		[IPVS_SERVICE_ADD] = "add ",	   [IPVS_SERVICE_EDIT] = "edit ",
		[IPVS_SERVICE_DELETE] = "remove ", [IPVS_DESTINATION_ADD] = "add ",
		[IPVS_DESTINATION_EDIT] = "edit ", [IPVS_DESTINATION_DELETE] = "remove ",
		[IPVS_TIMEOUTS_SET] = "set ",	   [IPVS_DAEMON_START] = "start ",
		[IPVS_DAEMON_STOP] = "stop ",
	};

	lsvm_buf_text(buf, verbs[change->kind]);
	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		service_line(buf, change->service);
		service_settings(buf, change->service);
		break;
	case IPVS_SERVICE_DELETE:
		service_line(buf, change->service);
		break;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
		destination_line(buf, change);
		destination_settings(buf, change);
		break;
	case IPVS_DESTINATION_DELETE:
		destination_line(buf, change);
		break;
	case IPVS_TIMEOUTS_SET:
		lsvm_buf_printf(buf, "timeouts tcp %u s, tcp-fin %u s, udp %u s",
				change->timeouts->tcp_s, change->timeouts->tcp_fin_s,
				change->timeouts->udp_s);
		break;
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		lsvm_buf_printf(buf, "sync %s on %s id %u",
				change->is_master ? "master" : "backup",
				change->daemon->interface, change->daemon->sync_id);
		break;
	}
}
