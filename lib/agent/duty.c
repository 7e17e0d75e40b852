/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds the virtual addresses.
 *
 * A director without another one beside it holds what its plan says, for ever. With
 * others the virtual routers (lib/vrrp) decide; here their actions are carried out. A
 * takeover is one call with steps made in advance: nothing is looked at, read or started
 * on its way. While addresses are held the machine has a will, so that nothing answers
 * twice when this process dies.
 *
 * A director takes part when its plan is applied, its network cards are up and it can
 * hear the others. It takes addresses back from a living master only when it is ready
 * for clients: when it knows who is alive.
 */
#include "agent/duty.h"
#include "agent/peer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what others ask ---- */

bool lsvm_duty_holds(const struct lsvm_agent *agent, const struct address *address)
{
	const struct duty *duty = agent->duty;

	for (size_t i = 0; duty && i < duty->now.count; i++) {
		const struct router *router = duty->now.items[i];

		for (size_t j = 0; router->held && j < router->addresses.count; j++)
			if (lsvm_address_compare(&router->addresses.items[j], address) ==
			    0)
				return true;
	}
	return false;
}

/* A virtual address is one of the whole length. */
static bool has_virtual(const struct lsvm_plan *plan)
{
	for (size_t i = 0; i < plan->wanted->addresses.count; i++)
		if (!lsvm_address_is_own(&plan->wanted->addresses.items[i]))
			return true;
	return false;
}

enum lsvm_duty lsvm_duty_now(const struct lsvm_agent *agent)
{
	const struct duty *duty = agent->duty;

	if (agent->role != LSVM_ROLE_DIRECTOR)
		return LSVM_DUTY_UNKNOWN;
	if (!duty || !duty->now.count)
		return agent->aim.cluster->directors.count == 1 ||
				       has_virtual(agent->aim.standby)
			       ? LSVM_DUTY_MASTER
			       : LSVM_DUTY_BACKUP;
	for (size_t i = 0; i < duty->now.count; i++)
		if (duty->now.items[i]->held)
			return LSVM_DUTY_MASTER;
	return LSVM_DUTY_BACKUP;
}

/* ---- actions of a virtual router ---- */

static void tell_state(struct lsvm_agent *agent, struct router *router,
		       const struct vrrp_action *action)
{
	/* Nobody looked at the clock while it took no part: that was no pause. */
	router->looked_ns = agent_now(agent);
	lsvm_agent_say(
		agent, LSVM_EVENT_STATE,
		action->after == VRRP_FAULT ? LSVM_SEVERITY_ERROR : LSVM_SEVERITY_NOTICE,
		router->subject, "%s -> %s: %s", lsvm_vrrp_state_name(action->before),
		lsvm_vrrp_state_name(action->after), action->text);
}

/* The will comes first and goes last: at no moment an address is here without one. */
static void hold(struct lsvm_agent *agent, struct router *router, bool held)
{
	if (held) {
		router->held = true;
		lsvm_routers_will(agent, &agent->duty->now);
	}
	lsvm_router_hold(agent, router, held);
	if (!held)
		lsvm_routers_will(agent, &agent->duty->now);
	lsvm_keep_changed(agent);
}

/*
 * Between living directors the addresses move when the new master knows all connections.
 * It asks; the old one goes on serving while it tells, though the election is over, gives
 * the addresses up, tells the rest (tell.c), and then the new one takes them. Nobody
 * waits for more than PEER_HANDOVER_NS.
 */
static void hand_over(struct lsvm_agent *agent, struct router *router, bool held)
{
	const struct vrrp *vrrp = &router->vrrp;
	bool wait;

	router->handover_ns = IO_NEVER;
	if (router->held == held)
		return;
	if (held)
		wait = vrrp->passing_over && lsvm_peer_ask_handover(agent);
	else
		wait = vrrp->state == VRRP_BACKUP && vrrp->yielded &&
		       lsvm_peer_expects_handover(agent);
	if (wait)
		router->handover_ns = agent_now(agent) + PEER_HANDOVER_NS;
	else
		hold(agent, router, held);
}

