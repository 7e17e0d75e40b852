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

static const char keepalived[] = "$NET=192.0.2\n"
				 "vrrp_instance A {\n"
				 "	interface eth0\n"
				 "	virtual_router_id 7\n"
				 "	unicast_peer {\n"
				 "		192.0.2.12\n"
				 "	}\n"
				 "	virtual_ipaddress {\n"
				 "		192.0.2.100/24\n"
				 "	}\n"
				 "}\n"
				 "virtual_server_group g {\n"
				 "	${NET}.100-101 80\n"
				 "	fwmark 3\n"
				 "}\n"
				 "virtual_server group g {\n"
				 "	lb_algo sh\n"
				 "	quorum 2\n"
				 "	sorry_server 192.0.2.90 80\n"
				 "	unknown\n"
				 "	real_server 192.0.2.21 80 {\n"
				 "		HTTP_GET {\n"
				 "			url {\n"
				 "				path /\n"
				 "				status_code 200\n"
				 "			}\n"
				 "		}\n"
				 "	}\n"
				 "	real_server 192.0.2.22 80 {\n"
				 "		weight 2\n"
				 "	}\n"
				 "}\n";

static const char ldirectord[] = "checktimeout=3\n"
				 "virtual=192.0.2.100:80\n"
				 "	real=192.0.2.21->192.0.2.22:80 gate 2 <u:9>\n"
				 "	fallback=192.0.2.90:80\n"
				 "	request=\"a\"\n"
				 "	netmask=255.255.0.0\n"
				 "	persistent=9\n";

static int check_import(struct lsvm_import *import)
{
	char *json = NULL;
	int err = lsvm_import_to_json(import, &json);

	OOM_CHECK(lsvm_import_cluster(import));
	OOM_CHECK(lsvm_import_note_count(import) > 4);
	if (err >= 0)
		OOM_CHECK(strstr(json, "192.0.2.100"));
	lsvm_free(json);
	lsvm_import_free(import);
	return err;
}

static int read_keepalived(struct lsvm_ctx *ctx)
{
	struct lsvm_import *import;
	int err = lsvm_import_keepalived(ctx, keepalived, strlen(keepalived), &import);

	return err < 0 ? err : check_import(import);
}

static int read_ldirectord(struct lsvm_ctx *ctx)
{
	struct lsvm_import *import;
	int err = lsvm_import_ldirectord(ctx, ldirectord, strlen(ldirectord), &import);

	return err < 0 ? err : check_import(import);
}

static int import_ipvsadm(struct lsvm_ctx *ctx)
{
	struct lsvm_import *import;
	int err = lsvm_import_ipvsadm(ctx, ipvsadm, strlen(ipvsadm), &import);

	return err < 0 ? err : check_import(import);
}

#define BODY(name)                                                                       \
	static int name##_body(void)                                                     \
	{                                                                                \
		return with_ctx(name);                                                   \
	}
BODY(read_ipvsadm)
BODY(read_keepalived)
BODY(read_ldirectord)
BODY(import_ipvsadm)

int main(void)
{
	int wrong = 0;

	wrong |= oom_run("a table from ipvsadm", read_ipvsadm_body);
	wrong |= oom_run("an import from keepalived", read_keepalived_body);
	wrong |= oom_run("an import from ldirectord", read_ldirectord_body);
	wrong |= oom_run("an import from ipvsadm", import_ipvsadm_body);
	return wrong;
}
