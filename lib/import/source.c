/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What readers fill: services and servers, and pieces of the cluster file as nodes. */
#include "import/import.h"

#include <stdio.h>

struct import_service *lsvm_import_service(struct source *source,
					   const struct statement *at)
{
	struct import_service *service, **slot;

	if (source->services.count == IMPORT_MAX_SERVICES) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, at,
				"there are more than %u services; import the "
				"configuration in parts",
				IMPORT_MAX_SERVICES);
		return NULL;
	}
	service = lsvm_arena_alloc(&source->arena, sizeof(*service));
	if (!service)
		return NULL;
	slot = vec_push(&source->services);
	if (!slot) {
		source->import->failed = true;
		return NULL;
	}
	*slot = service;
	service->at = at;
	service->protocol = LSVM_PROTOCOL_TCP;
	service->scheduler = "wlc";
	service->way.forwarding = LSVM_FORWARDING_DIRECT;
	return service;
}

struct import_server *lsvm_import_server(struct source *source,
					 struct import_service *service,
					 const struct statement *at)
{
	struct import_server *server;

	if (source->server_count == IMPORT_MAX_SERVERS) {
		lsvm_import_say(source, LSVM_IMPORT_NOTE_KIND_LOST, at,
				"the services have more than %u real servers; import the "
				"configuration in parts",
				IMPORT_MAX_SERVERS);
		return NULL;
	}
	server = vec_push(&service->servers);
	if (!server) {
		source->import->failed = true;
		return NULL;
	}
	source->server_count++;
	server->at = at;
	server->weight = 1;
	server->way = service->way;
	return server;
}

struct node *lsvm_import_map(struct source *source)
{
	return lsvm_tree_node(&source->tree, NODE_MAP);
}

struct node *lsvm_import_list(struct source *source)
{
	return lsvm_tree_node(&source->tree, NODE_LIST);
}

void lsvm_import_put(struct node *map, struct source *source, const char *key,
		     struct node *value)
{
	if (!map || !value)
		return;
	if (key)
		value->key = lsvm_tree_key(&source->tree, key, strlen(key));
	if (!key || value->key)
		lsvm_node_append(map, value);
}

struct node *lsvm_import_scalar(struct source *source, const char *text)
{
	return text ? lsvm_tree_scalar(&source->tree, STYLE_STRING, text, strlen(text))
		    : NULL;
}

void lsvm_import_text(struct source *source, struct node *map, const char *key,
		      const char *text)
{
	lsvm_import_put(map, source, key, lsvm_import_scalar(source, text));
}

void lsvm_import_word_of(struct source *source, struct node *map, const char *key,
			 const char *word)
{
	lsvm_import_put(map, source, key,
			lsvm_tree_scalar(&source->tree, STYLE_PLAIN, word, strlen(word)));
}

void lsvm_import_count(struct source *source, struct node *map, const char *key,
		       uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	lsvm_import_word_of(source, map, key, text);
}

/* As deep as checks are, which is three levels. */
bool lsvm_import_same(const struct node *a, const struct node *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || !a->key != !b->key ||
	    (a->key && strcmp(a->key, b->key) != 0))
		return false;
	if (a->kind == NODE_SCALAR)
		return strcmp(a->text, b->text) == 0;
	a = a->first;
	b = b->first;
	for (; a && b; a = a->next, b = b->next)
		if (!lsvm_import_same(a, b))
			return false;
	return a == b;
}
