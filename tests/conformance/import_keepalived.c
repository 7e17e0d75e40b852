/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keepalived itself and what became of its configuration: it fills the kernel's table,
 * and the plan of the imported cluster has the same services and destinations, but for
 * what the report says. Every configuration runs in a network namespace of its own.
 */
#include "../unit/test.h"
#include "host/linux/ipvs.h"
#include "plan/plan.h"

#include <libsvm/libsvm.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define DIRECTORY "/tmp/import-keepalived"

#define SERVERS(port)                                                                    \
	"	real_server 10.0.0.1 " port " { weight 3 }\n"                            \
	"	real_server 10.0.0.2 " port " {\n		weight 1\n"                           \
	"		uthreshold 100\n		lthreshold 50\n	}\n"
#define SERVERS6(port)                                                                   \
	"	real_server 2001:db8::1 " port " { weight 2 }\n"                         \
	"	real_server 2001:db8::2 " port " { weight 1 }\n"
#define TCP "	protocol TCP\n"

/* What the plan has otherwise, as the report says; NULL: nothing. */
struct trial {
	const char *text, *other;
};

static const struct trial trials[] = {
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo rr\n	lb_kind DR\n" TCP SERVERS(
		  "80") "}\n"
			"virtual_server 192.0.2.101 443 {\n	lb_algo wrr\n"
			"	lb_kind DR\n" TCP SERVERS("443") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo wlc\n	lb_kind NAT\n" TCP
		  SERVERS("8080") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo lblcr\n	lb_kind TUN\n" TCP
		  SERVERS("80") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo sh\n	lb_kind DR\n"
	  "	sh-port\n	sh-fallback\n" TCP SERVERS(
		  "80") "}\n"
			"virtual_server 192.0.2.100 443 {\n	lb_algo mh\n	lb_kind "
			"DR\n"
			"	mh-port\n	mh-fallback\n" TCP SERVERS("443") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo sed\n	lb_kind DR\n"
	  "	persistence_timeout 600\n"
	  "	persistence_granularity 255.255.255.0\n" TCP SERVERS("80") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 53 {\n	lb_algo rr\n	lb_kind DR\n"
	  "	ops\n	protocol UDP\n" SERVERS("53") "}\n",
	  NULL },
	{ "virtual_server 192.0.2.100 5060 {\n	lb_algo lc\n	lb_kind DR\n"
	  "	persistence_timeout 60\n	protocol SCTP\n" SERVERS("5060") "}\n",
	  NULL },
	{ "virtual_server 2001:db8:1::100 80 {\n	lb_algo nq\n	lb_kind "
	  "DR\n" TCP SERVERS6("80") "}\n",
	  NULL },
	{ "virtual_server_group g {\n	192.0.2.100 80\n	192.0.2.101 80\n}\n"
	  "virtual_server group g {\n	lb_algo dh\n	lb_kind DR\n" TCP SERVERS(
		  "80") "}\n",
	  NULL },
	/* A partition has one set of weights. */
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo wlc\n	lb_kind DR\n" TCP SERVERS(
		  "80") "}\n"
			"virtual_server 192.0.2.100 81 {\n	lb_algo wlc\n"
			"	lb_kind DR\n" TCP
			"	real_server 10.0.0.1 81 { weight 7 }\n"
			"	real_server 10.0.0.2 81 { weight 7 }\n}\n",
	  "weights and thresholds belong to the partition" },
	/* No protocol: keepalived takes UDP, and so does the cluster. */
	{ "virtual_server 192.0.2.100 80 {\n	lb_algo wlc\n	lb_kind DR\n" SERVERS(
		  "80") "}\n",
	  NULL },
};

static struct lsvm_ctx *ctx;

