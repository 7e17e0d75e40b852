/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service with destinations 10.0.0.1, .2, …, in one call. */
#ifndef LSVM_TESTS_SCHED_SUPPORT_H
#define LSVM_TESTS_SCHED_SUPPORT_H

#include "sched/sched.h"
#include "test.h"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>

static struct lsvm_ctx *ctx;
static struct lsvm_ipvs_table *table;

static int setup(void **state)
{
	assert_int_equal(lsvm_ctx_new(&ctx), 0);
	assert_int_equal(lsvm_ipvs_table_alloc(ctx, &table), 0);
	return 0;
}

static int teardown(void **state)
{
	lsvm_ipvs_table_unref(table);
	lsvm_ctx_unref(ctx);
	return 0;
}

/* Weights end with -1. The service is tcp 192.0.2.100:80; lives until the next. */
static inline struct ipvs_service *make_service(const char *scheduler, uint32_t flags,
						const int *weights)
{
	struct ipvs_service *service = lsvm_ipvs_table_push(table);

	assert_non_null(service);
	snprintf(service->scheduler, sizeof(service->scheduler), "%s", scheduler);
	service->key = (struct ipvs_key){ .addr = { 4, { 192, 0, 2, 100 } },
					  .protocol = IPPROTO_TCP,
					  .port = 80 };
	service->flags = flags;
	service->netmask = 0xffffffff;
	for (uint8_t i = 0; weights[i] >= 0; i++) {
		struct ipvs_destination *dest = lsvm_ipvs_service_push(service);

		assert_non_null(dest);
		dest->addr = (struct addr){ 4, { 10, 0, 0, (uint8_t)(i + 1) } };
		dest->port = 80;
		dest->weight = (uint32_t)weights[i];
	}
	return service;
}

#define WEIGHTS(...) ((const int[]){ __VA_ARGS__, -1 })
#define PUBLIC(service) ((const struct lsvm_ipvs_service *)(service))

static inline void good(int result)
{
	if (result < 0)
		fail_msg("%s: %s", lsvm_err_name(result), lsvm_ctx_error_text(ctx));
}

static inline struct lsvm_sched *make_machine(const char *scheduler, uint32_t flags,
					      const int *weights)
{
	struct lsvm_sched *s;

	good(lsvm_sched_new(ctx, PUBLIC(make_service(scheduler, flags, weights)), &s));
	return s;
}

static inline const char *client_text(unsigned number)
{
	static char text[32];

	snprintf(text, sizeof(text), "20.%u.%u.%u", number >> 16 & 255, number >> 8 & 255,
		 number & 255);
	return text;
}

#define REFUSED(outcome) (-(int)(outcome))

/* The destination's number, or the refusal below 0; the connection goes on. */
static inline int connect_at(struct lsvm_sched *s, const char *client, uint64_t now_ms,
			     uint32_t *ret_connection)
{
	uint32_t number = 0, connection = 0, foreseen = 0;
	int outcome = lsvm_sched_peek(s, NULL, client, 1234, 0, now_ms, &foreseen);

	good(outcome);
	assert_int_equal(lsvm_sched_connect(s, NULL, client, 1234, 0, now_ms, &number,
					    &connection),
			 outcome);
	if (outcome > LSVM_SCHED_PERSISTENT)
		return REFUSED(outcome);
	assert_int_equal(number, foreseen);
	if (ret_connection)
		*ret_connection = connection;
	return (int)number;
}

static inline int connect_client(struct lsvm_sched *s, const char *client)
{
	return connect_at(s, client, 0, NULL);
}

#endif
