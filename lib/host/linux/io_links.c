/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's network cards, as rtnetlink reports them.
 *
 * What is known of each is kept, so that only changes are told; a card is up when it was
 * switched on and has its cable. When the kernel could not tell all, it is asked again
 * for the whole list; a card that is not in it any more is gone.
 */
#include "host/linux/io_private.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#define QUEUE_BYTES (1024 * 1024)

struct card {
	char name[INTERFACE_BYTES];
	int index;
	int8_t status, told; /* 1 up, 0 down, -1 gone; told 2: never */
	bool seen;	     /* in the list that is being read */
};

struct links {
	VEC(struct card) cards;
	bool listing, torn;	    /* torn: it changed meanwhile, or some was lost */
	char gone[INTERFACE_BYTES]; /* the text of a fact about a card that is no more */
};

static void ask_for_all(struct io *io, struct channel *channel)
{
	struct links *links = channel->more;
	char buffer[MNL_ALIGN(sizeof(struct nlmsghdr)) +
		    MNL_ALIGN(sizeof(struct ifinfomsg))] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	for (size_t i = 0; i < links->cards.count; i++)
		links->cards.items[i].seen = false;
	links->listing = true;
	links->torn = false;
	if (send(channel->fd, header, header->nlmsg_len, 0) < 0)
		lsvm_io_fail_errno(io, channel, errno);
}

static int links_open(struct io *io, struct channel *channel,
		      const struct channel_spec *spec)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	const int size = QUEUE_BYTES;

	channel->more = calloc(1, sizeof(struct links));
	if (!channel->more)
		return lsvm_fail_nomem(io->linux_host->host.ctx);
	channel->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			     NETLINK_ROUTE);
	if (channel->fd < 0 ||
	    bind(channel->fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		lsvm_io_fail_errno(io, channel, errno);
		return 0;
	}
	setsockopt(channel->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (lsvm_io_watch(io, channel, channel->fd, EPOLLIN | EPOLLET))
		ask_for_all(io, channel);
	return 0;
}

static struct card *find(struct links *links, int index)
{
	for (size_t i = 0; i < links->cards.count; i++)
		if (links->cards.items[i].index == index)
			return &links->cards.items[i];
	return NULL;
}

static bool note(struct links *links, const struct nlmsghdr *header)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	const char *name = NULL;
	const struct nlattr *attribute;
	struct card *card;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*info))
		return true;
	mnl_attr_for_each(
		attribute, header,
		sizeof(*info)) if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
				   mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		name = mnl_attr_get_str(attribute);
	/* A bridge says of its port what is not about the card itself. */
	if (!name || strlen(name) >= INTERFACE_BYTES || info->ifi_family != AF_UNSPEC)
		return true;
	card = find(links, info->ifi_index);
	if (card && strcmp(card->name, name) != 0) {
		/* Renamed: the old name is gone. */
		card->status = -1;
		card->index = -1;
		card = NULL;
	}
	if (!card) {
		if (header->nlmsg_type == RTM_DELLINK)
			return true;
		card = vec_push(&links->cards);
		if (!card)
			return false;
		card->index = info->ifi_index;
		card->told = 2;
		strcpy(card->name, name);
	}
	card->seen = true;
	card->status =
		header->nlmsg_type == RTM_DELLINK ? -1
		: (info->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING)
			? 1
			: 0;
	return true;
}

static void end_of_list(struct io *io, struct channel *channel)
{
	struct links *links = channel->more;

	links->listing = false;
	if (links->torn) {
		ask_for_all(io, channel);
		return;
	}
	for (size_t i = 0; i < links->cards.count; i++)
		if (!links->cards.items[i].seen)
			links->cards.items[i].status = -1;
}

static void read_all(struct io *io, struct channel *channel, size_t length)
{
	struct links *links = channel->more;
	int left = (int)length;

	for (const struct nlmsghdr *header = (const void *)io->bytes;
	     mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		links->torn |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (header->nlmsg_type == NLMSG_DONE)
			end_of_list(io, channel);
		else if ((header->nlmsg_type == RTM_NEWLINK ||
			  header->nlmsg_type == RTM_DELLINK) &&
			 !note(links, header))
			lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
	}
}

static bool tell(struct io *io, struct channel *channel, struct io_event *ret)
{
	struct links *links = channel->more;

	for (size_t i = 0; i < links->cards.count; i++) {
		struct card *card = &links->cards.items[i];

		if (card->told == card->status)
			continue;
		card->told = card->status;
		ret->fact = IO_LINK;
		ret->status = card->status;
		ret->text = card->name;
		if (card->status < 0) {
			memcpy(links->gone, card->name, sizeof(links->gone));
			ret->text = links->gone;
			*card = links->cards.items[--links->cards.count];
		}
		lsvm_io_ready(io, channel);
		return true;
	}
	return false;
}

static bool links_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	struct links *links = channel->more;
	ssize_t got;

	if (tell(io, channel, ret))
		return true;
	got = recv(channel->fd, io->bytes, sizeof(io->bytes), 0);
	if (got < 0 && errno == EAGAIN) {
		channel->events = 0;
		return false;
	}
	lsvm_io_ready(io, channel);
	if (got >= 0)
		read_all(io, channel, (size_t)got);
	else if (errno == ENOBUFS && links->listing)
		links->torn = true;
	else if (errno == ENOBUFS)
		ask_for_all(io, channel);
	else if (errno != EINTR)
		lsvm_io_fail_errno(io, channel, errno);
	return false;
}

static bool links_close(struct io *io, struct channel *channel)
{
	struct links *links = channel->more;

	vec_free(&links->cards);
	free(links);
	channel->more = NULL;
	return true;
}

const struct channel_ops lsvm_io_links_ops = {
	.open = links_open,
	.step = links_step,
	.close = links_close,
};
