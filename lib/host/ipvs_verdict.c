/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's error numbers as sentences that say what to do.
 *
 * ip_vs answers with bare numbers, and the same number means different things for
 * different commands: ENOENT is a missing destination, but for a new service it is a
 * scheduler that does not exist.
 */
#include "host/ipvs_verdict.h"

#include <errno.h>

static int plain_verdict(struct lsvm_ctx *ctx, const char *what, int number)
{
	switch (number) {
	case EPERM:
	case EACCES:
		return lsvm_fail(
			ctx, LSVM_ERR_PERMISSION,
			"%s: this needs CAP_NET_ADMIN; run it as root, or, for IPv4 "
			"alone, in network and user namespaces of your own (`unshare "
			"--user --map-root-user --net`)",
			what);
	case ENOMEM:
		return lsvm_fail(ctx, LSVM_ERR_NOMEM, "%s: the kernel has no memory left",
				 what);
	case EINVAL:
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "%s: the kernel refuses it; `dmesg` may say why", what);
	case ERANGE:
		return lsvm_fail(ctx, LSVM_ERR_RANGE,
				 "%s: a weight or threshold is out of range", what);
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		return lsvm_fail(ctx, LSVM_ERR_UNSUPPORTED,
				 "%s: the running kernel cannot do it", what);
	case EEXIST:
	case ESRCH:
	case ENOENT:
		return lsvm_fail(ctx, LSVM_ERR_CONFLICT,
				 "%s: %s; somebody else changes the IPVS table, run it "
				 "again",
				 what,
				 number == EEXIST ? "it is there already"
						  : "it is not there any more");
	}
	return lsvm_fail(ctx, LSVM_ERR_IO, "%s: %s", what, strerrordesc_np(number));
}

int lsvm_ipvs_verdict(struct lsvm_ctx *ctx, const char *what, int number)
{
	return number ? plain_verdict(ctx, what, number) : 0;
}

static int service_verdict(struct lsvm_ctx *ctx, const struct ipvs_service *service,
			   const char *what, int number)
{
	const bool engine = service->engine[0] != '\0';

	if (number != ENOENT)
		return plain_verdict(ctx, what, number);
	return lsvm_fail(
		ctx, LSVM_ERR_UNSUPPORTED,
		"%s: the kernel has no scheduler \"%s\"%s%s%s; `modprobe ip_vs_%s` "
		"must work, or choose another",
		what, service->scheduler, engine ? " or no persistence engine \"" : "",
		service->engine, engine ? "\"" : "", service->scheduler);
}

static int destination_verdict(struct lsvm_ctx *ctx, const char *what, int number)
{
	if (number != EINVAL)
		return plain_verdict(ctx, what, number);
	/* The address is checked against the local routing table, which is not there
	 * before the first address is. */
	return lsvm_fail(
		ctx, LSVM_ERR_ARGUMENT,
		"%s: the kernel refuses it; the address must be unicast, and some "
		"interface must have an address (`ip link set lo up` is enough)",
		what);
}

static int daemon_verdict(struct lsvm_ctx *ctx, const struct ipvs_daemon *daemon,
			  const char *what, int number)
{
	if (number == ENODEV)
		return lsvm_fail(
			ctx, LSVM_ERR_NOT_FOUND,
			"%s: there is no interface \"%s\"; `ip link` lists those "
			"there are",
			what, daemon->interface);
	if (number == EINVAL)
		return lsvm_fail(ctx, LSVM_ERR_ARGUMENT,
				 "%s: the kernel refuses it; no service may have "
				 "destinations of the other address family while "
				 "connections are synchronised",
				 what);
	return plain_verdict(ctx, what, number);
}

int lsvm_ipvs_change_verdict(struct lsvm_ctx *ctx, const struct ipvs_change *change,
			     int number)
{
	struct buf what = { 0 };
	const char *text;
	int err = 0;

	if (!number)
		return 0;
	lsvm_ipvs_change_text(change, &what);
	text = what.data ? what.data : "a change of the IPVS table";
	switch (change->kind) {
	case IPVS_SERVICE_ADD:
	case IPVS_SERVICE_EDIT:
		err = service_verdict(ctx, change->service, text, number);
		break;
	case IPVS_DAEMON_START:
	case IPVS_DAEMON_STOP:
		err = daemon_verdict(ctx, change->daemon, text, number);
		break;
	case IPVS_DESTINATION_ADD:
	case IPVS_DESTINATION_EDIT:
		err = destination_verdict(ctx, text, number);
		break;
	case IPVS_SERVICE_DELETE:
	case IPVS_DESTINATION_DELETE:
	case IPVS_TIMEOUTS_SET:
		err = plain_verdict(ctx, text, number);
		break;
	}
	lsvm_buf_free(&what);
	return err;
}

bool lsvm_ipvs_is_gone(const struct ipvs_change *change, int number)
{
	return (number == ESRCH || number == ENOENT) &&
	       (change->kind == IPVS_SERVICE_DELETE ||
		change->kind == IPVS_DESTINATION_DELETE ||
		change->kind == IPVS_DAEMON_STOP);
}
