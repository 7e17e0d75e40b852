/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kinds of channels share: sockets and their options, addresses, datagrams with
 * what the kernel tells beside them. */
#include "host/linux/io_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>

enum io_error lsvm_io_error_of(int number)
{
	switch (number) {
	case 0:
		return IO_ERROR_NONE;
	case ECONNREFUSED:
		return IO_ERROR_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENODEV:
	case ENXIO:
	case ENOPROTOOPT: /* ICMP protocol unreachable */
		return IO_ERROR_UNREACHABLE;
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED:
		return IO_ERROR_RESET;
	case ETIMEDOUT:
		return IO_ERROR_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case ENOSPC:
		return IO_ERROR_RESOURCES;
	case EACCES:
	case EPERM:
		return IO_ERROR_PERMISSION;
	case EADDRNOTAVAIL:
	case EADDRINUSE:
		return IO_ERROR_ADDRESS;
	}
	return IO_ERROR_OTHER;
}

socklen_t lsvm_io_sockaddr(const struct addr *addr, uint16_t port,
			   uint32_t interface_index, union io_sockaddr *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ret, 0, sizeof(*ret));
	if (addr->family == 4) {
		memcpy(&in.sin_addr, addr->bytes, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, addr->bytes, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ||
	    IN6_IS_ADDR_MULTICAST(&in6.sin6_addr))
		in6.sin6_scope_id = interface_index;
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

void lsvm_io_from_sockaddr(const union io_sockaddr *from, struct addr *ret,
			   uint16_t *ret_port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(ret, 0, sizeof(*ret));
	*ret_port = 0;
	if (from->any.sa_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		ret->family = 4;
		memcpy(ret->bytes, &in.sin_addr, 4);
		*ret_port = ntohs(in.sin_port);
	} else if (from->any.sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		ret->family = 6;
		memcpy(ret->bytes, &in6.sin6_addr, 16);
		*ret_port = ntohs(in6.sin6_port);
	}
}

bool lsvm_io_is_group(const struct addr *addr)
{
	return addr->family == 4   ? (addr->bytes[0] & 0xf0) == 0xe0
	       : addr->family == 6 ? addr->bytes[0] == 0xff
				   : false;
}

bool lsvm_io_interface(struct io *io, struct channel *channel,
		       const struct channel_spec *spec)
{
	if (!spec->interface)
		return true;
	channel->interface_index = if_nametoindex(spec->interface);
	if (channel->interface_index)
		return true;
	lsvm_io_fail(io, channel, IO_ERROR_UNREACHABLE, "there is no such interface");
	return false;
}

static bool set_ttl(int fd, uint8_t family, int ttl)
{
	if (family == 4)
		return setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0 &&
		       (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) ==
				0 ||
			errno == ENOPROTOOPT || errno == EINVAL);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl)) == 0 &&
	       (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof(ttl)) ==
			0 ||
		errno == ENOPROTOOPT);
}

static bool bind_local(int fd, struct channel *channel, const struct channel_spec *spec,
		       bool connects)
{
	const int on = 1;
	union io_sockaddr local;
	socklen_t length;

	if (!spec->local.family && !spec->local_port)
		return true;
	/* The port is chosen at connect(), when the other end is known: more of them. */
	if (connects && !spec->local_port)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	else if (spec->kind == CHANNEL_LISTEN_TCP || lsvm_io_is_group(&spec->remote))
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	length = lsvm_io_sockaddr(&channel->local, spec->local_port,
				  channel->interface_index, &local);
	return bind(fd, &local.any, length) == 0;
}

int lsvm_io_socket(struct io *io, struct channel *channel,
		   const struct channel_spec *spec, int type, int protocol)
{
	const bool connects = spec->kind == CHANNEL_TCP || spec->kind == CHANNEL_SCTP ||
			      spec->kind == CHANNEL_UDP;
	const uint8_t family =
		spec->remote.family ? spec->remote.family : spec->local.family;
	const int on = 1;
	int fd = socket(family == 6 ? AF_INET6 : AF_INET,
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	channel->local.family = family;
	channel->fd = fd;
	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT))
		lsvm_io_fail(io, channel, IO_ERROR_OTHER,
			     "this kernel does not have the protocol; load its module");
	else if (fd < 0)
		lsvm_io_fail_errno(io, channel, errno);
	if (fd < 0)
		return -1;
	if (family == 6 && !connects)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if ((spec->mark &&
	     setsockopt(fd, SOL_SOCKET, SO_MARK, &spec->mark, sizeof(spec->mark)) < 0) ||
	    (spec->ttl && !set_ttl(fd, family, spec->ttl)) ||
	    !bind_local(fd, channel, spec, connects)) {
		lsvm_io_fail_errno(io, channel, errno);
		return -1;
	}
	return fd;
}