static void end_handover(struct lsvm_agent *agent, struct router *router)
{
	const bool held = router->vrrp.state == VRRP_MASTER;

	router->handover_ns = IO_NEVER;
	if (router->held != held)
		hold(agent, router, held);
}

bool lsvm_duty_gives_up(const struct lsvm_agent *agent)
{
	const struct duty *duty = agent->duty;

	for (size_t i = 0; duty && i < duty->now.count; i++)
		if (duty->now.items[i]->handover_ns != IO_NEVER &&
		    duty->now.items[i]->held)
			return true;
	return false;
}

void lsvm_duty_handover(struct lsvm_agent *agent)
{
	for (size_t i = 0; agent->duty && i < agent->duty->now.count; i++)
		if (agent->duty->now.items[i]->handover_ns != IO_NEVER)
			end_handover(agent, agent->duty->now.items[i]);
}

static void pump(struct lsvm_agent *agent, struct router *router)
{
	struct vrrp_action action;

	while (lsvm_vrrp_next(&router->vrrp, &action)) {
		switch (action.kind) {
		case VRRP_ACTION_STATE:
			tell_state(agent, router, &action);
			break;
		case VRRP_ACTION_RELEASE:
			hand_over(agent, router, false);
			break;
		case VRRP_ACTION_SEND:
			if (router->channel)
				agent->io->send(agent->host, router->channel,
						action.bytes, action.length,
						&action.destination, 0);
			break;
		case VRRP_ACTION_CLAIM:
			hand_over(agent, router, true);
			break;
		case VRRP_ACTION_ANNOUNCE:
			if (!router->held)
				break;
			agent->io->announce(agent->host, router->addresses.items,
					    router->addresses.count);
			break;
		case VRRP_ACTION_REFUSED:
			lsvm_agent_say(agent, LSVM_EVENT_REFUSED, LSVM_SEVERITY_WARNING,
				       router->subject, "%s", action.text);
			break;
		}
	}
}

/* ---- whether it is fit ---- */

static const char *down_link(const struct duty *duty)
{
	for (size_t i = 0; i < duty->links.count; i++)
		if (duty->links.items[i].needed && duty->links.items[i].known &&
		    !duty->links.items[i].up)
			return duty->links.items[i].name;
	return NULL;
}

static const struct router *deaf_router(const struct duty *duty)
{
	for (size_t i = 0; i < duty->now.count; i++)
		if (!duty->now.items[i]->channel)
			return duty->now.items[i];
	return NULL;
}

/* The reason why it is not; NULL: it is. */
static const char *unfit_reason(const struct duty *duty, char *buf, size_t size)
{
	const struct router *deaf = deaf_router(duty);
	const char *link = down_link(duty);

	if (link)
		snprintf(buf, size, "%s is down", link);
	else if (deaf)
		snprintf(buf, size, "adverts cannot be sent and heard on %s",
			 deaf->interface);
	else
		return NULL;
	return buf;
}

/* Looks again at everything that decides whether and how this director takes part. */
static void judge(struct lsvm_agent *agent)
{
	struct duty *duty = agent->duty;
	const uint64_t now = agent_now(agent);
	char text[VRRP_TEXT_BYTES];
	const char *reason;

	if (!duty->ready || agent->life > AGENT_RUNNING)
		return;
	reason = unfit_reason(duty, text, sizeof(text));
	for (size_t i = 0; i < duty->now.count; i++) {
		struct vrrp *vrrp = &duty->now.items[i]->vrrp;

		/* Whoever serves is not disturbed before this director knows who is
		 * alive, and the other's connections. */
		vrrp->config.preempt = agent->aim.cluster->redundancy->preempt &&
				       lsvm_watch_is_settled(agent) &&
				       !lsvm_peer_holds_back(agent);
		lsvm_vrrp_input_ready(vrrp, now, !reason,
				      reason ? reason : "all is well again");
		if (vrrp->state == VRRP_INIT)
			lsvm_vrrp_start(vrrp, now);
	}
	for (size_t i = 0; i < duty->now.count; i++)
		pump(agent, duty->now.items[i]);
}

void lsvm_duty_ready(struct lsvm_agent *agent)
{
	if (!agent->duty)
		return;
	agent->duty->ready = true;
	judge(agent);
}

