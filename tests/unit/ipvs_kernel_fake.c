/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipvs_kernel_fake.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#define NETLINK_FD 1000000 /* no descriptor of this process */
#define PORT 4711
#define FAMILY 31
#define DATAGRAM_BYTES 2000 /* so that small tables come in pieces too */
#define CALL_US 20

struct datagram {
	uint8_t *bytes;
	size_t length;
	uint32_t sender;
	bool cut;
};

struct fake fake;
static VEC(struct datagram) waiting, delayed;
static size_t taken;
static bool delaying;
static int socket_error;
static struct buf endless; /* the piece that comes again and again */
static unsigned requests;

static void drop(void)
{
	for (size_t i = taken; i < waiting.count; i++)
		free(waiting.items[i].bytes);
	waiting.count = taken = 0;
}

void fake_heal(void)
{
	fake.fault = FAULT_NONE;
	fake.older_fault = OLDER_NONE;
	fake.hit = false;
	lsvm_buf_free(&endless);
}

void fake_clear(void)
{
	drop();
	for (size_t i = 0; i < delayed.count; i++)
		free(delayed.items[i].bytes);
	vec_free(&delayed);
	vec_free(&waiting);
	fake_heal();
	socket_error = 0;
	requests = 0;
}

uint64_t fake_now_ms(void)
{
	return fake.now_us / 1000;
}

/* ---- what a fault makes of an answer ---- */

static struct nlmsghdr head_of(const uint8_t *at)
{
	struct nlmsghdr head;

	memcpy(&head, at, sizeof(head));
	return head;
}

static void put_head(uint8_t *at, struct nlmsghdr head)
{
	memcpy(at, &head, sizeof(head));
}

static void queue(const uint8_t *bytes, size_t length, uint32_t sender, bool cut)
{
	struct datagram *datagram = delaying ? vec_push(&delayed) : vec_push(&waiting);

	*datagram = (struct datagram){ malloc(length + 1), length, sender, cut };
	memcpy(datagram->bytes, bytes, length);
}

static void queue_verdict(uint16_t type, uint32_t sequence, uint32_t port, int number)
{
	struct {
		struct nlmsghdr head;
		int32_t number;
		struct nlmsghdr request;
	} verdict = { { sizeof(verdict), type, 0, sequence, port }, number, { 0 } };

	queue((const uint8_t *)&verdict, sizeof(verdict), 0, false);
}

/* The first attribute inside the content's nest, or the first where there is none, gets
 * the length. */
static void set_inner_length(uint8_t *message, uint16_t length)
{
	uint8_t *nest = message + NLMSG_HDRLEN + GENL_HDRLEN;
	size_t left = head_of(message).nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	uint16_t type;

	if (left < 8)
		return;
	memcpy(&type, nest + 2, sizeof(type));
	type &= NLA_TYPE_MASK;
	memcpy(nest + (type <= IPVS_CMD_ATTR_DAEMON ? 4 : 0), &length, sizeof(length));
}

static void spoil_head(uint8_t *message)
{
	struct nlmsghdr head = head_of(message);
	int32_t number = INT32_MIN;

	if (fake.fault == FAULT_LENGTH_LONG)
		head.nlmsg_len += 4000;
	else if (fake.fault == FAULT_LENGTH_SMALL)
		head.nlmsg_len = 15;
	else if (fake.fault == FAULT_SEQUENCE)
		head.nlmsg_seq += 1000;
	else if (fake.fault == FAULT_PORT)
		head.nlmsg_pid += 1;
	else if (fake.fault == FAULT_INTERRUPTED)
		head.nlmsg_flags |= NLM_F_DUMP_INTR;
	else if (fake.fault == FAULT_TYPE && head.nlmsg_type >= NLMSG_MIN_TYPE)
		head.nlmsg_type += 1;
	else if (fake.fault == FAULT_NEST && head.nlmsg_type >= NLMSG_MIN_TYPE)
		set_inner_length(message, 60000);
	else if (fake.fault == FAULT_ATTRIBUTE && head.nlmsg_type >= NLMSG_MIN_TYPE)
		set_inner_length(message, 3);
	else if (fake.fault == FAULT_ERRNO_RANGE && head.nlmsg_type < NLMSG_MIN_TYPE)
		memcpy(message + NLMSG_HDRLEN, &number, sizeof(number));
	put_head(message, head);
}

static void put_first(const struct nlmsghdr *request)
{
	switch ((int)fake.fault) {
	case FAULT_ALIEN_ACK:
		queue_verdict(NLMSG_ERROR, request->nlmsg_seq, PORT + 1, -EPERM);
		break;
	case FAULT_OLD_ACK:
		queue_verdict(NLMSG_ERROR, request->nlmsg_seq - 100000, PORT, -EPERM);
		break;
	case FAULT_ALIEN_SENDER:
		queue_verdict(NLMSG_ERROR, request->nlmsg_seq, PORT, -EPERM);
		waiting.items[waiting.count - 1].sender = 99;
		break;
	case FAULT_FALSE_ACK:
		queue_verdict(NLMSG_ERROR, request->nlmsg_seq, PORT, 0);
		break;
	case FAULT_FALSE_DONE:
		queue_verdict(NLMSG_DONE, request->nlmsg_seq, PORT, 0);
		break;
	case FAULT_REFUSED:
		queue_verdict(NLMSG_ERROR, request->nlmsg_seq, PORT, -EDOM);
		break;
	case FAULT_EMPTY:
		queue((const uint8_t *)"", 0, 0, false);
		break;
	}
}

