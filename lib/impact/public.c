/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <libsvm/impact.h>: getters. */
#include "impact/impact.h"

#include <stdio.h>

static const struct word level_words[] = {
	{ LSVM_IMPACT_LEVEL_NONE, "none" },
	{ LSVM_IMPACT_LEVEL_NEW, "new" },
	{ LSVM_IMPACT_LEVEL_ESTABLISHED, "established" },
	{ 0, NULL },
};

static const struct word flag_words[] = {
	{ LSVM_IMPACT_NODEST_EXPIRES, "nodest-expires" },
	{ LSVM_IMPACT_QUIESCENT_EXPIRES, "quiescent-expires" },
	{ LSVM_IMPACT_REORDERS, "reorders" },
	{ 0, NULL },
};

static const struct word fate_words[] = {
	{ LSVM_IMPACT_FATE_KEPT, "kept" },
	{ LSVM_IMPACT_FATE_RESET, "reset" },
	{ LSVM_IMPACT_FATE_DROPPED, "dropped" },
	{ LSVM_IMPACT_FATE_STAYS, "stays" },
	{ LSVM_IMPACT_FATE_MOVES, "moves" },
	{ LSVM_IMPACT_FATE_REFUSED, "refused" },
	{ LSVM_IMPACT_FATE_GAINED, "gained" },
	{ LSVM_IMPACT_FATE_STRANDED, "stranded" },
	{ 0, NULL },
};

static const struct impact_service nothing;

static const struct impact_service *service_at(const struct lsvm_impact *impact,
					       size_t index)
{
	return index < impact->services.count ? &impact->services.items[index] : &nothing;
}

static const struct impact_destination *destination_at(const struct lsvm_impact *impact,
						       size_t service, size_t index)
{
	static const struct impact_destination none;
	const struct impact_service *s = service_at(impact, service);

	return index < s->destinations.count ? &s->destinations.items[index] : &none;
}

const char *lsvm_impact_level_name(int level)
{
	return lsvm_word_name(level_words, level);
}

int lsvm_impact_level_parse(const char *name)
{
	return lsvm_word_value(level_words, name);
}

const char *lsvm_impact_flag_name(int flag)
{
	return lsvm_word_name(flag_words, flag);
}

int lsvm_impact_flag_parse(const char *name)
{
	return lsvm_word_value(flag_words, name);
}

const char *lsvm_impact_fate_name(int fate)
{
	return lsvm_word_name(fate_words, fate);
}

int lsvm_impact_fate_parse(const char *name)
{
	return lsvm_word_value(fate_words, name);
}

int lsvm_impact_level(const struct lsvm_impact *impact)
{
	return (int)impact->level;
}

static int exceeded(const struct lsvm_impact *impact, const struct impact_service *s,
		    int most)
{
	const uint64_t *fates = s->fates;
	const struct impact_note *note = s->notes.count ? &s->notes.items[0] : NULL;
	char text[LSVM_ADDRESS_TEXT_BYTES * 2];

	if (note)
		return lsvm_fail(impact->ctx, LSVM_ERR_CONFLICT,
				 "the impact on %s is \"%s\", more than \"%s\": %s",
				 lsvm_ipvs_key_text(&s->key, text),
				 lsvm_impact_level_name((int)s->level),
				 lsvm_impact_level_name(most), note->text);
	return lsvm_fail(impact->ctx, LSVM_ERR_CONFLICT,
			 "the impact on %s is \"%s\", more than \"%s\": of %d clients "
			 "%llu get another server and %llu none; change one server at a "
			 "time, or allow it",
			 lsvm_ipvs_key_text(&s->key, text),
			 lsvm_impact_level_name((int)s->level),
			 lsvm_impact_level_name(most), IMPACT_FLOWS,
			 (unsigned long long)fates[LSVM_IMPACT_FATE_MOVES],
			 (unsigned long long)fates[LSVM_IMPACT_FATE_REFUSED]);
}

int lsvm_impact_check(const struct lsvm_impact *impact, int most)
{
	if (most < LSVM_IMPACT_LEVEL_NONE || most > LSVM_IMPACT_LEVEL_ESTABLISHED)
		return lsvm_fail(impact->ctx, LSVM_ERR_ARGUMENT,
				 "%d is no level of impact; use none, new or established",
				 most);
	for (size_t i = 0; i < impact->services.count; i++)
		if ((int)impact->services.items[i].level > most)
			return exceeded(impact, &impact->services.items[i], most);
	return 0;
}

size_t lsvm_impact_service_count(const struct lsvm_impact *impact)
{
	return impact->services.count;
}

const char *lsvm_impact_service_text(const struct lsvm_impact *impact, size_t service,
				     char *buf, size_t size)
{
	char text[LSVM_ADDRESS_TEXT_BYTES * 2] = "";

	if (service < impact->services.count)
		lsvm_ipvs_key_text(&impact->services.items[service].key, text);
	snprintf(buf, size, "%s", text);
	return buf;
}

int lsvm_impact_service_level(const struct lsvm_impact *impact, size_t service)
{
	return (int)service_at(impact, service)->level;
}

uint64_t lsvm_impact_service_fate(const struct lsvm_impact *impact, size_t service,
				  int fate)
{
	return fate > 0 && fate < IMPACT_FATES ? service_at(impact, service)->fates[fate]
					       : 0;
}

uint32_t lsvm_impact_service_balance_before(const struct lsvm_impact *impact,
					    size_t service)
{
	return service_at(impact, service)->balance_before;
}

uint32_t lsvm_impact_service_balance_after(const struct lsvm_impact *impact,
					   size_t service)
{
	return service_at(impact, service)->balance_after;
}

size_t lsvm_impact_destination_count(const struct lsvm_impact *impact, size_t service)
{
	return service_at(impact, service)->destinations.count;
}

const char *lsvm_impact_destination_text(const struct lsvm_impact *impact, size_t service,
					 size_t destination, char *buf, size_t size)
{
	const struct impact_destination *d = destination_at(impact, service, destination);
	char text[LSVM_ADDRESS_TEXT_BYTES] = "";

	if (d->addr.family)
		lsvm_endpoint_text(&d->addr, d->port, text);
	snprintf(buf, size, "%s", text);
	return buf;
}

uint32_t lsvm_impact_destination_share_before(const struct lsvm_impact *impact,
					      size_t service, size_t destination)
{
	return destination_at(impact, service, destination)->share_before;
}

uint32_t lsvm_impact_destination_share_after(const struct lsvm_impact *impact,
					     size_t service, size_t destination)
{
	return destination_at(impact, service, destination)->share_after;
}

uint64_t lsvm_impact_destination_lost(const struct lsvm_impact *impact, size_t service,
				      size_t destination)
{
	return destination_at(impact, service, destination)->lost;
}

size_t lsvm_impact_note_count(const struct lsvm_impact *impact, size_t service)
{
	return service_at(impact, service)->notes.count;
}

const char *lsvm_impact_note_code(const struct lsvm_impact *impact, size_t service,
				  size_t note)
{
	const struct impact_service *s = service_at(impact, service);

	return note < s->notes.count ? s->notes.items[note].code : NULL;
}

const char *lsvm_impact_note_text(const struct lsvm_impact *impact, size_t service,
				  size_t note)
{
	const struct impact_service *s = service_at(impact, service);

	return note < s->notes.count ? s->notes.items[note].text : NULL;
}
