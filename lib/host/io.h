/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as something that waits: time, and channels to the outside, none of which
 * ever blocks.
 *
 * A channel is a connection, a socket, a program that was started, or a place where
 * others connect. It is opened with a description, reports what happens to it as facts,
 * which are pulled one after the other, and is closed by who opened it, whatever happened
 * to it. The owner pointer that was given at opening comes back with every fact.
 *
 * A host can wait through one file descriptor: readable when there are facts to pull or
 * when the time asked for has come. On a simulated machine there is no descriptor: its
 * world says when it is due.
 */
#ifndef LSVM_HOST_IO_H
#define LSVM_HOST_IO_H

#include "base/base.h"

struct lsvm_host;
struct address; /* host.h */

/* Nanoseconds of a clock that never goes back and does not stop while the machine
 * sleeps. */
#define IO_NEVER UINT64_MAX
#define IO_MS 1000000ull
#define IO_S 1000000000ull
/* One piece of received bytes, and one datagram, is never longer. */
#define IO_PIECE_BYTES 65536
/* What a peer is too slow to take is kept up to here; past that sending fails. */
#define IO_WAITING_MAX_BYTES (1024u * 1024)

enum channel_kind {
	CHANNEL_UNKNOWN = 0,
	CHANNEL_TCP = 1,  /* connects to remote; with tls its handshake too */
	CHANNEL_UDP = 2,  /* datagrams to and from remote only; remote may be a group:
			     then they leave by interface */
	CHANNEL_PING = 3, /* echo requests (ICMP, ICMPv6) to remote: what is sent is the
			     payload; only answers to this channel arrive, as IO_BYTES */
	CHANNEL_SCTP = 4, /* connects to remote */
	CHANNEL_VRRP = 5, /* packets of protocol 112 on one interface, to the group of
			     remote's family, or to single addresses; IO_BYTES has from,
			     to and ttl, without the IP header */
	CHANNEL_PROGRAM = 6,	  /* a child process: what is sent is its input, what it
				     prints arrives (1 MiB at most), then IO_EXITED.
				     Closing ends it and whatever it started in its
				     process group */
	CHANNEL_LISTEN_TCP = 7,	  /* others connect to local: IO_ACCEPTED */
	CHANNEL_LISTEN_LOCAL = 8, /* others connect to a local socket at path */
	CHANNEL_LISTEN_UDP = 9,	  /* datagrams to local, from anybody; with a remote that
				     is a multicast group: joined on interface */
	CHANNEL_LINKS = 10, /* the machine's network cards: IO_LINK whenever one goes
			       up or down, and once for each at the beginning */
	CHANNEL_HTTP = 11,  /* an HTTP server at local: IO_REQUEST, answered by reply() */
	CHANNEL_FILE = 12,  /* a file at path, the kernel's too, read from its beginning:
			       one piece in each round of next(), between the facts of
			       others, then IO_ENDED; so that a long one delays nobody */
};

/* What a connection shall be wrapped in. */
struct tls_wish {
	const char *server_name; /* SNI, and the name that is verified; NULL: none */
	bool verify;		 /* by the machine's trusted authorities */
};

struct channel_spec {
	enum channel_kind kind;
	struct addr local, remote; /* family 0: any */
	uint16_t local_port, remote_port;
	uint32_t mark;		    /* firewall mark of what is sent; 0: none */
	const char *interface;	    /* VRRP, multicast; NULL: any */
	const struct tls_wish *tls; /* TCP; NULL: plain */
	const char *const *argv;    /* PROGRAM; NULL-terminated */
	const char *path;	    /* LISTEN_LOCAL */
	uint32_t mode;		    /* of that path */
	uint8_t ttl;		    /* of what is sent; 0: the kernel's, VRRP: 255 */
	bool reset;	    /* closing is a reset: nothing lingers in the kernel */
	bool hears_routers; /* UDP: a host that cannot be reached is IO_FAILED too */
};

enum io_fact {
	IO_NOTHING = 0,
	IO_CONNECTED = 1, /* TCP, SCTP; with tls: after the handshake, see tls */
	IO_BYTES = 2,	  /* bytes arrived */
	IO_ENDED = 3,	  /* the peer sends no more */
	IO_FAILED = 4,	  /* could not be opened, or broke: see error and text. Close it.
			     After it was open, what carries datagrams may go on (UDP: the
			     peer refused, a send found no way), and who listens does
			     (somebody could not be let in; told once until somebody is) */
	IO_ACCEPTED = 5,  /* somebody connected: `accepted` belongs to the owner now */
	IO_EXITED = 6,	  /* PROGRAM: status; it is not running any more */
	IO_LINK = 7,	/* LINKS: text is the card's name, status 1 up, 0 down, -1 gone */
	IO_REQUEST = 8, /* HTTP: text is the path, `accepted` what reply() takes */
	IO_DRAINED = 9, /* all that was waiting to be sent is sent */
};

