/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table on standard output, and the verdict. */
#include "report.h"

#include "spaces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 400

/* ---- counters ---- */

/* A line for each processor, in hexadecimal. They are up to date, where the totals and
 * the dump over netlink are two seconds late. */
static void read_table_counters(struct gauge *gauge)
{
	FILE *file = fopen("/proc/net/ip_vs_stats_percpu", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t n[6];

		if (sscanf(line,
			   " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
			   " %" SCNx64,
			   &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) != 6)
			continue;
		gauge->connections += n[1];
		gauge->in_packets += n[2];
		gauge->out_packets += n[3];
		gauge->in_bytes += n[4];
		gauge->out_bytes += n[5];
	}
	if (file)
		fclose(file);
}

int gauges_read(struct world *world, struct gauges *ret)
{
	int own = spaces_network(), err = own < 0 ? -1 : 0;

	*ret = (struct gauges){ calloc(world->machine_count, sizeof(*ret->items)), 0 };
	if (!ret->items)
		err = -1;
	for (size_t i = 0; !err && i < world->machine_count; i++) {
		const struct machine *machine = &world->machines[i];
		struct gauge *gauge = &ret->items[ret->count];

		if (machine->role != LSVM_ROLE_DIRECTOR &&
		    machine->role != LSVM_ROLE_ROUTER &&
		    machine->role != LSVM_ROLE_UNKNOWN)
			continue;
		gauge->machine = machine;
		err = wire_traffic(world, machine, &gauge->traffic);
		if (!err && machine->role == LSVM_ROLE_DIRECTOR && machine->net >= 0 &&
		    spaces_visit(machine->net)) {
			read_table_counters(gauge);
			err = spaces_visit(own) ? 0 : -1;
		}
		ret->count++;
	}
	close(own);
	return err;
}

void gauges_free(struct gauges *gauges)
{
	free(gauges->items);
}

static struct gauge since(const struct report *report, size_t index)
{
	const struct gauge *was = &report->before->items[index];
	struct gauge gauge = report->after->items[index];

	/* A machine that was switched off meanwhile counts from zero. */
	if (gauge.traffic.in_bytes < was->traffic.in_bytes ||
	    gauge.in_packets < was->in_packets)
		return gauge;
	gauge.traffic.in_packets -= was->traffic.in_packets;
	gauge.traffic.in_bytes -= was->traffic.in_bytes;
	gauge.traffic.out_packets -= was->traffic.out_packets;
	gauge.traffic.out_bytes -= was->traffic.out_bytes;
	gauge.connections -= was->connections;
	gauge.in_packets -= was->in_packets;
	gauge.out_packets -= was->out_packets;
	gauge.in_bytes -= was->in_bytes;
	gauge.out_bytes -= was->out_bytes;
	return gauge;
}

/* ---- the verdict ---- */

static bool was_asked(const struct report *report, const struct target *target)
{
	return !report->partition || !strcmp(report->partition, target->partition);
}

static bool is_direct(const struct report *report)
{
	for (size_t i = 0; i < report->targets->count; i++)
		if (report->targets->items[i].forwarding == LSVM_FORWARDING_NAT)
			return false;
	return true;
}

static struct gauge directors(const struct report *report)
{
	struct gauge all = { 0 };

	for (size_t i = 0; i < report->after->count; i++) {
		struct gauge one = since(report, i);

		if (one.machine->role != LSVM_ROLE_DIRECTOR)
			continue;
		all.traffic.in_bytes += one.traffic.in_bytes;
		all.out_packets += one.out_packets;
		all.out_bytes += one.out_bytes;
		all.in_packets += one.in_packets;
		all.in_bytes += one.in_bytes;
		all.connections += one.connections;
	}
	return all;
}

struct sums {
	uint32_t domains, services, skipped, asked, failed;
	uint64_t bytes;
};

static struct sums sum(const struct report *report)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < report->targets->count; i++) {
		const struct target *target = &report->targets->items[i];

