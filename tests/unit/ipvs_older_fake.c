/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The older socket options, answered from the table of the simulated kernel. */
#include "ipvs/sockopt.h"
#include "ipvs_kernel_fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define OLDER_FD 1000001
#define CALL_US 20

static unsigned calls;

static bool strikes(void)
{
	if (fake.older_fault == OLDER_NONE) {
		calls = 0;
		return false;
	}
	if (calls++ < fake.skip || (fake.hit && !fake.for_ever))
		return false;
	fake.hit = true;
	return true;
}

static int failed(int number)
{
	errno = number;
	return number ? -1 : 0;
}

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return OLDER_FD;
}

/* ---- changes ---- */

static void take_service(const struct ip_vs_service_user *from, struct ipvs_service *to)
{
	*to = (struct ipvs_service){ .key = { .fwmark = from->fwmark,
					      .addr = { .family = 4 } },
				     .flags = from->flags,
				     .timeout_s = from->timeout,
				     .netmask = ntohl(from->netmask) };
	if (!from->fwmark) {
		to->key.protocol = (uint8_t)from->protocol;
		to->key.port = ntohs(from->port);
		memcpy(to->key.addr.bytes, &from->addr, 4);
	}
	memcpy(to->scheduler, from->sched_name, sizeof(to->scheduler));
}

static void take_destination(const struct ip_vs_dest_user *from,
			     struct ipvs_destination *to)
{
	*to = (struct ipvs_destination){ .addr = { .family = 4 },
					 .port = ntohs(from->port),
					 .forwarding = (uint8_t)from->conn_flags,
					 .upper_threshold = from->u_threshold,
					 .lower_threshold = from->l_threshold };
	memcpy(to->addr.bytes, &from->addr, 4);
}

static int change(const struct ipvs_change *change)
{
	uint8_t bytes[NL_CHANGE_MAX_BYTES];
	struct nl_out out = { .data = bytes, .size = sizeof(bytes) };

	if (!lsvm_nl_put_change(&out, change))
		return EINVAL;
	return lsvm_sim_kernel_request(fake.sim, bytes, out.used, NULL);
}

static int set(int option, const uint8_t *bytes)
{
	static const int kinds[][2] = {
		{ IP_VS_SO_SET_ADD, IPVS_SERVICE_ADD },
		{ IP_VS_SO_SET_EDIT, IPVS_SERVICE_EDIT },
		{ IP_VS_SO_SET_DEL, IPVS_SERVICE_DELETE },
		{ IP_VS_SO_SET_ADDDEST, IPVS_DESTINATION_ADD },
		{ IP_VS_SO_SET_EDITDEST, IPVS_DESTINATION_EDIT },
		{ IP_VS_SO_SET_DELDEST, IPVS_DESTINATION_DELETE },
	};
	struct ip_vs_service_user service_user;
	struct ip_vs_dest_user dest_user = { 0 };
	struct ipvs_service service;
	struct ipvs_destination destination;

	memcpy(&service_user, bytes, sizeof(service_user));
	if (option == IP_VS_SO_SET_ADDDEST || option == IP_VS_SO_SET_EDITDEST ||
	    option == IP_VS_SO_SET_DELDEST)
		memcpy(&dest_user, bytes + sizeof(service_user), sizeof(dest_user));
	take_service(&service_user, &service);
	take_destination(&dest_user, &destination);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i][0] == option)
			return change(&(struct ipvs_change){
				.kind = (enum ipvs_change_kind)kinds[i][1],
				.weight = (uint32_t)dest_user.weight,
				.service = &service,
				.destination = &destination });
	return EINVAL;
}

int __wrap_setsockopt(int fd, int level, int option, const void *bytes, socklen_t length)
{
	int number;

	(void)level, (void)length;
	if (fd != OLDER_FD)
		return 0;
	fake.now_us += CALL_US;
	if (!strikes())
		return failed(set(option, bytes));
	fake.now_us += 1000;
	if (fake.older_fault == OLDER_EINTR)
		return failed(EINTR);
	if (fake.older_fault == OLDER_ENOMEM)
		return failed(ENOMEM);
	if (fake.older_fault == OLDER_GONE)
		return failed(ESRCH);
	number = set(option, bytes);
	return failed(fake.older_fault == OLDER_EINTR_DONE && !number ? EINTR : number);
}

/* ---- questions ---- */

