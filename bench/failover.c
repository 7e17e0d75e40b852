/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a client hears nothing of the virtual address when its master goes: two
 * svm-eds run against two keepalived, in one guest, with the same priorities and
 * intervals. The client sends an echo request every 2 ms through its kernel's own
 * neighbour table; the figure is how long none of them was answered, at the longest.
 * Nothing else on the wire helps it to find the new master. Events come at any moment
 * between two adverts, the same ones for both. As root.
 */
#include "../tests/lab/vrrp_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <signal.h>
#include <sys/socket.h>

#define PING_NS (2 * MS)
#define PATIENCE (60 * SECOND)
#define REPEATS_MAX 5
#define ID 0x1234

enum event {
	POWER_OFF,
	KILL,
	STOP,
	RETURN,
	EVENT_COUNT
};

static const char *const event_names[] = { "power off", "kill -9", "orderly stop",
					   "return of the first" };

static struct wire wire;

static struct {
	int sock;
	uint64_t random;
	uint16_t sequence;
	uint64_t sent_ns[UINT16_MAX + 1]; /* by sequence; 0: answered */
	uint64_t last_ns, answered_ns;
} client;

/* ---- the client ---- */

static uint16_t checksum(const uint16_t *words, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void ask(void)
{
	struct icmphdr echo = { .type = ICMP_ECHO,
				.un.echo = { htons(ID), htons(client.sequence++) } };
	struct sockaddr_in to = { .sin_family = AF_INET };

	echo.checksum = checksum((const uint16_t *)&echo, sizeof(echo) / 2);
	memcpy(&to.sin_addr, wire.config.addresses[0].bytes, 4);
	(void)!sendto(client.sock, &echo, sizeof(echo), 0, (struct sockaddr *)&to,
		      sizeof(to));
	client.last_ns = client.sent_ns[(uint16_t)(client.sequence - 1)] = now_ns();
}

static void take_answers(void)
{
	uint8_t packet[256];
	ssize_t length;

	while ((length = recv(client.sock, packet, sizeof(packet), 0)) >= 0) {
		const struct icmphdr *icmp =
			(const void *)(packet + (packet[0] & 0xf) * 4);

		if (length < 28 || icmp->type != ICMP_ECHOREPLY ||
		    icmp->un.echo.id != htons(ID))
			continue;
		client.sent_ns[ntohs(icmp->un.echo.sequence)] = 0;
		client.answered_ns = now_ns();
	}
}

/* From the first one in a row that was not answered until the next that was. */
static double longest_silence(uint16_t from)
{
	uint64_t begin = 0, last = 0, longest = 0;

	for (uint16_t i = from; i != client.sequence; i++) {
		const uint64_t sent = client.sent_ns[i];

		if (sent && !begin)
			begin = sent;
		if (sent)
			last = sent;
		else
			begin = 0;
		if (begin && last - begin + PING_NS > longest)
			longest = last - begin + PING_NS;
	}
	return (double)longest / 1e6;
}

static void watch(void)
{
	if (now_ns() - client.last_ns >= PING_NS)
		ask();
	take_answers();
	wire_watch(&wire);
}

static uint64_t draw(uint64_t below)
{
	client.random = client.random * 6364136223846793005u + 1442695040888963407u;
	return (client.random >> 33) % below;
}

static void watch_for(uint64_t ns)
{
	const uint64_t until = now_ns() + ns;

	while (now_ns() < until)
		watch();
}

/* ---- events ---- */

static bool is_master(enum side side)
{
	const uint64_t interval = wire.config.advert_interval_ms * MS;
	const struct sight *one = &wire.sights[side], *other = &wire.sights[!side];
	const uint64_t now = now_ns();

	return now - one->advert_ns < 2 * interval + 50 * MS &&
	       one->advert_ns > other->advert_ns + 2 * interval + 20 * MS &&
	       now - client.answered_ns < 20 * MS;
}

static void await(enum side side)
{
	const uint64_t until = now_ns() + PATIENCE;

	while (!is_master(side)) {
		watch();
		if (now_ns() < until)
			continue;
		fprintf(stderr, "no master on side %d\n", side);
		(void)!system("tail -n 30 /tmp/machine0/log /tmp/machine1/log >&2");
		exit(1);
	}
}

/* How long the client hears nothing, in ms, until all has settled. */
static double measure(enum event event)
{
	const uint16_t from = client.sequence;

	switch (event) {
	case POWER_OFF:
		director_power_off(&wire, OURS);
		break;
	case KILL:
		director_signal(&wire, OURS, SIGKILL);
		break;
	case STOP:
		director_signal(&wire, OURS, SIGTERM);
		break;
	case RETURN:
		director_start(&wire, OURS);
		break;
	case EVENT_COUNT:
		break;
	}
	await(event == RETURN ? OURS : THEIRS);
	watch_for(200 * MS);
	return longest_silence(from);
}

/* ---- a series ---- */

struct series {
	double values[REPEATS_MAX * EVENT_COUNT];
	unsigned count;
};

static int by_value(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void add(struct series *series, double value)
{
	series->values[series->count++] = value;
	qsort(series->values, series->count, sizeof(series->values[0]), by_value);
}

static void run_pair(enum director_kind kind, uint32_t interval_ms, unsigned repeats,
		     struct series *results)
{
	wire_up(&wire, 3, 4, interval_ms);
	wire.quiet = true;
	client.sock =
		socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	client.answered_ns = 0;
	client.random = interval_ms;
	wire_use(&wire, OURS, kind);
	wire_use(&wire, THEIRS, kind);
	wire.directors[OURS].priority = 150;
	director_start(&wire, OURS);
	await(OURS);
	director_start(&wire, THEIRS);
	watch_for(2 * SECOND); /* the backup has heard the master by now */
	for (unsigned i = 0; i < repeats; i++) {
		for (int event = POWER_OFF; event < RETURN; event++) {
			await(OURS);
			watch_for(draw(interval_ms) * MS);
			add(&results[event], measure((enum event)event));
			add(&results[RETURN], measure(RETURN));
			watch_for(SECOND);
		}
	}
	close(client.sock);
	wire_down(&wire);
}

static void print_series(const struct series *series)
{
	printf("  %7.0f [%5.0f ..%6.0f]", series->values[series->count / 2],
	       series->values[0], series->values[series->count - 1]);
}

static void compare(uint32_t interval_ms, unsigned repeats)
{
	struct series ours[EVENT_COUNT] = { 0 }, theirs[EVENT_COUNT] = { 0 };

	run_pair(DIRECTOR_KEEPALIVED, interval_ms, repeats, theirs);
	run_pair(DIRECTOR_EDS, interval_ms, repeats, ours);
	for (int event = 0; event < EVENT_COUNT; event++) {
		const double mine = ours[event].values[ours[event].count / 2];
		const double other = theirs[event].values[theirs[event].count / 2];

		printf("%5u ms  %-20s", interval_ms, event_names[event]);
		print_series(&ours[event]);
		print_series(&theirs[event]);
		if (other > 0)
			printf("  %5.2f\n", mine / other);
		else
			printf("      -\n");
	}
	fflush(stdout);
}

int main(void)
{
	(void)!system("modprobe -a ipv6 veth bridge ip_vs");
	printf("longest silence in ms: median [min .. max]\n");
	printf("%-8s  %-20s  %-23s  %-23s  %s\n", "adverts", "event", "svm-eds run",
	       "keepalived", "ratio");
	compare(10, 5);
	compare(100, 5);
	compare(1000, 3);
	return 0;
}
