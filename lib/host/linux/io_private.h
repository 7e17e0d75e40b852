/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the real machine's I/O: one epoll, one timer, channels in a pool.
 *
 * Descriptors are watched edge-triggered for everything at once, so that a channel costs
 * one epoll_ctl() in its life. What the kernel reported is gathered in channel->events
 * and the channel put onto the ready list; a turn takes one channel after the other from
 * there, lets its kind take one step, which may give one fact, and puts it back when
 * there may be more. A turn is bounded, in facts and in bytes, so that no peer that sends
 * without end keeps others, or who pulls, from their work.
 *
 * A channel is named to the kernel by its place in the pool and by a generation that
 * changes when the place is given back: an event of a closed channel finds nobody. That
 * holds also where a descriptor lives on in a process that was forked without our doing;
 * being edge-triggered, such an event comes once and does not spin.
 */
#ifndef LSVM_HOST_LINUX_IO_PRIVATE_H
#define LSVM_HOST_LINUX_IO_PRIVATE_H

#include "host/linux/linux.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define IO_BATCH 256	     /* events taken from the kernel at once */
#define IO_TURN_STEPS 512    /* steps before next() says that there is nothing now */
#define IO_TURN_BYTES 524288 /* bytes before that */
#define IO_CHUNK 256	     /* channels that are allocated at once */
#define IO_ACCEPTED_MAX 256  /* connections of one listener; others wait */
#define IO_PAUSE_NS                                                                      \
	(100 * IO_MS) /* before accept() is tried again without descriptors              \
		       */
#define IO_LINGER_NS IO_S
#define IO_EPOLL_ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define IO_EPOLL_GONE (EPOLLERR | EPOLLHUP)

struct io;
struct tls_session;

/* Bytes that a peer did not take yet. */
struct waiting {
	uint8_t *data;
	size_t start, length, capacity;
};

struct channel_ops {
	/* Only memory and nonsense are errors; all else goes to lsvm_io_fail(). NULL: not
	 * opened from outside. */
	int (*open)(struct io *io, struct channel *channel,
		    const struct channel_spec *spec);
	/* Looks at channel->events. One fact, or false; lsvm_io_ready() when there may be
	 * more. */
	bool (*step)(struct io *io, struct channel *channel, struct io_event *ret);
	bool (*send)(struct io *io, struct channel *channel, const void *bytes,
		     size_t length, const struct addr *to, uint16_t to_port);
	/* Gives back all but the place in the pool and `fd`. False: it goes on without
	 * an owner, and calls lsvm_io_give_back() when it is done; never so when
	 * io->freeing. NULL: nothing to do. */
	bool (*close)(struct io *io, struct channel *channel);
	/* Time is up. */
	void (*due)(struct io *io, struct channel *channel);
};

enum channel_state {
	STATE_OPEN = 0,
	STATE_CONNECTING = 1,
	STATE_HANDSHAKE = 2,
	STATE_FAILED = 3,    /* nothing more will come */
	STATE_LINGERING = 4, /* without an owner, to send what is waiting */
	STATE_PAUSED = 5,    /* a listener that waits for descriptors or for room */
};

struct channel {
	const struct channel_ops *ops; /* NULL: the place is free */
	struct channel *ready_next, *ready_previous;
	struct channel *due_next, *due_previous;
	uint64_t due_ns; /* 0: not in that list */
	void *owner;
	uint32_t index, generation;
	int fd;
	uint32_t events; /* EPOLL…, since the step that used them up */
	uint8_t kind;
	uint8_t state;
	bool ready;	/* on the ready list */
	bool unclaimed; /* kept without an owner: no fact may come of it */
	bool reset, accepted, ended, drained;
	bool finish;	  /* after what is waiting: no more will be sent */
	uint8_t error;	  /* an IO_FAILED that waits to be pulled; enum io_error */
	const char *text; /* of it; lives for ever, or in `more` */
	struct addr remote, local;
	uint16_t remote_port;
	uint32_t interface_index;
	struct waiting *waiting;
	struct tls_session *tls;
	uint32_t parent_index, parent_generation; /* the listener it came from */
	void *more;				  /* of the kind */
};

