/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schedulers without memory: what failed can be done again, and nothing is lost. */
#include "oom.h"
#include "sched/director.h"

#include <stdio.h>
#include <string.h>

static const char text[] =
	"{\"schema\": \"lsvm-ipvs/1\", \"services\": [\n"
	"  {\"fwmark\": 1, \"family\": \"ipv4\", \"scheduler\": \"lblcr\",\n"
	"   \"destinations\": [{\"address\": \"10.0.0.1\", \"port\": 80},\n"
	"                      {\"address\": \"10.0.0.2\", \"port\": 80}]},\n"
	"  {\"fwmark\": 2, \"family\": \"ipv4\", \"scheduler\": \"lblc\",\n"
	"   \"destinations\": [{\"address\": \"10.0.0.1\", \"port\": 80}]},\n"
	"  {\"fwmark\": 3, \"family\": \"ipv4\", \"scheduler\": \"mh\",\n"
	"   \"persistence\": {\"timeout_s\": 300},\n"
	"   \"destinations\": [{\"address\": \"10.0.0.1\", \"port\": 80}]}]}\n";

static struct lsvm_ipvs_table *table;
static size_t service_index;

static int use(struct lsvm_sched *s)
{
	uint32_t dest = 9, connection = 9;
	char client[32];
	int err = 0;

	for (unsigned i = 0; i < 100 && err >= 0; i++) {
		snprintf(client, sizeof(client), "20.0.%u.1", i);
		err = lsvm_sched_connect(s, client, client, 1234, LSVM_PROTOCOL_TCP,
					 i * 1000, &dest, &connection);
		if (err >= 0)
			OOM_CHECK(err == LSVM_SCHED_SERVED && dest < 2);
	}
	if (err >= 0)
		err = lsvm_sched_close(s, connection, 200000);
	if (err >= 0)
		err = lsvm_sched_add(s, "10.0.0.3", 80, 1, 0, 0);
	if (err >= 0)
		err = lsvm_sched_edit(
			s, lsvm_ipvs_table_service_at(table, (service_index + 1) % 3));
	return err;
}

static int machine(void)
{
	struct lsvm_ctx *ctx = NULL;
	struct lsvm_sched *s = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_sched_new(
			ctx, lsvm_ipvs_table_service_at(table, service_index), &s);
	if (err >= 0)
		err = use(s);
	lsvm_sched_free(s);
	lsvm_ctx_unref(ctx);
	return err;
}

static int predict(void)
{
	const struct lsvm_ipvs_destination *dest = NULL;
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_sched_predict(ctx, lsvm_ipvs_table_service_at(table, 2), NULL,
					 "20.0.0.1", 1234, &dest);
	if (err >= 0)
		OOM_CHECK(dest != NULL);
	else
		OOM_CHECK(dest == NULL);
	lsvm_ctx_unref(ctx);
	return err < 0 ? err : 0;
}

static int consistency(void)
{
	struct lsvm_ctx *ctx = NULL;
	uint32_t flows = 0, broken = 0;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_ipvs_consistency(ctx, table, table, &flows, &broken);
	if (err >= 0)
		OOM_CHECK(flows == 3 * 4096 && broken == 2 * 4096);
	lsvm_ctx_unref(ctx);
	return err;
}

/* Every service deleted, added and given its destinations again. */
static int bear_all_again(struct sched_director *director)
{
	int err = 0;

	for (size_t i = 0; i < table->services.count && err >= 0; i++) {
		const struct ipvs_service *service = &table->services.items[i];
		struct ipvs_change change = { .kind = IPVS_SERVICE_DELETE,
					      .service = service };

		OOM_CHECK(lsvm_director_apply(director, &change) == 0);
		change.kind = IPVS_SERVICE_ADD;
		err = lsvm_director_apply(director, &change);
		change.kind = IPVS_DESTINATION_ADD;
		change.destination = &service->destinations.items[0];
		change.weight = 1;
		if (err >= 0)
			err = lsvm_director_apply(director, &change);
	}
	return err;
}

static int director(void)
{
	struct sched_director *made = NULL;
	struct lsvm_ctx *ctx = NULL;
	int err = lsvm_ctx_new(&ctx);

	if (err >= 0)
		err = lsvm_director_create(ctx, table, &made);
	if (err >= 0)
		err = bear_all_again(made);
	lsvm_director_free(made);
	lsvm_ctx_unref(ctx);
	return err;
}

int main(void)
{
	static const char *const names[] = { "lblcr", "lblc", "persistence" };
	struct lsvm_ctx *ctx;
	int wrong = 0;

	if (lsvm_ctx_new(&ctx) < 0 ||
	    lsvm_ipvs_table_from_json(ctx, text, strlen(text), &table) < 0) {
		fprintf(stderr, "set-up: %s\n", lsvm_ctx_error_text(ctx));
		return 1;
	}
	for (service_index = 0; service_index < 3; service_index++)
		wrong |= oom_run(names[service_index], machine);
	wrong |= oom_run("prediction", predict);
	wrong |= oom_run("consistency", consistency);
	wrong |= oom_run("director", director);
	lsvm_ipvs_table_unref(table);
	lsvm_ctx_unref(ctx);
	return wrong;
}
