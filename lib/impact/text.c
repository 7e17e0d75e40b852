/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An impact as text for people and as JSON. */
#include "base/json.h"
#include "impact/impact.h"

/* ---- text ---- */

/* One line about connections, when there are any, and one about clients. */
static void add_fates(struct buf *out, const uint64_t *fates)
{
	const uint64_t asked =
		fates[LSVM_IMPACT_FATE_STAYS] + fates[LSVM_IMPACT_FATE_MOVES] +
		fates[LSVM_IMPACT_FATE_REFUSED] + fates[LSVM_IMPACT_FATE_GAINED];
	const char *separator = "";

	if (fates[LSVM_IMPACT_FATE_KEPT] || fates[LSVM_IMPACT_FATE_RESET] ||
	    fates[LSVM_IMPACT_FATE_DROPPED])
		lsvm_buf_printf(out,
				"    connections: %llu kept, %llu reset, %llu dropped\n",
				(unsigned long long)fates[LSVM_IMPACT_FATE_KEPT],
				(unsigned long long)fates[LSVM_IMPACT_FATE_RESET],
				(unsigned long long)fates[LSVM_IMPACT_FATE_DROPPED]);
	if (!asked)
		return;
	lsvm_buf_text(out, "    clients:");
	for (int fate = LSVM_IMPACT_FATE_STAYS; fate <= LSVM_IMPACT_FATE_GAINED; fate++) {
		if (!fates[fate])
			continue;
		lsvm_buf_printf(out, "%s %s %.1f %%", separator,
				lsvm_impact_fate_name(fate),
				(double)fates[fate] * 100 / IMPACT_FLOWS);
		separator = ",";
	}
	lsvm_buf_text(out, "\n");
}

static void add_service(struct buf *out, const struct impact_service *s)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_buf_printf(out, "  %s: %s\n", lsvm_ipvs_key_text(&s->key, text),
			lsvm_impact_level_name((int)s->level));
	add_fates(out, s->fates);
	for (size_t i = 0; i < s->destinations.count; i++) {
		const struct impact_destination *d = &s->destinations.items[i];

		if (d->share_before == d->share_after && !d->lost)
			continue;
		lsvm_buf_printf(out, "    %s: share %.1f %% -> %.1f %%",
				lsvm_endpoint_text(&d->addr, d->port, text),
				d->share_before / 1e4, d->share_after / 1e4);
		if (d->lost)
			lsvm_buf_printf(out, ", %llu connections end",
					(unsigned long long)d->lost);
		lsvm_buf_text(out, "\n");
	}
	if (s->balance_before != s->balance_after && s->balance_before &&
	    s->balance_after)
		lsvm_buf_printf(out,
				"    busiest server: %.2f -> %.2f of what its weight "
				"says\n",
				s->balance_before / 1e3, s->balance_after / 1e3);
	for (size_t i = 0; i < s->notes.count; i++)
		lsvm_buf_printf(out, "    %s [%s]\n", s->notes.items[i].text,
				s->notes.items[i].code);
}

/* A service that only begins hurts nobody: it is counted, not told. */
static bool begins(const struct impact_service *s)
{
	for (int fate = LSVM_IMPACT_FATE_KEPT; fate < IMPACT_FATES; fate++)
		if (fate != LSVM_IMPACT_FATE_GAINED && s->fates[fate])
			return false;
	return s->fates[LSVM_IMPACT_FATE_GAINED] && !s->notes.count;
}

int lsvm_impact_to_text(const struct lsvm_impact *impact, char **ret)
{
	struct buf out = { 0 };
	size_t begun = 0;
	char *text;

	lsvm_buf_printf(&out, "impact: %s\n", lsvm_impact_level_name((int)impact->level));
	for (size_t i = 0; i < impact->services.count; i++) {
		if (begins(&impact->services.items[i]))
			begun++;
		else
			add_service(&out, &impact->services.items[i]);
	}
	if (begun)
		lsvm_buf_printf(&out, "  %zu service%s begin%s to serve\n", begun,
				begun == 1 ? "" : "s", begun == 1 ? "s" : "");
	text = lsvm_buf_take(&out);
	if (!text)
		return lsvm_fail_nomem(impact->ctx);
	*ret = text;
	return 0;
}

/* ---- JSON ---- */

static json_t *destinations_json(const struct impact_service *s)
{
	json_t *list = json_array();
	char text[LSVM_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < s->destinations.count && list; i++) {
		const struct impact_destination *d = &s->destinations.items[i];
		json_t *item = json_pack(
			"{s:s, s:i, s:I, s:I, s:f, s:f, s:I}", "address",
			lsvm_addr_text(&d->addr, text), "port", (int)d->port,
			"weight_before", (json_int_t)d->weight_before, "weight_after",
			(json_int_t)d->weight_after, "share_before",
			d->share_before / 1e6, "share_after", d->share_after / 1e6,
			"connections_lost", (json_int_t)d->lost);

		if (json_array_append_new(list, item) == 0)
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

static json_t *notes_json(const struct impact_service *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->notes.count && list; i++) {
		json_t *item = json_pack("{s:s, s:s}", "code", s->notes.items[i].code,
					 "text", s->notes.items[i].text);

		if (json_array_append_new(list, item) == 0)
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

static json_t *service_json(const struct impact_service *s)
{
	const uint64_t *f = s->fates;
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	return json_pack(
		"{s:s, s:s, s:{s:I, s:I, s:I}, s:{s:i, s:I, s:I, s:I, s:I, s:I}, s:f, "
		"s:f, s:o, s:o}",
		"service", lsvm_ipvs_key_text(&s->key, text), "level",
		lsvm_impact_level_name((int)s->level), "connections", "kept",
		(json_int_t)f[LSVM_IMPACT_FATE_KEPT], "reset",
		(json_int_t)f[LSVM_IMPACT_FATE_RESET], "dropped",
		(json_int_t)f[LSVM_IMPACT_FATE_DROPPED], "clients", "asked", IMPACT_FLOWS,
		"stays", (json_int_t)f[LSVM_IMPACT_FATE_STAYS], "moves",
		(json_int_t)f[LSVM_IMPACT_FATE_MOVES], "refused",
		(json_int_t)f[LSVM_IMPACT_FATE_REFUSED], "gained",
		(json_int_t)f[LSVM_IMPACT_FATE_GAINED], "stranded",
		(json_int_t)f[LSVM_IMPACT_FATE_STRANDED], "balance_before",
		s->balance_before / 1e3, "balance_after", s->balance_after / 1e3,
		"destinations", destinations_json(s), "notes", notes_json(s));
}

int lsvm_impact_to_json(const struct lsvm_impact *impact, char **ret)
{
	json_t *root = json_pack("{s:s, s:s, s:[]}", "schema", "lsvm-impact/1", "level",
				 lsvm_impact_level_name((int)impact->level), "services");
	json_t *list = json_object_get(root, "services");
	char *text = NULL;
	bool failed = !root;

	for (size_t i = 0; i < impact->services.count && !failed; i++)
		failed = json_array_append_new(
				 list, service_json(&impact->services.items[i])) != 0;
	if (!failed)
		text = lsvm_json_text(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(root);
	if (!text)
		return lsvm_fail_nomem(impact->ctx);
	*ret = text;
	return 0;
}
