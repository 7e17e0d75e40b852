/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firewall marks: what makes many ports one service. Packets to the VIP's ports are
 * marked on their way in, before IPVS looks at them.
 *
 * The rules are nft's, in a table of our own for each family (tables of the family `inet`
 * need a kernel that has them). The file deletes and makes its table in one transaction,
 * so that loading it twice is loading it once and no packet meets half of it. Some
 * kernels have nf_tables, but not for IP, User-Mode Linux's among them; for those the
 * same rules are there once more for iptables-legacy, and a script of a few lines asks
 * the kernel which it has.
 */
#include "plan/compile.h"

#include <inttypes.h>

/* ---- nft ---- */

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

/* ---- the same for iptables-legacy-restore ---- */

static void add_legacy_rule(struct buf *buf, const struct vip *vip,
			    const struct service *service, const struct port_range *range)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_printf(buf, "-A svm -d %s -p %s", lsvm_addr_text(&vip->address, text),
			protocol_name(service->protocol));
	if (range)
		lsvm_buf_printf(buf, " --dport %u:%u", range->first, range->last);
	lsvm_buf_printf(buf, " -j MARK --set-mark %" PRIu32 "\n", service->fwmark);
}

static void add_legacy(struct buf *buf, const struct vip *vip,
		       const struct service *service)
{
	for (uint32_t i = 0; i < service->ports.count; i++)
		add_legacy_rule(buf, vip, service, &service->ports.items[i]);
	if (!service->ports.count)
		add_legacy_rule(buf, vip, service, NULL);
}

/* ---- both ---- */

typedef void (*add_fn)(struct buf *, const struct vip *, const struct service *);

static void add_rules(struct buf *buf, const struct lsvm_cluster *cluster, uint8_t family,
		      add_fn add)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			if (vip->address.family != family)
				continue;
			for (uint32_t k = 0; k < vip->services.count; k++)
				if (vip->services.items[k].fwmark)
					add(buf, vip, &vip->services.items[k]);
		}
	}
}

#define MADE "# Made from the cluster file by libsvm; changes here are lost.\n"

static const char script[] =
	"#!/bin/sh\n" MADE
	"# start, stop, test or present; 4 or 6: the marks of IPv4 or IPv6.\n"
	"rules=" RUN_PATH "/marks$2 table=ip legacy=iptables-legacy\n"
	"[ \"$2\" = 4 ] || { table=ip6; legacy=ip6tables-legacy; }\n"
	"if nft -c add table $table svm 2>/dev/null || ! command -v $legacy >/dev/null; "
	"then\n"
	"\tcase $1 in\n"
	"\tstart) exec nft -f $rules.nft ;;\n"
	"\tstop) exec nft delete table $table svm ;;\n"
	"\ttest) exec nft -c -f $rules.nft ;;\n"
	"\tpresent) exec nft list table $table svm ;;\n"
	"\tesac\n"
	"fi\n"
	"mangle() { $legacy -w -t mangle \"$@\"; }\n"
	"case $1 in\n"
	"start)\n"
	"\t$legacy-restore -w --noflush $rules.legacy || exit 1\n"
	"\tmangle -C PREROUTING -j svm 2>/dev/null || mangle -A PREROUTING -j svm ;;\n"
	"stop) mangle -D PREROUTING -j svm && mangle -F svm && mangle -X svm ;;\n"
	"test) $legacy-restore -w --noflush --test $rules.legacy ;;\n"
	"present) mangle -C PREROUTING -j svm ;;\n"
	"esac\n";

static void want_script(struct compilation *c)
{
	struct buf buf = { 0 };

	lsvm_buf_add(&buf, script, sizeof(script) - 1);
	lsvm_want_file(c, RUN_PATH "/marks.sh", 0755, &buf);
}

static void want_unit(struct compilation *c, uint8_t family, const char *nft,
		      const char *legacy)
{
	const char *digit = family == 4 ? "4" : "6";
#define SCRIPT(verb)                                                                     \
	(const char *const[])                                                            \
	{                                                                                \
		"sh", RUN_PATH "/marks.sh", verb, digit, NULL                            \
	}
	const struct unit unit = {
		.name = family == 4 ? "marks4" : "marks6",
		.files = (const char *const[]){ RUN_PATH "/marks.sh", nft, legacy, NULL },
		.test = SCRIPT("test"),
		.start = SCRIPT("start"),
		.reload = SCRIPT("start"),
		.stop = SCRIPT("stop"),
		.present = SCRIPT("present"),
	};
#undef SCRIPT

	lsvm_want_unit(c, &unit);
}

static void want_nft(struct compilation *c, uint8_t family, const char *path)
{
	const char *table = family == 4 ? "ip" : "ip6";
	struct buf buf = { 0 };

	lsvm_buf_printf(
		&buf,
		MADE "# Adding it first makes deleting it right the first time too.\n"
		     "add table %s svm\n"
		     "delete table %s svm\n"
		     "table %s svm {\n"
		     "\tchain marks {\n"
		     "\t\ttype filter hook prerouting priority mangle; policy accept;\n",
		table, table, table);
	add_rules(&buf, c->cluster, family, add_rule);
	lsvm_buf_text(&buf, "\t}\n}\n");
	lsvm_want_file(c, path, 0644, &buf);
}

static void want_legacy(struct compilation *c, uint8_t family, const char *path)
{
	struct buf buf = { 0 };

	/* Naming the chain empties it. */
	lsvm_buf_text(&buf, MADE "*mangle\n:svm - [0:0]\n");
	add_rules(&buf, c->cluster, family, add_legacy);
	lsvm_buf_text(&buf, "COMMIT\n");
	lsvm_want_file(c, path, 0644, &buf);
}

static bool has_marks(const struct lsvm_cluster *cluster, uint8_t family)
{
	for (uint32_t i = 0; i < cluster->partitions.count; i++) {
		const struct partition *partition = &cluster->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++) {
			const struct vip *vip = &partition->vips.items[j];

			for (uint32_t k = 0; k < vip->services.count; k++)
				if (vip->services.items[k].fwmark &&
				    vip->address.family == family)
					return true;
		}
	}
	return false;
}

static bool compile_family(struct compilation *c, uint8_t family)
{
	const char *nft = family == 4 ? RUN_PATH "/marks4.nft" : RUN_PATH "/marks6.nft";
	const char *legacy =
		family == 4 ? RUN_PATH "/marks4.legacy" : RUN_PATH "/marks6.legacy";

	if (!has_marks(c->cluster, family))
		return false;
	want_nft(c, family, nft);
	want_legacy(c, family, legacy);
	want_unit(c, family, nft, legacy);
	return true;
}

void lsvm_compile_firewall(struct compilation *c)
{
	bool ipv4 = compile_family(c, 4), ipv6 = compile_family(c, 6);

	if (ipv4 || ipv6)
		want_script(c);
}
