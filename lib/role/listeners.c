/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who listens on this machine, from the kernel's lists of sockets. */
#include "role/explain.h"

#include <netinet/in.h>
#include <stdio.h>

#define LISTEN_STATE 0x0a

/* "0100007F" or 32 digits: words in the machine's own order. */
static bool parse_address(const char *text, size_t length, struct addr *ret)
{
	if (length != 8 && length != 32)
		return false;
	*ret = (struct addr){ .family = length == 8 ? 4 : 6 };
	for (size_t i = 0; i < length / 8; i++) {
		char word[9];
		unsigned value;
		uint32_t bytes;

		memcpy(word, text + 8 * i, 8);
		word[8] = '\0';
		if (strspn(word, "0123456789ABCDEFabcdef") != 8 ||
		    sscanf(word, "%x", &value) != 1)
			return false;
		bytes = value;
		memcpy(ret->bytes + 4 * i, &bytes, 4);
	}
	return true;
}

static bool is_any(const struct addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->bytes, zero, sizeof(zero)) == 0;
}

/* ::ffff:a.b.c.d is an IPv4 address to a socket of IPv6. */
static void unmap(struct addr *addr)
{
	static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->family != 6 || memcmp(addr->bytes, head, sizeof(head)) != 0)
		return;
	addr->family = 4;
	memmove(addr->bytes, addr->bytes + 12, 4);
	memset(addr->bytes + 4, 0, 12);
}

static void mark(struct listeners *listeners, const struct addr *addr, unsigned port)
{
	for (size_t i = 0; i < listeners->list.count; i++) {
		struct listener *l = &listeners->list.items[i];

		if (l->protocol != listeners->protocol || l->port != port)
			continue;
		/* A socket of IPv6 on all addresses mostly takes IPv4, too. */
		if (lsvm_addr_compare(&l->addr, addr) == 0 ||
		    (is_any(addr) &&
		     (addr->family == l->addr.family || addr->family == 6)))
			l->heard = true;
	}
}

static void take_line(struct listeners *listeners)
{
	char local[40], remote[40];
	unsigned port, state;
	char *colon;
	struct addr addr;

	listeners->line[listeners->length] = '\0';
	listeners->length = 0;
	if (sscanf(listeners->line, " %*u: %39s %39s %x", local, remote, &state) != 3)
		return;
	colon = strchr(local, ':');
	if (!colon || sscanf(colon + 1, "%x", &port) != 1 ||
	    !parse_address(local, (size_t)(colon - local), &addr))
		return;
	if (listeners->protocol == IPPROTO_TCP && state != LISTEN_STATE)
		return;
	unmap(&addr);
	mark(listeners, &addr, port);
}

void lsvm_listeners_feed(struct listeners *listeners, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			take_line(listeners);
		else if (listeners->length < sizeof(listeners->line) - 1)
			listeners->line[listeners->length++] = bytes[i];
	}
}

static void take(void *listeners, const char *bytes, size_t length)
{
	lsvm_listeners_feed(listeners, bytes, length);
}

int lsvm_listeners_read(struct lsvm_host *host, struct listeners *listeners)
{
	static const struct {
		const char *path;
		uint8_t protocol;
	} files[] = {
		{ "/proc/thread-self/net/tcp", IPPROTO_TCP },
		{ "/proc/thread-self/net/tcp6", IPPROTO_TCP },
		{ "/proc/thread-self/net/udp", IPPROTO_UDP },
		{ "/proc/thread-self/net/udp6", IPPROTO_UDP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int err;

		listeners->protocol = files[i].protocol;
		listeners->length = 0;
		err = host->ops->stream(host, files[i].path, take, listeners);
		/* A kernel without IPv6 has two of them. */
		if (err < 0 && err != LSVM_ERR_NOT_FOUND)
			return err;
	}
	return 0;
}