void lsvm_duty_judge(struct lsvm_agent *agent)
{
	if (agent->duty)
		judge(agent);
}

/* ---- links ---- */

static struct link_state *find_link(struct duty *duty, const char *name)
{
	for (size_t i = 0; i < duty->links.count; i++)
		if (strcmp(duty->links.items[i].name, name) == 0)
			return &duty->links.items[i];
	return NULL;
}

static bool need_link(struct duty *duty, const char *name)
{
	struct link_state *link = find_link(duty, name);

	if (!link) {
		link = vec_push(&duty->links);
		if (!link)
			return false;
		snprintf(link->name, sizeof(link->name), "%s", name);
	}
	link->needed = true;
	return true;
}

/* The cards through which directors hear each other and clients come; those that lead to
 * servers too: a director that reaches none is of no use. */
static bool need_links(struct duty *duty, const struct machine *machine)
{
	bool good = true;

	for (size_t i = 0; i < duty->links.count; i++)
		duty->links.items[i].needed = false;
	for (uint32_t i = 0; i < machine->interfaces.count; i++)
		good &= need_link(duty, machine->interfaces.items[i].name);
	return good;
}

static void take_link(struct lsvm_agent *agent, struct seat *seat,
		      const struct io_event *event)
{
	struct duty *duty = agent->duty;
	struct link_state *link;
	const bool up = event->status > 0;
	bool known;

	if (event->fact != IO_LINK)
		return;
	link = find_link(duty, event->text);
	if (!link || (link->known && link->up == up))
		return;
	known = link->known;
	link->known = true;
	link->up = up;
	if (known || !up)
		lsvm_agent_say(agent, up ? LSVM_EVENT_LINK_UP : LSVM_EVENT_LINK_DOWN,
			       up ? LSVM_SEVERITY_NOTICE : LSVM_SEVERITY_ERROR,
			       link->name, "%s",
			       event->status < 0 ? "is gone"
			       : up		 ? "is up"
						 : "is down");
	/* With a card that went down the kernel has lost routes and addresses of IPv6. */
	if (up && known) {
		lsvm_keep_soon(agent);
		if (duty->reopen_ns != IO_NEVER)
			duty->reopen_ns = agent_now(agent);
	}
	lsvm_watch_cut(agent, down_link(duty) != NULL);
	judge(agent);
}

/* ---- being awake ---- */

/*
 * Where adverts follow each other fast, a backup looks at the clock once in each of the
 * master's intervals, so that it notices when it was away itself: a busy machine must not
 * look like a dead master. With slow adverts no machine is away for long enough.
 */
static bool is_fast(const struct vrrp *vrrp)
{
	return vrrp->state == VRRP_BACKUP && vrrp->master_interval_ns < IO_S;
}

static uint64_t router_deadline(const struct router *router)
{
	const struct vrrp *vrrp = &router->vrrp;
	const uint64_t its = lsvm_vrrp_deadline(vrrp);
	const uint64_t look = router->looked_ns + vrrp->master_interval_ns;

	return is_fast(vrrp) && look < its ? look : its;
}

static void notice_pause(struct router *router, uint64_t now_ns)
{
	const uint64_t interval = router->vrrp.master_interval_ns;
	const uint64_t away = now_ns - router->looked_ns;

	if (is_fast(&router->vrrp) && router->looked_ns && away > 2 * interval)
		lsvm_vrrp_input_pause(&router->vrrp, now_ns, away - interval);
	router->looked_ns = now_ns;
}

/* ---- channels ---- */

static void take_advert(struct lsvm_agent *agent, struct seat *seat,
			const struct io_event *event)
{
	struct router *router = (struct router *)seat; /* its first member */
	struct duty *duty = agent->duty;

	if (event->fact == IO_BYTES) {
		notice_pause(router, agent_now(agent));
		lsvm_vrrp_input_packet(&router->vrrp, agent_now(agent), &event->from,
				       &event->to, event->ttl, event->bytes,
				       event->length);
		pump(agent, router);
	} else if (event->fact == IO_FAILED) {
		char text[EVENT_TEXT_BYTES];

		snprintf(text, sizeof(text), "%s: %s", router->interface,
			 event->text ? event->text : lsvm_io_error_text(event->error));
		agent->io->close(agent->host, router->channel);
		router->channel = NULL;
		lsvm_agent_trouble(agent, &router->channel_trouble, router->subject,
				   text);
		duty->reopen_ns = lsvm_retry_next(&duty->retry, agent_now(agent));
		judge(agent);
	}
}

