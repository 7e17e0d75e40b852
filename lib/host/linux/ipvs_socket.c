/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket to the kernel's IPVS: questions go out, answers come in, and every wait has
 * an end.
 *
 * The kernel works off a request while it is being sent, so its answer nearly always lies
 * ready: reading comes first and waiting only when nothing is there. Some calls are never
 * answered (one that was interrupted inside the kernel); that is what the deadline is
 * for. Answers to a request that was given up earlier are told by their sequence number,
 * and before the next request is sent they are read away: a dump that nobody reads to its
 * end would keep the kernel from beginning another on the same socket.
 */
#include "host/linux/ipvs_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_QUEUE_BYTES (4 * 1024 * 1024)

uint64_t lsvm_ipvs_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void prepare_buffers(struct ipvs_socket *socket)
{
	for (size_t i = 0; i < RECEIVE_COUNT; i++) {
		socket->parts[i] = (struct iovec){
			.iov_base = socket->received + i * RECEIVE_BYTES,
			.iov_len = RECEIVE_BYTES,
		};
		socket->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &socket->senders[i],
			.msg_namelen = sizeof(socket->senders[i]),
			.msg_iov = &socket->parts[i],
			.msg_iovlen = 1,
		};
	}
}

static int open_netlink(struct ipvs_socket *socket)
{
	const int size = RECEIVE_QUEUE_BYTES, send_size = SEND_BYTES, on = 1;
	int fd;

	socket->netlink = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!socket->netlink ||
	    mnl_socket_bind(socket->netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return lsvm_fail(socket->ctx, LSVM_ERR_UNSUPPORTED,
				 "cannot open a generic netlink socket: %s",
				 strerrordesc_np(errno));
	fd = mnl_socket_get_fd(socket->netlink);
	socket->port = mnl_socket_get_portid(socket->netlink);
	/* Best effort all: an old kernel or a plain user has the defaults. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_size, sizeof(send_size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

static int read_family(struct ipvs_socket *socket, const struct nl_message *message,
		       void *arg)
{
	uint16_t *family = arg;

	return lsvm_nl_get_family(message->payload, family);
}

static int find_family(struct ipvs_socket *socket)
{
	int number = 0, err;

	lsvm_nl_put_family(&socket->out);
	err = lsvm_ipvs_exchange(socket, read_family, &socket->out.family, &number);
	if (err)
		return err;
	if (number || !socket->out.family)
		return lsvm_fail(
			socket->ctx, LSVM_ERR_NO_IPVS,
			"the running kernel has no ip_vs: load it with `modprobe "
			"ip_vs`, or rehearse with svm-lab");
	return 0;
}

/* Even reading needs CAP_NET_ADMIN in the first user namespace: say so at once. */
static int check_permission(struct ipvs_socket *socket)
{
	struct ipvs_info info;

	return lsvm_ipvs_socket_info(socket, &info);
}

static int open_by_netlink(struct ipvs_socket *socket)
{
	int err;

	socket->received = malloc(RECEIVE_COUNT * RECEIVE_BYTES);
	socket->out.data = malloc(SEND_BYTES);
	socket->out.size = SEND_BYTES;
	if (!socket->received || !socket->out.data)
		return lsvm_fail_nomem(socket->ctx);
	prepare_buffers(socket);
	(void)((err = open_netlink(socket)) || (err = find_family(socket)) ||
	       (err = check_permission(socket)));
	return err;
}

/* err is what netlink answered, 0 when it was not asked; it stands when the older options
 * are refused too. */
static int open_by_options(struct ipvs_socket *socket, int err)
{
	const int number = lsvm_ipvs_older_open(socket);

	/* Unlike netlink, a call of theirs does not load anything. */
	if (number == ENOPROTOOPT)
		return lsvm_fail(
			socket->ctx, LSVM_ERR_NO_IPVS,
			"the running kernel has no ip_vs, and cannot be made to load it "
			"from here: load it with `modprobe ip_vs` as root outside any "
			"user namespace");
	if (!number || err)
		return number ? err : 0;
	return lsvm_ipvs_verdict(socket->ctx, "read the IPVS table", number);
}

static int open_socket(struct lsvm_ctx *ctx, bool older, struct ipvs_socket **ret)
{
	struct ipvs_socket *socket = calloc(1, sizeof(*socket));
	int err;

	if (!socket)
		return lsvm_fail_nomem(ctx);
	socket->ctx = lsvm_ctx_ref(ctx);
	socket->timeout_ms = IPVS_TIMEOUT_DEFAULT_MS;
	socket->call_ms = IPVS_CALL_DEFAULT_MS;
	socket->count_max = READ_COUNT_MAX;
	lsvm_ipvs_begin(socket);
	socket->proc_fd = -1;
	socket->older_fd = -1;
	err = older ? 0 : open_by_netlink(socket);
	/* Refused, or no netlink at all in this sandbox. */
	if (older || err == LSVM_ERR_PERMISSION || err == LSVM_ERR_UNSUPPORTED)
		err = open_by_options(socket, err);
	if (err) {
		lsvm_ipvs_socket_close(socket);
		return err;
	}
	/* After the family was found: the file is there only once ip_vs is loaded. */
	socket->proc_fd = open("/proc/thread-self/net/ip_vs", O_RDONLY | O_CLOEXEC);
	*ret = socket;
	return 0;
}

int lsvm_ipvs_socket_open(struct lsvm_ctx *ctx, struct ipvs_socket **ret)
{
	return open_socket(ctx, false, ret);
}

int lsvm_ipvs_socket_open_older(struct lsvm_ctx *ctx, struct ipvs_socket **ret)
{
	return open_socket(ctx, true, ret);
}

void lsvm_ipvs_socket_close(struct ipvs_socket *socket)
{
	if (!socket)
		return;
	if (socket->netlink)
		mnl_socket_close(socket->netlink);
	if (socket->proc_fd >= 0)
		close(socket->proc_fd);
	if (socket->older_fd >= 0)
		close(socket->older_fd);
	free(socket->received);
	free(socket->out.data);
	lsvm_ctx_unref(socket->ctx);
	free(socket);
}

uint64_t lsvm_ipvs_socket_write_count(const struct ipvs_socket *socket)
{
	return socket->write_count;
}

void lsvm_ipvs_begin(struct ipvs_socket *socket)
{
	socket->deadline = lsvm_ipvs_now() + socket->call_ms;
}

static int late(struct ipvs_socket *socket, uint32_t wait_ms)
{
	return lsvm_fail(socket->ctx, LSVM_ERR_TIMEOUT,
			 "the kernel did not answer within %u ms; run it again", wait_ms);
}

bool lsvm_ipvs_is_late(struct ipvs_socket *socket)
{
	if (lsvm_ipvs_now() < socket->deadline)
		return false;
	late(socket, socket->call_ms);
	return true;
}

int lsvm_ipvs_read_limit(struct ipvs_socket *socket, size_t count)
{
	if (count < socket->count_max)
		return 0;
	return lsvm_fail(socket->ctx, LSVM_ERR_LIMIT,
			 "the kernel's IPVS table has a list of more than %zu entries; "
			 "libsvm reads no longer one",
			 socket->count_max);
}

/* Reads away what may still come of an answer that was given up. */
static int settle(struct ipvs_socket *socket)
{
	while (socket->unsettled) {
		if (recvmmsg(mnl_socket_get_fd(socket->netlink), socket->messages,
			     RECEIVE_COUNT, MSG_DONTWAIT, NULL) < 0 &&
		    errno == EAGAIN)
			socket->unsettled = false;
		else if (lsvm_ipvs_is_late(socket))
			return LSVM_ERR_TIMEOUT;
	}
	return 0;
}

int lsvm_ipvs_send(struct ipvs_socket *socket)
{
	const size_t length = socket->out.used;
	ssize_t sent = -1;
	int err;

	socket->out.used = 0;
	err = settle(socket);
	if (err)
		return err;
	while ((sent = mnl_socket_sendto(socket->netlink, socket->out.data, length)) <
		       0 &&
	       errno == EINTR)
		if (lsvm_ipvs_is_late(socket))
			return LSVM_ERR_TIMEOUT;
	if (sent == (ssize_t)length)
		return 0;
	return lsvm_fail(socket->ctx, LSVM_ERR_IO,
			 "the kernel did not take a netlink message: %s",
			 sent < 0 ? strerrordesc_np(errno) : "it was cut");
}

static int wait_readable(struct ipvs_socket *socket, uint64_t deadline)
{
	struct pollfd fd = { .fd = mnl_socket_get_fd(socket->netlink), .events = POLLIN };
	uint64_t now = lsvm_ipvs_now();

	if (now < deadline && poll(&fd, 1, (int)(deadline - now)) < 0 && errno != EINTR)
		return lsvm_fail(socket->ctx, LSVM_ERR_IO,
				 "cannot wait for the kernel: %s",
				 strerrordesc_np(errno));
	return 0;
}

/* How many buffers were filled; 0 when one should try again. */
static int receive_some(struct ipvs_socket *socket, uint64_t deadline)
{
	int count = recvmmsg(mnl_socket_get_fd(socket->netlink), socket->messages,
			     RECEIVE_COUNT, MSG_DONTWAIT, NULL);

	if (count >= 0)
		return count;
	if (errno == EAGAIN)
		return wait_readable(socket, deadline);
	if (errno == EINTR)
		return 0;
	if (errno == ENOBUFS)
		return lsvm_fail(socket->ctx, LSVM_ERR_BUSY,
				 "the kernel had to drop answers; run it again");
	return lsvm_fail(socket->ctx, LSVM_ERR_IO, "cannot read the kernel's answer: %s",
			 strerrordesc_np(errno));
}

int lsvm_ipvs_bad_answer(struct ipvs_socket *socket)
{
	return lsvm_fail(
		socket->ctx, LSVM_ERR_PROTOCOL,
		"the kernel's answer is no IPVS message that this version knows");
}

/* For this socket, and an answer to something that was asked: an entry that was passed
 * over as not ours would be missing in silence. */
static bool is_ours(const struct ipvs_socket *socket, const struct nl_message *message)
{
	return (!message->port || message->port == socket->port) &&
	       (int32_t)(message->sequence - socket->out.sequence) <= 0;
}

static int hand_over(struct ipvs_socket *socket, size_t index, ipvs_reply reply,
		     void *arg)
{
	struct mmsghdr *received = &socket->messages[index];
	struct reader bytes = { socket->parts[index].iov_base, received->msg_len, false };
	const bool from_kernel = socket->senders[index].nl_pid == 0;
	const bool cut = received->msg_hdr.msg_flags & MSG_TRUNC;
	struct nl_message message;
	int more, err = 0;

	received->msg_hdr.msg_namelen = sizeof(socket->senders[index]);
	if (!from_kernel)
		return 0;
	if (cut)
		return lsvm_ipvs_bad_answer(socket);
	socket->datagrams++;
	while (!err && (more = lsvm_nl_next(&bytes, &message)) != 0) {
		if (more < 0 || !is_ours(socket, &message))
			return lsvm_ipvs_bad_answer(socket);
		err = reply(socket, &message, arg);
	}
	return err;
}

int lsvm_ipvs_receive(struct ipvs_socket *socket, uint32_t wait_ms, ipvs_reply reply,
		      void *arg)
{
	uint64_t deadline = lsvm_ipvs_now() + wait_ms;
	int verdict = 0;

	if (deadline > socket->deadline)
		deadline = socket->deadline;
	while (!verdict) {
		int count = receive_some(socket, deadline);

		if (count < 0)
			verdict = count;
		for (int i = 0; i < count && !verdict; i++)
			verdict = hand_over(socket, (size_t)i, reply, arg);
		/* Asked even while answers come: they may come for ever. */
		if (!verdict && lsvm_ipvs_now() >= deadline)
			verdict = late(socket, wait_ms);
	}
	socket->unsettled = verdict < 0;
	return verdict < 0 ? verdict : 0;
}

struct exchange {
	ipvs_reply reply;
	void *arg;
	uint32_t sequence;
	uint16_t type; /* of its contents */
	bool is_dump;
	uint64_t datagram; /* the last that had content */
	int number;
	bool interrupted;
};

static int exchange_message(struct ipvs_socket *socket, const struct nl_message *message,
			    void *arg)
{
	struct exchange *exchange = arg;
	int err;

	if (message->sequence != exchange->sequence)
		return 0;
	exchange->interrupted |= (message->flags & NLM_F_DUMP_INTR) != 0;
	if (message->type == NLMSG_ERROR || message->type == NLMSG_DONE) {
		/* A dump is done when it says so; nothing else ends with that. */
		if (!message->error && exchange->is_dump != (message->type == NLMSG_DONE))
			return lsvm_ipvs_bad_answer(socket);
		exchange->number = -message->error;
		return 1;
	}
	if (message->type < NLMSG_MIN_TYPE)
		return 0;
	if (message->type != exchange->type)
		return lsvm_ipvs_bad_answer(socket);
	if (!exchange->reply)
		return 0;
	socket->pieces += exchange->datagram != socket->datagrams;
	exchange->datagram = socket->datagrams;
	err = exchange->reply(socket, message, exchange->arg);
	return err == LSVM_ERR_PROTOCOL ? lsvm_ipvs_bad_answer(socket) : err;
}

int lsvm_ipvs_exchange(struct ipvs_socket *socket, ipvs_reply reply, void *arg,
		       int *ret_errno)
{
	struct exchange exchange = { .reply = reply,
				     .arg = arg,
				     .sequence = socket->out.sequence };
	struct nlmsghdr head;
	int err;

	memcpy(&head, socket->out.data, sizeof(head));
	exchange.type = head.nlmsg_type;
	exchange.is_dump = (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	socket->pieces = 0;
	err = lsvm_ipvs_send(socket);
	if (!err)
		err = lsvm_ipvs_receive(socket, socket->timeout_ms, exchange_message,
					&exchange);
	if (err)
		return err;
	if (exchange.interrupted)
		return lsvm_fail(
			socket->ctx, LSVM_ERR_BUSY,
			"the IPVS table changed while it was read; run it again");
	*ret_errno = exchange.number;
	return 0;
}
