/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual domains: a name is served from one place. On one VIP every name and alias is
 * there once; a domain may have several VIPs (one of each family, say), but only in one
 * partition, because its content lies on that partition's servers. Short aliases (without
 * a dot) are names for people behind one VIP, and free elsewhere.
 *
 * There may be a hundred thousand domains: one look into a map for each name.
 */
#include "cluster/validate_private.h"

#include <ctype.h>

/* Names of hosts know no case; nearly all are written in lower case and need no copy. */
static const char *folded(struct validation *v, const char *name)
{
	const char *at = name;
	char *copy;

	while (*at && !isupper((unsigned char)*at))
		at++;
	if (!*at)
		return name;
	copy = lsvm_arena_strdup(&v->cluster->arena, name); /* the map borrows it */
	for (char *c = copy; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void put(struct validation *v, struct map *here, const struct domain *domain,
		const char *name, const void *field, uint32_t index)
{
	const struct domain *other;
	void *found = NULL;
	int err;

	name = folded(v, name);
	if (!name)
		return;
	err = lsvm_map_put(here, name, strlen(name), (void *)domain, &found);
	if (err == LSVM_ERR_EXISTS) {
		other = found;
		lsvm_fault_item(
			v, FINDING_DUPLICATE_DOMAIN, &domain->object, field, index,
			(struct mark){ 0 },
			"\"%s\" is a name of domain \"%s\" (line %u) on this VIP already",
			name, or_empty(other->name), other->object.at.line);
		return;
	}
	v->nomem |= err < 0;
	if (!strchr(name, '.') && index != NO_INDEX)
		return;
	err = lsvm_map_put(&v->cluster->domains_by_name, name, strlen(name),
			   (void *)domain, &found);
	other = found;
	if (err == LSVM_ERR_EXISTS &&
	    domain_vip(other)->object.parent != domain->object.parent->parent)
		lsvm_fault_item(v, FINDING_DOMAIN_IN_TWO_PARTITIONS, &domain->object,
				field, index, (struct mark){ 0 },
				"\"%s\" is in partition \"%s\" (line %u) already", name,
				or_empty(vip_partition(domain_vip(other))->name),
				other->object.at.line);
	else if (err < 0 && err != LSVM_ERR_EXISTS)
		v->nomem = true;
}

static void check_content(struct validation *v, const struct domain *domain)
{
	const struct volume *volume = domain->volume.target;

	if (volume && volume->quota_mib && domain->quota_mib > volume->quota_mib)
		lsvm_fault(v, FINDING_QUOTA_ABOVE_VOLUME, &domain->object,
			   &domain->quota_mib,
			   "\"%s\" may take %u MiB, but its volume \"%s\" has %u",
			   or_empty(domain->name), domain->quota_mib,
			   or_empty(volume->name), volume->quota_mib);
}

static void check_vip_domains(struct validation *v, const struct vip *vip)
{
	struct map here = { 0 };
	bool http = false, https = false;

	for (uint32_t s = 0; s < vip->services.count; s++) {
		http |= vip->services.items[s].application == LSVM_APPLICATION_HTTP;
		https |= vip->services.items[s].application == LSVM_APPLICATION_HTTPS;
	}
	for (uint32_t d = 0; d < vip->domains.count; d++) {
		const struct domain *domain = &vip->domains.items[d];

		if (domain->name && *domain->name)
			put(v, &here, domain, domain->name, &domain->name, NO_INDEX);
		for (uint32_t a = 0; a < domain->aliases.count; a++)
			if (domain->aliases.items[a])
				put(v, &here, domain, domain->aliases.items[a],
				    &domain->aliases, a);
		check_content(v, domain);
		if (domain->tls && !https)
			lsvm_fault(v, FINDING_TLS_WITHOUT_HTTPS, &domain->object,
				   &domain->tls,
				   "\"%s\" has a certificate, but its VIP has no https "
				   "service",
				   or_empty(domain->name));
		if (!http && !(https && domain->tls) && vip->services.count)
			lsvm_fault(v, FINDING_DOMAIN_WITHOUT_WEB, &domain->object, NULL,
				   "nothing on VIP \"%s\" serves the pages of \"%s\"",
				   or_empty(vip->name), or_empty(domain->name));
	}
	lsvm_map_free(&here);
}

void lsvm_validate_domains(struct validation *v)
{
	for (uint32_t p = 0; p < v->cluster->partitions.count; p++)
		for (uint32_t i = 0; i < v->cluster->partitions.items[p].vips.count; i++)
			check_vip_domains(v,
					  &v->cluster->partitions.items[p].vips.items[i]);
}
