/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine that shall become another machine of the cluster.
 *
 * That is nearly always a slip of the name, and two machines with one address are the
 * end of both: it is refused unless asked for. Then the addresses of its own that an
 * apply brought in, and that were not there before us, go; those that the machine came
 * with stay.
 */
#include "role/role.h"

static const struct lsvm_plan *last_plan(const struct record *record)
{
	return record->plans.count ? record->plans.items[record->plans.count - 1] : NULL;
}

int lsvm_move_check(struct lsvm_ctx *ctx, const struct record *record,
		    const struct lsvm_plan *plan)
{
	const struct lsvm_plan *last = last_plan(record);

	if (!plan || !last || strcmp(last->machine, plan->machine) == 0)
		return 0;
	return lsvm_fail(
		ctx, LSVM_ERR_CONFLICT,
		"this machine is %s by what was applied to it last, not %s; apply "
		"the plan of %s, or reset it first, or force it to become %s",
		last->machine, plan->machine, last->machine, plan->machine);
}

bool lsvm_move_is(const struct record *record, const struct lsvm_plan *plan)
{
	for (size_t i = 0; plan && i < record->plans.count; i++)
		if (strcmp(record->plans.items[i]->machine, plan->machine) != 0)
			return true;
	return false;
}

static bool add_address(struct state *to, const struct address *address)
{
	struct address *slot;

	if (lsvm_state_address(to, address))
		return true;
	slot = vec_push(&to->addresses);
	if (slot)
		*slot = *address;
	return slot != NULL;
}

bool lsvm_move_remember(const struct move *move, bool keep_all, struct state *before)
{
	const struct state *was = move->record->before;
	const struct state *wanted = move->plan ? move->plan->wanted : NULL;
	const bool keep = keep_all || !lsvm_move_is(move->record, move->plan);

	for (size_t i = 0; i < was->addresses.count; i++) {
		const struct address *address = &was->addresses.items[i];

		if ((keep || (wanted && lsvm_state_address(wanted, address))) &&
		    !add_address(before, address))
			return false;
	}
	for (size_t i = 0; wanted && i < wanted->addresses.count; i++) {
		const struct address *address = &wanted->addresses.items[i];

		if (lsvm_address_is_own(address) &&
		    !lsvm_state_address(move->present, address) &&
		    !lsvm_state_address(move->owned, address) &&
		    !add_address(before, address))
			return false;
	}
	return true;
}

static bool goes(const struct move *move, const struct address *address)
{
	return lsvm_state_address(move->present, address) &&
	       !lsvm_state_address(move->plan->wanted, address);
}

void lsvm_move_lose_routes(const struct move *move)
{
	const struct state *was = move->record->before, *wanted = move->plan->wanted;
	struct route *items = move->present->routes.items;
	size_t kept;

	for (size_t i = 0; i < was->addresses.count; i++) {
		const struct address *address = &was->addresses.items[i];

		if (!goes(move, address))
			continue;
		kept = 0;
		for (size_t j = 0; j < move->present->routes.count; j++)
			if (strcmp(items[j].interface, address->interface) != 0 ||
			    !lsvm_state_route(wanted, &items[j].destination))
				items[kept++] = items[j];
		move->present->routes.count = kept;
	}
}

int lsvm_move_add_steps(struct lsvm_ctx *ctx, const struct move *move,
			struct lsvm_steps *steps)
{
	const struct state *was = move->record->before;
	size_t at = 0;

	while (at < steps->list.count && steps->list.items[at].kind != STEP_ADDRESS_ADD &&
	       steps->list.items[at].kind != STEP_ROUTE_SET)
		at++;
	for (size_t i = 0; i < was->addresses.count; i++) {
		const struct address *address = &was->addresses.items[i];
		struct step *items;

		if (!goes(move, address))
			continue;
		if (!vec_push(&steps->list))
			return lsvm_fail_nomem(ctx);
		items = steps->list.items;
		memmove(&items[at + 1], &items[at],
			(steps->list.count - 1 - at) * sizeof(*items));
		items[at++] =
			(struct step){ .kind = STEP_ADDRESS_DELETE, .address = address };
	}
	return 0;
}
