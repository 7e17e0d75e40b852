/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both looks share, and the causes as callers see them. */
#include "role/explain.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

static const struct word cause_words[] = {
	{ LSVM_CAUSE_NO_SERVICE, "no-service" },
	{ LSVM_CAUSE_SERVICE_MISSING, "service-missing" },
	{ LSVM_CAUSE_DESTINATION_MISSING, "destination-missing" },
	{ LSVM_CAUSE_DRAINED, "drained" },
	{ LSVM_CAUSE_OVERLOADED, "overloaded" },
	{ LSVM_CAUSE_STANDBY, "standby" },
	{ LSVM_CAUSE_NEIGHBOUR, "neighbour-unresolved" },
	{ LSVM_CAUSE_TUNNEL_MTU, "tunnel-mtu" },
	{ LSVM_CAUSE_VIP_NOT_HELD, "vip-not-held" },
	{ LSVM_CAUSE_FORWARDING_OFF, "forwarding-off" },
	{ LSVM_CAUSE_LINK_DOWN, "link-down" },
	{ LSVM_CAUSE_VIP_MISSING, "vip-missing" },
	{ LSVM_CAUSE_ARP_IGNORE, "arp-ignore" },
	{ LSVM_CAUSE_ARP_ANNOUNCE, "arp-announce" },
	{ LSVM_CAUSE_RP_FILTER, "rp-filter" },
	{ LSVM_CAUSE_TUNNEL_MISSING, "tunnel-missing" },
	{ LSVM_CAUSE_TUNNEL_DIFFERS, "tunnel-differs" },
	{ LSVM_CAUSE_TUNNEL_DOWN, "tunnel-down" },
	{ LSVM_CAUSE_NO_WAY_BACK, "no-way-back" },
	{ LSVM_CAUSE_NOT_RUNNING, "not-running" },
	{ LSVM_CAUSE_NOT_LISTENING, "not-listening" },
	{ 0, NULL },
};

const char *lsvm_cause_name(int cause)
{
	return lsvm_word_name(cause_words, cause);
}

int lsvm_cause_parse(const char *name)
{
	return lsvm_word_value(cause_words, name);
}

/* ---- a look ---- */

void lsvm_cause_add(struct look *look, enum lsvm_cause kind, enum lsvm_severity severity,
		    const char *subject, const char *advice, const char *fmt, ...)
{
	struct lsvm_causes *causes = look->causes;
	struct cause *cause = vec_push(&causes->list);
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!cause) {
		causes->failed = true;
		return;
	}
	cause->kind = kind;
	cause->severity = severity;
	cause->subject = lsvm_arena_strdup(&causes->arena, subject);
	cause->text = lsvm_arena_strdup(&causes->arena, text);
	cause->advice = lsvm_arena_strdup(&causes->arena, advice);
}

int lsvm_look_start(struct look *look, enum lsvm_role role, const char *server)
{
	struct lsvm_causes *causes = calloc(1, sizeof(*causes));

	if (!causes)
		return lsvm_fail_nomem(look->host->ctx);
	causes->ctx = lsvm_ctx_ref(look->host->ctx);
	look->causes = causes;
	causes->role = role;
	causes->machine = lsvm_arena_strdup(&causes->arena, look->host->name);
	causes->server = lsvm_arena_strdup(&causes->arena, server);
	return lsvm_state_new(look->host->ctx, &look->asked);
}

int lsvm_look_plan(struct look *look)
{
	struct lsvm_plan *plan = NULL;
	struct record record;
	int err;

	if (look->cluster)
		return lsvm_plan_compile(look->host->ctx, look->cluster, look->host->name,
					 LSVM_DUTY_AUTO, &look->plan);
	err = lsvm_record_read(look->host, NULL, &record);
	if (err < 0)
		return err;
	err = lsvm_record_plan(look->host, &record, &plan);
	if (err >= 0 && plan)
		look->plan = lsvm_plan_ref(plan);
	lsvm_record_free(&record);
	return err;
}

int lsvm_look_observe(struct look *look)
{
	lsvm_state_free(look->present);
	look->present = NULL;
	return lsvm_host_observe(look->host, look->plan ? look->plan->wanted : NULL,
				 look->asked, &look->present);
}

static void sysctl_name(const char *interface, const char *name, char *buf, size_t size)
{
	char text[INTERFACE_BYTES];

	/* A dot in an interface's name is written '/'. */
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = interface[i] == '.' ? '/' : interface[i];
		if (!text[i])
			break;
	}
	text[sizeof(text) - 1] = '\0';
	snprintf(buf, size, "net.ipv4.conf.%s.%s", text, name);
}

bool lsvm_look_ask(struct look *look, const char *interface, const char *name)
{
	char text[128];

	sysctl_name(interface, name, text, sizeof(text));
	return lsvm_state_sysctl(look->asked, text) ||
	       lsvm_state_add_sysctl(look->asked, text, "");
}

