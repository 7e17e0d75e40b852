/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two directors on the wire: ours, as a process of its own, and keepalived. */
#include "vrrp_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CLUSTER "/tmp/wire.yaml"

/* ---- ours, in its process ---- */

struct director {
	struct lsvm_ctx *ctx;
	struct lsvm_host *host;
	const struct io_ops *io;
	struct channel *channel;
	struct vrrp vrrp;
	struct address addresses[VRRP_ADDRESSES_MAX];
	int out;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void change_addresses(struct director *d, enum step_kind kind)
{
	struct step steps[VRRP_ADDRESSES_MAX] = { 0 };
	size_t done;

	for (size_t i = 0; i < d->vrrp.config.address_count; i++) {
		steps[i].kind = kind;
		steps[i].address = &d->addresses[i];
	}
	if (lsvm_host_perform(d->host, steps, d->vrrp.config.address_count, &done))
		dprintf(d->out, "failed: %s\n", lsvm_ctx_error_text(d->ctx));
}

static void act(struct director *d)
{
	struct vrrp_action action;

	while (lsvm_vrrp_next(&d->vrrp, &action)) {
		switch (action.kind) {
		case VRRP_ACTION_STATE:
			dprintf(d->out, "%s: %s\n", lsvm_vrrp_state_name(action.after),
				action.text);
			break;
		case VRRP_ACTION_RELEASE:
			change_addresses(d, STEP_ADDRESS_DELETE);
			break;
		case VRRP_ACTION_SEND:
			if (!d->io->send(d->host, d->channel, action.bytes, action.length,
					 &action.destination, 0))
				dprintf(d->out, "failed: send\n");
			break;
		case VRRP_ACTION_CLAIM:
			change_addresses(d, STEP_ADDRESS_ADD);
			break;
		case VRRP_ACTION_ANNOUNCE:
			d->io->announce(d->host, d->addresses,
					d->vrrp.config.address_count);
			break;
		case VRRP_ACTION_REFUSED:
			dprintf(d->out, "refused %s: %s\n",
				lsvm_vrrp_refusal_name(action.refusal), action.text);
			break;
		}
	}
}

static void take_facts(struct director *d)
{
	struct io_event event;

	while (d->io->next(d->host, &event)) {
		if (event.fact == IO_BYTES)
			lsvm_vrrp_input_packet(&d->vrrp, d->io->now_ns(d->host),
					       &event.from, &event.to, event.ttl,
					       event.bytes, event.length);
		else if (event.fact == IO_FAILED)
			dprintf(d->out, "failed: %s\n", lsvm_io_error_text(event.error));
		act(d);
	}
}

static int open_director(struct director *d, const struct vrrp_config *config)
{
	const struct channel_spec spec = {
		.kind = CHANNEL_VRRP,
		.local = config->source,
		.remote = config->unicast ? config->peers[0]
					  : lsvm_vrrp_group(config->family),
		.interface = "a0"
	};

	if (lsvm_ctx_new(&d->ctx) || lsvm_host_open(d->ctx, "ours", &d->host) ||
	    lsvm_vrrp_init(d->ctx, config, &d->vrrp))
		return -1;
	for (size_t i = 0; i < d->vrrp.config.address_count; i++) {
		strcpy(d->addresses[i].interface, "a0");
		d->addresses[i].prefix.addr = d->vrrp.config.addresses[i];
		d->addresses[i].prefix.length = config->family == 4 ? 32 : 128;
	}
	d->io = d->host->ops->io;
	return d->io->open(d->host, &spec, d, &d->channel);
}

static void run_director(const struct vrrp_config *config, int out)
{
	static struct director d;
	struct pollfd fd = { .events = POLLIN };

	d.out = out;
	if (open_director(&d, config)) {
		dprintf(out, "failed: %s\n", lsvm_ctx_error_text(d.ctx));
		return;
	}
	fd.fd = d.io->fd(d.host);
	lsvm_vrrp_start(&d.vrrp, d.io->now_ns(d.host));
	act(&d);
	while (!stopped) {
		take_facts(&d);
		lsvm_vrrp_input_tick(&d.vrrp, d.io->now_ns(d.host));
		act(&d);
		d.io->wake(d.host, lsvm_vrrp_deadline(&d.vrrp));
		poll(&fd, 1, 1000);
	}
	lsvm_vrrp_stop(&d.vrrp, d.io->now_ns(d.host));
	act(&d);
	lsvm_host_free(d.host);
	lsvm_ctx_unref(d.ctx);
}

static void enter(const char *namespace)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		_exit(3);
	close(fd);
}

/* ---- ours, as svm-eds run ---- */

