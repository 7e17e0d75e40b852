/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firewall marks: what makes many ports one service. Packets to the VIP's ports are
 * marked on their way in, before IPVS looks at them.
 *
 * One file, one table and one unit for each family (tables of the family `inet` need a
 * kernel that has them). A file deletes and makes its table in one transaction, so that
 * loading it twice is loading it once and no packet meets half of it.
 */
#include "plan/compile.h"

#include <inttypes.h>

static const char *protocol_name(enum lsvm_protocol protocol)
{
	switch (protocol) {
	case LSVM_PROTOCOL_TCP:
		return "tcp";
	case LSVM_PROTOCOL_UDP:
		return "udp";
	case LSVM_PROTOCOL_SCTP:
		return "sctp";
	case LSVM_PROTOCOL_UNKNOWN:
		break;
	}
	return "tcp";
}

static void add_ports(struct buf *buf, const struct service *service)
{
	for (uint32_t i = 0; i < service->ports.count; i++) {
		const struct port_range *range = &service->ports.items[i];

		lsvm_buf_text(buf, i ? ", " : " dport { ");
		if (range->first == range->last)
			lsvm_buf_printf(buf, "%u", range->first);
		else
			lsvm_buf_printf(buf, "%u-%u", range->first, range->last);
	}
	lsvm_buf_text(buf, " }");
}

static void add_rule(struct buf *buf, const struct vip *vip,
		     const struct service *service)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	const char *protocol = protocol_name(service->protocol);

	lsvm_buf_printf(buf, "\t\t%s daddr %s ", vip->address.family == 4 ? "ip" : "ip6",
			lsvm_addr_text(&vip->address, text));
	if (service->ports.count) {
		lsvm_buf_text(buf, protocol);
		add_ports(buf, service);
	} else {
		lsvm_buf_printf(buf, "meta l4proto %s", protocol);
	}
	lsvm_buf_printf(buf, " meta mark set %" PRIu32 "\n", service->fwmark);
}

static void add_rules(struct buf *buf, const struct lsvm_cluster *cluster, uint8_t family)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			if (vip->address.family != family)
				continue;
			for (uint32_t k = 0; k < vip->services.count; k++)
				if (vip->services.items[k].fwmark)
					add_rule(buf, vip, &vip->services.items[k]);
		}
	}
}

static void want_unit(struct compilation *c, const char *name, const char *path,
		      const char *table)
{
	const struct unit unit = {
		.name = name,
		.files = (const char *const[]){ path, NULL },
		.test = (const char *const[]){ "nft", "-c", "-f", path, NULL },
		.start = (const char *const[]){ "nft", "-f", path, NULL },
		.reload = (const char *const[]){ "nft", "-f", path, NULL },
		.stop = (const char *const[]){ "nft", "delete", "table", table, "svm",
					       NULL },
		.present = (const char *const[]){ "nft", "list", "table", table, "svm",
						  NULL },
	};

	lsvm_want_unit(c, &unit);
}

static void compile_family(struct compilation *c, uint8_t family)
{
	const char *table = family == 4 ? "ip" : "ip6";
	const char *path =
		family == 4 ? RUN_PATH "/firewall.nft" : RUN_PATH "/firewall6.nft";
	struct buf rules = { 0 }, buf = { 0 };

	add_rules(&rules, c->cluster, family);
	if (!rules.length && !rules.failed)
		return;
	lsvm_buf_printf(
		&buf,
		"# Made from the cluster file by libsvm; changes here are lost.\n"
		"# Adding it first makes deleting it right the first time too.\n"
		"add table %s svm\n"
		"delete table %s svm\n"
		"table %s svm {\n"
		"\tchain marks {\n"
		"\t\ttype filter hook prerouting priority mangle; policy accept;\n",
		table, table, table);
	lsvm_buf_add(&buf, rules.data, rules.length);
	lsvm_buf_text(&buf, "\t}\n}\n");
	buf.failed |= rules.failed;
	lsvm_buf_free(&rules);
	lsvm_want_file(c, path, 0644, &buf);
	want_unit(c, family == 4 ? "nft" : "nft6", path, table);
}

void lsvm_compile_firewall(struct compilation *c)
{
	compile_family(c, 4);
	compile_family(c, 6);
}