enum io_error {
	IO_ERROR_NONE = 0,
	IO_ERROR_REFUSED = 1,	  /* nobody listens */
	IO_ERROR_UNREACHABLE = 2, /* no way there */
	IO_ERROR_RESET = 3,	  /* the peer broke the connection */
	IO_ERROR_TIMEOUT = 4,	  /* the kernel gave up */
	IO_ERROR_TLS = 5,	  /* the handshake failed; text says why */
	IO_ERROR_CERTIFICATE = 6, /* not trusted; text says why */
	IO_ERROR_RESOURCES = 7,	  /* this machine is out of descriptors, ports, memory */
	IO_ERROR_PERMISSION = 8,
	IO_ERROR_ADDRESS = 9,	/* the local address is not there, or taken */
	IO_ERROR_OVERFLOW = 10, /* the peer takes nothing and too much is waiting */
	IO_ERROR_OTHER = 11,
};

struct tls_facts {
	int64_t days_left; /* until the peer's certificate expires; negative: it has */
	const char *subject;
};

/* What is pointed to stays until the next call to any function of io_ops. */
struct io_event {
	enum io_fact fact;
	struct channel *channel;
	void *owner; /* as given to open(); of an accepted channel: see io_adopt */
	const uint8_t *bytes;
	size_t length;
	struct addr from, to; /* datagrams, accepted connections */
	uint16_t from_port;
	uint8_t ttl;
	enum io_error error;
	int status; /* EXITED: exit status, or 128 and the signal; -1: unknown, since
		       somebody in this process waits for any child */
	const char *text;
	const struct tls_facts *tls;
	struct channel *accepted;
};

/* A line for a log. */
struct io_log {
	int priority; /* as syslog has it: 0 emergency … 6 information */
	uint64_t wall_ms;
	const char *name; /* who says it: "svm-eds" */
	const char *text; /* one line */
	const char
		*subject; /* what it is about, and its kind: for the journal's fields */
	const char *kind;
};

/*
 * What the machine does by itself when this process is gone without having said so, by
 * any death: these addresses go, and then these packets are sent. It replaces an earlier
 * one; NULL: nothing. It never fires while the process lives.
 */
struct io_will {
	const struct address *addresses;
	size_t address_count;
	const struct io_packet {
		struct channel_spec channel; /* VRRP, UDP */
		const uint8_t *bytes;
		size_t length;
	} * packets;
	size_t packet_count;
};

struct io_ops {
	uint64_t (*now_ns)(struct lsvm_host *host);
	/* Milliseconds since 1970, for people. */
	uint64_t (*wall_ms)(struct lsvm_host *host);
	int (*random)(struct lsvm_host *host, void *bytes, size_t length);
	/* For poll; -1 on a simulated machine. */
	int (*fd)(struct lsvm_host *host);
	/* The descriptor becomes readable at that time too, and stays so; replaces the
	 * last wish. Who stops pulling before next() says false calls this afterwards:
	 * then the descriptor is readable for the rest. */
	void (*wake)(struct lsvm_host *host, uint64_t when_ns);
	/* *ret is there also when what it stands for fails at once: then that is its
	 * first fact. Errors only of memory and of nonsense (LSVM_ERR_ARGUMENT,
	 * LSVM_ERR_UNSUPPORTED), on the context. The spec is copied. */
	int (*open)(struct lsvm_host *host, const struct channel_spec *spec, void *owner,
		    struct channel **ret);
	/* Takes all or fails: false after an IO_FAILED was queued. Datagrams of
	 * LISTEN_UDP and VRRP go to `to` and `to_port`; NULL: to remote. To a connection
	 * or a program, length 0 says that no more will be sent. */
	bool (*send)(struct lsvm_host *host, struct channel *channel, const void *bytes,
		     size_t length, const struct addr *to, uint16_t to_port);
	/* How many bytes of what was sent the peer has not taken yet, beyond what the
	 * kernel keeps for it; IO_DRAINED comes when it was more than 0 and is 0. */
	size_t (*waiting)(struct lsvm_host *host, const struct channel *channel);
	/* Nothing of it arrives after this. NULL is allowed. What is waiting to be sent
	 * to an accepted connection is still sent, for a second at most. */
	void (*close)(struct lsvm_host *host, struct channel *channel);
	/* An accepted channel gets its owner. */
	void (*adopt)(struct lsvm_host *host, struct channel *channel, void *owner);
	/* Answers an IO_REQUEST; it is gone then. */
	void (*reply)(struct lsvm_host *host, struct channel *request, int status,
		      const char *content_type, const char *text, size_t length);
	/* The next fact; false: none now. Never waits. Says false after some hundreds, or
	 * half a megabyte, too, whatever is left: then the descriptor is readable. */
	bool (*next)(struct lsvm_host *host, struct io_event *ret);
	/* Tells the neighbours that the addresses are here (ARP, neighbour
	 * advertisements). */
	void (*announce)(struct lsvm_host *host, const struct address *addresses,
			 size_t count);
	int (*will)(struct lsvm_host *host, const struct io_will *will_or_null);
	/* Appends to a log: "journal", or a file, which is opened again when another one
	 * has its name. An error of the context says why not; nothing waits. NULL: this
	 * kind of machine keeps no logs. */
	int (*log)(struct lsvm_host *host, const char *to, const struct io_log *line);
};

/* "connection refused", … */
const char *lsvm_io_error_text(enum io_error error);

#endif