long lsvm_look_effective(const struct look *look, const char *interface, const char *name)
{
	const struct sysctl *all, *own;
	char text[128];
	long first, second;

	sysctl_name("all", name, text, sizeof(text));
	all = lsvm_state_sysctl(look->present, text);
	sysctl_name(interface, name, text, sizeof(text));
	own = lsvm_state_sysctl(look->present, text);
	first = all ? strtol(all->value, NULL, 10) : 0;
	second = own ? strtol(own->value, NULL, 10) : 0;
	return first > second ? first : second;
}

int lsvm_look_table(struct look *look, struct lsvm_plan **ret)
{
	const struct lsvm_cluster *cluster = look->cluster;

	*ret = NULL;
	for (size_t i = 0; cluster && i < lsvm_cluster_machine_count(cluster); i++) {
		const struct lsvm_machine *machine = lsvm_cluster_machine_at(cluster, i);

		if (lsvm_machine_role(machine) == LSVM_ROLE_DIRECTOR)
			return lsvm_plan_compile(look->host->ctx, cluster,
						 lsvm_machine_name(machine),
						 LSVM_DUTY_AUTO, ret);
	}
	return 0;
}

int lsvm_look_end(struct look *look, int err, struct lsvm_causes **ret)
{
	struct lsvm_causes *causes = look->causes;

	lsvm_state_free(look->present);
	lsvm_state_free(look->asked);
	lsvm_plan_unref(look->plan);
	vec_free(&look->neighbours.list);
	if (err >= 0 && (causes->failed || causes->arena.failed))
		err = lsvm_fail_nomem(causes->ctx);
	if (err < 0) {
		lsvm_causes_free(causes);
		return err;
	}
	*ret = causes;
	return 0;
}

/* ---- the causes ---- */

void lsvm_causes_free(struct lsvm_causes *causes)
{
	struct lsvm_ctx *ctx;

	if (!causes)
		return;
	ctx = causes->ctx;
	vec_free(&causes->list);
	lsvm_arena_free(&causes->arena);
	free(causes);
	lsvm_ctx_unref(ctx);
}

size_t lsvm_causes_count(const struct lsvm_causes *causes)
{
	return causes->list.count;
}

static const struct cause *at(const struct lsvm_causes *causes, size_t index)
{
	static const struct cause none = { .subject = "", .text = "", .advice = "" };

	return index < causes->list.count ? &causes->list.items[index] : &none;
}

int lsvm_causes_kind(const struct lsvm_causes *causes, size_t index)
{
	return at(causes, index)->kind;
}

int lsvm_causes_severity(const struct lsvm_causes *causes, size_t index)
{
	return at(causes, index)->severity;
}

const char *lsvm_causes_subject(const struct lsvm_causes *causes, size_t index)
{
	return at(causes, index)->subject;
}

const char *lsvm_causes_text(const struct lsvm_causes *causes, size_t index)
{
	return at(causes, index)->text;
}

const char *lsvm_causes_advice(const struct lsvm_causes *causes, size_t index)
{
	return at(causes, index)->advice;
}

int lsvm_causes_to_json(const struct lsvm_causes *causes, char **ret)
{
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:[]}", "schema",
				 "lsvm-causes/1", "machine", causes->machine, "role",
				 lsvm_role_name(causes->role), "server", causes->server,
				 "looked_at", (json_int_t)causes->looked_at, "causes");
	json_t *list = json_object_get(root, "causes");
	bool good = root != NULL;
	char *text = NULL;

	for (size_t i = 0; good && i < causes->list.count; i++) {
		const struct cause *cause = &causes->list.items[i];

		good = json_array_append_new(
			       list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "cause",
					       lsvm_cause_name(cause->kind), "severity",
					       lsvm_severity_name(cause->severity),
					       "subject", cause->subject, "text",
					       cause->text, "advice", cause->advice)) ==
		       0;
	}
	if (good)
		text = lsvm_json_text(root, JSON_COMPACT);
	json_decref(root);
	if (!text)
		return lsvm_fail_nomem(causes->ctx);
	*ret = text;
	return 0;
}

int lsvm_causes_to_text(const struct lsvm_causes *causes, char **ret)
{
	bool director = causes->role == LSVM_ROLE_DIRECTOR;
	struct buf buf = { 0 };
	char *text;

	for (size_t i = 0; i < causes->list.count; i++) {
		const struct cause *cause = &causes->list.items[i];

		lsvm_buf_printf(&buf, "%s: %s [%s]\n    %s\n",
				lsvm_severity_name(cause->severity), cause->text,
				lsvm_cause_name(cause->kind), cause->advice);
	}
	if (!causes->list.count)
		lsvm_buf_printf(&buf, "nothing on %s keeps traffic from %s; %s\n",
				causes->machine,
				director ? causes->server : "its services",
				director ? "look there, with svm-eps explain"
					 : "look on the director, with svm-eds explain");
	text = lsvm_buf_take(&buf);
	if (!text)
		return lsvm_fail_nomem(causes->ctx);
	*ret = text;
	return 0;
}
