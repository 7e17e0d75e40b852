/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keepalived's VRRP instances as the redundancy of the directors. A cluster has one group
 * of virtual addresses, held by one director at a time: the first instance gives it its
 * numbers, the addresses of the others join it, and the report says so.
 */
#include "import/import.h"

static bool option_ms(struct statement *block, const char *word, uint32_t min,
		      uint32_t max, uint32_t *ret)
{
	struct statement *s = lsvm_import_seek(block, word);

	if (s && !lsvm_import_milliseconds(lsvm_import_word(s, 1), min, max, ret))
		s->used = false;
	return s && s->used;
}

static bool option_number(struct statement *block, const char *word, uint32_t max,
			  uint32_t *ret)
{
	struct statement *s = lsvm_import_seek(block, word);

	if (s && !lsvm_import_number(lsvm_import_word(s, 1), max, ret))
		s->used = false;
	return s && s->used;
}

/* "192.0.2.1/24 dev eth0 label …" */
static void read_address(struct source *source, struct statement *s,
			 const char *interface)
{
	struct import_floating *floating, made = { .at = s, .interface = interface };
	bool more = false;

	s->used = true;
	if (!lsvm_prefix_parse(lsvm_import_word(s, 0), &made.prefix)) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, s,
				"an address belongs here, as 192.0.2.1/24");
		return;
	}
	for (uint32_t n = 1; n < s->count; n++) {
		if (strcmp(s->words[n], "dev") == 0 && n + 1 < s->count)
			made.interface = s->words[++n];
		else
			more = true;
	}
	if (more)
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, s,
				"of this line the address and the interface are kept");
	floating = vec_push(&source->floating);
	if (floating)
		*floating = made;
	else
		source->import->failed = true;
}

static void read_addresses(struct source *source, struct statement *instance)
{
	struct statement *interface = lsvm_import_seek(instance, "interface");

	for (struct statement *s = instance->first; s; s = s->next) {
		if (!lsvm_import_is(s, "virtual_ipaddress") &&
		    !lsvm_import_is(s, "virtual_ipaddress_excluded"))
			continue;
		s->used = true;
		for (struct statement *a = s->first; a; a = a->next)
			read_address(source, a,
				     interface ? lsvm_import_word(interface, 1) : NULL);
	}
}

static void read_peers(struct source *source, struct statement *instance)
{
	struct import_house *house = &source->house;
	struct statement *own = lsvm_import_seek(instance, "unicast_src_ip");
	struct statement *peers = lsvm_import_seek(instance, "unicast_peer");

	if (!own)
		own = lsvm_import_seek(instance, "mcast_src_ip");
	if (own && !lsvm_addr_parse(lsvm_import_word(own, 1), &house->own))
		own->used = false;
	if (!peers)
		return;
	house->unicast = true;
	for (struct statement *s = peers->first; s; s = s->next) {
		struct addr addr, *peer;

		if (!lsvm_addr_parse(lsvm_import_word(s, 0), &addr) ||
		    house->peers.count == 64)
			continue;
		s->used = true;
		peer = vec_push(&house->peers);
		if (peer)
			*peer = addr;
		else
			source->import->failed = true;
	}
}

/* ---- what keepalived would have made of it ---- */

static void instance_traps(struct source *source, struct statement *instance)
{
	const struct statement *state = lsvm_import_seek(instance, "state");
	struct statement *nopreempt = lsvm_import_seek(instance, "nopreempt");
	const struct statement *authentication = NULL, *password = NULL;

	if (nopreempt && state && strcasecmp(lsvm_import_word(state, 1), "MASTER") == 0)
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_DANGER, nopreempt,
				"keepalived ignores nopreempt beside state MASTER: this "
				"director would have taken the addresses back");
	for (struct statement *s = instance->first; s; s = s->next)
		if (lsvm_import_is(s, "authentication"))
			authentication = s;
	for (struct statement *s = authentication ? authentication->first : NULL; s;
	     s = s->next)
		if (lsvm_import_is(s, "auth_pass"))
			password = s;
	if (!authentication)
		return;
	lsvm_import_say(
		source, LSVM_IMPORT_NOTE_KIND_DANGER, authentication,
		"a password of VRRP goes over the wire in clear%s, and no version "
		"since RFC 3768 has it: it keeps nobody out",
		password && strlen(lsvm_import_word(password, 1)) > 8
			? " and is cut to 8 characters"
			: "");
}

/* Two instances with one number on one interface take each other's adverts. */
static void same_router_id(struct source *source, struct map *seen,
			   struct statement *instance)
{
	const struct statement *interface = lsvm_import_seek(instance, "interface");
	const struct statement *id = lsvm_import_seek(instance, "virtual_router_id");
	char *key;
	void *old = NULL;
	int err;