struct io {
	struct linux_host *linux_host;
	int epoll, timer, reserve; /* reserve: a descriptor to lose when none is left */
	uint64_t wish_ns, armed_ns;
	bool turning, kicked, freeing;
	uint32_t steps_left;
	int64_t bytes_left;
	struct channel *ready_first, *ready_last, *due_first;
	VEC(struct channel *) chunks;
	struct channel *free_first;
	uint32_t channel_count;	 /* places there are in all */
	uint64_t secret;	 /* for what must not be guessed */
	struct channel *ping[2]; /* the sockets that all pings of a family share */
	struct channel *sentry;
	void *tls_plain, *tls_verify; /* SSL_CTX */
	struct epoll_event batch[IO_BATCH];
	struct tls_facts facts;
	char subject[256];
	_Alignas(8) uint8_t bytes[IO_PIECE_BYTES];
	uint8_t plain[IO_PIECE_BYTES];
};

/* ---- io_loop.c ---- */

/* Makes it when it is needed first. */
int lsvm_io_make(struct lsvm_host *host, struct io **ret);
uint64_t lsvm_io_now(void);
/* A place in the pool, with a generation of its own; NULL: out of memory. */
struct channel *lsvm_io_take(struct io *io, const struct channel_ops *ops);
/* NULL: that one was closed. */
struct channel *lsvm_io_named(struct io *io, uint32_t index, uint32_t generation);
/* Closes fd too. */
void lsvm_io_give_back(struct io *io, struct channel *channel);
/* Watches fd for the channel. false: out of memory; the channel has failed. */
bool lsvm_io_watch(struct io *io, struct channel *channel, int fd, uint32_t events);
void lsvm_io_ready(struct io *io, struct channel *channel);
void lsvm_io_not_ready(struct io *io, struct channel *channel);
/* The channel's next fact is IO_FAILED. text lives for ever; NULL: the error's. */
void lsvm_io_fail(struct io *io, struct channel *channel, enum io_error error,
		  const char *text);
/* The same by an errno. */
void lsvm_io_fail_errno(struct io *io, struct channel *channel, int number);
/* Its due() is called at that time; IO_NEVER: not any more. */
void lsvm_io_set_due(struct io *io, struct channel *channel, uint64_t when_ns);

/* ---- io_socket.c ---- */

union io_sockaddr {
	struct sockaddr any;
	uint8_t bytes[28]; /* sockaddr_in6 is the longest */
};
enum io_error lsvm_io_error_of(int number);
socklen_t lsvm_io_sockaddr(const struct addr *addr, uint16_t port,
			   uint32_t interface_index, union io_sockaddr *ret);
void lsvm_io_from_sockaddr(const union io_sockaddr *from, struct addr *ret,
			   uint16_t *ret_port);
bool lsvm_io_is_group(const struct addr *addr);
/* Nonblocking, close-on-exec; marked, with its ttl, bound to local when the spec says so.
 * -1: the channel has failed. */
int lsvm_io_socket(struct io *io, struct channel *channel,
		   const struct channel_spec *spec, int type, int protocol);
/* Joins remote when it is a group, on the spec's interface, and sends there. false: the
 * channel has failed. */
bool lsvm_io_multicast(struct io *io, struct channel *channel,
		       const struct channel_spec *spec);
/* The interface that datagrams to the group leave by; false: errno. */
bool lsvm_io_leave_by(int fd, uint8_t family, uint32_t interface_index);
/* Resolves spec->interface into channel->interface_index; false: the channel has failed.
 */
bool lsvm_io_interface(struct io *io, struct channel *channel,
		       const struct channel_spec *spec);