static void open_router(struct lsvm_agent *agent, struct router *router)
{
	const struct vrrp_config *config = &router->vrrp.config;
	const struct channel_spec spec = {
		.kind = CHANNEL_VRRP,
		.local = config->source,
		.remote = config->unicast ? (struct addr){ .family = config->family }
					  : lsvm_vrrp_group(config->family),
		.interface = router->interface,
		.ttl = VRRP_TTL,
	};

	router->seat.take = take_advert;
	if (agent->io->open(agent->host, &spec, &router->seat, &router->channel) < 0)
		lsvm_agent_trouble(agent, &router->channel_trouble, router->subject,
				   lsvm_ctx_error_text(agent->ctx));
}

static void open_routers(struct lsvm_agent *agent)
{
	struct duty *duty = agent->duty;

	duty->reopen_ns = IO_NEVER;
	for (size_t i = 0; i < duty->now.count; i++) {
		struct router *router = duty->now.items[i];

		if (router->channel)
			continue;
		lsvm_router_find_source(agent, router);
		open_router(agent, router);
	}
	if (deaf_router(duty))
		duty->reopen_ns = lsvm_retry_next(&duty->retry, agent_now(agent));
}

static int open_links(struct lsvm_agent *agent)
{
	struct duty *duty = agent->duty;
	const struct channel_spec spec = { .kind = CHANNEL_LINKS };

	duty->links_seat.take = take_link;
	return agent->io->open(agent->host, &spec, &duty->links_seat,
			       &duty->links_channel);
}

/* ---- the part ---- */

static int duty_start(struct lsvm_agent *agent)
{
	struct duty *duty;
	int err;

	if (agent->role != LSVM_ROLE_DIRECTOR)
		return 0;
	duty = agent->duty = calloc(1, sizeof(*duty));
	if (!duty)
		return lsvm_fail_nomem(agent->ctx);
	duty->reopen_ns = IO_NEVER;
	err = lsvm_routers_make(agent, &agent->aim, &duty->now);
	if (err >= 0 && !need_links(duty, agent->aim.machine))
		err = lsvm_fail_nomem(agent->ctx);
	if (err >= 0)
		err = open_links(agent);
	if (err < 0)
		return err;
	open_routers(agent);
	if (lsvm_keep_is_good(agent))
		lsvm_duty_ready(agent);
	return 0;
}

static int duty_prepare(struct lsvm_agent *agent, const struct aim *next)
{
	return agent->duty ? lsvm_routers_make(agent, next, &agent->duty->next) : 0;
}

static void end_router(struct lsvm_agent *agent, struct router *router)
{
	lsvm_vrrp_stop(&router->vrrp, agent_now(agent));
	pump(agent, router);
	agent->io->close(agent->host, router->channel);
	router->channel = NULL;
}

/* An old one of the kind goes on in the place of the new one. */
static void carry(struct duty *duty, struct router **slot)
{
	for (size_t j = 0; j < duty->now.count; j++) {
		struct router *old = duty->now.items[j];

		if (!old || !lsvm_router_carry(old, *slot))
			continue;
		duty->now.items[j] = NULL;
		lsvm_router_free(*slot);
		*slot = old;
		return;
	}
}

static void duty_reload(struct lsvm_agent *agent, bool good)
{
	struct duty *duty = agent->duty;

	if (!duty)
		return;
	if (!good) {
		lsvm_routers_free(&duty->next);
		return;
	}
	for (size_t i = 0; i < duty->next.count; i++)
		carry(duty, &duty->next.items[i]);
	for (size_t j = 0; j < duty->now.count; j++)
		if (duty->now.items[j])
			end_router(agent, duty->now.items[j]);
	lsvm_routers_free(&duty->now);
	duty->now = duty->next;
	duty->next = (struct routers){ 0 };
	lsvm_routers_will(agent, &duty->now);
	/* A link that cannot be remembered counts as up. */
	(void)need_links(duty, agent->aim.machine);
	open_routers(agent);
	judge(agent);
}

