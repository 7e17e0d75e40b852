/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans and steps as handles: references, getters, the difference of two plans. */
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>

int lsvm_plan_alloc(struct lsvm_ctx *ctx, struct lsvm_plan **ret)
{
	struct lsvm_plan *plan = calloc(1, sizeof(*plan));
	int err;

	if (!plan)
		return lsvm_fail_nomem(ctx);
	err = lsvm_state_new(ctx, &plan->wanted);
	if (err < 0) {
		free(plan);
		return err;
	}
	atomic_init(&plan->refs, 1);
	plan->ctx = lsvm_ctx_ref(ctx);
	plan->cluster = plan->machine = "";
	*ret = plan;
	return 0;
}

struct lsvm_plan *lsvm_plan_ref(struct lsvm_plan *plan)
{
	atomic_fetch_add(&plan->refs, 1);
	return plan;
}

void lsvm_plan_unref(struct lsvm_plan *plan)
{
	if (!plan || atomic_fetch_sub(&plan->refs, 1) != 1)
		return;
	lsvm_state_free(plan->wanted);
	lsvm_ctx_unref(plan->ctx);
	free(plan);
}

const char *lsvm_plan_machine(const struct lsvm_plan *plan)
{
	return plan->machine;
}

int lsvm_plan_role(const struct lsvm_plan *plan)
{
	return (int)plan->role;
}

int lsvm_plan_duty(const struct lsvm_plan *plan)
{
	return (int)plan->duty;
}

const struct lsvm_ipvs_table *lsvm_plan_ipvs(const struct lsvm_plan *plan)
{
	return plan->wanted->ipvs;
}

size_t lsvm_plan_address_count(const struct lsvm_plan *plan)
{
	return plan->wanted->addresses.count;
}

int lsvm_plan_address(const struct lsvm_plan *plan, size_t index, char *buf, size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	size_t length;

	if (index >= plan->wanted->addresses.count)
		return lsvm_fail(plan->ctx, LSVM_ERR_RANGE,
				 "the plan has %zu addresses, there is no number %zu",
				 plan->wanted->addresses.count, index);
	lsvm_prefix_text(&plan->wanted->addresses.items[index].prefix, text);
	length = strlen(text);
	if (length >= size)
		return lsvm_fail(plan->ctx, LSVM_ERR_RANGE,
				 "'%s' does not fit into %zu bytes", text, size);
	memcpy(buf, text, length + 1);
	return (int)length;
}

const char *lsvm_plan_address_interface(const struct lsvm_plan *plan, size_t index)
{
	return index < plan->wanted->addresses.count
		       ? plan->wanted->addresses.items[index].interface
		       : NULL;
}

size_t lsvm_plan_file_count(const struct lsvm_plan *plan)
{
	return plan->wanted->files.count;
}

const char *lsvm_plan_file_path(const struct lsvm_plan *plan, size_t index)
{
	return index < plan->wanted->files.count ? plan->wanted->files.items[index].path
						 : NULL;
}

const char *lsvm_plan_file_content(const struct lsvm_plan *plan, size_t index)
{
	return index < plan->wanted->files.count
		       ? plan->wanted->files.items[index].content
		       : NULL;
}

uint32_t lsvm_plan_file_mode(const struct lsvm_plan *plan, size_t index)
{
	return index < plan->wanted->files.count ? plan->wanted->files.items[index].mode
						 : 0;
}

/* ---- steps ---- */

void lsvm_steps_free(struct lsvm_steps *steps)
{
	if (!steps)
		return;
	vec_free(&steps->list);
	lsvm_plan_unref(steps->from);
	lsvm_plan_unref(steps->to);
	lsvm_ctx_unref(steps->ctx);
	free(steps);
}

size_t lsvm_steps_count(const struct lsvm_steps *steps)
{
	return steps->list.count;
}

int lsvm_steps_kind(const struct lsvm_steps *steps, size_t index)
{
	return index < steps->list.count ? (int)steps->list.items[index].kind
					 : LSVM_STEP_UNKNOWN;
}

int lsvm_steps_text(const struct lsvm_steps *steps, size_t index, char *buf, size_t size)
{
	struct buf text = { 0 };
	int length;

	if (index >= steps->list.count)
		return lsvm_fail(steps->ctx, LSVM_ERR_RANGE,
				 "there are %zu steps, there is no number %zu",
				 steps->list.count, index);
	lsvm_step_text(&steps->list.items[index], &text);
	if (text.failed) {
		lsvm_buf_free(&text);
		return lsvm_fail_nomem(steps->ctx);
	}
	length = snprintf(buf, size, "%s", text.data ? text.data : "");
	lsvm_buf_free(&text);
	return length;
}

/* A machine that holds the plan: its units run. The lists are the plan's own. */
static int held(struct lsvm_ctx *ctx, const struct lsvm_plan *plan, struct state *ret)
{
	size_t count;

	if (!plan)
		return 0;
	*ret = *plan->wanted;
	count = ret->units.count;
	ret->units.items = calloc(count ? count : 1, sizeof(*ret->units.items));
	if (!ret->units.items)
		return lsvm_fail_nomem(ctx);
	for (size_t i = 0; i < count; i++) {
		ret->units.items[i] = plan->wanted->units.items[i];
		ret->units.items[i].running = true;
	}
	return 0;
}

int lsvm_plan_diff(struct lsvm_ctx *ctx, struct lsvm_plan *from, struct lsvm_plan *to,
		   struct lsvm_steps **ret)
{
	struct state present = { 0 };
	struct lsvm_steps *steps;
	int err = held(ctx, from, &present);

	if (err == 0)
		err = lsvm_steps_compute(ctx, &present, from ? from->wanted : NULL,
					 to ? to->wanted : NULL, &steps);
	free(present.units.items);
	if (err < 0)
		return err;
	steps->from = from ? lsvm_plan_ref(from) : NULL;
	steps->to = to ? lsvm_plan_ref(to) : NULL;
	*ret = steps;
	return 0;
}
