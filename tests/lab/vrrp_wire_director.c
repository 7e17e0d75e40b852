/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directors on the wire: the machine alone as a process, svm-eds run, keepalived. */
#include "vrrp_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const names[] = { "ours", "theirs" };
static const char *const cards[] = { "a0", "b0" };

/* ---- the machine alone, in its process ---- */

struct running {
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

static void change_addresses(struct running *d, enum step_kind kind)
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

static void act(struct running *d)
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

static void take_facts(struct running *d)
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

static int open_director(struct running *d, const struct vrrp_config *config,
			 const char *card)
{
	const struct channel_spec spec = {
		.kind = CHANNEL_VRRP,
		.local = config->source,
		.remote = config->unicast ? config->peers[0]
					  : lsvm_vrrp_group(config->family),
		.interface = card
	};

	if (lsvm_ctx_new(&d->ctx) || lsvm_host_open(d->ctx, "ours", &d->host) ||
	    lsvm_vrrp_init(d->ctx, config, &d->vrrp))
		return -1;
	for (size_t i = 0; i < d->vrrp.config.address_count; i++) {
		strcpy(d->addresses[i].interface, card);
		d->addresses[i].prefix.addr = d->vrrp.config.addresses[i];
		d->addresses[i].prefix.length = config->family == 4 ? 32 : 128;
	}
	d->io = d->host->ops->io;
	return d->io->open(d->host, &spec, d, &d->channel);
}

static void run_director(const struct vrrp_config *config, const char *card, int out)
{
	static struct running d;
	struct pollfd fd = { .events = POLLIN };

	d.out = out;
	if (open_director(&d, config, card)) {
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

/* Each machine has its own files where they keep what they know. */
static void own_folder(const char *path, int side)
{
	char mine[64];

	snprintf(mine, sizeof(mine), "/tmp/machine%d%s", side, path);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		_exit(3);
	if (mount(mine, path, NULL, MS_BIND, NULL) < 0)
		_exit(3);
}

static void own_folders(int side)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(3);
	own_folder("/var/lib/svm", side);
	own_folder("/run/svm", side);
}

static struct addr address_of(const struct wire *wire, int side)
{
	struct addr addr = wire->config.source;

	addr.bytes[addr.family == 4 ? 3 : 15] = (uint8_t)(side + 1);
	return addr;
}

static void path_of(int side, const char *name, char *ret)
{
	snprintf(ret, 64, "/tmp/machine%d/%s", side, name);
}

/* ---- as svm-eds run ---- */

static void write_cluster(const struct wire *wire, int side)
{
	const struct vrrp_config *config = &wire->config;
	const char *net = config->family == 4 ? "10.9.0." : "2001:db8::";
	char text[LSVM_ADDRESS_TEXT_BYTES], path[64];
	FILE *file;

	path_of(side, "cluster.yaml", path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"name: wire\n"
		"networks: [{name: lan, subnets: '%s', outside: true}]\n"
		"ems: {name: ems, interfaces: [{network: lan, addresses: '%s3'}]}\n"
		"servers: [{name: eps1, interfaces: [{network: lan, addresses: "
		"'%s21'}]}]\n"
		"redundancy: {network: lan, version: %u, router_id: %u, unicast: %s, "
		"advert_interval_ms: %u}\n"
		"directors:\n",
		config->family == 4 ? "10.9.0.0/24" : "2001:db8::/64", net, net,
		config->version, config->router_id, config->unicast ? "true" : "false",
		config->advert_interval_ms);
	for (int i = OURS; i <= THEIRS; i++)
		fprintf(file,
			"  - {name: eds%d, priority: %u, interfaces: [{name: %s, "
			"network: lan, addresses: '%s%d'}]}\n",
			i + 1, wire->directors[i].priority, cards[i], net, i + 1);
	fprintf(file, "partitions:\n  - name: web\n    servers: [eps1]\n    vips:\n");
	for (size_t i = 0; i < config->address_count; i++)
		fprintf(file, "      - {address: '%s', services: [{ports: 80}]}\n",
			lsvm_addr_text(&config->addresses[i], text));
	assert_int_equal(fclose(file), 0);
}

static void run_tool(int side)
{
	char path[4096], cluster[64], name[16];

	snprintf(path, sizeof(path), "%s/tools/svm-eds", getenv("LSVM_BUILD_ROOT"));
	snprintf(name, sizeof(name), "eds%d", side + 1);
	path_of(side, "cluster.yaml", cluster);
	execl(path, "svm-eds", "run", "--machine", name, cluster, (char *)NULL);
}

/* ---- as keepalived ---- */

static void write_configuration(const struct wire *wire, int side)
{
	const struct vrrp_config *config = &wire->config;
	const struct addr own = address_of(wire, side), other = address_of(wire, !side);
	char text[LSVM_ADDRESS_TEXT_BYTES], path[64];
	FILE *file;

	path_of(side, "keepalived.conf", path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"vrrp_instance vip {\n state BACKUP\n interface %s\n"
		" virtual_router_id %u\n priority %u\n version %u\n advert_int %u.%02u\n",
		cards[side], config->router_id, wire->directors[side].priority,
		config->version, config->advert_interval_ms / 1000,
		config->advert_interval_ms % 1000 / 10);
	if (config->unicast)
		fprintf(file, " unicast_src_ip %s\n", lsvm_addr_text(&own, text));
	if (config->unicast)
		fprintf(file, " unicast_peer {\n  %s\n }\n",
			lsvm_addr_text(&other, text));
	fprintf(file, " virtual_ipaddress {\n");
	for (size_t i = 0; i < config->address_count; i++)
		fprintf(file, "  %s/%u\n", lsvm_addr_text(&config->addresses[i], text),
			config->family == 4 ? 32 : 128);
	fprintf(file, " }\n}\n");
	assert_int_equal(fclose(file), 0);
}

static void run_keepalived(int side)
{
	char configuration[64], first[64], second[64];

	path_of(side, "keepalived.conf", configuration);
	path_of(side, "keepalived.pid", first);
	path_of(side, "vrrp.pid", second);
	execlp("keepalived", "keepalived", "--dont-fork", "--log-console", "--vrrp", "-f",
	       configuration, "-p", first, "-r", second, (char *)NULL);
}

/* ---- as the machine alone ---- */

static void run_machine(const struct wire *wire, int side)
{
	struct vrrp_config config = wire->config;

	config.priority = wire->directors[side].priority;
	config.source = address_of(wire, side);
	config.peers[0] = address_of(wire, !side);
	signal(SIGTERM, on_stop);
	run_director(&config, cards[side], 1);
	_exit(0);
}

/* ---- whichever ---- */

static void run_side(const struct wire *wire, int side)
{
	char log[64];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	enter(names[side]);
	path_of(side, "log", log);
	fd = open(log, O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(3);
	switch (wire->directors[side].kind) {
	case DIRECTOR_MACHINE:
		run_machine(wire, side);
		break;
	case DIRECTOR_EDS:
		own_folders(side);
		run_tool(side);
		break;
	case DIRECTOR_KEEPALIVED:
		run_keepalived(side);
		break;
	}
	_exit(127);
}

/* A machine that boots has not what it had; a card that was down has no address of IPv6.
 */
static void prepare(struct wire *wire, enum side side)
{
	const char *card = cards[side];
	char command[64];
	FILE *batch;

	snprintf(command, sizeof(command), "ip -n %s -batch -", names[side]);
	batch = popen(command, "w");
	assert_non_null(batch);
	if (wire->directors[side].boots)
		fprintf(batch, "link set %s down\naddr flush to 10.9.0.100/31 dev %s\n",
			card, card);
	fprintf(batch,
		"link set %s up\n"
		"addr replace fe80::%d/64 dev %s nodad\n"
		"addr replace 2001:db8::%d/64 dev %s nodad\n",
		card, side + 1, card, side + 1, card);
	assert_int_equal(pclose(batch), 0);
	wire_connect(wire, side, true);
	wire->directors[side].boots = false;
}

static void reap(struct director *director)
{
	int status;

	if (director->pid)
		assert_int_equal(waitpid(director->pid, &status, 0), director->pid);
	director->pid = 0;
}

void director_start(struct wire *wire, enum side side)
{
	struct director *director = &wire->directors[side];

	reap(director);
	prepare(wire, side);
	write_cluster(wire, side);
	write_configuration(wire, side);
	fflush(NULL);
	director->pid = fork();
	assert_true(director->pid >= 0);
	if (!director->pid)
		run_side(wire, side);
	setpgid(director->pid, director->pid); /* whoever is first */
}

/* keepalived is two processes; in order they end by themselves. */
void director_signal(struct wire *wire, enum side side, int signal)
{
	const pid_t pid = wire->directors[side].pid;

	if (pid)
		kill(signal == SIGKILL ? -pid : pid, signal);
}

void director_stop(struct wire *wire, enum side side)
{
	director_signal(wire, side, SIGTERM);
	reap(&wire->directors[side]);
}

void director_kill(struct wire *wire, enum side side)
{
	director_signal(wire, side, SIGKILL);
	reap(&wire->directors[side]);
}

void director_power_off(struct wire *wire, enum side side)
{
	wire_connect(wire, side, false);
	director_kill(wire, side);
	wire->directors[side].boots = true;
}