static uint64_t duty_deadline(const struct lsvm_agent *agent)
{
	const struct duty *duty = agent->duty;
	uint64_t deadline;

	if (!duty)
		return IO_NEVER;
	deadline = duty->reopen_ns;
	for (size_t i = 0; i < duty->now.count; i++) {
		uint64_t its = router_deadline(duty->now.items[i]);

		if (its < deadline)
			deadline = its;
		if (duty->now.items[i]->handover_ns < deadline)
			deadline = duty->now.items[i]->handover_ns;
	}
	return deadline;
}

static void duty_tick(struct lsvm_agent *agent, uint64_t now_ns)
{
	struct duty *duty = agent->duty;

	for (size_t i = 0; i < duty->now.count; i++) {
		struct router *router = duty->now.items[i];

		if (router->handover_ns <= now_ns)
			end_handover(agent, router);
		if (router_deadline(router) > now_ns)
			continue;
		notice_pause(router, now_ns);
		lsvm_vrrp_input_tick(&router->vrrp, now_ns);
		pump(agent, router);
	}
	if (duty->reopen_ns <= now_ns) {
		open_routers(agent);
		judge(agent);
	}
}

static void duty_stop(struct lsvm_agent *agent)
{
	struct duty *duty = agent->duty;

	for (size_t i = 0; duty && i < duty->now.count; i++)
		end_router(agent, duty->now.items[i]);
	if (duty)
		duty->reopen_ns = IO_NEVER;
}

static void duty_free(struct lsvm_agent *agent)
{
	struct duty *duty = agent->duty;

	if (!duty)
		return;
	duty_stop(agent);
	lsvm_routers_free(&duty->now);
	lsvm_routers_free(&duty->next);
	agent->io->close(agent->host, duty->links_channel);
	vec_free(&duty->links);
	free(duty);
	agent->duty = NULL;
}

/* ---- status ---- */

static json_t *router_json(const struct router *router, uint64_t now_ns)
{
	const struct vrrp *vrrp = &router->vrrp;
	char master[LSVM_ADDRESS_TEXT_BYTES];

	return json_pack(
		"{s:s, s:s, s:i, s:i, s:s, s:i, s:i, s:i, s:I, s:s?, s:I, s:I, s:I, "
		"s:I, s:b, s:b, s:s}",
		"name", router->subject, "interface", router->interface, "version",
		vrrp->config.version, "family", vrrp->config.family, "state",
		lsvm_vrrp_state_name(vrrp->state), "router_id", vrrp->config.router_id,
		"priority", vrrp->priority, "advert_interval_ms",
		(int)vrrp->config.advert_interval_ms, "for_ms",
		(json_int_t)((now_ns - vrrp->since_ns) / IO_MS), "master",
		vrrp->state == VRRP_BACKUP && vrrp->master.family
			? lsvm_addr_text(&vrrp->master, master)
			: NULL,
		"addresses", (json_int_t)router->addresses.count, "adverts_sent",
		(json_int_t)vrrp->figures.sent, "adverts_heard",
		(json_int_t)vrrp->figures.heard, "takeovers",
		(json_int_t)vrrp->figures.takeovers, "holds_addresses", router->held,
		"fit", vrrp->fit, "cause", vrrp->cause);
}

json_t *lsvm_duty_json(const struct lsvm_agent *agent)
{
	const struct duty *duty = agent->duty;
	json_t *root = json_pack("{s:s, s:[]}", "now",
				 lsvm_duty_name((int)lsvm_duty_now(agent)), "routers");
	json_t *list = json_object_get(root, "routers");

	for (size_t i = 0; root && duty && i < duty->now.count; i++)
		if (json_array_append_new(list, router_json(duty->now.items[i],
							    agent_now(agent))) < 0) {
			json_decref(root);
			return NULL;
		}
	return root;
}

const struct agent_part lsvm_agent_duty_part = {
	.name = "duty",
	.start = duty_start,
	.prepare = duty_prepare,
	.reload = duty_reload,
	.deadline = duty_deadline,
	.tick = duty_tick,
	.stop = duty_stop,
	.free = duty_free,
};