		if (!was_asked(report, target))
			continue;
		if (target->skipped)
			sums.skipped++;
		else if (target->domain)
			sums.domains++;
		else
			sums.services++;
		sums.asked += target->asked;
		sums.failed += target->failed;
		sums.bytes += target->bytes;
	}
	return sums;
}

bool report_good(const struct report *report)
{
	struct sums sums = sum(report);

	return sums.asked && !sums.failed &&
	       (!is_direct(report) || !directors(report).out_packets);
}

/* ---- text ---- */

static int partition_width(const struct report *report)
{
	int most = 9;

	for (size_t i = 0; i < report->targets->count; i++)
		if ((int)strlen(report->targets->items[i].partition) > most)
			most = (int)strlen(report->targets->items[i].partition);
	return most;
}

static int address_width(const struct report *report)
{
	int most = 3;

	for (size_t i = 0; i < report->targets->count; i++)
		if ((int)strlen(report->targets->items[i].address) > most)
			most = (int)strlen(report->targets->items[i].address);
	return most;
}

static const char *name_of(const struct target *target, char *buf, size_t size)
{
	if (!target->domain)
		snprintf(buf, size, "%s %s/%u", target->service,
			 lsvm_protocol_name(target->protocol), target->port);
	else if (target->secured || target->port != 80)
		snprintf(buf, size, "%s://%s:%u", target->secured ? "https" : "http",
			 target->domain, target->port);
	else
		snprintf(buf, size, "%s", target->domain);
	return buf;
}

static int name_width(const struct report *report)
{
	char text[NAME_BYTES];
	int most = 24;

	for (size_t i = 0; i < report->targets->count; i++) {
		const char *name =
			name_of(&report->targets->items[i], text, sizeof(text));

		if ((int)strlen(name) > most)
			most = (int)strlen(name);
	}
	return most;
}

static void print_rows(const struct report *report)
{
	int partition = partition_width(report), name = name_width(report);
	int address = address_width(report);
	char text[NAME_BYTES];

	printf("%-*s  %-*s  %-*s  %8s  %8s  %s\n", partition, "partition", address, "VIP",
	       name, "domain or service", "requests", "failures", "answered by");
	for (size_t i = 0; i < report->targets->count; i++) {
		const struct target *target = &report->targets->items[i];

		if (!was_asked(report, target))
			continue;
		printf("%-*s  %-*s  %-*s", partition, target->partition, address,
		       target->address, name, name_of(target, text, sizeof(text)));
		if (target->skipped) {
			printf("  not asked: %s\n", target->skipped);
			continue;
		}
		printf("  %8u  %8u ", target->asked, target->failed);
		for (size_t j = 0; j < target->share_count; j++)
			printf("%s %s %u", j ? "," : "", target->shares[j].server,
			       target->shares[j].count);
		putchar('\n');
		if (target->problem[0])
			printf("%*s  first failure: %s\n", partition, "",
			       target->problem);
	}
}

