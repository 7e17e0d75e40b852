/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which server would answer a client. A connection that is there goes on where it goes;
 * what persistence remembers comes next; then the scheduler is asked. The first two only
 * a machine knows, the third follows from the table.
 */
#include "base/json.h"
#include "ipvs/connections.h"
#include "role/role.h"

#include <libsvm/sched.h>

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

#define EXPIRE_QUIESCENT "net.ipv4.vs.expire_quiescent_template"

struct question {
	struct lsvm_ctx *ctx;
	const struct lsvm_ipvs_table *table;
	struct lsvm_host *host; /* NULL: nothing but the table */
	struct addr client, virtual;
	uint16_t client_port, virtual_port;
	uint8_t protocol;
	uint32_t fwmark;
};

struct answer {
	const struct ipvs_service *service;
	const struct ipvs_destination *destination; /* NULL: nobody, or any of several */
	const char *outcome;
	char why[512];
};

/* ---- the question ---- */

static int read_question(struct question *q, const char *vip, const char *client)
{
	if (!client || !lsvm_endpoint_parse(client, &q->client, &q->client_port))
		return lsvm_fail(q->ctx, LSVM_ERR_ARGUMENT,
				 "\"%s\" is no client; write it like 192.0.2.1 or "
				 "192.0.2.1:40000",
				 client ? client : "");
	if (!vip || !lsvm_endpoint_parse(vip, &q->virtual, &q->virtual_port) ||
	    (!q->virtual_port && !q->fwmark))
		return lsvm_fail(q->ctx, LSVM_ERR_ARGUMENT,
				 "\"%s\" is no virtual service; write it like "
				 "192.0.2.100:80 or [2001:db8::1]:80",
				 vip ? vip : "");
	if (q->client.family != q->virtual.family)
		return lsvm_fail(q->ctx, LSVM_ERR_ARGUMENT,
				 "client %s cannot call %s; use addresses of one family",
				 client, vip);
	return 0;
}

static uint8_t protocol_number(int protocol)
{
	const uint8_t number = lsvm_ipvs_protocol_number(protocol);

	return number ? number : IPPROTO_TCP;
}

/* What is marked on its way in has no address in the table. */
static int no_service(const struct question *q, const struct ipvs_key *key)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2], hint[64] = "";
	uint32_t mark = 0, marks = 0;

	for (size_t i = 0; i < q->table->services.count; i++) {
		const struct ipvs_key *other = &q->table->services.items[i].key;

		if (!other->fwmark || other->addr.family != key->addr.family)
			continue;
		mark = marks++ ? mark : other->fwmark;
	}
	if (marks && !key->fwmark)
		snprintf(hint, sizeof(hint),
			 "; %u are by mark: try --fwmark %u, or another", marks, mark);
	return lsvm_fail(q->ctx, LSVM_ERR_NOT_FOUND,
			 "there is no service %s here; the table has %zu%s; look with "
			 "svm-eds status",
			 lsvm_ipvs_key_text(key, text), q->table->services.count, hint);
}

/* As the kernel looks: the port itself, then a service of all ports. */
static int find_service(const struct question *q, const struct ipvs_service **ret)
{
	struct ipvs_key key = { .protocol = q->protocol,
				.addr = q->virtual,
				.port = q->virtual_port };
	const struct ipvs_service *service;

	if (q->fwmark)
		key = (struct ipvs_key){ .fwmark = q->fwmark,
					 .addr.family = q->virtual.family };
	service = lsvm_ipvs_table_lookup(q->table, &key);
	if (!service && !q->fwmark) {
		key.port = 0;
		service = lsvm_ipvs_table_lookup(q->table, &key);
		key.port = q->virtual_port;
	}
	if (!service)
		return no_service(q, &key);
	*ret = service;
	return 0;
}

/* ---- what the machine remembers ---- */

static const struct ipvs_destination *destination_of(const struct ipvs_service *service,
						     const struct lsvm_connection *c)
{
	for (size_t i = 0; i < service->destinations.count; i++) {
		const struct ipvs_destination *d = &service->destinations.items[i];

		if (lsvm_addr_compare(&d->addr, &c->server) == 0 &&
		    (d->port == c->server_port || !c->server_port || !d->port))
			return d;
	}
	return NULL;
}

static bool is_protocol(const struct lsvm_connection *c, uint8_t protocol)
{
	const char *name = protocol == IPPROTO_UDP    ? "udp"
			   : protocol == IPPROTO_SCTP ? "sctp"
						      : "tcp";

	return strcmp(c->key.protocol, name) == 0;
}

static bool is_template_of(const struct question *q, const struct ipvs_service *service,
			   const struct lsvm_connection *c)
{
	if (!lsvm_connection_is_template(c))
		return false;
	if (service->key.fwmark)
		return c->fwmark == service->key.fwmark;
	return is_protocol(c, q->protocol) &&
	       lsvm_addr_compare(&c->key.virtual, &q->virtual) == 0 &&
	       (c->key.virtual_port == q->virtual_port || !c->key.virtual_port);
}

