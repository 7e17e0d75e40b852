/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A check must know all that it has to ask, be able to ask it, and have no key that its
 * kind knows nothing of.
 */
#include "cluster/validate_private.h"

#include <ctype.h>
#include <stdlib.h>

static bool is_digest(const char *text)
{
	static const char head[] = "sha256:";
	size_t digits = 0;

	if (strncmp(text, head, sizeof(head) - 1) != 0)
		return false;
	for (text += sizeof(head) - 1; isxdigit((unsigned char)*text); text++)
		digits++;
	return !*text && digits == 64;
}

static const char *missing(const struct check *check)
{
	switch (check->kind) {
	case LSVM_CHECK_EXTERNAL:
		return check->command.count ? NULL : "command";
	case LSVM_CHECK_SCRIPT:
		return check->send || check->expect ? NULL : "send or expect";
	case LSVM_CHECK_DNS:
		return check->query ? NULL : "query";
	case LSVM_CHECK_UNKNOWN:
	case LSVM_CHECK_TCP:
	case LSVM_CHECK_UDP:
	case LSVM_CHECK_SCTP:
	case LSVM_CHECK_PING:
	case LSVM_CHECK_HTTP:
	case LSVM_CHECK_HTTPS:
	case LSVM_CHECK_SMTP:
	case LSVM_CHECK_LDAP:
	case LSVM_CHECK_POSTGRESQL:
	case LSVM_CHECK_MYSQL:
	case LSVM_CHECK_REDIS:
	case LSVM_CHECK_AGENT:
		return NULL;
	}
	return NULL;
}

/* ---- keys of other kinds ---- */

#define OF(kind) (1u << LSVM_CHECK_##kind)
#define OF_HTTP (OF(HTTP) | OF(HTTPS))
#define OF_TALK (OF(TCP) | OF(UDP) | OF(SCRIPT))

#define OF_KEY(member, kinds)                                                            \
	{                                                                                \
		offsetof(struct check, member), #member, kinds                           \
	}
static const struct key {
	size_t offset;
	const char *name;
	uint32_t kinds;
} keys[] = {
	OF_KEY(method, OF_HTTP),
	OF_KEY(path, OF_HTTP),
	OF_KEY(host, OF_HTTP | OF(SMTP)),
	OF_KEY(headers, OF_HTTP),
	OF_KEY(statuses, OF_HTTP),
	OF_KEY(body, OF_HTTP),
	OF_KEY(digest, OF_HTTP),
	OF_KEY(server_name, OF(HTTPS)),
	OF_KEY(verify_certificate, OF(HTTPS)),
	OF_KEY(send, OF_TALK | OF(AGENT)),
	OF_KEY(expect, OF_TALK | OF(DNS)),
	OF_KEY(query, OF(DNS)),
	OF_KEY(record, OF(DNS)),
	OF_KEY(base_dn, OF(LDAP)),
	OF_KEY(database, OF(POSTGRESQL) | OF(MYSQL)),
	OF_KEY(user, OF(POSTGRESQL) | OF(MYSQL)),
	OF_KEY(command, OF(EXTERNAL)),
};

static void check_keys(struct validation *v, const struct check *check)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const void *member = (const char *)check + keys[i].offset;

		if (!(keys[i].kinds >> check->kind & 1) && check->kind &&
		    lsvm_was_written(&check->object, member))
			lsvm_fault(v, FINDING_CHECK_KEY, &check->object, member,
				   "a check of kind %s knows nothing of %s",
				   lsvm_check_kind_name((int)check->kind), keys[i].name);
	}
}

/* ---- texts ---- */

static void check_escapes(struct validation *v, const struct check *check,
			  const char *const *text)
{
	uint8_t *bytes = *text ? malloc(strlen(*text) + 1) : NULL;
	size_t length;

	v->nomem |= *text && !bytes;
	if (bytes && !lsvm_check_unescape(*text, bytes, &length))
		lsvm_fault(v, FINDING_CHECK_ESCAPE, &check->object, text,
			   "the text has a backslash before what is no escape");
	free(bytes);
}

static void check_dns(struct validation *v, const struct check *check)
{
	const uint16_t type = lsvm_check_record_type(check->record ? check->record : "A");
	struct buf bytes = { 0 };

	if (!type)
		lsvm_fault(v, FINDING_CHECK_DNS, &check->object, &check->record,
			   "\"%s\" is no type of DNS record", check->record);
	if (check->query && !lsvm_check_dns_name(check->query, &bytes))
		lsvm_fault(v, FINDING_CHECK_DNS, &check->object, &check->query,
			   "\"%.80s\" is no name that DNS can be asked for",
			   check->query);
	if (type && check->expect && !lsvm_check_dns_data(check->expect, type, &bytes))
		lsvm_fault(v, FINDING_CHECK_DNS, &check->object, &check->expect,
			   "\"%.80s\" cannot be what a record of type %s has",
			   check->expect, check->record ? check->record : "A");
	v->nomem |= bytes.failed;
	lsvm_buf_free(&bytes);
}

/* ---- all of a check ---- */

void lsvm_validate_check(struct validation *v, const struct check *check)
{
	const char *lacks = missing(check);

	if (lacks)
		lsvm_fault(v, FINDING_CHECK_INCOMPLETE, &check->object, NULL,
			   "a check of kind %s needs %s",
			   lsvm_check_kind_name((int)check->kind), lacks);
	if (check->path && check->path[0] != '/')
		lsvm_fault(v, FINDING_CHECK_PATH, &check->object, &check->path,
			   "the path \"%s\" does not begin with /", check->path);
	if (check->digest && !is_digest(check->digest))
		lsvm_fault(v, FINDING_CHECK_DIGEST, &check->object, &check->digest,
			   "\"%.80s\" is no digest", check->digest);
	if (check->timeout_ms > check->interval_ms)
		lsvm_fault(v, FINDING_CHECK_TIMEOUT, &check->object, &check->timeout_ms,
			   "a probe may take %u ms, but the next one begins after %u ms",
			   check->timeout_ms, check->interval_ms);
	check_keys(v, check);
	if (check->kind == LSVM_CHECK_DNS) {
		check_dns(v, check);
	} else {
		check_escapes(v, check, &check->send);
		check_escapes(v, check, &check->expect);
	}
}
