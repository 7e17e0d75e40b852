/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configurations of other programs without memory. */
#include "oom.h"

#include <string.h>

static const char ipvsadm[] =
	"-A -t 192.0.2.100:80 -s sh -p 360 -M 255.255.255.0 -b sh-port\n"
	"-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1\n"
	"-a -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 3 --tun-type gue --tun-port 6080\n"
	"-A -f 7 -6\n"
	"-a -f 7 -6 -r 2001:db8::1\n"
	"-d -f 7 -6 -r 2001:db8::1\n";

static int with_ctx(int (*use)(struct lsvm_ctx *))
{
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = use(ctx);
	lsvm_ctx_unref(ctx);
	return err;
}

static int read_ipvsadm(struct lsvm_ctx *ctx)
{
	struct lsvm_ipvs_table *table = NULL;
	char *json = NULL;
	int err = lsvm_ipvs_table_from_ipvsadm(ctx, ipvsadm, strlen(ipvsadm), &table);

	if (err >= 0) {
		OOM_CHECK(lsvm_ipvs_table_service_count(table) == 2);
		err = lsvm_ipvs_table_to_json(table, &json);
	}
	lsvm_free(json);
	lsvm_ipvs_table_unref(table);
	return err;
}

#define BODY(name)                                                                       \
	static int name##_body(void)                                                     \
	{                                                                                \
		return with_ctx(name);                                                   \
	}
BODY(read_ipvsadm)

int main(void)
{
	int wrong = 0;

	wrong |= oom_run("a table from ipvsadm", read_ipvsadm_body);
	return wrong;
}
