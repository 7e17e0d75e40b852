/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a reordering: a destination that is removed to be added again takes its
 * connections along only while expire_nodest_conn is 0. It is so from before the first
 * removal of the whole apply: with 1, a removal makes the kernel look through all
 * connections a moment later, and it would end those of whatever is away just then. Those
 * of what is gone for good end with their next packet once it is 1 again.
 *
 * An apply that is cut short in between leaves it 0; the next one sets it again, since
 * every director's plan names it.
 */
#include "plan/plan.h"

#define NODEST "net.ipv4.vs.expire_nodest_conn"

static const struct sysctl wait_for_it = { NODEST, "0" };

static bool add(struct lsvm_steps *steps, struct step step)
{
	struct step *item = vec_push(&steps->list);

	if (item)
		*item = step;
	return item != NULL;
}

static size_t first_removal(const struct lsvm_steps *steps)
{
	size_t i = 0;

	while (i < steps->list.count &&
	       (steps->list.items[i].kind != STEP_IPVS ||
		(steps->list.items[i].ipvs.kind != IPVS_DESTINATION_DELETE &&
		 steps->list.items[i].ipvs.kind != IPVS_SERVICE_DELETE)))
		i++;
	return i;
}

static bool insert(struct lsvm_steps *steps, size_t at, struct step step)
{
	if (!add(steps, step))
		return false;
	memmove(&steps->list.items[at + 1], &steps->list.items[at],
		(steps->list.count - 1 - at) * sizeof(step));
	steps->list.items[at] = step;
	return true;
}

static bool add_all(struct lsvm_steps *steps, const struct ipvs_changes *changes,
		    const struct sysctl *nodest)
{
	const bool expires = nodest && !lsvm_sysctl_equal(nodest->value, "0");
	bool good = true;

	if (expires)
		good = insert(
			steps, first_removal(steps),
			(struct step){ .kind = STEP_SYSCTL_SET, .sysctl = &wait_for_it });
	for (size_t i = 0; i < changes->list.count && good; i++)
		good = add(steps, (struct step){ .kind = STEP_IPVS,
						 .ipvs = changes->list.items[i] });
	return good && (!expires || add(steps, (struct step){ .kind = STEP_SYSCTL_SET,
							      .sysctl = nodest }));
}

int lsvm_steps_reorder(struct lsvm_steps *steps, const struct state *present,
		       const struct state *owned, const struct state *wanted)
{
	const struct sysctl *nodest = lsvm_state_sysctl(wanted, NODEST);
	struct ipvs_changes changes = { 0 };
	int err;

	if (!present->ipvs || !wanted->ipvs)
		return 0;
	if (!nodest)
		nodest = lsvm_state_sysctl(present, NODEST);
	err = lsvm_ipvs_changes_reorder(steps->ctx, present->ipvs,
					owned ? owned->ipvs : NULL, wanted->ipvs,
					&changes);
	if (err >= 0 && changes.list.count && !add_all(steps, &changes, nodest))
		err = lsvm_fail_nomem(steps->ctx);
	lsvm_ipvs_changes_clear(&changes);
	return err;
}