/* One datagram to (addr, port), from `local` when it is one, on the interface. 0 or an
 * errno. */
struct io_datagram {
	union io_sockaddr to;
	struct msghdr header;
	struct iovec part;
	union {
		struct cmsghdr align;
		uint8_t bytes[160];
	} control;
};
void lsvm_io_datagram(struct io_datagram *ret, const struct addr *to, uint16_t port,
		      const struct addr *local, uint32_t interface_index, uint32_t mark,
		      uint8_t ttl, const void *bytes, size_t length);
/* Receives one into io->bytes and fills ret's bytes, from, to, ttl; an errno or 0. */
int lsvm_io_receive(struct io *io, int fd, struct io_event *ret);
/* What recvmsg() shall tell beside the bytes: the address it was sent to, and the ttl. */
void lsvm_io_want_details(int fd, uint8_t family);

/* ---- kinds ---- */

extern const struct channel_ops lsvm_io_stream_ops; /* TCP, SCTP, accepted ones */
extern const struct channel_ops lsvm_io_listen_ops; /* TCP, local */
extern const struct channel_ops lsvm_io_udp_ops;    /* UDP, LISTEN_UDP */
extern const struct channel_ops lsvm_io_ping_ops;
extern const struct channel_ops lsvm_io_vrrp_ops;
extern const struct channel_ops lsvm_io_links_ops;
extern const struct channel_ops lsvm_io_file_ops;
extern const struct channel_ops lsvm_io_program_ops;
extern const struct channel_ops lsvm_io_http_ops;

/* ---- io_listen.c ---- */

/* An accepted connection is gone: there is room for another one. */
void lsvm_io_listen_left(struct io *io, const struct channel *accepted);

/* ---- waiting (io_stream.c) ---- */

/* Appends; false: too much is waiting, or out of memory. */
bool lsvm_io_wait_add(struct channel *channel, const void *bytes, size_t length);
void lsvm_io_wait_free(struct channel *channel);
/* Sends or lets wait, without TLS; false: the channel has failed. */
bool lsvm_io_stream_put(struct io *io, struct channel *channel, const void *bytes,
			size_t length);

/* ---- io_tls.c, io_no_tls.c ---- */

/* LSVM_ERR_UNSUPPORTED in a build without. */
int lsvm_io_tls_new(struct io *io, const struct tls_wish *wish, struct tls_session **ret);
void lsvm_io_tls_session_free(struct tls_session *session);
void lsvm_io_tls_free(struct io *io);
/* Bytes came in (length 0: the end). The handshake goes on: 1 done, 0 not yet, -1 the
 * channel has failed. */
int lsvm_io_tls_shake(struct io *io, struct channel *channel, const uint8_t *bytes,
		      size_t length);
/* What was decrypted into io->plain: bytes, 0 none now, -1 the end, -2 it broke. */
int lsvm_io_tls_read(struct io *io, struct channel *channel, const uint8_t *bytes,
		     size_t length);
bool lsvm_io_tls_send(struct io *io, struct channel *channel, const void *bytes,
		      size_t length);
void lsvm_io_tls_facts(struct io *io, struct channel *channel, struct io_event *ret);

/* ---- io_http.c, io_no_http.c ---- */

/* A connection that the server's own listener let in. */
void lsvm_io_http_take(struct io *io, struct channel *listener, int fd,
		       const struct sockaddr *from, uint32_t length);
void lsvm_io_reply(struct lsvm_host *host, struct channel *request, int status,
		   const char *content_type, const char *text, size_t length);

/* ---- io_program.c ---- */

/* Waits for a child that was killed, without keeping anybody from their work, and closes
 * pidfd. */
void lsvm_io_reap(struct io *io, int pidfd);

/* ---- io_will.c ---- */

int lsvm_io_will(struct lsvm_host *host, const struct io_will *will_or_null);

#endif
