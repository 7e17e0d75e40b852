/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table of fields for each type of object. Decoding, encoding, comparison and
 * documentation all read these tables, so that a new field is one line in schema.c and
 * one member in model.h.
 */
#ifndef LSVM_CLUSTER_SCHEMA_H
#define LSVM_CLUSTER_SCHEMA_H

#include "cluster/model.h"
#include "cluster/tree.h"

#define CLUSTER_SCHEMA "lsvm-cluster/1"
#define CLUSTER_MAX_ITEMS 65535	    /* in most lists */
#define CLUSTER_MAX_DOMAINS 4194304 /* on one VIP: bounded by the nodes */

enum field_kind {
	FIELD_STRING = 1, /* const char * */
	FIELD_BOOL,
	FIELD_U16,
	FIELD_U32,
	FIELD_ENUM,	/* int, of words */
	FIELD_FLAGS,	/* uint32_t: a list of words, or-ed */
	FIELD_ADDR,	/* struct addr */
	FIELD_MAC,	/* uint8_t[6] and a bool behind it */
	FIELD_REF,	/* struct ref */
	FIELD_OBJECT,	/* pointer to an object, NULL when absent */
	FIELD_ADDRS,	/* LIST(struct addr) */
	FIELD_PREFIXES, /* LIST(struct prefix) */
	FIELD_PORTS,	/* LIST(struct port_range) */
	FIELD_NUMBERS,	/* LIST(uint32_t) */
	FIELD_STRINGS,	/* LIST(const char *) */
	FIELD_REFS,	/* LIST(struct ref) */
	FIELD_OBJECTS,	/* LIST(struct of type) */
};

enum text_rule {       /* what a string may look like */
	TEXT_FREE,     /* no control characters */
	TEXT_LINES,    /* line ends and tabs too */
	TEXT_NAME,     /* letters, digits, . _ - : */
	TEXT_HOSTNAME, /* RFC 1123 labels */
	TEXT_PATH,     /* absolute */
};

enum field_flag {
	FIELD_MANDATORY = 1,
	FIELD_PRIMARY = 2, /* names the object; alone, it may be written as a scalar */
	FIELD_NONE = 4,	   /* the object may be the word "none": written, yet absent */
};

struct field {
	const char *name;
	enum field_kind kind;
	enum text_rule text;
	unsigned flags;
	uint16_t offset;
	uint8_t setting;   /* 1 + enum setting_id; 0: not a setting */
	const char *group; /* the map around the field in the document, or NULL */
	uint32_t min, max; /* of numbers, of the length of strings, of the count of
			      lists */
	uint32_t initial;  /* value when it is not written; settings: in force when no
			      level sets it */
	const struct word *words;
	const struct object_type *type; /* of objects */
	const char *doc;
};

struct object_type {
	const char *name; /* for sentences: "real server" */
	size_t size;
	const struct field *fields;
	unsigned field_count;
	const struct field *primary; /* NULL: none */
	const struct field
		*identity; /* what matches two versions of a list; NULL: place */
};

extern const struct object_type lsvm_type_cluster;

/* Any LIST(), as the tables see it. */
struct list {
	void *items;
	uint32_t count;
};

static inline void *field_at(const void *object, const struct field *field)
{
	return (char *)object + field->offset;
}
static inline struct list field_list(const void *object, const struct field *field)
{
	struct list list;

	memcpy(&list, field_at(object, field), sizeof(list));
	return list;
}
static inline void *field_object(const void *object, const struct field *field)
{
	void *child;

	memcpy(&child, field_at(object, field), sizeof(child));
	return child;
}

/* The field of that name and group; NULL: none. */
const struct field *lsvm_type_field(const struct object_type *type, const char *group,
				    const char *name);
bool lsvm_type_has_group(const struct object_type *type, const char *group);
bool lsvm_object_has(const struct object *object, const char *field_name);
/* The size of one item of a list of scalars. */
size_t lsvm_field_item_size(const struct field *field);

/* decode.c: a new object with its header and built-in defaults. */
void lsvm_object_init(void *object, const struct object_type *type, struct object *parent,
		      uint32_t index, struct mark at);
/* scalar.c: one scalar of the document into the place that the field's kind has. */
struct complaint {
	enum finding_code code;
	char text[256];
};
bool lsvm_scalar_decode(const struct field *field, const struct node *node, void *at,
			struct complaint *complaint);
/* How many letters differ; UINT32_MAX when the words have little in common. */
unsigned lsvm_word_distance(const char *a, const char *b);
/* Text of the document for a sentence, cut at a character; buf holds QUOTE_BYTES. */
#define QUOTE_BYTES 72
const char *lsvm_quote(const char *text, char *buf);

/* Tree to model, in the cluster's arena; whatever does not fit is a finding. */
int lsvm_cluster_decode(struct lsvm_cluster *cluster, const struct node *root,
			struct lsvm_findings *findings);
/* settings.c: settings.set of every level. */
void lsvm_cluster_note_settings(struct lsvm_cluster *cluster);
/* What depends on other fields: names of VIPs and services, priorities, homes, … */
void lsvm_cluster_fill_defaults(struct lsvm_cluster *cluster);
/* Model to tree: what was written, in the order of the tables, in canonical form. */
struct node *lsvm_cluster_encode(const struct lsvm_cluster *cluster, struct tree *tree);
/* One object or one field of it; drafts and differences use them. */
struct node *lsvm_object_encode(const void *object, struct tree *tree);
struct node *lsvm_field_encode(const void *object, const struct field *field,
			       struct tree *tree);

/* Tree to frozen cluster; takes over texts, whatever it answers. */
int lsvm_cluster_build(struct lsvm_ctx *ctx, const struct node *root, struct arena *texts,
		       struct lsvm_findings *findings, struct lsvm_cluster **ret);

/* Words of the public enums (words.c). */
extern const struct word lsvm_role_words[], lsvm_forwarding_words[],
	lsvm_configured_forwarding_words[], lsvm_tunnel_kind_words[],
	lsvm_tunnel_checksum_words[], lsvm_scheduler_flag_words[], lsvm_protocol_words[],
	lsvm_application_words[], lsvm_check_kind_words[], lsvm_check_route_words[],
	lsvm_redundancy_kind_words[], lsvm_connections_words[], lsvm_content_kind_words[],
	lsvm_topology_words[], lsvm_scheduler_words[], lsvm_engine_words[],
	lsvm_format_words[], lsvm_change_kind_words[];

#endif
