/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps and plans as text for people: one thing on a line. */
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>

static void link_text(const struct link *link, struct buf *buf)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_text(buf, link->name);
	if (link->kind > LINK_PRESENT)
		lsvm_buf_printf(buf, " %s", lsvm_link_kind_name(link->kind));
	if (link->local.family)
		lsvm_buf_printf(buf, " local %s", lsvm_addr_text(&link->local, text));
	if (link->port)
		lsvm_buf_printf(buf, " port %u", link->port);
	if (link->checksum)
		lsvm_buf_text(buf, " checksum");
	if (link->mtu)
		lsvm_buf_printf(buf, " mtu %" PRIu32, link->mtu);
}

static void address_text(const struct address *address, const char *between,
			 struct buf *buf)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_printf(buf, "%s %s %s", lsvm_prefix_text(&address->prefix, text),
			between, address->interface);
}

static void route_text(const struct route *route, struct buf *buf)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];

	if (route->destination.length)
		lsvm_buf_text(buf, lsvm_prefix_text(&route->destination, text));
	else
		lsvm_buf_text(buf, route->destination.addr.family == 4 ? "default"
								       : "default IPv6");
	if (route->via.family)
		lsvm_buf_printf(buf, " via %s", lsvm_addr_text(&route->via, text));
	lsvm_buf_printf(buf, " on %s", route->interface);
}

void lsvm_step_text(const struct step *step, struct buf *buf)
{
	switch (step->kind) {
	case STEP_UNKNOWN:
		break;
	case STEP_SYSCTL_SET:
		lsvm_buf_printf(buf, "set %s = %s", step->sysctl->name,
				step->sysctl->value);
		break;
	case STEP_LINK_ADD:
		lsvm_buf_text(buf, "add link ");
		link_text(step->link, buf);
		break;
	case STEP_LINK_CHANGE:
		lsvm_buf_text(buf, "bring up link ");
		link_text(step->link, buf);
		break;
	case STEP_LINK_DELETE:
		lsvm_buf_printf(buf, "remove link %s", step->link->name);
		break;
	case STEP_ADDRESS_ADD:
		lsvm_buf_text(buf, "add address ");
		address_text(step->address, "to", buf);
		break;
	case STEP_ADDRESS_DELETE:
		lsvm_buf_text(buf, "remove address ");
		address_text(step->address, "from", buf);
		break;
	case STEP_ROUTE_SET:
		lsvm_buf_text(buf, "set route ");
		route_text(step->route, buf);
		break;
	case STEP_ROUTE_DELETE:
		lsvm_buf_text(buf, "remove route ");
		route_text(step->route, buf);
		break;
	case STEP_IPVS:
		lsvm_ipvs_change_text(&step->ipvs, buf);
		break;
	case STEP_FILE_WRITE:
		lsvm_buf_printf(buf, "write file %s (%zu bytes)", step->file->path,
				step->file->length);
		break;
	case STEP_FILE_DELETE:
		lsvm_buf_printf(buf, "remove file %s", step->file->path);
		break;
	case STEP_UNIT_START:
		lsvm_buf_printf(buf, "start %s", step->unit->name);
		break;
	case STEP_UNIT_RELOAD:
		lsvm_buf_printf(buf, "reload %s", step->unit->name);
		break;
	case STEP_UNIT_STOP:
		lsvm_buf_printf(buf, "stop %s", step->unit->name);
		break;
	}
}

/* ---- a plan ---- */

static void destination_text(const struct ipvs_destination *destination, struct buf *buf)
{
	static const char *const tunnels[] = { "ipip", "gue", "gre" };
	char text[LSVM_ADDRESS_TEXT_BYTES];

	lsvm_buf_printf(buf, "      to %s %s",
			lsvm_endpoint_text(&destination->addr, destination->port, text),
			lsvm_forwarding_name(destination->forwarding + 1));
	if (destination->forwarding + 1 == LSVM_FORWARDING_TUNNEL &&
	    destination->tunnel_type < ARRAY_SIZE(tunnels))
		lsvm_buf_printf(buf, " %s", tunnels[destination->tunnel_type]);
	if (destination->tunnel_port)
		lsvm_buf_printf(buf, " port %u", destination->tunnel_port);
	lsvm_buf_printf(buf, " weight %" PRIu32, destination->weight);
	if (destination->upper_threshold)
		lsvm_buf_printf(buf, " upper %" PRIu32 " lower %" PRIu32,
				destination->upper_threshold,
				destination->lower_threshold);
	lsvm_buf_text(buf, "\n");
}

