/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defaults that depend on other fields, filled into the frozen cluster so that nobody
 * else has to know them. A filled field is not `written`, and so never goes out again.
 */
#include "cluster/schema.h"

#include <stdio.h>

struct filler {
	struct lsvm_cluster *cluster;
	struct tree texts;	/* packs many short texts into the cluster's arena */
	const char *web_master; /* the last one made */
	const char *root, *root_slash; /* the last one, and with a slash at its end */
};

/* Two texts as one; for the many, without printf. */
static const char *join(struct filler *f, const char *a, size_t a_length, const char *b,
			size_t b_length)
{
	char *made = lsvm_tree_room(&f->texts, a_length + b_length);

	if (!made)
		return "";
	memcpy(made, a, a_length);
	memcpy(made + a_length, b, b_length);
	made[a_length + b_length] = '\0';
	return made;
}

static const char *LSVM_PRINTF(2, 3) text(struct filler *f, const char *fmt, ...)
{
	char buf[5120];
	const char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	copy = lsvm_tree_text(&f->texts, buf, strlen(buf));
	return copy ? copy : "";
}

static void fill_machine(struct filler *f, struct machine *machine, enum lsvm_role role)
{
	machine->role = role;
	for (uint32_t i = 0; i < machine->interfaces.count; i++) {
		struct interface *interface = &machine->interfaces.items[i];

		if (!interface->name)
			interface->name = text(f, "eth%u", i);
	}
}

static void fill_machines(struct filler *f)
{
	struct lsvm_cluster *c = f->cluster;

	if (c->ems)
		fill_machine(f, c->ems, LSVM_ROLE_EMS);
	for (uint32_t i = 0; i < c->routers.count; i++)
		fill_machine(f, &c->routers.items[i], LSVM_ROLE_ROUTER);
	for (uint32_t i = 0; i < c->directors.count; i++) {
		struct machine *director = &c->directors.items[i];

		fill_machine(f, director, LSVM_ROLE_DIRECTOR);
		if (!director->priority)
			director->priority = i < 10 ? 100 - 10 * i : 1;
	}
	for (uint32_t i = 0; i < c->servers.count; i++)
		fill_machine(f, &c->servers.items[i], LSVM_ROLE_SERVER);
	for (uint32_t i = 0; i < c->backends.count; i++)
		fill_machine(f, &c->backends.items[i], LSVM_ROLE_BACKEND);
}

static enum lsvm_application application_of(uint16_t port)
{
	switch (port) {
	case 80:
	case 8080:
		return LSVM_APPLICATION_HTTP;
	case 443:
	case 8443:
		return LSVM_APPLICATION_HTTPS;
	case 53:
		return LSVM_APPLICATION_DNS;
	case 25:
		return LSVM_APPLICATION_SMTP;
	case 389:
		return LSVM_APPLICATION_LDAP;
	case 5432:
		return LSVM_APPLICATION_POSTGRESQL;
	case 3306:
		return LSVM_APPLICATION_MYSQL;
	case 6379:
		return LSVM_APPLICATION_REDIS;
	case 21:
		return LSVM_APPLICATION_FTP;
	case 5060:
		return LSVM_APPLICATION_SIP;
	}
	return LSVM_APPLICATION_OTHER;
}

static void fill_service(struct filler *f, struct service *service, uint32_t *used_names)
{
	uint16_t port = service->ports.count ? service->ports.items[0].first : 0;
	uint32_t bit;

	if (!service->application)
		service->application = application_of(port);
	bit = 1u << service->application;
	if (service->name)
		return;
	if (service->application != LSVM_APPLICATION_OTHER && !(*used_names & bit))
		service->name = lsvm_application_name(service->application);
	else if (port)
		service->name =
			text(f, "%s-%u", lsvm_protocol_name(service->protocol), port);
	else
		service->name = text(f, "mark-%u", service->fwmark);
	*used_names |= bit;
}

static void add_http(struct filler *f, struct vip *vip)
{
	const struct field *field = lsvm_type_field(vip->object.type, NULL, "services");
	struct arena *arena = &f->cluster->arena;
	struct service *service = lsvm_arena_alloc(arena, sizeof(*service));
	struct port_range *port = lsvm_arena_alloc(arena, sizeof(*port));

	if (!service || !port)
		return;
	lsvm_object_init(service, field->type, &vip->object, 0, vip->object.at);
	*port = (struct port_range){ 80, 80 };
	service->ports.items = port;
	service->ports.count = 1;
	vip->services.items = service;
	vip->services.count = 1;
}