static bool is_connection_of(const struct question *q, const struct lsvm_connection *c)
{
	return q->client_port && c->key.client_port == q->client_port &&
	       is_protocol(c, q->protocol) &&
	       lsvm_addr_compare(&c->key.client, &q->client) == 0 &&
	       lsvm_addr_compare(&c->key.virtual, &q->virtual) == 0 &&
	       (c->key.virtual_port == q->virtual_port || !q->virtual_port);
}

/* Templates know clients by the network that persistence keeps together. */
static uint8_t client_bits(const struct ipvs_service *service)
{
	uint8_t bits = 0;

	if (!(service->flags & IP_VS_SVC_F_PERSISTENT))
		return service->key.addr.family == 4 ? 32 : 128;
	if (service->key.addr.family == 6)
		return service->netmask > 128 ? 128 : (uint8_t)service->netmask;
	for (uint32_t mask = service->netmask; mask; mask <<= 1)
		bits++;
	return bits;
}

static int expires_quiescent(struct lsvm_host *host, bool *ret)
{
	struct state *asked, *present;
	const struct sysctl *sysctl;
	int err = lsvm_state_new(host->ctx, &asked);

	if (err < 0)
		return err;
	if (!lsvm_state_add_sysctl(asked, EXPIRE_QUIESCENT, ""))
		err = lsvm_fail_nomem(host->ctx);
	if (err >= 0)
		err = lsvm_host_observe(host, asked, NULL, &present);
	lsvm_state_free(asked);
	if (err < 0)
		return err;
	sysctl = lsvm_state_sysctl(present, EXPIRE_QUIESCENT);
	*ret = sysctl && strcmp(sysctl->value, "0") != 0;
	lsvm_state_free(present);
	return 0;
}

static void judge(const struct question *q, const struct lsvm_connection *c,
		  bool expire_quiescent, struct answer *answer)
{
	const struct ipvs_destination *d = destination_of(answer->service, c);
	char client[LSVM_ADDRESS_TEXT_BYTES];

	if (is_connection_of(q, c)) {
		answer->destination = d;
		answer->outcome = "connected";
		snprintf(answer->why, sizeof(answer->why),
			 "there is a connection from this port, in state %s", c->state);
	} else if (is_template_of(q, answer->service, c) && d &&
		   strcmp(answer->outcome, "connected") != 0 &&
		   (d->weight || !expire_quiescent)) {
		answer->destination = d;
		answer->outcome = "persistent";
		snprintf(answer->why, sizeof(answer->why),
			 "persistence keeps %s there for %u s more",
			 lsvm_addr_text(&c->key.client, client), c->expires_s);
	}
}

static int ask_memory(const struct question *q, struct answer *answer)
{
	struct prefix client = { q->client, client_bits(answer->service) };
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct lsvm_connection_list *list;
	bool expire_quiescent = false;
	int err = 0;

	if (answer->service->flags & IP_VS_SVC_F_PERSISTENT)
		err = expires_quiescent(q->host, &expire_quiescent);
	if (err >= 0)
		err = lsvm_host_connections(q->host, lsvm_prefix_text(&client, text),
					    NULL, NULL, NULL, 0, &list);
	if (err < 0)
		return err;
	for (size_t i = 0; i < lsvm_connection_list_count(list); i++)
		judge(q, lsvm_connection_list_at(list, i), expire_quiescent, answer);
	lsvm_connection_list_free(list);
	return 0;
}

/* ---- what the scheduler would say ---- */

static bool needs_port(const struct ipvs_service *service)
{
	return service->flags & IP_VS_SVC_F_SCHED2 &&
	       (strcmp(service->scheduler, "sh") == 0 ||
		strcmp(service->scheduler, "mh") == 0);
}

static const char *reason(int outcome, const struct ipvs_service *service)
{
	switch ((enum lsvm_sched_outcome)outcome) {
	case LSVM_SCHED_SERVED:
	case LSVM_SCHED_PERSISTENT:
		return "the scheduler chooses it";
	case LSVM_SCHED_NO_DESTINATION:
		return "the service has no destination: clients are refused";
	case LSVM_SCHED_DRAINED:
		return "every destination that may serve this client has weight 0: "
		       "clients are refused";
	case LSVM_SCHED_OVERLOADED:
		return "every destination with a weight is above its threshold: clients "
		       "are refused";
	case LSVM_SCHED_PASSED:
		return service->key.port ? "packets from port 20 are not balanced"
					 : "a service of all ports without persistence "
					   "balances nothing";
	case LSVM_SCHED_UNKNOWN:
		break;
	}
	return "";
}

