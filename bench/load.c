/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a large cluster file takes, as ratios in one run, so that the machine does not
 * matter: loading, validating and compiling against libyaml alone reading the same bytes;
 * ten times the file against the file; bytes of heap for each domain.
 *
 *   bench-load             the file of 10,000 services x 10 destinations, 100,000 domains
 *                          and one ten times as large
 *   bench-load --quick     a tenth of both, for a look: small files profit from caches
 *
 * Exit 1 when a limit is passed. Times are medians of several rounds.
 */
#include <libsvm/libsvm.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yaml.h>

#define ROUNDS 5
#define MORE_ROUNDS 3 /* of the file ten times as large */
#define MAX_RATIO 3.0
#define MAX_GROWTH 11.0
#define MAX_BYTES_PER_DOMAIN 1024.0

/* ---- heap: live bytes and their peak, while it is asked for ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

static bool counting;
static size_t live, peak;

static void *came(void *memory)
{
	if (counting && memory) {
		live += malloc_usable_size(memory);
		if (live > peak)
			peak = live;
	}
	return memory;
}

static void went(void *memory)
{
	if (counting && memory)
		live -= malloc_usable_size(memory);
}

void *malloc(size_t size)
{
	return came(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return came(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	went(old);
	return came(__libc_realloc(old, size));
}

void free(void *memory)
{
	went(memory);
	__libc_free(memory);
}

/* ---- the file ---- */

struct text {
	char *bytes;
	size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *fmt,
						      ...)
{
	va_list args;

	if (text->size - text->length < 512) {
		text->size = text->size ? text->size * 2 : 1 << 20;
		text->bytes = realloc(text->bytes, text->size);
		if (!text->bytes) {
			perror("bench");
			exit(1);
		}
	}
	va_start(args, fmt);
	text->length += (size_t)vsnprintf(text->bytes + text->length, 512, fmt, args);
	va_end(args);
}

/*
 * Partitions of 10 servers and 100 VIPs, each VIP with one service and 10 domains: a
 * partition is 1,000 domains.
 */
static struct text make_file(unsigned partitions)
{
	struct text t = { 0 };

	say(&t,
	    "name: large\nnetworks:\n"
	    "  - {name: outside, subnets: 203.0.113.0/24, outside: true}\n"
	    "  - {name: front, subnets: 10.0.0.0/8}\n"
	    "  - {name: inner, subnets: 172.16.0.0/12}\n"
	    "routers:\n"
	    "  - name: r1\n    interfaces:\n"
	    "      - {network: outside, addresses: 203.0.113.1}\n"
	    "      - {network: front, addresses: 10.255.0.1}\n"
	    "      - {network: inner, addresses: 172.31.0.1}\n"
	    "ems: {name: ems, interfaces: [{network: inner, addresses: 172.31.0.5}]}\n"
	    "directors:\n");
	for (unsigned i = 1; i <= 2; i++)
		say(&t,
		    "  - name: eds%u\n    interfaces:\n"
		    "      - {network: front, addresses: 10.255.0.1%u}\n"
		    "      - {network: inner, addresses: 172.31.0.1%u}\n",
		    i, i, i);
	say(&t, "servers:\n");
	for (unsigned i = 0; i < partitions * 10; i++)
		say(&t,
		    "  - {name: eps%u, interfaces: [{network: inner, "
		    "addresses: 172.16.%u.%u}]}\n",
		    i, i / 200, 1 + i % 200);
	say(&t, "partitions:\n");
	for (unsigned p = 0; p < partitions; p++) {
		say(&t, "  - name: p%u\n    servers: [", p);
		for (unsigned s = 0; s < 10; s++)
			say(&t, "%seps%u", s ? ", " : "", p * 10 + s);
		say(&t, "]\n    vips:\n");
		for (unsigned v = 0; v < 100; v++) {
			say(&t,
			    "      - address: 10.%u.%u.%u\n        services:\n"
			    "          - {application: http, ports: 80}\n"
			    "        domains:\n",
			    p / 250, p % 250, v + 1);
			for (unsigned d = 0; d < 10; d++)
				say(&t, "          - www%u.vip%u.community%u.example\n",
				    d, v, p);
		}
	}
	return t;
}

/* ---- what is measured ---- */