/* What all domains of a VIP have in common. */
struct domain_defaults {
	const char *root; /* with a slash at its end */
	size_t root_length;
	const char *web_master; /* NULL: by the name */
	uint32_t quota_mib;
};

/* "web-" and the first label; one text for all domains in a row that begin alike. */
static const char *web_master_of(struct filler *f, const char *domain)
{
	size_t length = strcspn(domain, ".");

	if (f->texts.texts->failed)
		return ""; /* and so may the last one be */
	if (!f->web_master || strncmp(f->web_master + 4, domain, length) != 0 ||
	    f->web_master[4 + length])
		f->web_master = join(f, "web-", 4, domain, length);
	return f->web_master;
}

/* Of the bytes of a host name only capitals have bit 6 and not bit 5: eight at a time. */
static bool has_capitals(const char *name, size_t length)
{
	uint64_t word, found = 0;

	for (; length >= sizeof(word); name += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		found |= word & ~(word << 1);
	}
	word = 0;
	memcpy(&word, name, length);
	return (found | (word & ~(word << 1))) & 0x4040404040404040u;
}

static void count_name(struct vip *vip, size_t length)
{
	vip->names.count++;
	if (length > vip->names.longest)
		vip->names.longest = (uint32_t)length;
}

static void fill_domain(struct filler *f, struct domain *domain, struct vip *vip,
			const struct domain_defaults *common)
{
	size_t length = strlen(domain->name);

	count_name(vip, length);
	for (uint32_t i = 0; i < domain->aliases.count; i++)
		if (domain->aliases.items[i])
			count_name(vip, strlen(domain->aliases.items[i]));
	if (!domain->home) {
		domain->home =
			join(f, common->root, common->root_length, domain->name, length);
		domain->ordinary = !domain->aliases.count && !domain->tls &&
				   !has_capitals(domain->name, length);
	}
	if (domain->ordinary) {
		vip->names.ordinary_count++;
		vip->names.ordinary_length += length + 1;
	}
	if (!domain->web_master)
		domain->web_master = common->web_master ? common->web_master
							: web_master_of(f, domain->name);
	if (common->quota_mib && !lsvm_object_has(&domain->object, "quota_mib"))
		domain->quota_mib = common->quota_mib;
	if (domain->tls && !domain->tls->certificate)
		domain->tls->certificate = text(f, "/etc/svm/tls/%s.crt", domain->name);
	if (domain->tls && !domain->tls->key)
		domain->tls->key = text(f, "/etc/svm/tls/%s.key", domain->name);
}

static void join_names(struct filler *f, struct vip *vip)
{
	char *at = lsvm_tree_room(&f->texts, vip->names.ordinary_length);

	if (!at)
		return;
	vip->names.ordinary = at;
	for (uint32_t i = 0; i < vip->domains.count; i++) {
		const struct domain *domain = &vip->domains.items[i];

		if (!domain->ordinary)
			continue;
		*at++ = ' ';
		at = stpcpy(at, domain->name);
	}
	*at = '\0';
}

/* The nearest level that sets it, of VIP, partition and the cluster's defaults. */
static const struct settings *level_of(const struct vip *vip, enum setting_id id)
{
	const struct partition *partition = vip_partition(vip);
	const struct lsvm_cluster *cluster =
		(const struct lsvm_cluster *)partition->object.parent;
	const struct settings *levels[] = { &vip->settings, &partition->settings };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (levels[i]->set >> id & 1)
			return levels[i];
	return &cluster->defaults;
}

static void fill_domains(struct filler *f, struct vip *vip)
{
	const char *root = level_of(vip, SETTING_CONTENT_ROOT)->content_root;
	struct domain_defaults common = {
		.web_master = level_of(vip, SETTING_WEB_MASTER)->web_master,
		.quota_mib = level_of(vip, SETTING_QUOTA)->quota_mib,
	};

	if (!root)
		root = f->cluster->content->root;
	if (root != f->root) {
		f->root = root;
		f->root_slash = join(f, root, strlen(root), "/", root[1] ? 1 : 0);
	}
	common.root = f->root_slash;
	common.root_length = strlen(f->root_slash);
	for (uint32_t i = 0; i < vip->domains.count; i++)
		fill_domain(f, &vip->domains.items[i], vip, &common);
	if (vip->names.ordinary_count)
		join_names(f, vip);
}