/* Sends the piece; the fault is of one message in it. */
static void queue_piece(uint8_t *bytes, size_t length, size_t last, bool spoilt)
{
	bool cut = false;

	if (spoilt && fake.fault == FAULT_TWICE) {
		queue(bytes, length, 0, false);
	} else if (spoilt && (fake.fault == FAULT_SHORT || fake.fault == FAULT_CUT)) {
		cut = fake.fault == FAULT_CUT;
		length -= 5;
	} else if (spoilt) {
		/* The last is often a verdict, which has no attributes. */
		spoil_head(fake.fault == FAULT_TYPE || fake.fault == FAULT_NEST ||
					   fake.fault == FAULT_ATTRIBUTE
				   ? bytes
				   : bytes + last);
	}
	queue(bytes, length, 0, cut);
}

static void queue_answer(uint8_t *bytes, size_t length, bool spoilt)
{
	size_t start = 0, at = 0, last = 0;

	while (at < length) {
		struct nlmsghdr head = head_of(bytes + at);
		const bool is_verdict = head.nlmsg_type < NLMSG_MIN_TYPE;

		head.nlmsg_pid = PORT;
		put_head(bytes + at, head);
		if (at - start + head.nlmsg_len > DATAGRAM_BYTES && at > start) {
			queue_piece(bytes + start, at - start, last - start, spoilt);
			start = at;
		}
		if (spoilt && is_verdict &&
		    (fake.fault == FAULT_NO_VERDICT || fake.fault == FAULT_ENDLESS)) {
			length = at;
			if (fake.fault == FAULT_ENDLESS)
				lsvm_buf_add(&endless, bytes + start, at - start);
			break;
		}
		last = at;
		at += NLMSG_ALIGN(head.nlmsg_len);
	}
	if (length > start)
		queue_piece(bytes + start, length - start, last - start, spoilt);
}

/* ---- a newer kernel ---- */

/* At the end of the one object in the message. */
static void add_newer(uint8_t *message, size_t length, struct buf *ret)
{
	struct nlmsghdr head = head_of(message);
	uint8_t *nest = message + NLMSG_HDRLEN + GENL_HDRLEN;
	uint16_t nest_length;

	if (head.nlmsg_type >= NLMSG_MIN_TYPE &&
	    (message[NLMSG_HDRLEN] == IPVS_CMD_NEW_SERVICE ||
	     message[NLMSG_HDRLEN] == IPVS_CMD_NEW_DEST)) {
		memcpy(&nest_length, nest, sizeof(nest_length));
		nest_length = (uint16_t)(nest_length + 8);
		memcpy(nest, &nest_length, sizeof(nest_length));
		head.nlmsg_len += 8;
		put_head(message, head);
		lsvm_buf_add(ret, message, length);
		lsvm_buf_add(ret, FAKE_ATTRIBUTE, 8);
	} else {
		lsvm_buf_add(ret, message, length);
	}
}

static void make_newer(struct buf *answer)
{
	struct buf newer = { 0 };

	for (size_t at = 0; at < answer->length;) {
		uint8_t *message = (uint8_t *)answer->data + at;
		const size_t length = NLMSG_ALIGN(head_of(message).nlmsg_len);

		add_newer(message, length, &newer);
		at += length;
	}
	lsvm_buf_free(answer);
	*answer = newer;
}

static void look_for_newer(const uint8_t *message, size_t length)
{
	const uint8_t command = message[NLMSG_HDRLEN];

	if (command != IPVS_CMD_SET_SERVICE && command != IPVS_CMD_SET_DEST)
		return;
	if (memmem(message, length, FAKE_ATTRIBUTE, 8))
		fake.kept++;
	else
		fake.lost++;
}

/* ---- requests ---- */

static void answer_family(const struct nlmsghdr *request, struct buf *ret)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr generic;
		struct nlattr attribute;
		uint16_t family, padding;
	} answer = { { sizeof(answer), GENL_ID_CTRL, 0, request->nlmsg_seq, PORT },
		     { CTRL_CMD_NEWFAMILY, 2, 0 },
		     { 6, CTRL_ATTR_FAMILY_ID },
		     FAMILY,
		     0 };
	struct {
		struct nlmsghdr head;
		int32_t number;
		struct nlmsghdr request;
	} ack = { { sizeof(ack), NLMSG_ERROR, 0, request->nlmsg_seq, PORT },
		  0,
		  *request };

	lsvm_buf_add(ret, &answer, sizeof(answer));
	lsvm_buf_add(ret, &ack, sizeof(ack));
}