static void good(int err)
{
	if (err < 0)
		fail_msg("%s: %s", lsvm_err_name(err), lsvm_ctx_error_text(ctx));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- both sides ---- */

static struct lsvm_ipvs_table *planned(const struct trial *trial, bool *ret_told)
{
	struct lsvm_import *import;
	struct lsvm_plan *plan;
	struct lsvm_ipvs_table *table;

	good(lsvm_import_keepalived(ctx, trial->text, strlen(trial->text), &import));
	assert_non_null(lsvm_import_cluster(import));
	*ret_told = false;
	for (size_t i = 0; i < lsvm_import_note_count(import); i++) {
		const struct lsvm_import_note *note = lsvm_import_note_at(import, i);

		*ret_told |=
			trial->other && strstr(lsvm_import_note_text(note), trial->other);
	}
	good(lsvm_plan_compile(ctx, (struct lsvm_cluster *)lsvm_import_cluster(import),
			       "director1", LSVM_DUTY_MASTER, &plan));
	table = lsvm_ipvs_table_ref(plan->wanted->ipvs);
	lsvm_plan_unref(plan);
	lsvm_import_free(import);
	return table;
}

static pid_t start_keepalived(const char *text)
{
	FILE *file = fopen(DIRECTORY "/keepalived.conf", "w");
	pid_t child;

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	child = fork();
	if (child)
		return child;
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(126);
	execlp("keepalived", "keepalived", "-n", "-C", "-f", DIRECTORY "/keepalived.conf",
	       "-p", DIRECTORY "/pid", "-c", DIRECTORY "/checkers", NULL);
	_exit(127);
}

static void stop_keepalived(pid_t child)
{
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
}

static size_t count(const struct lsvm_ipvs_table *table)
{
	size_t sum = table->services.count;

	for (size_t i = 0; i < table->services.count; i++)
		sum += table->services.items[i].destinations.count;
	return sum;
}

/* Until it has as much as the plan; what that is, is compared afterwards. */
static struct lsvm_ipvs_table *wait_for(struct ipvs_socket *socket, size_t much)
{
	const uint64_t begin = now_ms();
	struct lsvm_ipvs_table *table;

	for (;;) {
		good(lsvm_ipvs_socket_read(socket, &table));
		if (count(table) >= much)
			return table;
		if (now_ms() - begin > PATIENCE_MS)
			fail_msg("keepalived put %zu of %zu things into the table",
				 count(table), much);
		lsvm_ipvs_table_unref(table);
		usleep(20000);
	}
}

/* ---- comparing ---- */

/* What one of them lacks or has otherwise; the rest of the machine is not looked at. */
static size_t differences(struct lsvm_ipvs_table *a, struct lsvm_ipvs_table *b,
			  struct buf *ret)
{
	struct ipvs_changes changes;
	size_t found;

	a->timeouts = b->timeouts = (struct ipvs_timeouts){ 0 };
	a->master = a->backup = b->master = b->backup = (struct ipvs_daemon){ 0 };
	good(lsvm_ipvs_changes_compute(ctx, a, a, b, &changes));
	found = changes.list.count;
	for (size_t i = 0; i < found; i++) {
		lsvm_ipvs_change_text(&changes.list.items[i], ret);
		lsvm_buf_text(ret, "\n");
	}
	lsvm_ipvs_changes_clear(&changes);
	return found;
}

static void try(const struct trial *trial)
{
	struct lsvm_ipvs_table *wanted, *present;
	struct ipvs_socket *socket;
	struct buf text = { 0 };
	bool told;
	size_t found;
	pid_t child;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up"), 0);
	good(lsvm_ipvs_socket_open(ctx, &socket));
	wanted = planned(trial, &told);
	child = start_keepalived(trial->text);
	present = wait_for(socket, count(wanted));
	found = differences(present, wanted, &text);
	if (!trial->other != !found || !trial->other == told)
		fail_msg("%s\nkeepalived's table would need:\n%s", trial->text,
			 text.data ? text.data : "nothing");
	stop_keepalived(child);
	lsvm_buf_free(&text);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
	lsvm_ipvs_socket_close(socket);
}

static void keepalived_and_the_plan_of_its_configuration_agree(void **state)
{
	assert_int_equal(system("modprobe -a ip_vs; mkdir -p " DIRECTORY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		try(&trials[i]);
	assert_int_equal(system("rm -r " DIRECTORY), 0);
}

static int setup(void **state)
{
	return lsvm_ctx_new(&ctx);
}

static int teardown(void **state)
{
	lsvm_ctx_unref(ctx);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keepalived_and_the_plan_of_its_configuration_agree),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, setup, teardown);
}
