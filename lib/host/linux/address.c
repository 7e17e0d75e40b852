/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses on interfaces. A VIP must answer at once: no duplicate detection, and the
 * neighbours are told.
 *
 * Changes that stand side by side travel in one netlink send, of which only the last asks
 * for an answer: errors are answered anyway, and in order. A takeover is a matter of one
 * millisecond, however many addresses there are.
 */
#include "host/linux/linux.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BATCH_STEPS 128

static int observe_address(struct linux_host *linux_host, struct rtnl_addr *from,
			   struct state *state)
{
	struct address seen = { 0 }, *slot;

	/* An interface that went meanwhile took its addresses along. */
	if (!if_indextoname((unsigned)rtnl_addr_get_ifindex(from), seen.interface) ||
	    !lsvm_linux_from_nl_addr(rtnl_addr_get_local(from), &seen.prefix.addr))
		return 0;
	seen.prefix.length = (uint8_t)rtnl_addr_get_prefixlen(from);
	slot = vec_push(&state->addresses);
	if (!slot)
		return lsvm_fail_nomem(linux_host->host.ctx);
	*slot = seen;
	return 0;
}

int lsvm_linux_observe_addresses(struct linux_host *linux_host, struct state *state)
{
	struct nl_cache *cache;
	int err = lsvm_linux_dump(linux_host, "addresses", rtnl_addr_alloc_cache, &cache);

	if (err < 0)
		return err;
	for (struct nl_object *at = nl_cache_get_first(cache); at && err >= 0;
	     at = nl_cache_get_next(at))
		err = observe_address(linux_host, (struct rtnl_addr *)at, state);
	nl_cache_free(cache);
	return err;
}

/* ---- changing them ---- */

size_t lsvm_linux_address_message(const struct address *address, int index, bool add,
				  uint32_t sequence, void *ret)
{
	const struct prefix *prefix = &address->prefix;
	const size_t length = prefix->addr.family == 4 ? 4 : 16;
	/* A VIP is answered for but never spoken from: a director that wrapped packets
	 * with it as their source would send servers what seems to come from themselves.
	 */
	const struct ifa_cacheinfo silent = { .ifa_prefered = 0,
					      .ifa_valid = UINT32_MAX };
	struct nlmsghdr *header;
	struct ifaddrmsg *info;

	memset(ret, 0, LINUX_ADDRESS_MESSAGE_BYTES);
	header = mnl_nlmsg_put_header(ret);
	header->nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_seq = sequence;
	if (add)
		header->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	info = mnl_nlmsg_put_extra_header(header, sizeof(*info));
	info->ifa_family = prefix->addr.family == 4 ? AF_INET : AF_INET6;
	info->ifa_prefixlen = prefix->length;
	info->ifa_index = (uint32_t)index;
	mnl_attr_put(header, IFA_LOCAL, length, prefix->addr.bytes);
	mnl_attr_put(header, IFA_ADDRESS, length, prefix->addr.bytes);
	if (add && prefix->addr.family == 6) {
		info->ifa_flags = IFA_F_NODAD;
		if (prefix->length == 128)
			mnl_attr_put(header, IFA_CACHEINFO, sizeof(silent), &silent);
	}
	return header->nlmsg_len;
}

static int refused(struct linux_host *linux_host, const struct step *step, int number)
{
	const struct address *address = step->address;
	const bool add = step->kind == STEP_ADDRESS_ADD;
	char prefix[LSVM_ADDRESS_TEXT_BYTES], text[160];

	snprintf(text, sizeof(text), "address %s cannot be %s '%s'",
		 lsvm_prefix_text(&address->prefix, prefix),
		 add ? "added to" : "removed from", address->interface);
	return lsvm_linux_refused(linux_host, number, text);
}

/* One batch: its messages, and what became of each. */
struct batch {
	const struct step *steps;
	size_t count;  /* steps it covers */
	size_t failed; /* the first that failed; count: none */
	int number;    /* its errno */
	uint32_t first_sequence, last_sequence;
	size_t length; /* of all messages; 0: none is needed */
	uint8_t *bytes;
};

/* As many steps as fit and may share a batch: since the kernel goes on after a failure,
 * nothing is removed in a batch that adds first. */