	if (!interface || !id)
		return;
	key = lsvm_arena_printf(&source->arena, "%.40s %.10s",
				lsvm_import_word(interface, 1), lsvm_import_word(id, 1));
	if (!key)
		return;
	err = lsvm_map_put(seen, key, strlen(key), instance, &old);
	if (err == LSVM_ERR_EXISTS)
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_DANGER, instance,
				"its virtual_router_id and interface are those of the "
				"instance in line %u: the two would have taken each "
				"other's adverts",
				((const struct statement *)old)->line);
	else if (err < 0)
		source->import->failed = true;
}

/* ---- instances ---- */

static void first_instance(struct source *source, struct statement *instance,
			   struct statement *globals)
{
	struct import_house *house = &source->house;
	const struct statement *state = lsvm_import_seek(instance, "state");

	house->at = instance;
	house->redundant = true;
	house->advert_ms = 1000;
	house->priority = 100;
	house->is_backup = state && strcasecmp(lsvm_import_word(state, 1), "BACKUP") == 0;
	if (globals)
		option_number(globals, "vrrp_version", 3, &house->version);
	option_number(instance, "version", 3, &house->version);
	if (!house->version)
		lsvm_import_say(
			source, LSVM_IMPORT_NOTE_KIND_CHANGED, instance,
			"keepalived speaks version 2 of VRRP unless it is told "
			"otherwise, the cluster's directors version 3: change all "
			"of them at once");
	option_number(instance, "virtual_router_id", 255, &house->router_id);
	option_number(instance, "priority", 255, &house->priority);
	option_ms(instance, "advert_int", 10, 40950, &house->advert_ms);
	option_ms(instance, "preempt_delay", 0, 3600000, &house->preempt_delay_ms);
	house->no_preempt = lsvm_import_seek(instance, "nopreempt");
	read_peers(source, instance);
}

static void further_instance(struct source *source, struct statement *instance,
			     const struct statement *first)
{
	static const char *const words[] = { "state",	      "virtual_router_id",
					     "priority",      "advert_int",
					     "version",	      "nopreempt",
					     "preempt_delay", "unicast_src_ip",
					     "mcast_src_ip",  "unicast_peer" };
	const struct statement *state = lsvm_import_seek(instance, "state");
	const struct statement *other = lsvm_import_seek(first, "state");
	bool against = strcasecmp(state ? lsvm_import_word(state, 1) : "BACKUP",
				  other ? lsvm_import_word(other, 1) : "BACKUP") != 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct statement *s = lsvm_import_seek(instance, words[i]);

		if (s)
			lsvm_import_use_all(s);
	}
	lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_CHANGED, instance,
			"a cluster has one group of virtual addresses: those of %.60s "
			"move together with those of %.60s%s",
			lsvm_import_word(instance, 1), lsvm_import_word(first, 1),
			against ? ", to the same director, which here would have been "
				  "another"
				: "");
}

/* "eth0 VI_1 id 7 maxlen 1400 port 8848 ttl 1 group 224.0.0.81" */
static void read_sync(struct source *source, struct statement *s, bool old_style)
{
	struct import_house *house = &source->house;

	house->sync = true;
	if (old_style)
		return;
	for (uint32_t n = 2; n + 1 < s->count; n++) {
		const char *word = s->words[n], *value = s->words[n + 1];

		if (strcmp(word, "id") == 0)
			lsvm_import_number(value, 255, &house->sync_id);
		else if (strcmp(word, "maxlen") == 0)
			lsvm_import_number(value, 65535, &house->sync_maxlen);
		else if (strcmp(word, "port") == 0)
			lsvm_import_number(value, 65535, &house->sync_port);
		else if (strcmp(word, "ttl") == 0)
			lsvm_import_number(value, 255, &house->sync_ttl);
		else if (strcmp(word, "group") == 0)
			lsvm_addr_parse(value, &house->sync_group);
	}
}

static void read_groups(struct statement *root)
{
	for (struct statement *s = root->first; s; s = s->next) {
		struct statement *members;

		if (!lsvm_import_is(s, "vrrp_sync_group"))
			continue;
		s->used = true;
		members = lsvm_import_seek(s, "group");
		if (members)
			lsvm_import_use_all(members);
	}
}

void lsvm_keepalived_vrrp(struct source *source, struct statement *root)
{
	struct statement *globals = NULL, *first = NULL, *sync;
	struct map seen = { 0 };

	for (struct statement *s = root->first; s; s = s->next)
		if (lsvm_import_is(s, "global_defs"))
			globals = s;
	sync = globals ? lsvm_import_seek(globals, "lvs_sync_daemon") : NULL;
	if (sync)
		read_sync(source, sync, false);
	for (struct statement *s = root->first; s; s = s->next) {
		if (!lsvm_import_is(s, "vrrp_instance"))
			continue;
		s->used = true;
		instance_traps(source, s);
		same_router_id(source, &seen, s);
		if (!first)
			first_instance(source, s, globals);
		else
			further_instance(source, s, first);
		if (!first)
			first = s;
		sync = lsvm_import_seek(s, "lvs_sync_daemon_interface");
		if (sync)
			read_sync(source, sync, true);
		read_addresses(source, s);
	}
	read_groups(root);
	lsvm_map_free(&seen);
}