static void print_ways(const struct report *report)
{
	struct gauge all = directors(report);

	printf("\nWhich way the packets went\n");
	for (size_t i = 0; i < report->after->count; i++) {
		struct gauge one = since(report, i);
		const char *role = lsvm_role_name(one.machine->role);

		printf("  %-8s %-10s received %8" PRIu64 " packets %10" PRIu64
		       " bytes, sent %8" PRIu64 " packets %10" PRIu64 " bytes\n",
		       one.machine->role == LSVM_ROLE_UNKNOWN ? "client" : role,
		       one.machine->name, one.traffic.in_packets, one.traffic.in_bytes,
		       one.traffic.out_packets, one.traffic.out_bytes);
	}
	printf("  IPVS: %" PRIu64 " connections, %" PRIu64 " packets (%" PRIu64
	       " bytes) of requests went through the directors,\n  replies that passed a "
	       "director: %" PRIu64 " packets, %" PRIu64 " bytes%s\n",
	       all.connections, all.in_packets, all.in_bytes, all.out_packets,
	       all.out_bytes,
	       is_direct(report) ? "" : " (with address translation they have to)");
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

void report_print(const struct report *report)
{
	struct sums sums = sum(report);

	printf("%s: %s\n\n", report->cluster, report->topology);
	if (sums.domains + sums.services + sums.skipped)
		print_rows(report);
	print_ways(report);
	printf("\n%u domain%s, %u other service%s: %u request%s in %.1f s, %u failure%s: "
	       "%s\n",
	       sums.domains, plural(sums.domains), sums.services, plural(sums.services),
	       sums.asked, plural(sums.asked), (double)report->took_ms / 1000,
	       sums.failed, plural(sums.failed),
	       report_good(report) ? "good" : "NOT GOOD");
	if (sums.skipped)
		printf("%u more not asked\n", sums.skipped);
	if (!sums.asked)
		printf("Nothing was asked: no service of %s%s has anything to ask for; "
		       "give a VIP a domain, or a service that is not on the web\n",
		       report->partition ? "partition " : "the cluster",
		       report->partition ? report->partition : "");
}

/* ---- JSON ---- */

static json_t *target_json(const struct target *target)
{
	json_t *shares = json_object();

	for (size_t i = 0; i < target->share_count; i++)
		json_object_set_new(shares, target->shares[i].server,
				    json_integer(target->shares[i].count));
	return json_pack(
		"{s:s, s:s, s:s*, s:s, s:s, s:i, s:s, s:i, s:i, s:I, s:s*, s:s*, s:o}",
		"partition", target->partition, "vip", target->address, "domain",
		target->domain, "service", target->service, "protocol",
		lsvm_protocol_name(target->protocol), "port", (int)target->port,
		"forwarding", lsvm_forwarding_name(target->forwarding), "requests",
		(int)target->asked, "failures", (int)target->failed, "reply_bytes",
		(json_int_t)target->bytes, "first_failure",
		target->problem[0] ? target->problem : NULL, "not_asked", target->skipped,
		"servers", shares);
}

static json_t *gauge_json(const struct gauge *one)
{
	json_t *object = json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I}", "machine", one->machine->name, "role",
		one->machine->role == LSVM_ROLE_UNKNOWN
			? "client"
			: lsvm_role_name(one->machine->role),
		"received_packets", (json_int_t)one->traffic.in_packets, "received_bytes",
		(json_int_t)one->traffic.in_bytes, "sent_packets",
		(json_int_t)one->traffic.out_packets, "sent_bytes",
		(json_int_t)one->traffic.out_bytes);

	if (object && one->machine->role == LSVM_ROLE_DIRECTOR)
		json_object_set_new(
			object, "ipvs",
			json_pack("{s:I, s:I, s:I, s:I, s:I}", "connections",
				  (json_int_t)one->connections, "request_packets",
				  (json_int_t)one->in_packets, "request_bytes",
				  (json_int_t)one->in_bytes, "reply_packets",
				  (json_int_t)one->out_packets, "reply_bytes",
				  (json_int_t)one->out_bytes));
	return object;
}

void report_json(const struct report *report)
{
	json_t *targets = json_array(), *machines = json_array(), *all;
	char *text;

	for (size_t i = 0; i < report->targets->count; i++)
		if (was_asked(report, &report->targets->items[i]))
			json_array_append_new(targets,
					      target_json(&report->targets->items[i]));
	for (size_t i = 0; i < report->after->count; i++) {
		struct gauge one = since(report, i);

		json_array_append_new(machines, gauge_json(&one));
	}
	all = json_pack("{s:s, s:s, s:s, s:b, s:I, s:o, s:o}", "schema", "lsvm-lab-run/1",
			"cluster", report->cluster, "topology", report->topology, "good",
			report_good(report), "took_ms", (json_int_t)report->took_ms,
			"targets", targets, "machines", machines);
	text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	puts(text ? text : "{}");
	free(text);
	json_decref(all);
}
