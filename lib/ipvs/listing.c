/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the kernel's own list, /proc/net/ip_vs (ip_vs_info_seq_show in
 * net/netfilter/ipvs/ip_vs_ctl.c), says that a table is there. It is read a hundred times
 * faster than the table itself, and knows keys, schedulers, forwarding and weights:
 * enough to see that nobody has touched it. It knows nothing of thresholds, tunnels,
 * flags, timeouts and daemons, and not the family of a mark: services by mark count as
 * there.
 *
 * What is not ours does not matter, but for destinations in services of ours: whether
 * those may stay is for others to say.
 */
#include "ipvs/table.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES 160 /* the kernel's are shorter */

struct listing {
	const struct lsvm_ipvs_table *table;
	const struct ipvs_service *service; /* that the lines are about; NULL: not ours */
	size_t service_count, destination_count;
	bool differs;
};

bool lsvm_ipvs_listing_endpoint(const char *text, struct addr *ret_addr,
				uint16_t *ret_port)
{
	char inside[LSVM_ADDRESS_TEXT_BYTES];
	unsigned port, number;

	if (sscanf(text, "[%63[0-9a-fA-F:.]]:%4x", inside, &port) == 2) {
		if (!lsvm_addr_parse(inside, ret_addr) || ret_addr->family != 6)
			return false;
	} else if (sscanf(text, "%8x:%4x", &number, &port) == 2) {
		*ret_addr =
			(struct addr){ 4,
				       { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
					 (uint8_t)(number >> 8), (uint8_t)number } };
	} else {
		return false;
	}
	*ret_port = (uint16_t)port;
	return true;
}

uint8_t lsvm_ipvs_listing_protocol(const char *word)
{
	if (strcmp(word, "TCP") == 0)
		return IPPROTO_TCP;
	if (strcmp(word, "UDP") == 0)
		return IPPROTO_UDP;
	return strcmp(word, "SCTP") == 0 ? IPPROTO_SCTP : 0;
}

static uint8_t forwarding_of(const char *word)
{
	static const char *const words[] = { "Masq", "Local", "Tunnel", "Route",
					     "Bypass" };

	for (uint8_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return UINT8_MAX;
}

static void take_service(struct listing *listing, const char *protocol,
			 const char *endpoint, const char *scheduler)
{
	struct ipvs_key key = { .protocol = lsvm_ipvs_listing_protocol(protocol) };

	listing->service = NULL;
	if (!key.protocol || !lsvm_ipvs_listing_endpoint(endpoint, &key.addr, &key.port))
		return;
	listing->service = lsvm_ipvs_table_lookup(listing->table, &key);
	if (!listing->service)
		return;
	listing->service_count++;
	listing->differs |= strcmp(listing->service->scheduler, scheduler) != 0;
}

static int by_destination(const void *a, const void *b)
{
	return lsvm_ipvs_destination_compare(a, b);
}

static void take_destination(struct listing *listing, const char *endpoint,
			     const char *forwarding, unsigned weight)
{
	const struct ipvs_service *service = listing->service;
	const struct ipvs_destination *found = NULL;
	struct ipvs_destination key = { 0 };

	if (!service)
		return;
	if (lsvm_ipvs_listing_endpoint(endpoint, &key.addr, &key.port) &&
	    service->destinations.count)
		found = bsearch(&key, service->destinations.items,
				service->destinations.count, sizeof(key), by_destination);
	if (!found || found->weight != weight ||
	    found->forwarding != forwarding_of(forwarding))
		listing->differs = true;
	else
		listing->destination_count++;
}

static void take_line(struct listing *listing, const char *line)
{
	char first[16], second[LSVM_ADDRESS_TEXT_BYTES], third[24];
	unsigned weight;

	/* Headings fit into neither. */
	if (sscanf(line, " -> %63s %23s %u", second, third, &weight) == 3)
		take_destination(listing, second, third, weight);
	else if (sscanf(line, "%15s %63s %23s", first, second, third) == 3)
		take_service(listing, first, second, third);
}

static bool has_all(const struct listing *listing)
{
	const struct lsvm_ipvs_table *table = listing->table;
	size_t services = 0, destinations = 0;

	for (size_t i = 0; i < table->services.count; i++) {
		if (table->services.items[i].key.fwmark)
			continue;
		services++;
		destinations += table->services.items[i].destinations.count;
	}
	return listing->service_count == services &&
	       listing->destination_count == destinations;
}

bool lsvm_ipvs_listing_has(const char *text, const struct lsvm_ipvs_table *table)
{
	struct listing listing = { .table = table };

	while (*text && !listing.differs) {
		const char *end = strchrnul(text, '\n');
		const size_t length = (size_t)(end - text);
		char line[LINE_BYTES];

		/* A copy: sscanf measures the whole text that it is given. */
		snprintf(line, sizeof(line), "%.*s",
			 length < LINE_BYTES ? (int)length : LINE_BYTES - 1, text);
		take_line(&listing, line);
		text = *end ? end + 1 : end;
	}
	return !listing.differs && has_all(&listing);
}
