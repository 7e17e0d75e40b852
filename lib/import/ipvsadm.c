/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An IPVS table as a cluster file, and whose configuration some bytes look like. A table
 * has no lines to point at, so what is lost names the service.
 */
#include "import/import.h"
#include "ipvs/table.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>

static uint32_t prefix_length(const struct ipvs_service *service)
{
	uint32_t length = 0;

	if (service->key.addr.family == 6)
		return service->netmask == 128 ? 0 : service->netmask;
	while (length < 32 && (service->netmask & 0x80000000u >> length))
		length++;
	return length == 32 ? 0 : length;
}

static bool read_server(struct source *source, struct import_service *service,
			const struct ipvs_destination *destination)
{
	struct import_server *server = lsvm_import_server(source, service, NULL);

	if (!server)
		return false;
	server->addr = destination->addr;
	server->port = destination->port;
	server->weight = destination->weight > 65535 ? 65535 : destination->weight;
	server->upper = destination->upper_threshold;
	server->lower = destination->lower_threshold;
	server->way.forwarding = (enum lsvm_forwarding)(destination->forwarding + 1);
	if (destination->forwarding != IP_VS_CONN_F_TUNNEL)
		return true;
	server->way.tunnel = (enum lsvm_tunnel_kind)(destination->tunnel_type + 1);
	server->way.port = destination->tunnel_port;
	server->way.checksum = (enum lsvm_tunnel_checksum)(destination->tunnel_flags + 1);
	return true;
}

static void read_service(struct source *source, const struct ipvs_service *from)
{
	struct import_service *service = lsvm_import_service(source, NULL);

	if (!service)
		return;
	service->mark = from->key.fwmark;
	service->addr = from->key.addr;
	service->port = from->key.port;
	service->protocol = from->key.protocol == IPPROTO_UDP	 ? LSVM_PROTOCOL_UDP
			    : from->key.protocol == IPPROTO_SCTP ? LSVM_PROTOCOL_SCTP
								 : LSVM_PROTOCOL_TCP;
	service->scheduler = lsvm_arena_strdup(&source->arena, from->scheduler);
	service->flags = from->flags >> 3 & 7;
	service->persistent = from->flags & IP_VS_SVC_F_PERSISTENT;
	service->timeout_s = from->timeout_s;
	if (service->persistent)
		service->prefix_length = prefix_length(from);
	service->one_packet = from->flags & IP_VS_SVC_F_ONEPACKET;
	if (from->engine[0])
		service->engine = lsvm_arena_strdup(&source->arena, from->engine);
	if (!service->scheduler) {
		service->scheduler = "wlc";
		return;
	}
	for (size_t i = 0; i < from->destinations.count; i++)
		if (!read_server(source, service, &from->destinations.items[i]))
			return;
}

static void read_table(struct source *source, const struct lsvm_ipvs_table *table)
{
	struct import_house *house = &source->house;
	const struct ipvs_daemon *daemon =
		table->master.present ? &table->master : &table->backup;

	house->name = "ipvsadm";
	house->tcp_s = table->timeouts.tcp_s;
	house->tcp_fin_s = table->timeouts.tcp_fin_s;
	house->udp_s = table->timeouts.udp_s;
	if (daemon->present) {
		/* Somebody listens, or speaks: there is a second director. */
		house->redundant = house->sync = true;
		house->priority = 100;
		house->advert_ms = 1000;
		house->sync_id = daemon->sync_id;
		house->sync_maxlen = daemon->maxlen_bytes;
		house->sync_port = daemon->port;
		house->sync_ttl = daemon->ttl;
		house->sync_group = daemon->group;
	}
	for (size_t i = 0; i < table->services.count; i++)
		read_service(source, &table->services.items[i]);
}

int lsvm_import_ipvsadm(struct lsvm_ctx *ctx, const char *bytes, size_t length,
			struct lsvm_import **ret)
{
	struct lsvm_ipvs_table *table;
	struct source source;
	int err = lsvm_import_begin(ctx, LSVM_IMPORT_SOURCE_IPVSADM, bytes, length,
				    &source);

	if (err)
		return err;
	err = lsvm_ipvs_table_from_ipvsadm(ctx, bytes, length, &table);
	if (err)
		return lsvm_import_finish(&source, err, ret);
	read_table(&source, table);
	lsvm_ipvs_table_unref(table);
	return lsvm_import_finish(&source, 0, ret);
}

/* ---- whose is it ---- */

static bool begins(const char *at, size_t left, const char *word)
{
	size_t length = strlen(word);

	return left > length && memcmp(at, word, length) == 0 &&
	       strchr(" \t={\r\n", at[length]);
}

static int guess_line(const char *at, size_t left)
{
	static const struct {
		const char *word;
		int source;
	} words[] = {
		{ "virtual_server", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "virtual_server_group", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "vrrp_instance", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "vrrp_sync_group", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "global_defs", LSVM_IMPORT_SOURCE_KEEPALIVED },
		{ "virtual", LSVM_IMPORT_SOURCE_LDIRECTORD },
		{ "virtual6", LSVM_IMPORT_SOURCE_LDIRECTORD },
		{ "ipvsadm", LSVM_IMPORT_SOURCE_IPVSADM },
		{ "-A", LSVM_IMPORT_SOURCE_IPVSADM },
		{ "--add-service", LSVM_IMPORT_SOURCE_IPVSADM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (begins(at, left, words[i].word))
			return words[i].source;
	return LSVM_IMPORT_SOURCE_UNKNOWN;
}

int lsvm_import_guess(const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		const char *end = memchr(bytes + at, '\n', length - at);
		int source;

		while (at < length && (bytes[at] == ' ' || bytes[at] == '\t'))
			at++;
		source = guess_line(bytes + at, length - at);
		if (source)
			return source;
		at = end ? (size_t)(end - bytes) + 1 : length;
	}
	return LSVM_IMPORT_SOURCE_UNKNOWN;
}

int lsvm_import_whose(struct source *source, const char *bytes, size_t length)
{
	const int guess = source->services.count ? LSVM_IMPORT_SOURCE_UNKNOWN
						 : lsvm_import_guess(bytes, length);

	if (guess == LSVM_IMPORT_SOURCE_UNKNOWN || guess == (int)source->import->source)
		return 0;
	return lsvm_fail(
		source->import->ctx, LSVM_ERR_PARSE,
		"this is no configuration of %s: it looks like one of %s; read it "
		"as such (svm-ems import --from %s)",
		lsvm_import_source_name(source->import->source),
		lsvm_import_source_name(guess), lsvm_import_source_name(guess));
}