static void fill(struct linux_host *linux_host, struct batch *batch,
		 const struct step *steps, size_t count)
{
	struct nlmsghdr *last = NULL;
	const char *name = NULL;
	int index = 0;

	batch->steps = steps;
	batch->count = batch->length = 0;
	for (size_t i = 0; i < count && i < BATCH_STEPS; i++) {
		const struct address *address = steps[i].address;
		const bool add = steps[i].kind == STEP_ADDRESS_ADD;

		if (i && !add && steps[i - 1].kind == STEP_ADDRESS_ADD)
			break;
		if (!name || strcmp(name, address->interface) != 0)
			index = (int)if_nametoindex(address->interface);
		name = address->interface;
		if (!index && add && i)
			break; /* it fails alone, as the first of the next batch */
		batch->count++;
		if (!index && !add)
			continue; /* gone with its interface */
		if (!index) {
			batch->failed = 0;
			return;
		}
		last = (struct nlmsghdr *)(batch->bytes + batch->length);
		batch->last_sequence = batch->first_sequence + (uint32_t)i;
		batch->length += lsvm_linux_address_message(address, index, add,
							    batch->last_sequence, last);
	}
	if (last)
		last->nlmsg_flags |= NLM_F_ACK;
	batch->failed = batch->count;
}

/* True: it was the last. */
static bool take_answer(struct batch *batch, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	const size_t i = header->nlmsg_seq - batch->first_sequence;
	int number;

	if (header->nlmsg_type != NLMSG_ERROR || i >= batch->count ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(error->error))
		return false;
	number = -error->error;
	if (number && i < batch->failed &&
	    (batch->steps[i].kind == STEP_ADDRESS_ADD || number != EADDRNOTAVAIL)) {
		batch->failed = i;
		batch->number = number;
	}
	return header->nlmsg_seq == batch->last_sequence;
}

/* 0 or an errno: nobody knows what became of them. */
static int exchange(int fd, struct batch *batch)
{
	_Alignas(8) uint8_t answer[8192];
	bool done = !batch->length;
	ssize_t got;
	int left;

	if (!done && send(fd, batch->bytes, batch->length, 0) < 0)
		return errno;
	while (!done) {
		got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		left = (int)got;
		for (const struct nlmsghdr *header = (const void *)answer;
		     mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
			done |= take_answer(batch, header);
	}
	return 0;
}

static int run_batch(struct linux_host *linux_host, struct batch *batch, int fd)
{
	int number;

	if (!batch->failed) /* it cannot even be asked for */
		return lsvm_linux_interface(linux_host,
					    batch->steps[0].address->interface);
	number = exchange(fd, batch);
	if (number) {
		batch->failed = 0;
		batch->number = number;
	}
	if (batch->failed == batch->count)
		return 0;
	return refused(linux_host, &batch->steps[batch->failed], batch->number);
}

/* All at once, which is quicker than one by one; without memory they are asked for. */
static void announce(const struct step *steps, size_t count)
{
	struct address *added = malloc(count * sizeof(*added));
	size_t added_count = 0;

	if (!added)
		return;
	for (size_t i = 0; i < count; i++)
		if (steps[i].kind == STEP_ADDRESS_ADD)
			added[added_count++] = *steps[i].address;
	if (added_count)
		lsvm_linux_announce_all(added, added_count);
	free(added);
}

/* A socket of its own for each call: an answer that came too late finds nobody. */
static int open_socket(struct linux_host *linux_host)
{
	const struct timeval timeout = { .tv_sec = LINUX_ANSWER_MS / 1000 };
	const int size = 1 << 20, on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_IO,
				 "no netlink socket: %s; check that this process may "
				 "open one",
				 lsvm_linux_error_text(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return fd;
}

int lsvm_linux_addresses_change(struct linux_host *linux_host, const struct step *steps,
				size_t count, size_t *ret_done)
{
	struct batch batch = { .bytes = malloc(BATCH_STEPS *
					       LINUX_ADDRESS_MESSAGE_BYTES) };
	int fd, err = 0;

	*ret_done = 0;
	if (!batch.bytes)
		return lsvm_fail_nomem(linux_host->host.ctx);
	fd = open_socket(linux_host);
	if (fd < 0) {
		free(batch.bytes);
		return fd;
	}
	while (err >= 0 && *ret_done < count) {
		fill(linux_host, &batch, &steps[*ret_done], count - *ret_done);
		err = run_batch(linux_host, &batch, fd);
		batch.first_sequence += BATCH_STEPS;
		*ret_done += batch.failed;
	}
	if (*ret_done)
		announce(steps, *ret_done);
	close(fd);
	free(batch.bytes);
	return err;
}
