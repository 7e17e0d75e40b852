/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The least loaded: lc, wlc, sed, nq; and by weight alone: fo, ovf.
 *
 * Load counts an active connection as 256 inactive ones (lc, wlc), or the active ones and
 * the one to come (sed, nq). Of equals the first in the list wins. Quotients are compared
 * by multiplication, without fractions, so that a weight of 0 never wins.
 */
#include "sched/sched.h"

int lsvm_lc_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	struct sched_dest *least = NULL;

	each_dest(s, dest)
	{
		if (dest->overloaded || dest->weight == 0)
			continue;
		if (!least || lsvm_sched_load(dest) < lsvm_sched_load(least))
			least = dest;
	}
	*ret = least;
	return 0;
}

static int32_t expected(const struct sched_dest *dest)
{
	return (int32_t)(dest->active + 1);
}

/* Whether a is less loaded for its weight than b. */
static bool is_less(int32_t a_load, const struct sched_dest *a, int32_t b_load,
		    const struct sched_dest *b)
{
	return (int64_t)b_load * a->weight > (int64_t)a_load * b->weight;
}

static struct sched_dest *least_of(struct lsvm_sched *s,
				   int32_t (*load)(const struct sched_dest *))
{
	struct sched_dest *least = NULL;

	each_dest(s, dest)
	{
		if (dest->overloaded || dest->weight <= 0)
			continue;
		if (!least || is_less(load(dest), dest, load(least), least))
			least = dest;
	}
	return least;
}

int lsvm_wlc_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		  struct sched_dest **ret)
{
	*ret = least_of(s, lsvm_sched_load);
	return 0;
}

int lsvm_sed_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		  struct sched_dest **ret)
{
	*ret = least_of(s, expected);
	return 0;
}

int lsvm_nq_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	each_dest(s, dest)
	{
		if (!dest->overloaded && dest->weight > 0 && !dest->active) {
			*ret = dest;
			return 0;
		}
	}
	*ret = least_of(s, expected);
	return 0;
}

int lsvm_fo_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	struct sched_dest *heaviest = NULL;

	each_dest(s, dest)
	{
		if (!dest->overloaded && dest->weight > (heaviest ? heaviest->weight : 0))
			heaviest = dest;
	}
	*ret = heaviest;
	return 0;
}

/* The weight is also the cap: one connection more than it is let in. */
int lsvm_ovf_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		  struct sched_dest **ret)
{
	struct sched_dest *heaviest = NULL;

	each_dest(s, dest)
	{
		if (dest->overloaded || dest->weight == 0 ||
		    (int32_t)dest->active > dest->weight)
			continue;
		if (!heaviest || dest->weight > heaviest->weight)
			heaviest = dest;
	}
	*ret = heaviest;
	return 0;
}
