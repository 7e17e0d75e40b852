/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking turns: rr and wrr.
 *
 * rr goes on behind the destination it chose last. wrr goes round the list once for each
 * level of weight, from the highest downwards in steps of the weights' common divisor,
 * and takes in each round those whose weight reaches the level. The level survives edits
 * of the destinations, the place in the list does not.
 */
#include "sched/sched.h"

int lsvm_rr_notice(struct lsvm_sched *s, enum sched_event event, struct sched_dest *dest)
{
	switch (event) {
	case SCHED_BEGIN:
		s->turn = (struct sched_turn){ .at = &s->list };
		break;
	case SCHED_REMOVED:
		/* Out of the list already, but it knows its former neighbour. */
		if (s->turn.at == dest)
			s->turn.at = dest->next->prev;
		break;
	case SCHED_ADDED:
	case SCHED_EDITED:
		break;
	}
	return 0;
}

static bool may_serve(const struct sched_dest *dest)
{
	return !dest->overloaded && dest->weight > 0;
}

int lsvm_rr_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		 struct sched_dest **ret)
{
	struct sched_dest *const start = s->turn.at;

	for (struct sched_dest *dest = start->next;; dest = dest->next) {
		if (dest != &s->list && may_serve(dest)) {
			if (!peek)
				s->turn.at = dest;
			*ret = dest;
			return 0;
		}
		if (dest == start)
			return 0;
	}
}

static int32_t common_divisor(int32_t a, int32_t b)
{
	while (b) {
		int32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int lsvm_wrr_notice(struct lsvm_sched *s, enum sched_event event, struct sched_dest *dest)
{
	struct sched_turn *turn = &s->turn;
	int32_t divisor = 0, heaviest = 0;

	each_dest(s, each)
	{
		if (each->weight <= 0)
			continue;
		divisor = common_divisor(each->weight, divisor);
		if (each->weight > heaviest)
			heaviest = each->weight;
	}
	turn->at = &s->list;
	turn->step = divisor ? divisor : 1;
	/* The lowest level is 1, so that a weight lowered meanwhile is still reached. */
	turn->top = heaviest - (turn->step - 1);
	if (event == SCHED_BEGIN || turn->current > turn->top || !turn->current)
		turn->current = turn->top;
	else if (turn->step > 1)
		turn->current = turn->current / turn->step * turn->step + 1;
	return 0;
}

/* The next destination from turn->at on, whose weight reaches the level; moves turn. */
static struct sched_dest *next_by_weight(struct lsvm_sched *s, struct sched_turn *turn)
{
	struct sched_dest *const start = turn->at, *stop = NULL;
	const bool whole = start == &s->list; /* the first round sees all of the list */
	bool lowest = false, wrapped = false;

	if (turn->top == 0)
		return NULL;
	for (;;) {
		while ((turn->at = turn->at->next) != &s->list) {
			if (!turn->at->overloaded && turn->at->weight >= turn->current)
				return turn->at;
			if (turn->at == stop)
				return NULL;
		}
		turn->current -= turn->step;
		if (turn->current <= 0) {
			turn->current = turn->top;
			if (lowest || whole)
				return NULL;
			wrapped = true;
		}
		lowest = turn->current <= turn->step;
		/* What lay behind the start was seen at the lowest level; now the rest.
		 */
		if (lowest && wrapped)
			stop = start;
	}
}

int lsvm_wrr_pick(struct lsvm_sched *s, const struct sched_packet *packet, bool peek,
		  struct sched_dest **ret)
{
	struct sched_turn turn = s->turn;

	*ret = next_by_weight(s, &turn);
	if (!peek)
		s->turn = turn;
	return 0;
}
