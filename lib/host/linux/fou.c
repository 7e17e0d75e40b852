/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UDP ports on which the kernel unwraps GUE (net/ipv4/fou.c), by generic netlink. The
 * family appears with its module, which nothing loads by itself.
 */
#include "host/linux/linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fou.h>
#include <linux/genetlink.h>
#include <sys/time.h>

#define ANSWER_BYTES 8192

struct fou_talk {
	struct mnl_socket *sock;
	uint16_t family;
	uint16_t wanted; /* port, network order */
	bool found;
};

typedef int (*answer_fn)(const struct nlmsghdr *header, void *talk);

static struct nlmsghdr *start(char *buffer, uint16_t family, uint8_t command,
			      uint8_t version, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	header->nlmsg_type = family;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->cmd = command;
	generic->version = version;
	return header;
}

/* 0 or a positive errno. */
static int talk(struct fou_talk *fou, const struct nlmsghdr *header, answer_fn answer)
{
	char buffer[ANSWER_BYTES];
	int more = 1;

	if (mnl_socket_sendto(fou->sock, header, header->nlmsg_len) < 0)
		return errno;
	while (more > 0) {
		ssize_t length = mnl_socket_recvfrom(fou->sock, buffer, sizeof(buffer));

		if (length < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		more = mnl_cb_run(buffer, (size_t)length, 0, 0, answer, fou);
	}
	return more < 0 ? errno : 0;
}

static int on_family(const struct nlmsghdr *header, void *arg)
{
	struct fou_talk *fou = arg;
	struct nlattr *attr;

	mnl_attr_for_each(
		attr, header,
		sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attr) ==
						       CTRL_ATTR_FAMILY_ID &&
					       mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
		fou->family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int find_family(struct fou_talk *fou)
{
	char buffer[ANSWER_BYTES];
	struct nlmsghdr *header =
		start(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);

	mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, FOU_GENL_NAME);
	return talk(fou, header, on_family);
}

static int open_fou(struct fou_talk *fou)
{
	static const char *const modprobe[] = { "modprobe", "fou", NULL };
	struct timeval timeout = { .tv_sec = LINUX_ANSWER_MS / 1000 };
	struct program program;
	struct lsvm_ctx *quiet;
	int error;

	fou->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!fou->sock)
		return errno;
	setsockopt(mnl_socket_get_fd(fou->sock), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	error = mnl_socket_bind(fou->sock, 0, MNL_SOCKET_AUTOPID) < 0 ? errno : 0;
	if (!error)
		error = find_family(fou);
	if (error != ENOENT || lsvm_ctx_new(&quiet) < 0)
		return error;
	if (lsvm_linux_run(quiet, modprobe, &program) == 0 && program.status == 0)
		error = find_family(fou);
	lsvm_ctx_unref(quiet);
	return error == ENOENT ? EOPNOTSUPP : error;
}

static void close_fou(struct fou_talk *fou)
{
	if (fou->sock)
		mnl_socket_close(fou->sock);
}

static int change(struct linux_host *linux_host, uint8_t command, uint16_t port,
		  const char *what)
{
	char buffer[ANSWER_BYTES];
	struct fou_talk fou = { 0 };
	struct nlmsghdr *header;
	int error = open_fou(&fou);

	if (!error) {
		header = start(buffer, fou.family, command, FOU_GENL_VERSION, NLM_F_ACK);
		mnl_attr_put_u16(header, FOU_ATTR_PORT, htons(port));
		mnl_attr_put_u8(header, FOU_ATTR_AF, AF_INET);
		if (command == FOU_CMD_ADD)
			mnl_attr_put_u8(header, FOU_ATTR_TYPE, FOU_ENCAP_GUE);
		error = talk(&fou, header, NULL);
	}
	close_fou(&fou);
	return error ? lsvm_linux_refused(linux_host, error, what) : 0;
}

static int on_port(const struct nlmsghdr *header, void *arg)
{
	struct fou_talk *fou = arg;
	uint16_t port = 0;
	uint8_t type = 0;
	struct nlattr *attr;

	mnl_attr_for_each(attr, header, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == FOU_ATTR_PORT &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			port = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == FOU_ATTR_TYPE &&
		    mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			type = mnl_attr_get_u8(attr);
	}
	fou->found |= port == fou->wanted && type == FOU_ENCAP_GUE;
	return MNL_CB_OK;
}

int lsvm_linux_gue_present(struct linux_host *linux_host, uint16_t port)
{
	char buffer[ANSWER_BYTES];
	struct fou_talk fou = { .wanted = htons(port) };
	int error = open_fou(&fou);

	if (!error)
		error = talk(&fou,
			     start(buffer, fou.family, FOU_CMD_GET, FOU_GENL_VERSION,
				   NLM_F_DUMP),
			     on_port);
	close_fou(&fou);
	if (error == EOPNOTSUPP)
		return 0; /* no module: no port */
	if (error)
		return lsvm_linux_refused(linux_host, error,
					  "the GUE ports cannot be listed");
	return fou.found;
}

int lsvm_linux_gue_add(struct linux_host *linux_host, uint16_t port)
{
	int present = lsvm_linux_gue_present(linux_host, port);

	if (present)
		return present < 0 ? present : 0;
	return change(linux_host, FOU_CMD_ADD, port, "the GUE port cannot be opened");
}

int lsvm_linux_gue_delete(struct linux_host *linux_host, uint16_t port)
{
	return change(linux_host, FOU_CMD_DEL, port, "the GUE port cannot be closed");
}