bool lsvm_io_leave_by(int fd, uint8_t family, uint32_t interface_index)
{
	struct ip_mreqn request = { .imr_ifindex = (int)interface_index };

	if (family == 4)
		return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request,
				  sizeof(request)) == 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface_index,
			  sizeof(interface_index)) == 0;
}

static bool join4(int fd, const struct addr *group, uint32_t index)
{
	struct ip_mreqn request = { .imr_ifindex = (int)index };
	const int off = 0;

	memcpy(&request.imr_multiaddr, group->bytes, 4);
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) ==
		       0 &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) == 0 &&
	       lsvm_io_leave_by(fd, 4, index) &&
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off)) == 0;
}

static bool join6(int fd, const struct addr *group, uint32_t index)
{
	struct ipv6_mreq request = { .ipv6mr_interface = index };
	const int off = 0;

	memcpy(&request.ipv6mr_multiaddr, group->bytes, 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) ==
		       0 &&
	       lsvm_io_leave_by(fd, 6, index) &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) == 0;
}

bool lsvm_io_multicast(struct io *io, struct channel *channel,
		       const struct channel_spec *spec)
{
	const struct addr *group = &spec->remote;
	bool good;

	if (!lsvm_io_is_group(group))
		return true;
	good = group->family == 4 ? join4(channel->fd, group, channel->interface_index)
				  : join6(channel->fd, group, channel->interface_index);
	if (!good)
		lsvm_io_fail_errno(io, channel, errno);
	return good;
}

/* ---- datagrams ---- */

static void add_control(struct io_datagram *datagram, int level, int type,
			const void *value, size_t length)
{
	struct cmsghdr *at = (struct cmsghdr *)(datagram->control.bytes +
						datagram->header.msg_controllen);

	at->cmsg_level = level;
	at->cmsg_type = type;
	at->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(at), value, length);
	datagram->header.msg_controllen += CMSG_SPACE(length);
}

void lsvm_io_datagram(struct io_datagram *ret, const struct addr *to, uint16_t port,
		      const struct addr *local, uint32_t interface_index, uint32_t mark,
		      uint8_t ttl, const void *bytes, size_t length)
{
	/* All zeros: the kernel's choice. */
	const bool from_local = local && local->family == to->family;
	struct in_pktinfo info = { .ipi_ifindex = (int)interface_index };
	struct in6_pktinfo info6 = { .ipi6_ifindex = interface_index };
	const int hops = ttl;

	memset(ret, 0, sizeof(*ret));
	ret->part =
		(struct iovec){ .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	ret->header = (struct msghdr){
		.msg_name = &ret->to,
		.msg_namelen = lsvm_io_sockaddr(to, port, interface_index, &ret->to),
		.msg_iov = &ret->part,
		.msg_iovlen = 1,
		.msg_control = ret->control.bytes,
	};
	if (from_local) {
		memcpy(&info.ipi_spec_dst, local->bytes, 4);
		memcpy(&info6.ipi6_addr, local->bytes, 16);
	}
	if (to->family == 4 && (from_local || interface_index))
		add_control(ret, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (to->family == 6 && (from_local || interface_index))
		add_control(ret, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	if (ttl)
		add_control(ret, to->family == 4 ? IPPROTO_IP : IPPROTO_IPV6,
			    to->family == 4 ? IP_TTL : IPV6_HOPLIMIT, &hops,
			    sizeof(hops));
	if (mark)
		add_control(ret, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (!ret->header.msg_controllen)
		ret->header.msg_control = NULL;
}

void lsvm_io_want_details(int fd, uint8_t family)
{
	const int on = 1;

	if (family == 4) {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
	}
}

static void read_detail(const struct cmsghdr *at, struct io_event *ret)
{
	struct in_pktinfo info;
	struct in6_pktinfo info6;
	int number;

	if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(at), sizeof(info));
		ret->to.family = 4;
		memcpy(ret->to.bytes, &info.ipi_addr, 4);
	} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, CMSG_DATA(at), sizeof(info6));
		ret->to.family = 6;
		memcpy(ret->to.bytes, &info6.ipi6_addr, 16);
	} else if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TTL) ||
		   (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_HOPLIMIT)) {
		memcpy(&number, CMSG_DATA(at), sizeof(number));
		ret->ttl = (uint8_t)number;
	}
}

int lsvm_io_receive(struct io *io, int fd, struct io_event *ret)
{
	union io_sockaddr from = { 0 };
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	struct iovec part = { .iov_base = io->bytes, .iov_len = sizeof(io->bytes) };
	struct msghdr header = { .msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT);

	if (got < 0)
		return errno;
	ret->fact = IO_BYTES;
	ret->bytes = io->bytes;
	ret->length = (size_t)got;
	lsvm_io_from_sockaddr(&from, &ret->from, &ret->from_port);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&header); at;
	     at = CMSG_NXTHDR(&header, at))
		read_detail(at, ret);
	return 0;
}
