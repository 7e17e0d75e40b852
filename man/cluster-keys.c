/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints the keys of the cluster file for svm-cluster(5), from the tables that the reader
 * itself uses: the page cannot say anything else than the program does. Runs while the
 * manual is built.
 */
#include "cluster/schema.h"

#include <stdio.h>

#define TYPES_MAX 64

static const struct object_type *types[TYPES_MAX] = { &lsvm_type_cluster };
static size_t type_count = 1;

/* Types follow in the order in which they are first spoken of. */
static const char *refer(const struct object_type *type)
{
	for (size_t i = 0; i < type_count; i++)
		if (strcmp(types[i]->name, type->name) == 0)
			return type->name;
	if (type_count < TYPES_MAX)
		types[type_count++] = type;
	return type->name;
}

static void print_words(const char *before, const struct word *words)
{
	printf("%s", before);
	for (; words->name; words++)
		printf("%s%s", words->name, words[1].name ? ", " : "");
}

static const char *text_kind(enum text_rule rule)
{
	switch (rule) {
	case TEXT_FREE:
	case TEXT_LINES:
		return "text";
	case TEXT_NAME:
		return "a name";
	case TEXT_HOSTNAME:
		return "a domain name";
	case TEXT_PATH:
		return "an absolute path";
	}
	return "text";
}

static void print_kind(const struct field *field)
{
	switch (field->kind) {
	case FIELD_STRING:
		if (field->words)
			print_words("one of ", field->words);
		else
			printf("%s", text_kind(field->text));
		return;
	case FIELD_BOOL:
		printf("true or false");
		return;
	case FIELD_U16:
	case FIELD_U32:
		printf("%u to %u", field->min, field->max);
		return;
	case FIELD_ENUM:
		print_words("one of ", field->words);
		return;
	case FIELD_FLAGS:
		print_words("list of ", field->words);
		return;
	case FIELD_ADDR:
		printf("an address");
		return;
	case FIELD_MAC:
		printf("a hardware address");
		return;
	case FIELD_REF:
		printf("a name");
		return;
	case FIELD_OBJECT:
		printf("map: *%s*", refer(field->type));
		return;
	case FIELD_ADDRS:
		printf("list of addresses");
		return;
	case FIELD_PREFIXES:
		printf("list of prefixes");
		return;
	case FIELD_PORTS:
		printf("list of ports and ranges");
		return;
	case FIELD_NUMBERS:
		printf("list of numbers");
		return;
	case FIELD_STRINGS:
		printf("list of %s",
		       field->text == TEXT_HOSTNAME ? "domain names" : "texts");
		return;
	case FIELD_REFS:
		printf("list of names");
		return;
	case FIELD_OBJECTS:
		printf("list of maps: *%s*", refer(field->type));
		return;
	}
}

/* Words and numbers only: what else a default is, the field's own text says. */
static void print_default(const struct field *field)
{
	if (field->flags & FIELD_MANDATORY)
		printf("; must be there");
	else if (field->kind == FIELD_ENUM && field->initial)
		printf("; default %s", lsvm_word_name(field->words, (int)field->initial));
	else if (field->kind == FIELD_BOOL)
		printf("; default %s", field->initial ? "true" : "false");
	else if ((field->kind == FIELD_U16 || field->kind == FIELD_U32) && field->initial)
		printf("; default %u", field->initial);
}

static void print_field(const struct field *field)
{
	printf("*%s*: ", field->name);
	print_kind(field);
	print_default(field);
	printf("\n\t%s.\n\n", field->doc);
}

static void print_type(const struct object_type *type)
{
	bool has_settings = false;

	printf("## %s\n\n", type->name);
	if (type->primary)
		printf("Alone, *%s* may be written in place of the map.\n\n",
		       type->primary->name);
	for (unsigned i = 0; i < type->field_count; i++) {
		if (type->fields[i].setting) {
			if (!has_settings && type->fields[i].group)
				printf("*%s*: map\n\tsettings for all that is below.\n\n",
				       type->fields[i].group);
			has_settings = true;
		} else {
			print_field(&type->fields[i]);
		}
	}
	if (has_settings && type != &lsvm_type_cluster)
		printf("And the settings.\n\n");
}

int main(void)
{
	printf("## settings\n\nIn *defaults*, and on each partition, VIP and "
	       "service.\n\n");
	for (unsigned i = 0; i < lsvm_type_cluster.field_count; i++)
		if (lsvm_type_cluster.fields[i].setting)
			print_field(&lsvm_type_cluster.fields[i]);
	for (size_t i = 0; i < type_count; i++)
		print_type(types[i]);
	return 0;
}
