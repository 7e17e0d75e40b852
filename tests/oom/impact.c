/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Impacts without memory: none, never a wrong one. */
#include "oom.h"

#include <stdio.h>
#include <string.h>

#define SERVICE(mark, scheduler, destinations)                                           \
	"{\"fwmark\": " mark ", \"family\": \"ipv4\", \"scheduler\": \"" scheduler       \
	"\", \"destinations\": [" destinations "]}"
#define TO(host, more) "{\"address\": \"10.0.0." host "\", \"port\": 80" more "}"
#define LIVE ", \"active_count\": 7, \"persistent_count\": 2"

static const char present_text[] =
	"{\"schema\": \"lsvm-ipvs/1\", \"services\": [" SERVICE(
		"1", "mh",
		TO("1", LIVE) "," TO("2", LIVE) "," TO(
			"3", LIVE)) "," SERVICE("2", "rr",
						TO("1", LIVE)) "," SERVICE("3", "twos",
									   TO("1",
									      LIVE)) "]}";
static const char wanted_text[] = "{\"schema\": \"lsvm-ipvs/1\", \"services\": [" SERVICE(
	"1", "mh",
	TO("1", ", \"weight\": 0") "," TO(
		"2", "")) "," SERVICE("3", "twos",
				      TO("2", "")) "," SERVICE("4", "wlc",
							       TO("2", "")) "]}";

static struct lsvm_ipvs_table *present, *wanted;

static void look_at(const struct lsvm_impact *impact)
{
	OOM_CHECK(lsvm_impact_level(impact) == LSVM_IMPACT_LEVEL_ESTABLISHED);
	OOM_CHECK(lsvm_impact_service_count(impact) == 4);
	OOM_CHECK(lsvm_impact_service_fate(impact, 0, LSVM_IMPACT_FATE_KEPT) == 14);
	OOM_CHECK(lsvm_impact_service_fate(impact, 0, LSVM_IMPACT_FATE_DROPPED) == 7);
	OOM_CHECK(lsvm_impact_note_count(impact, 0) == 3);
	OOM_CHECK(lsvm_impact_note_count(impact, 2) == 3);
	OOM_CHECK(lsvm_impact_destination_count(impact, 2) == 2);
}

static int compute(void)
{
	struct lsvm_impact *impact = NULL;
	struct lsvm_ctx *ctx = NULL;
	char *text = NULL, *json = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_impact_compute(ctx, present, wanted, present, 0, &impact);
	if (err >= 0)
		look_at(impact);
	else
		OOM_CHECK(impact == NULL);
	if (err >= 0)
		err = lsvm_impact_to_text(impact, &text);
	if (err >= 0)
		err = lsvm_impact_to_json(impact, &json);
	if (err >= 0)
		OOM_CHECK(strstr(text, "removed-service") &&
			  strstr(json, "removed-service"));
	lsvm_free(text);
	lsvm_free(json);
	lsvm_impact_free(impact);
	lsvm_ctx_unref(ctx);
	return err;
}

int main(void)
{
	struct lsvm_ctx *ctx;
	int wrong;

	if (lsvm_ctx_new(&ctx) < 0 ||
	    lsvm_ipvs_table_from_json(ctx, present_text, strlen(present_text), &present) <
		    0 ||
	    lsvm_ipvs_table_from_json(ctx, wanted_text, strlen(wanted_text), &wanted) <
		    0) {
		fprintf(stderr, "set-up: %s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	wrong = oom_run("impact", compute);
	lsvm_ipvs_table_unref(present);
	lsvm_ipvs_table_unref(wanted);
	lsvm_ctx_unref(ctx);
	return wrong;
}