/* Time of the processor, not of the wall: other work on the machine counts little. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what, const struct lsvm_ctx *ctx)
{
	fprintf(stderr, "bench: %s: %s\n", what, ctx ? lsvm_ctx_error_text(ctx) : "");
	exit(1);
}

static double parse_only(const struct text *t)
{
	double start = now();
	yaml_parser_t parser;
	yaml_event_t event;
	bool done = false;

	if (!yaml_parser_initialize(&parser))
		fail("libyaml", NULL);
	yaml_parser_set_input_string(&parser, (const unsigned char *)t->bytes, t->length);
	while (!done) {
		if (!yaml_parser_parse(&parser, &event))
			fail("libyaml", NULL);
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return now() - start;
}

/* Loads, and compiles the plan of every machine or of one director. */
static double whole(const struct text *t, bool every_machine, double *ret_load)
{
	struct lsvm_findings *findings;
	struct lsvm_cluster *cluster;
	struct lsvm_ctx *ctx;
	double start = now(), loaded, end;

	if (lsvm_ctx_new(&ctx) < 0 || lsvm_findings_new(ctx, &findings) < 0)
		fail("memory", NULL);
	if (lsvm_cluster_load(ctx, t->bytes, t->length, LSVM_FORMAT_YAML, findings,
			      &cluster) < 0)
		fail("load", ctx);
	loaded = now();
	for (size_t i = 0; i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);
		struct lsvm_plan *plan;

		if (!every_machine && strcmp(lsvm_machine_name(machine), "eds1") != 0)
			continue;
		if (lsvm_plan_compile(ctx, cluster, lsvm_machine_name(machine),
				      LSVM_DUTY_AUTO, &plan) < 0)
			fail(lsvm_machine_name(machine), ctx);
		lsvm_plan_unref(plan);
	}
	end = now();
	lsvm_cluster_unref(cluster);
	lsvm_findings_free(findings);
	lsvm_ctx_unref(ctx);
	*ret_load = loaded - start;
	return end - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *times, int rounds)
{
	qsort(times, (size_t)rounds, sizeof(*times), ascending);
	return times[rounds / 2];
}

struct figures {
	double parse, load, director, all;
};

static struct figures measure(const struct text *t, int rounds)
{
	double parse[ROUNDS], load[ROUNDS], director[ROUNDS], all[ROUNDS];

	for (int i = 0; i < rounds; i++) {
		malloc_trim(0);
		parse[i] = parse_only(t);
		malloc_trim(0);
		director[i] = whole(t, false, &load[i]);
		malloc_trim(0); /* every round begins as a program does */
		all[i] = whole(t, true, &load[i]);
	}
	return (struct figures){ median(parse, rounds), median(load, rounds),
				 median(director, rounds), median(all, rounds) };
}

static bool check(const char *what, double value, double limit)
{
	bool good = value <= limit;

	printf("%-52s %8.2f  (at most %g)%s\n", what, value, limit,
	       good ? "" : "  TOO MUCH");
	return good;
}

int main(int argc, char **argv)
{
	unsigned partitions = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 10 : 100;
	struct text large = make_file(partitions), huge = make_file(partitions * 10);
	struct figures big = measure(&large, ROUNDS), more = measure(&huge, MORE_ROUNDS);
	bool good = true;
	double ignored;

	counting = true;
	whole(&large, true, &ignored);
	counting = false;
	printf("%u services x 10 destinations, %u domains, %.1f MB\n", partitions * 100,
	       partitions * 1000, (double)large.length / 1e6);
	printf("ten times as large: libyaml alone %.3f s, load and validate %.3f s, with "
	       "all "
	       "plans %.3f s\n",
	       more.parse, more.load, more.all);
	printf("libyaml alone %.3f s, load and validate %.3f s, with one director's plan "
	       "%.3f s,\nwith the plans of all %u machines %.3f s\n",
	       big.parse, big.load, big.director, partitions * 10 + 4, big.all);
	good &= check("load, validate, compile one director / libyaml",
		      big.director / big.parse, MAX_RATIO);
	good &= check("load, validate, compile every machine / libyaml",
		      big.all / big.parse, MAX_RATIO);
	good &= check("ten times the file / the file", more.all / big.all, MAX_GROWTH);
	good &= check("heap at its peak, bytes for each domain",
		      (double)peak / (partitions * 1000.0), MAX_BYTES_PER_DOMAIN);
	free(large.bytes);
	free(huge.bytes);
	return !good;
}