static void write_cluster(const struct wire *wire)
{
	const struct vrrp_config *config = &wire->config;
	const bool four = config->family == 4;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	FILE *file = fopen(CLUSTER, "w");

	assert_non_null(file);
	fprintf(file,
		"name: wire\n"
		"networks: [{name: lan, subnets: '%s', outside: true}]\n"
		"ems: {name: ems, interfaces: [{network: lan, addresses: '%s3'}]}\n"
		"directors:\n"
		"  - {name: eds1, priority: %u, interfaces: [{name: a0, network: lan, "
		"addresses: '%s1'}]}\n"
		"  - {name: eds2, priority: 99, interfaces: [{name: b0, network: lan, "
		"addresses: '%s2'}]}\n"
		"servers: [{name: eps1, interfaces: [{network: lan, addresses: "
		"'%s21'}]}]\n"
		"redundancy: {network: lan, version: %u, router_id: %u, unicast: %s, "
		"advert_interval_ms: %u}\n"
		"partitions:\n  - name: web\n    servers: [eps1]\n    vips:\n",
		four ? "10.9.0.0/24" : "2001:db8::/64",
		four ? "10.9.0." : "2001:db8::", config->priority,
		four ? "10.9.0." : "2001:db8::", four ? "10.9.0." : "2001:db8::",
		four ? "10.9.0." : "2001:db8::", config->version, config->router_id,
		config->unicast ? "true" : "false", config->advert_interval_ms);
	for (size_t i = 0; i < config->address_count; i++)
		fprintf(file, "      - {address: '%s', services: [{ports: 80}]}\n",
			lsvm_addr_text(&config->addresses[i], text));
	assert_int_equal(fclose(file), 0);
}

static void run_tool(int out)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/tools/svm-eds", getenv("LSVM_BUILD_ROOT"));
	if (dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(3);
	execl(path, "svm-eds", "run", "--machine", "eds1", CLUSTER, (char *)NULL);
	_exit(127);
}

void ours_start(struct wire *wire)
{
	int pipe[2];

	/* A card that goes down loses its addresses of IPv6. */
	shell("ip -n ours link set a0 up && ip -n ours addr replace fe80::1/64 dev a0 "
	      "nodad && ip -n ours addr replace 2001:db8::1/64 dev a0 nodad");
	if (wire->tool)
		write_cluster(wire);
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	fflush(NULL);
	wire->ours = fork();
	assert_true(wire->ours >= 0);
	if (!wire->ours) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter("ours");
		if (wire->tool)
			run_tool(pipe[1]);
		signal(SIGTERM, on_stop);
		run_director(&wire->config, pipe[1]);
		_exit(0);
	}
	close(pipe[1]);
	if (wire->log >= 0)
		close(wire->log);
	wire->log = pipe[0];
	fcntl(wire->log, F_SETFL, O_NONBLOCK);
}

static void reap(pid_t *pid)
{
	int status;

	if (*pid)
		assert_int_equal(waitpid(*pid, &status, 0), *pid);
	*pid = 0;
}

void ours_stop(struct wire *wire)
{
	kill(wire->ours, SIGTERM);
	reap(&wire->ours);
}

void ours_kill(struct wire *wire)
{
	kill(wire->ours, SIGKILL);
	reap(&wire->ours);
}

void ours_power_off(struct wire *wire)
{
	shell("ip -n ours link set a0 down");
	if (wire->ours)
		kill(wire->ours, SIGKILL);
	reap(&wire->ours);
	/* What a machine that boots again does not have. */
	shell("ip -n ours -4 addr flush to 10.9.0.100/31 dev a0");
}

/* ---- keepalived ---- */

static void write_configuration(const struct wire *wire, uint8_t priority)
{
	const struct vrrp_config *config = &wire->config;
	char text[LSVM_ADDRESS_TEXT_BYTES];
	FILE *file = fopen("/tmp/keepalived.conf", "w");

	assert_non_null(file);
	fprintf(file,
		"global_defs {\n router_id theirs\n}\n"
		"vrrp_instance vip {\n state BACKUP\n interface b0\n"
		" virtual_router_id %u\n priority %u\n version %u\n advert_int %u.%02u\n",
		config->router_id, priority, config->version,
		config->advert_interval_ms / 1000,
		config->advert_interval_ms % 1000 / 10);
	if (config->unicast)
		fprintf(file, " unicast_src_ip %s\n unicast_peer {\n  %s\n }\n",
			config->family == 4 ? "10.9.0.2" : "fe80::2",
			lsvm_addr_text(&config->source, text));
	fprintf(file, " virtual_ipaddress {\n");
	for (size_t i = 0; i < config->address_count; i++)
		fprintf(file, "  %s/%u\n", lsvm_addr_text(&config->addresses[i], text),
			config->family == 4 ? 32 : 128);
	fprintf(file, " }\n}\n");
	assert_int_equal(fclose(file), 0);
}

void theirs_start(struct wire *wire, uint8_t priority)
{
	shell("ip -n theirs link set b0 up && ip -n theirs addr replace fe80::2/64 dev "
	      "b0 "
	      "nodad");
	write_configuration(wire, priority);
	fflush(NULL);
	wire->theirs = fork();
	assert_true(wire->theirs >= 0);
	if (wire->theirs) {
		setpgid(wire->theirs, wire->theirs); /* whoever is first */
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	enter("theirs");
	if (!freopen("/tmp/keepalived.log", "a", stdout) || dup2(1, 2) < 0)
		_exit(3);
	execlp("keepalived", "keepalived", "--dont-fork", "--log-console", "--vrrp", "-f",
	       "/tmp/keepalived.conf", "-p", "/tmp/keepalived.pid", "-r",
	       "/tmp/keepalived-vrrp.pid", (char *)NULL);
	_exit(127);
}

void theirs_stop(struct wire *wire)
{
	if (wire->theirs)
		kill(wire->theirs, SIGTERM);
	reap(&wire->theirs);
}

void theirs_power_off(struct wire *wire)
{
	shell("ip -n theirs link set b0 down");
	if (wire->theirs)
		kill(-wire->theirs, SIGKILL);
	reap(&wire->theirs);
	shell("ip -n theirs -4 addr flush to 10.9.0.100/31 dev b0");
}