/* Whether it goes wrong this time. */
static bool strikes(bool has_fault)
{
	if (!has_fault || requests++ < fake.skip || (fake.hit && !fake.for_ever))
		return false;
	fake.hit = true;
	return true;
}

/* While a dump has not been read to its end no other begins. */
static void request(const uint8_t *bytes, size_t length, bool spoilt, bool dumping)
{
	const struct nlmsghdr head = head_of(bytes);
	struct buf answer = { 0 };

	if (head.nlmsg_type == GENL_ID_CTRL)
		answer_family(&head, &answer);
	else if (!dumping || (head.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		lsvm_sim_kernel_answer(fake.sim, bytes, length, &answer);
	else
		queue_verdict(NLMSG_ERROR, head.nlmsg_seq, PORT, -EBUSY);
	if (fake.newer) {
		look_for_newer(bytes, length);
		make_newer(&answer);
	}
	if (spoilt)
		put_first(&head);
	delaying = spoilt && fake.fault == FAULT_LATE;
	if (spoilt && fake.fault == FAULT_ENOBUFS)
		socket_error = ENOBUFS;
	else if (!spoilt || (fake.fault != FAULT_LOST && fake.fault != FAULT_EINTR_WAIT))
		queue_answer((uint8_t *)answer.data, answer.length, spoilt);
	delaying = false;
	lsvm_buf_free(&answer);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes,
				 size_t length)
{
	const bool dumping = taken < waiting.count || endless.length;
	bool spoilt = strikes(fake.fault && fake.fault != FAULT_EINTR_RECEIVE);

	(void)socket;
	fake.now_us += CALL_US;
	if (spoilt &&
	    (fake.fault == FAULT_EINTR_SEND || fake.fault == FAULT_SEND_REFUSED)) {
		fake.now_us += 1000;
		requests--;
		errno = fake.fault == FAULT_EINTR_SEND ? EINTR : ENOBUFS;
		return -1;
	}
	if (spoilt && fake.fault == FAULT_SEND_CUT)
		return (ssize_t)length - 1;
	for (size_t i = 0; i < delayed.count; i++)
		*vec_push(&waiting) = delayed.items[i];
	delayed.count = 0;
	for (size_t at = 0; at < length;) {
		const struct nlmsghdr head = head_of((const uint8_t *)bytes + at);

		request((const uint8_t *)bytes + at, head.nlmsg_len, spoilt, dumping);
		at += NLMSG_ALIGN(head.nlmsg_len);
	}
	return (ssize_t)length;
}

static void deliver(struct mmsghdr *message, struct datagram *datagram)
{
	struct sockaddr_nl *sender = message->msg_hdr.msg_name;

	*sender = (struct sockaddr_nl){ .nl_family = AF_NETLINK,
					.nl_pid = datagram->sender };
	memcpy(message->msg_hdr.msg_iov->iov_base, datagram->bytes, datagram->length);
	message->msg_len = (unsigned)datagram->length;
	message->msg_hdr.msg_flags = datagram->cut ? MSG_TRUNC : 0;
	free(datagram->bytes);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		    struct timespec *timeout)
{
	unsigned done = 0;

	(void)fd, (void)flags, (void)timeout;
	fake.now_us += endless.length ? 20000 : CALL_US;
	if (fake.fault == FAULT_EINTR_RECEIVE && strikes(true)) {
		fake.now_us += 1000;
		errno = EINTR;
		return -1;
	}
	if (socket_error) {
		errno = socket_error;
		socket_error = 0;
		drop();
		return -1;
	}
	if (taken == waiting.count && endless.length)
		queue((const uint8_t *)endless.data, endless.length, 0, false);
	while (done < count && taken < waiting.count)
		deliver(&messages[done++], &waiting.items[taken++]);
	if (taken == waiting.count)
		drop();
	if (!done)
		errno = EAGAIN;
	return done ? (int)done : -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds, (void)count;
	if (taken < waiting.count || socket_error)
		return 1;
	if (fake.fault == FAULT_EINTR_WAIT && fake.hit) {
		fake.now_us += 1000;
		errno = EINTR;
		return -1;
	}
	fake.now_us += (uint64_t)timeout_ms * 1000;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	ret->tv_sec = (time_t)(fake.now_us / 1000000);
	ret->tv_nsec = (long)(fake.now_us % 1000000) * 1000;
	return 0;
}

/* ---- the netlink socket itself ---- */

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	(void)bus, (void)flags;
	return (struct mnl_socket *)&fake;
}

int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t port)
{
	(void)socket, (void)groups, (void)port;
	return 0;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *socket)
{
	(void)socket;
	return NETLINK_FD;
}

unsigned __wrap_mnl_socket_get_portid(const struct mnl_socket *socket)
{
	(void)socket;
	return PORT;
}

int __wrap_mnl_socket_close(struct mnl_socket *socket)
{
	(void)socket;
	return 0;
}
