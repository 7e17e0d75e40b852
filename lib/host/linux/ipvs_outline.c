/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which services and destinations there are, as a few numbers that do not depend on
 * order.
 *
 * /proc/net/ip_vs (ip_vs_info_seq_show in net/netfilter/ipvs/ip_vs_ctl.c) lists the table
 * fast, but without thresholds, tunnels and the family of a mark: enough to notice that a
 * dump missed something. Each entry is hashed, and the hashes are added.
 */
#include "host/linux/ipvs_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define READ_BYTES 16384
#define TEXT_BYTES_MAX (256u << 20) /* of two million lines */
#define LINE_BYTES 128		    /* the kernel's are shorter */

static uint64_t hash(uint64_t seed, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		seed = (seed ^ at[i]) * 0x100000001b3u;
	return seed ^ seed >> 29;
}

static uint64_t hash_service(uint32_t fwmark, uint8_t protocol, const struct addr *addr,
			     uint16_t port)
{
	uint64_t sum = hash(0xcbf29ce484222325u, &fwmark, sizeof(fwmark));

	if (fwmark)
		return sum;
	/* The file has names for few protocols. */
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP &&
	    protocol != IPPROTO_SCTP)
		protocol = 0;
	sum = hash(sum, &protocol, sizeof(protocol));
	sum = hash(sum, addr->bytes, addr->family == 6 ? 16 : 4);
	return hash(sum, &port, sizeof(port));
}

static uint64_t hash_destination(uint64_t service, const struct addr *addr, uint16_t port)
{
	uint64_t sum = hash(service + 1, addr->bytes, addr->family == 6 ? 16 : 4);

	return hash(sum, &port, sizeof(port));
}

void lsvm_ipvs_outline_of_table(const struct lsvm_ipvs_table *table,
				struct ipvs_outline *ret)
{
	struct ipvs_outline outline = { 0 };

	for (size_t i = 0; i < table->services.count; i++) {
		const struct ipvs_service *service = &table->services.items[i];
		const struct ipvs_key *key = &service->key;
		uint64_t sum =
			hash_service(key->fwmark, key->protocol, &key->addr, key->port);

		outline.service_count++;
		outline.sum += sum;
		outline.service_sum += sum;
		for (size_t j = 0; j < service->destinations.count; j++) {
			const struct ipvs_destination *destination =
				&service->destinations.items[j];

			outline.destination_count++;
			outline.sum += hash_destination(sum, &destination->addr,
							destination->port);
		}
	}
	*ret = outline;
}

/* *service is the hash of the service that destinations belong to. */
static int add_line(const char *line, uint64_t *service, struct ipvs_outline *outline)
{
	char first[16], second[LSVM_ADDRESS_TEXT_BYTES];
	unsigned fwmark = 0;
	struct addr addr;
	uint16_t port;

	if (sscanf(line, "%15s %63s", first, second) != 2)
		return 0;
	/* The three lines of the heading. */
	if (strcmp(first, "IP") == 0 || strcmp(first, "Prot") == 0 ||
	    strcmp(second, "RemoteAddress:Port") == 0)
		return 0;
	if (strcmp(first, "FWM") == 0 && sscanf(second, "%8x", &fwmark) == 1) {
		*service = hash_service(fwmark, 0, NULL, 0);
	} else if (!lsvm_ipvs_listing_endpoint(second, &addr, &port)) {
		return LSVM_ERR_UNSUPPORTED;
	} else if (strcmp(first, "->") == 0) {
		outline->destination_count++;
		outline->sum += hash_destination(*service, &addr, port);
		return 0;
	} else {
		*service =
			hash_service(0, lsvm_ipvs_listing_protocol(first), &addr, port);
	}
	outline->service_count++;
	outline->sum += *service;
	outline->service_sum += *service;
	return 0;
}

int lsvm_ipvs_outline_of_text(const char *text, struct ipvs_outline *ret)
{
	struct ipvs_outline outline = { 0 };
	uint64_t service = 0;
	int err = 0;

	while (*text && !err) {
		const char *end = strchrnul(text, '\n');
		const size_t length = (size_t)(end - text);
		char line[LINE_BYTES];

		/* A copy: sscanf measures the whole text that it is given. */
		snprintf(line, sizeof(line), "%.*s",
			 length < LINE_BYTES ? (int)length : LINE_BYTES - 1, text);
		err = add_line(line, &service, &outline);
		text = *end ? end + 1 : end;
	}
	if (!err)
		*ret = outline;
	return err;
}

int lsvm_ipvs_outline_of_kernel(struct ipvs_socket *socket, struct ipvs_outline *ret)
{
	struct buf text = { 0 };
	char chunk[READ_BYTES];
	ssize_t length;
	int err;

	if (socket->proc_fd < 0)
		return LSVM_ERR_UNSUPPORTED;
	do {
		length = pread(socket->proc_fd, chunk, sizeof(chunk), (off_t)text.length);
		if (length > 0)
			lsvm_buf_add(&text, chunk, (size_t)length);
	} while (text.length < TEXT_BYTES_MAX && !lsvm_ipvs_is_late(socket) &&
		 (length > 0 || (length < 0 && errno == EINTR)));
	if (text.failed)
		err = lsvm_fail_nomem(socket->ctx);
	else if (length)
		err = LSVM_ERR_UNSUPPORTED;
	else
		err = lsvm_ipvs_outline_of_text(text.data ? text.data : "", ret);
	lsvm_buf_free(&text);
	return err;
}