static int ask_scheduler(const struct question *q, struct answer *answer)
{
	const struct ipvs_service *service = answer->service;
	const struct lsvm_ipvs_destination *found = NULL;
	char client[LSVM_ADDRESS_TEXT_BYTES], virtual[LSVM_ADDRESS_TEXT_BYTES];
	int outcome;

	if (!q->client_port && needs_port(service)) {
		answer->outcome = "any";
		snprintf(answer->why, sizeof(answer->why),
			 "%s looks at the client's port here; ask with one",
			 service->scheduler);
		return 0;
	}
	outcome = lsvm_sched_predict(q->ctx, (const struct lsvm_ipvs_service *)service,
				     lsvm_addr_text(&q->virtual, virtual),
				     lsvm_addr_text(&q->client, client), q->client_port,
				     &found);
	if (outcome == LSVM_ERR_STATE) {
		answer->outcome = "any";
		snprintf(answer->why, sizeof(answer->why),
			 "%s goes by what came before, which nobody can read from the "
			 "kernel: one of those with a weight",
			 service->scheduler);
		return 0;
	}
	if (outcome < 0)
		return outcome;
	answer->outcome = lsvm_sched_outcome_name(outcome);
	answer->destination = (const struct ipvs_destination *)found;
	snprintf(answer->why, sizeof(answer->why), "%s", reason(outcome, service));
	return 0;
}

static int find_answer(const struct question *q, struct answer *answer)
{
	int err = find_service(q, &answer->service);

	answer->outcome = "";
	if (err >= 0 && q->host)
		err = ask_memory(q, answer);
	if (err >= 0 && !answer->outcome[0])
		err = ask_scheduler(q, answer);
	return err;
}

/* ---- writing it ---- */

static json_t *destination_json(const struct ipvs_destination *d)
{
	char text[LSVM_ADDRESS_TEXT_BYTES], word[IPVS_WORD_BYTES];

	return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "address",
			 lsvm_addr_text(&d->addr, text), "port", (int)d->port,
			 "forwarding", lsvm_ipvs_forwarding_text(d->forwarding, word),
			 "weight", (json_int_t)d->weight, "active_count",
			 (json_int_t)d->active_count, "inactive_count",
			 (json_int_t)d->inactive_count);
}

static char *to_json(const struct question *q, const struct answer *answer)
{
	char client[LSVM_ADDRESS_TEXT_BYTES], key[LSVM_ADDRESS_TEXT_BYTES * 2];
	json_t *root = json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:n}", "schema", "lsvm-prediction/1",
		"service", lsvm_ipvs_key_text(&answer->service->key, key), "scheduler",
		answer->service->scheduler, "client", lsvm_addr_text(&q->client, client),
		"client_port", (int)q->client_port, "outcome", answer->outcome, "why",
		answer->why, "server");
	bool good = root != NULL;
	char *text = NULL;

	if (good && answer->destination)
		good = json_object_set_new(root, "server",
					   destination_json(answer->destination)) == 0;
	if (good)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

static char *to_text(const struct question *q, const struct answer *answer)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2], word[IPVS_WORD_BYTES];
	const struct ipvs_destination *d = answer->destination;
	struct buf buf = { 0 };

	lsvm_buf_printf(&buf, "%s, scheduler %s: ",
			lsvm_ipvs_key_text(&answer->service->key, text),
			answer->service->scheduler);
	if (d)
		lsvm_buf_printf(&buf, "%s (%s)",
				lsvm_endpoint_text(&d->addr, d->port, text),
				lsvm_ipvs_forwarding_text(d->forwarding, word));
	else if (strcmp(answer->outcome, "any") == 0)
		lsvm_buf_text(&buf, "cannot be told");
	else
		lsvm_buf_text(&buf, "nobody");
	lsvm_buf_printf(&buf, "\n%s: %s\n", answer->outcome, answer->why);
	return lsvm_buf_take(&buf);
}

static int predict(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
		   struct lsvm_host *host, int protocol, uint32_t fwmark, const char *vip,
		   const char *client,
		   char *(*write)(const struct question *, const struct answer *),
		   char **ret)
{
	struct question q = { .ctx = ctx,
			      .table = table,
			      .host = host,
			      .protocol = protocol_number(protocol),
			      .fwmark = fwmark };
	struct answer answer = { 0 };
	int err = read_question(&q, vip, client);
	char *text;

	if (err >= 0)
		err = find_answer(&q, &answer);
	if (err < 0)
		return err;
	text = write(&q, &answer);
	if (!text)
		return lsvm_fail_nomem(ctx);
	*ret = text;
	return 0;
}

int lsvm_role_predict_to_json(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
			      struct lsvm_host *host, int protocol, uint32_t fwmark,
			      const char *vip, const char *client, char **ret)
{
	return predict(ctx, table, host, protocol, fwmark, vip, client, to_json, ret);
}

int lsvm_role_predict_to_text(struct lsvm_ctx *ctx, const struct lsvm_ipvs_table *table,
			      struct lsvm_host *host, int protocol, uint32_t fwmark,
			      const char *vip, const char *client, char **ret)
{
	return predict(ctx, table, host, protocol, fwmark, vip, client, to_text, ret);
}