static void fill_vip(struct filler *f, struct vip *vip)
{
	char address[LSVM_ADDRESS_TEXT_BYTES];
	uint32_t used_names = 0;

	if (!vip->name) {
		lsvm_addr_text(&vip->address, address);
		vip->name = join(f, address, strlen(address), "", 0);
	}
	if (vip->domains.count && !lsvm_object_has(&vip->object, "services"))
		add_http(f, vip);
	for (uint32_t i = 0; i < vip->services.count; i++)
		fill_service(f, &vip->services.items[i], &used_names);
	if (vip->domains.count)
		fill_domains(f, vip);
}

/* ---- checks ---- */

#define CHECK_TIMEOUT_MS 1000

/* Without it a quick check would not be quick when servers are silent. */
static void fill_checks(struct check *checks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!checks[i].timeout_ms)
			checks[i].timeout_ms = checks[i].interval_ms < CHECK_TIMEOUT_MS
						       ? checks[i].interval_ms
						       : CHECK_TIMEOUT_MS;
}

static void fill_all_checks(struct lsvm_cluster *c)
{
	fill_checks(c->defaults.checks.items, c->defaults.checks.count);
	for (uint32_t i = 0; i < c->backend_services.count; i++)
		fill_checks(c->backend_services.items[i].checks.items,
			    c->backend_services.items[i].checks.count);
	for (uint32_t p = 0; p < c->partitions.count; p++) {
		struct partition *partition = &c->partitions.items[p];

		fill_checks(partition->settings.checks.items,
			    partition->settings.checks.count);
		for (uint32_t v = 0; v < partition->vips.count; v++) {
			struct vip *vip = &partition->vips.items[v];

			fill_checks(vip->settings.checks.items,
				    vip->settings.checks.count);
			for (uint32_t s = 0; s < vip->services.count; s++)
				fill_checks(vip->services.items[s].settings.checks.items,
					    vip->services.items[s].settings.checks.count);
		}
	}
}

/* ---- everything ---- */

static void *fill_object(struct filler *f, const char *name)
{
	const struct field *field = lsvm_type_field(&lsvm_type_cluster, NULL, name);
	void *object = field_object(f->cluster, field);

	if (object)
		return object;
	object = lsvm_arena_alloc(&f->cluster->arena, field->type->size);
	if (!object)
		return NULL;
	lsvm_object_init(object, field->type, &f->cluster->object, 0,
			 f->cluster->object.at);
	memcpy(field_at(f->cluster, field), &object, sizeof(object));
	return object;
}

void lsvm_cluster_fill_defaults(struct lsvm_cluster *cluster)
{
	struct filler f = { .cluster = cluster, .texts = { .texts = &cluster->arena } };

	if (!fill_object(&f, "redundancy") || !fill_object(&f, "ipvs") ||
	    !fill_object(&f, "content"))
		return;
	if (!cluster->redundancy->kind)
		cluster->redundancy->kind = cluster->directors.count > 1
						    ? LSVM_REDUNDANCY_VRRP
						    : LSVM_REDUNDANCY_NONE;
	if (!cluster->content->root)
		cluster->content->root =
			cluster->content->kind == LSVM_CONTENT_CODA &&
					cluster->content->realm
				? text(&f, "/coda/%s", cluster->content->realm)
				: "/srv/svm";
	fill_machines(&f);
	for (uint32_t i = 0; i < cluster->backend_services.count; i++) {
		struct backend_service *service = &cluster->backend_services.items[i];

		if (!service->application)
			service->application = application_of(service->port);
	}
	for (uint32_t p = 0; p < cluster->partitions.count; p++)
		for (uint32_t v = 0; v < cluster->partitions.items[p].vips.count; v++)
			fill_vip(&f, &cluster->partitions.items[p].vips.items[v]);
	fill_all_checks(cluster);
}