static uint32_t lie(uint32_t count, bool spoilt)
{
	if (spoilt && fake.older_fault == OLDER_FEWER)
		return count / 2;
	return spoilt && fake.older_fault == OLDER_HUGE ? UINT32_MAX : count;
}

static void put_stats(const struct ipvs_counters *from, struct ip_vs_stats_user *to)
{
	to->conns = (uint32_t)from->connections;
}

static void put_services(const struct lsvm_ipvs_table *table, bool spoilt,
			 struct ip_vs_get_services *to)
{
	for (size_t i = 0; i < table->services.count && i < to->num_services; i++) {
		const struct ipvs_service *service = &table->services.items[i];
		struct ip_vs_service_entry *entry = &to->entrytable[i];

		entry->protocol = service->key.protocol;
		entry->port = htons(service->key.port);
		entry->fwmark = service->key.fwmark;
		memcpy(&entry->addr, service->key.addr.bytes, 4);
		memcpy(entry->sched_name, service->scheduler, sizeof(entry->sched_name));
		entry->flags = service->flags;
		entry->timeout = service->timeout_s;
		entry->netmask = htonl(service->netmask);
		entry->num_dests = lie((uint32_t)service->destinations.count, spoilt);
		put_stats(service->counters, &entry->stats);
		if (spoilt && fake.older_fault == OLDER_NAME)
			memset(entry->sched_name, 'x', sizeof(entry->sched_name));
	}
}

static int put_dests(const struct lsvm_ipvs_table *table, struct ip_vs_get_dests *to)
{
	struct ipvs_key key = { .fwmark = to->fwmark, .addr = { .family = 4 } };
	const struct ipvs_service *service;

	if (!key.fwmark) {
		key.protocol = (uint8_t)to->protocol;
		key.port = ntohs(to->port);
		memcpy(key.addr.bytes, &to->addr, 4);
	}
	service = lsvm_ipvs_table_lookup(table, &key);
	if (!service)
		return ESRCH;
	for (size_t i = 0; i < service->destinations.count && i < to->num_dests; i++) {
		const struct ipvs_destination *from = &service->destinations.items[i];
		struct ip_vs_dest_entry *entry = &to->entrytable[i];

		memcpy(&entry->addr, from->addr.bytes, 4);
		entry->port = htons(from->port);
		entry->conn_flags = from->forwarding;
		entry->weight = (int)from->weight;
		entry->u_threshold = from->upper_threshold;
		entry->l_threshold = from->lower_threshold;
		put_stats(from->counters, &entry->stats);
	}
	return 0;
}

static int get(int option, void *bytes, bool spoilt)
{
	struct ip_vs_timeout_user *timeouts = bytes;
	struct ip_vs_getinfo *info = bytes;
	struct lsvm_ipvs_table *table;
	int number = 0;

	if (lsvm_sim_ipvs_read(fake.sim, &table))
		abort();
	if (option == IP_VS_SO_GET_INFO)
		*info = (struct ip_vs_getinfo){ SIM_IPVS_VERSION, SIM_CONNECTION_BUCKETS,
						lie((uint32_t)table->services.count,
						    spoilt) };
	else if (option == IP_VS_SO_GET_SERVICES)
		put_services(table, spoilt, bytes);
	else if (option == IP_VS_SO_GET_DESTS)
		number = put_dests(table, bytes);
	else if (option == IP_VS_SO_GET_TIMEOUT)
		*timeouts = (struct ip_vs_timeout_user){ (int)table->timeouts.tcp_s,
							 (int)table->timeouts.tcp_fin_s,
							 (int)table->timeouts.udp_s };
	lsvm_ipvs_table_unref(table);
	return number;
}

int __wrap_getsockopt(int fd, int level, int option, void *bytes, socklen_t *length)
{
	const bool spoilt = strikes();
	int number;

	(void)level;
	if (fd != OLDER_FD)
		return failed(EBADF);
	fake.now_us += CALL_US;
	if (spoilt)
		fake.now_us += 1000;
	if (spoilt &&
	    (fake.older_fault == OLDER_EINTR || fake.older_fault == OLDER_EINTR_DONE))
		return failed(EINTR);
	if (spoilt && fake.older_fault == OLDER_ENOMEM)
		return failed(ENOMEM);
	if (spoilt && fake.older_fault == OLDER_GONE)
		return failed(ESRCH);
	number = get(option, bytes, spoilt);
	if (spoilt && fake.older_fault == OLDER_LENGTH)
		*length -= 8;
	return failed(number);
}