static void service_text(const struct ipvs_service *service, struct buf *buf)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	lsvm_buf_printf(buf, "  service %s %s", lsvm_ipvs_key_text(&service->key, text),
			service->scheduler);
	if (service->timeout_s)
		lsvm_buf_printf(buf, " persistent %" PRIu32 " s", service->timeout_s);
	if (service->engine[0])
		lsvm_buf_printf(buf, " engine %s", service->engine);
	lsvm_buf_text(buf, "\n");
	for (size_t i = 0; i < service->destinations.count; i++)
		destination_text(&service->destinations.items[i], buf);
}

static void daemon_text(const struct ipvs_daemon *daemon, const char *what,
			struct buf *buf)
{
	if (daemon->present)
		lsvm_buf_printf(buf, "  %s connections on %s, sync id %" PRIu32 "\n",
				what, daemon->interface, daemon->sync_id);
}

static void table_text(const struct lsvm_ipvs_table *table, struct buf *buf)
{
	const struct ipvs_timeouts *timeouts = &table->timeouts;

	for (size_t i = 0; i < table->services.count; i++)
		service_text(&table->services.items[i], buf);
	if (timeouts->tcp_s || timeouts->tcp_fin_s || timeouts->udp_s)
		lsvm_buf_printf(buf,
				"  timeouts tcp %" PRIu32 " s, tcp fin %" PRIu32
				" s, udp %" PRIu32 " s (0: as they are)\n",
				timeouts->tcp_s, timeouts->tcp_fin_s, timeouts->udp_s);
	daemon_text(&table->master, "sends", buf);
	daemon_text(&table->backup, "receives", buf);
}

static void state_text(const struct state *state, struct buf *buf)
{
	if (state->ipvs)
		table_text(state->ipvs, buf);
	for (size_t i = 0; i < state->links.count; i++) {
		lsvm_buf_text(buf, "  link ");
		link_text(&state->links.items[i], buf);
		lsvm_buf_text(buf, "\n");
	}
	for (size_t i = 0; i < state->sysctls.count; i++)
		lsvm_buf_printf(buf, "  sysctl %s = %s\n", state->sysctls.items[i].name,
				state->sysctls.items[i].value);
	for (size_t i = 0; i < state->addresses.count; i++) {
		lsvm_buf_text(buf, "  address ");
		address_text(&state->addresses.items[i], "on", buf);
		lsvm_buf_text(buf, "\n");
	}
	for (size_t i = 0; i < state->routes.count; i++) {
		lsvm_buf_text(buf, "  route ");
		route_text(&state->routes.items[i], buf);
		lsvm_buf_text(buf, "\n");
	}
	for (size_t i = 0; i < state->files.count; i++)
		lsvm_buf_printf(buf, "  file %s mode %04" PRIo32 " (%zu bytes)\n",
				state->files.items[i].path, state->files.items[i].mode,
				state->files.items[i].length);
	for (size_t i = 0; i < state->units.count; i++)
		lsvm_buf_printf(buf, "  %s %s\n",
				state->units.items[i].pid_file ? "runs" : "runs once",
				state->units.items[i].name);
}

int lsvm_plan_to_text(const struct lsvm_plan *plan, char **ret)
{
	struct buf buf = { 0 };
	char *text;

	lsvm_buf_printf(&buf, "%s (%s", plan->machine, lsvm_role_name((int)plan->role));
	if (plan->duty)
		lsvm_buf_printf(&buf, ", %s", lsvm_duty_name((int)plan->duty));
	lsvm_buf_text(&buf, ")\n");
	if (plan->promise)
		lsvm_buf_printf(&buf, "  connections %s\n", plan->promise);
	state_text(plan->wanted, &buf);
	text = lsvm_buf_take(&buf);
	if (!text)
		return lsvm_fail_nomem(plan->ctx);
	*ret = text;
	return 0;
}
