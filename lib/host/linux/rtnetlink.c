/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One question to rtnetlink and its answer. libnl builds the messages; the errno of the
 * answer is taken as it comes, since libnl's own codes lose some. A lost answer closes
 * the socket, so that a late one cannot be taken for the next.
 */
#include "host/linux/linux.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/cache.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#define DUMP_TRIES 10

int lsvm_linux_route_socket(struct linux_host *linux_host, struct nl_sock **ret)
{
	struct timeval timeout = { .tv_sec = LINUX_ANSWER_MS / 1000,
				   .tv_usec = LINUX_ANSWER_MS % 1000 * 1000 };
	struct nl_sock *sock;
	int err;

	if (linux_host->route) {
		*ret = linux_host->route;
		return 0;
	}
	sock = nl_socket_alloc();
	if (!sock)
		return lsvm_fail_nomem(linux_host->host.ctx);
	err = nl_connect(sock, NETLINK_ROUTE);
	if (err < 0 || setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO,
				  &timeout, sizeof(timeout)) < 0) {
		nl_socket_free(sock);
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_IO,
				 "no netlink socket: %s; check that this process may "
				 "open one",
				 nl_geterror(err));
	}
	nl_socket_set_buffer_size(sock, 1 << 20, 1 << 20);
	linux_host->route = sock;
	*ret = sock;
	return 0;
}

static void forget_socket(struct linux_host *linux_host)
{
	nl_socket_free(linux_host->route);
	linux_host->route = NULL;
}

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *error, void *arg)
{
	*(int *)arg = -error->error;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	*(int *)arg = 0;
	return NL_STOP;
}

int lsvm_linux_request(struct linux_host *linux_host, struct nl_msg *msg)
{
	struct nl_sock *sock;
	struct nl_cb *cb;
	int error = EINPROGRESS, err;

	if (lsvm_linux_route_socket(linux_host, &sock) < 0) {
		nlmsg_free(msg);
		return EIO;
	}
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb) {
		nlmsg_free(msg);
		return ENOMEM;
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &error);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &error);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	while (err >= 0 && error == EINPROGRESS)
		err = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	if (error != EINPROGRESS)
		return error;
	forget_socket(linux_host);
	return err == -NLE_AGAIN ? ETIMEDOUT : EIO;
}

static int kind_of(int error, const char **advice)
{
	switch (error) {
	case EPERM:
	case EACCES:
		*advice = "permission denied; run as root";
		return LSVM_ERR_PERMISSION;
	case EEXIST:
	case EADDRINUSE:
		*advice = "it is there already";
		return LSVM_ERR_EXISTS;
	case ENODEV:
		*advice = "there is no such interface";
		return LSVM_ERR_NOT_FOUND;
	case ENOENT:
	case ESRCH:
	case EADDRNOTAVAIL:
		*advice = "it is not there; look at what changed it";
		return LSVM_ERR_NOT_FOUND;
	case ENETUNREACH:
	case EHOSTUNREACH:
		*advice = "no address of the interface reaches the gateway; give it one "
			  "in the gateway's subnet";
		return LSVM_ERR_STATE;
	case ENETDOWN:
		*advice = "the interface is down; bring it up";
		return LSVM_ERR_STATE;
	case ETIMEDOUT:
		*advice = "the kernel did not answer in time; try again";
		return LSVM_ERR_TIMEOUT;
	case EBUSY:
		*advice = "somebody else holds it; try again";
		return LSVM_ERR_BUSY;
	case ENOMEM:
	case ENOBUFS:
		*advice = "out of memory; free some and try again";
		return LSVM_ERR_NOMEM;
	case EINVAL:
	case ERANGE:
		*advice = "the kernel finds it invalid; check the values";
		return LSVM_ERR_ARGUMENT;
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		*advice = "this kernel cannot do it; load the module or take another "
			  "kernel";
		return LSVM_ERR_UNSUPPORTED;
	}
	*advice = NULL;
	return LSVM_ERR_IO;
}

int lsvm_linux_refused(struct linux_host *linux_host, int error, const char *what)
{
	const char *advice;
	int err = kind_of(error, &advice);

	return lsvm_fail(linux_host->host.ctx, err, "%s: %s", what,
			 advice ? advice : lsvm_linux_error_text(error));
}

int lsvm_linux_interface(struct linux_host *linux_host, const char *name)
{
	unsigned index = if_nametoindex(name);
	struct if_nameindex *list;
	struct buf names = { 0 };
	int err;

	if (index)
		return (int)index;
	list = if_nameindex();
	for (struct if_nameindex *i = list; i && i->if_index; i++)
		lsvm_buf_printf(&names, "%s%s", i == list ? "" : ", ", i->if_name);
	if (list)
		if_freenameindex(list);
	err = lsvm_fail(linux_host->host.ctx, LSVM_ERR_NOT_FOUND,
			"there is no interface '%s' on %s; it has %s", name,
			linux_host->host.name, names.data ? names.data : "none");
	lsvm_buf_free(&names);
	return err;
}

struct nl_addr *lsvm_linux_nl_addr(const struct addr *addr, uint8_t length)
{
	struct nl_addr *made = nl_addr_build(addr->family == 4 ? AF_INET : AF_INET6,
					     addr->bytes, addr->family == 4 ? 4 : 16);

	if (made && length != 255)
		nl_addr_set_prefixlen(made, length);
	return made;
}

bool lsvm_linux_from_nl_addr(const struct nl_addr *from, struct addr *ret)
{
	struct addr addr = { 0 };
	unsigned length = from ? nl_addr_get_len(from) : 0;

	if (!from || length > sizeof(addr.bytes))
		return false;
	if (nl_addr_get_family(from) == AF_INET)
		addr.family = 4;
	else if (nl_addr_get_family(from) == AF_INET6)
		addr.family = 6;
	else
		return false;
	memcpy(addr.bytes, nl_addr_get_binary_addr(from), length);
	*ret = addr;
	return true;
}

int lsvm_linux_dump(struct linux_host *linux_host, const char *what,
		    int (*alloc)(struct nl_sock *sock, struct nl_cache **ret),
		    struct nl_cache **ret)
{
	struct nl_sock *sock;
	int err = lsvm_linux_route_socket(linux_host, &sock), answer = -NLE_DUMP_INTR;

	if (err < 0)
		return err;
	for (int i = 0; i < DUMP_TRIES && answer == -NLE_DUMP_INTR; i++)
		answer = alloc(sock, ret);
	if (answer >= 0)
		return 0;
	forget_socket(linux_host);
	if (answer == -NLE_NOMEM)
		return lsvm_fail_nomem(linux_host->host.ctx);
	if (answer == -NLE_AGAIN)
		return lsvm_fail(linux_host->host.ctx, LSVM_ERR_TIMEOUT,
				 "the kernel did not list its %s in time; try again",
				 what);
	return lsvm_fail(linux_host->host.ctx, LSVM_ERR_IO,
			 "the kernel's %s cannot be read: %s; try again", what,
			 nl_geterror(answer));
}
