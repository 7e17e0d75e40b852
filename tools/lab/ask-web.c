/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages, by libcurl: each over a connection of its own, since it is connections that a
 * director shares out; one after the other, or several at once. Names are not resolved:
 * every host's address is the VIP, also after a redirection to https.
 */
#include "ask.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 8192

struct visit {
	CURL *easy;
	struct curl_slist *to;
	struct target *target;
	char page[PAGE_BYTES], error[CURL_ERROR_SIZE];
	size_t length, total;
};

struct round {
	struct asking *asking;
	CURLM *multi;
	struct visit visits[ASK_PARALLEL_MAX];
	size_t target;	   /* the next request's */
	uint32_t requests; /* made of it */
	size_t running;
};

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
	struct visit *visit = arg;
	size_t length = size * count, room = PAGE_BYTES - visit->length;

	memcpy(visit->page + visit->length, bytes, length < room ? length : room);
	visit->length += length < room ? length : room;
	visit->total += length;
	return length;
}

static struct target *next_target(struct round *round)
{
	const struct asking *asking = round->asking;

	for (; round->target < asking->targets->count; round->target++) {
		struct target *target = &asking->targets->items[round->target];

		if (target->domain && !target_is_dead(target) &&
		    round->requests < asking->requests &&
		    target_is_asked(target, asking->partition)) {
			round->requests++;
			return target;
		}
		round->requests = 0;
	}
	return NULL;
}

static bool start(struct round *round, struct visit *visit)
{
	char url[400], to[INET6_ADDRSTRLEN + 8];
	struct target *target = next_target(round);
	bool six;

	if (!target)
		return true;
	six = target->vip.family == AF_INET6;
	snprintf(url, sizeof(url), "%s://%s:%u/", target->secured ? "https" : "http",
		 target->domain, target->port);
	snprintf(to, sizeof(to), "::%s%s%s:", six ? "[" : "", target->address,
		 six ? "]" : "");
	visit->target = target;
	visit->length = visit->total = 0;
	visit->error[0] = '\0';
	curl_slist_free_all(visit->to);
	visit->to = curl_slist_append(NULL, to);
	curl_easy_setopt(visit->easy, CURLOPT_URL, url);
	curl_easy_setopt(visit->easy, CURLOPT_CONNECT_TO, visit->to);
	target->asked++;
	if (!visit->to || curl_multi_add_handle(round->multi, visit->easy) != CURLM_OK)
		return false;
	round->running++;
	return true;
}

static bool prepare(struct visit *visit)
{
	visit->easy = curl_easy_init();
	if (!visit->easy)
		return false;
	curl_easy_setopt(visit->easy, CURLOPT_PRIVATE, visit);
	curl_easy_setopt(visit->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(visit->easy, CURLOPT_WRITEDATA, visit);
	curl_easy_setopt(visit->easy, CURLOPT_ERRORBUFFER, visit->error);
	curl_easy_setopt(visit->easy, CURLOPT_TIMEOUT_MS, (long)ASK_TIMEOUT_MS);
	curl_easy_setopt(visit->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(visit->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(visit->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(visit->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(visit->easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(visit->easy, CURLOPT_MAXREDIRS, 3L);
	curl_easy_setopt(visit->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(visit->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(visit->easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(visit->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(visit->easy, CURLOPT_USERAGENT, "svm-lab");
	return true;
}

static void finish(struct round *round, const CURLMsg *message)
{
	struct visit *visit = NULL;
	long status = 0;
	char why[64];

	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &visit);
	curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
	if (message->data.result != CURLE_OK) {
		target_fail(visit->target,
			    visit->error[0] ? visit->error
					    : curl_easy_strerror(message->data.result));
	} else if (status != 200) {
		snprintf(why, sizeof(why), "HTTP status %ld", status);
		target_fail(visit->target, why);
	} else {
		target_answer(visit->target, visit->page, visit->length);
		visit->target->bytes += visit->total - visit->length;
	}
	curl_multi_remove_handle(round->multi, visit->easy);
	round->running--;
}

static bool work(struct round *round)
{
	int running, left;
	CURLMsg *message;

	while (round->running) {
		if (curl_multi_perform(round->multi, &running) != CURLM_OK)
			return false;
		while ((message = curl_multi_info_read(round->multi, &left)) != NULL) {
			struct visit *visit = NULL;

			if (message->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &visit);
			finish(round, message);
			if (!start(round, visit))
				return false;
		}
		if (round->running &&
		    curl_multi_poll(round->multi, NULL, 0, 1000, NULL) != CURLM_OK)
			return false;
	}
	return true;
}

int ask_web(struct asking *asking)
{
	struct round *round = calloc(1, sizeof(*round));
	bool good = round && (round->multi = curl_multi_init()) != NULL;

	if (good)
		round->asking = asking;
	for (size_t i = 0; good && i < asking->parallel; i++)
		good = prepare(&round->visits[i]) && start(round, &round->visits[i]);
	good = good && work(round);
	for (size_t i = 0; round && i < ASK_PARALLEL_MAX; i++) {
		if (round->visits[i].easy && round->multi)
			curl_multi_remove_handle(round->multi, round->visits[i].easy);
		curl_easy_cleanup(round->visits[i].easy);
		curl_slist_free_all(round->visits[i].to);
	}
	if (round)
		curl_multi_cleanup(round->multi);
	free(round);
	return good ? 0 : -1;
}
