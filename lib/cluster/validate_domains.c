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

#define AHEAD 16

struct name {
	const char *text; /* in lower case: names of hosts know no case */
	size_t length;
	bool has_dot;
};

/* Nearly all names are written in lower case and need no copy. */
static bool read_name(struct validation *v, const char *text, struct name *ret)
{
	const char *at = text;
	bool folded = true;
	char *copy;

	ret->text = text;
	ret->has_dot = false;
	for (; *at; at++) {
		ret->has_dot |= *at == '.';
		folded &= *at < 'A' || *at > 'Z';
	}
	ret->length = (size_t)(at - text);
	if (folded)
		return ret->length > 0;
	copy = lsvm_arena_strdup(&v->cluster->arena, text); /* the map borrows it */
	for (char *c = copy; c && *c; c++)
		*c = lsvm_ascii_lower(*c);
	ret->text = copy;
	return copy != NULL;
}

static const struct domain *enter(struct validation *v, struct map *map,
				  const struct name *name, const struct domain *domain)
{
	void *found = NULL;

	lsvm_entered(v, map, name->text, name->length, (void *)domain, &found);
	return found;
}

/*
 * Names with a dot, and names of domains, are in one map for all. Only where that does
 * not tell (a short alias, a domain that has several VIPs) the VIP's own map is asked.
 */
static void put(struct validation *v, struct map *here, const struct domain *domain,
		const char *text, const void *field, uint32_t index)
{
	bool domains_own = index == NO_INDEX;
	const struct domain *other = NULL;
	struct map *all = &v->cluster->domains_by_name;
	struct name name;

	if (!read_name(v, text, &name))
		return;
	if (name.has_dot || domains_own)
		other = enter(v, all, &name, domain);
	else
		other = lsvm_map_get(all, name.text, name.length);
	if (other && domain_vip(other) != domain_vip(domain)) {
		if ((name.has_dot || domains_own) &&
		    domain_vip(other)->object.parent !=
			    domain_vip(domain)->object.parent) {
			lsvm_fault_item(v, FINDING_DOMAIN_IN_TWO_PARTITIONS,
					&domain->object, field, index, (struct mark){ 0 },
					"\"%s\" is in partition \"%s\" (%s) already",
					name.text,
					or_empty(vip_partition(domain_vip(other))->name),
					lsvm_place(v, &other->object));
			return;
		}
		other = enter(v, here, &name, domain);
	} else if (!other && !name.has_dot) {
		other = enter(v, here, &name, domain);
	}
	if (other)
		lsvm_fault_item(
			v, FINDING_DUPLICATE_DOMAIN, &domain->object, field, index,
			(struct mark){ 0 },
			"\"%s\" is a name of domain \"%s\" (%s) on this VIP already",
			name.text, or_empty(other->name), lsvm_place(v, &other->object));
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

static bool has_dollar(const char *path)
{
	return path && strchr(path, '$');
}

/* nginx has no way to write a dollar. A content root is told about once for the VIP. */
static void check_paths(struct validation *v, const struct domain *domain,
			bool *told_inherited)
{
	bool own = lsvm_was_written(&domain->object, &domain->home);
	const struct tls *tls = domain->tls;
	const char *name = or_empty(domain->name);

	if (has_dollar(domain->home) && (own || !*told_inherited)) {
		lsvm_fault(v, FINDING_DOLLAR_IN_PATH, &domain->object, &domain->home,
			   "\"%s\" has its pages in %.200s, which nginx cannot be told",
			   name, domain->home);
		*told_inherited |= !own;
	}
	if (tls && has_dollar(tls->certificate))
		lsvm_fault(
			v, FINDING_DOLLAR_IN_PATH, &tls->object, &tls->certificate,
			"\"%s\" has the certificate %.200s, which nginx cannot be told",
			name, tls->certificate);
	if (tls && has_dollar(tls->key))
		lsvm_fault(v, FINDING_DOLLAR_IN_PATH, &tls->object, &tls->key,
			   "\"%s\" has the key %.200s, which nginx cannot be told", name,
			   tls->key);
}

/* The map of all names is larger than the caches: waiting for its memory was most of the
 * work. */
static void look_ahead(const struct validation *v, const struct vip *vip, uint32_t from)
{
	for (uint32_t d = from; d < vip->domains.count && d < from + AHEAD; d++) {
		const char *name = vip->domains.items[d].name;

		lsvm_map_expect(&v->cluster->domains_by_name, name, strlen(name));
	}
}

static void check_vip_domains(struct validation *v, const struct vip *vip)
{
	struct map here = { 0 };
	bool http = false, https = false, told_root = false;

	for (uint32_t s = 0; s < vip->services.count; s++) {
		http |= vip->services.items[s].application == LSVM_APPLICATION_HTTP;
		https |= vip->services.items[s].application == LSVM_APPLICATION_HTTPS;
	}
	for (uint32_t d = 0; d < vip->domains.count; d++) {
		const struct domain *domain = &vip->domains.items[d];

		if (d % AHEAD == 0)
			look_ahead(v, vip, d);
		if (domain->name)
			put(v, &here, domain, domain->name, &domain->name, NO_INDEX);
		for (uint32_t a = 0; a < domain->aliases.count; a++)
			if (domain->aliases.items[a])
				put(v, &here, domain, domain->aliases.items[a],
				    &domain->aliases, a);
		check_content(v, domain);
		check_paths(v, domain, &told_root);
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

static size_t count_names(const struct lsvm_cluster *cluster)
{
	size_t count = 0;

	for (uint32_t p = 0; p < cluster->partitions.count; p++)
		for (uint32_t i = 0; i < cluster->partitions.items[p].vips.count; i++)
			count += cluster->partitions.items[p].vips.items[i].domains.count;
	return count;
}

void lsvm_validate_domains(struct validation *v)
{
	if (lsvm_map_reserve(&v->cluster->domains_by_name, count_names(v->cluster)) < 0)
		v->nomem = true;
	for (uint32_t p = 0; p < v->cluster->partitions.count; p++)
		for (uint32_t i = 0; i < v->cluster->partitions.items[p].vips.count; i++)
			check_vip_domains(v,
					  &v->cluster->partitions.items[p].vips.items[i]);
}
