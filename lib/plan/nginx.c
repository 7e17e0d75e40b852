/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The web server of a server: one nginx with a complete configuration of its own, beside
 * whatever the distribution runs.
 *
 * It listens on the VIPs (direct, tunnel) or on the server's own address (NAT, where the
 * VIP has been rewritten; and where a check asks straight), never on all addresses: those
 * may be taken. Each endpoint has
 * a default server that answers 404, so that a request for a domain of nobody is never
 * answered by somebody's. The whole is rendered into one buffer: what all domains of a
 * VIP have in common is made once and copied.
 */
#include "plan/compile.h"

#include <stdio.h>

#define PID_PATH RUN_PATH "/nginx.pid"
#define LOG_PATH RUN_PATH "/nginx-error.log"
#define NAMES_BUCKET_MIN 64

struct web {
	struct compilation *c;
	struct buf file;	   /* the whole of it */
	struct map endpoints;	   /* text of those that have a default server */
	struct buf plain, secured; /* "listen" lines of the default servers */
	size_t name_count;	   /* of domains and aliases */
	size_t name_longest;
};

/* The endpoints of one VIP, rendered. */
struct vip_web {
	struct buf plain, secured; /* "listen" lines of its domains */
	struct map endpoints;	   /* text of those in them */
	uint16_t secured_port;	   /* the first that clients see; 0: none */
};

/* ---- words of nginx's configuration ---- */

enum letter { /* what a character needs in nginx's configuration */
	LETTER_QUOTED,
	LETTER_PLAIN,
	LETTER_IMPOSSIBLE, /* nginx has no way to write a dollar into a path */
};

/* A table, because every byte of every domain passes here. */
static const uint8_t letters[256] = {
	['a' ... 'z'] = LETTER_PLAIN,	['A' ... 'Z'] = LETTER_PLAIN,
	['0' ... '9'] = LETTER_PLAIN,	['/'] = LETTER_PLAIN,
	['.'] = LETTER_PLAIN,		['_'] = LETTER_PLAIN,
	['-'] = LETTER_PLAIN,		['+'] = LETTER_PLAIN,
	[':'] = LETTER_PLAIN,		['@'] = LETTER_PLAIN,
	['%'] = LETTER_PLAIN,		[','] = LETTER_PLAIN,
	['='] = LETTER_PLAIN,		['~'] = LETTER_PLAIN,
	[0 ... 31] = LETTER_IMPOSSIBLE, [127] = LETTER_IMPOSSIBLE,
	['$'] = LETTER_IMPOSSIBLE,
};

static void add_quoted(struct buf *buf, const char *path)
{
	lsvm_buf_text(buf, "\"");
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			lsvm_buf_text(buf, "\\");
		lsvm_buf_add(buf, path, 1);
	}
	lsvm_buf_text(buf, "\"");
}

static void add_path(struct web *web, const char *path)
{
	const char *end = path;

	while (letters[(unsigned char)*end] == LETTER_PLAIN)
		end++;
	if (!*end && end > path) {
		lsvm_buf_add(&web->file, path, (size_t)(end - path));
		return;
	}
	for (; *end; end++) {
		if (letters[(unsigned char)*end] != LETTER_IMPOSSIBLE)
			continue;
		if (!web->c->err)
			web->c->err = lsvm_fail(
				web->c->ctx, LSVM_ERR_ARGUMENT,
				"'%s' cannot be written into nginx's configuration; use "
				"a path without '$' and control characters",
				path);
		return;
	}
	add_quoted(&web->file, path);
}

static void add_name(struct web *web, const char *name)
{
	size_t length = strlen(name);

	lsvm_buf_add(&web->file, " ", 1);
	lsvm_buf_add(&web->file, name, length);
}

/* ---- endpoints ---- */

static void add_listen(struct buf *buf, const char *endpoint, const char *suffix)
{
	lsvm_buf_text(buf, "\t\tlisten ");
	lsvm_buf_text(buf, endpoint);
	lsvm_buf_text(buf, suffix);
	lsvm_buf_text(buf, ";\n");
}

static void add_endpoint(struct web *web, struct vip_web *vip_web,
			 const struct addr *addr, uint16_t port, bool secured)
{
	char text[LSVM_ADDRESS_TEXT_BYTES];
	struct buf *mine = secured ? &vip_web->secured : &vip_web->plain;
	struct buf *all = secured ? &web->secured : &web->plain;
	const char *suffix = secured ? " ssl" : "";
	char *key;
	int err;

	lsvm_endpoint_text(addr, port, text);
	key = lsvm_arena_strdup(&web->c->scratch, text);
	if (!key)
		return;
	/* Behind NAT several services arrive at one endpoint, told to nginx once. */
	err = lsvm_map_put(&vip_web->endpoints, key, strlen(key), key, NULL);
	if (err == LSVM_ERR_NOMEM)
		lsvm_compile_nomem(web->c);
	if (err < 0)
		return;
	add_listen(mine, text, suffix);
	/* Several VIPs share an endpoint there too: it has one default. */
	err = lsvm_map_put(&web->endpoints, key, strlen(key), key, NULL);
	if (err == LSVM_ERR_NOMEM)
		lsvm_compile_nomem(web->c);
	if (err == 0)
		add_listen(all, text,
			   secured ? " ssl default_server" : " default_server");
}

static bool has_tls(const struct vip *vip)
{
	for (uint32_t i = 0; i < vip->domains.count; i++)
		if (vip->domains.items[i].tls)
			return true;
	return false;
}

static void add_ports(struct web *web, struct vip_web *vip_web, const struct addr *addr,
		      const struct service *service, bool secured)
{
	/* A mark for all ports: the usual one. */
	if (!service->ports.count)
		add_endpoint(web, vip_web, addr, secured ? 443 : 80, secured);
	for (uint32_t i = 0; i < service->ports.count; i++)
		for (uint32_t port = service->ports.items[i].first;
		     port <= service->ports.items[i].last; port++)
			add_endpoint(web, vip_web, addr, (uint16_t)port, secured);
}

/* Whether directors ask the server itself, where the VIP would lead to them. */
static bool is_asked_straight(const struct settings *settings)
{
	for (uint32_t i = 0; i < settings->checks.count; i++)
		if (settings->checks.items[i].route != LSVM_CHECK_ROUTE_THROUGH)
			return true;
	return false;
}

static void add_service(struct web *web, struct vip_web *vip_web, const struct vip *vip,
			const struct service *service)
{
	bool secured = service->application == LSVM_APPLICATION_HTTPS, nat;
	const struct addr *own;
	struct settings settings;

	if (service->protocol != LSVM_PROTOCOL_TCP ||
	    (!secured && service->application != LSVM_APPLICATION_HTTP))
		return;
	/* Without a certificate nothing can be said on such a port. */
	if (secured && !has_tls(vip))
		return;
	if (secured && !vip_web->secured_port)
		vip_web->secured_port =
			service->ports.count ? service->ports.items[0].first : 443;
	lsvm_cluster_settings(service, &settings);
	nat = settings.forwarding == LSVM_FORWARDING_NAT;
	own = lsvm_cluster_destination_address(web->c->cluster, web->c->machine, vip,
					       settings.forwarding);
	if (!nat)
		add_ports(web, vip_web, &vip->address, service, secured);
	if (!own || (!nat && !is_asked_straight(&settings)))
		return;
	if (nat && service->server_port)
		add_endpoint(web, vip_web, own, service->server_port, secured);
	else
		add_ports(web, vip_web, own, service, secured);
}

/* ---- domains ---- */

static void open_server(struct web *web, const struct domain *domain,
			const struct buf *listens)
{
	lsvm_buf_text(&web->file, "\tserver {\n");
	lsvm_buf_add(&web->file, listens->data, listens->length);
	lsvm_buf_text(&web->file, "\t\tserver_name");
	add_name(web, domain->name);
	for (uint32_t i = 0; i < domain->aliases.count; i++)
		add_name(web, domain->aliases.items[i]);
	lsvm_buf_text(&web->file, ";\n");
}

static void close_server(struct web *web, const struct domain *domain)
{
	lsvm_buf_text(&web->file, "\t\troot ");
	add_path(web, domain->home);
	lsvm_buf_text(&web->file, ";\n\t}\n");
}

static void add_tls(struct web *web, const struct tls *tls)
{
	lsvm_buf_text(&web->file, "\t\tssl_certificate ");
	add_path(web, tls->certificate);
	lsvm_buf_text(&web->file, ";\n\t\tssl_certificate_key ");
	add_path(web, tls->key);
	lsvm_buf_text(&web->file, ";\n");
}

static void add_redirect(struct web *web, uint16_t port)
{
	lsvm_buf_text(&web->file, "\t\treturn 301 https://$host");
	if (port != 443)
		lsvm_buf_printf(&web->file, ":%u", port);
	lsvm_buf_text(&web->file, "$request_uri;\n\t}\n");
}

static void add_domain(struct web *web, const struct vip_web *vip_web,
		       const struct domain *domain)
{
	bool secured = domain->tls && vip_web->secured.length;

	if (vip_web->plain.length) {
		open_server(web, domain, &vip_web->plain);
		if (secured && domain->tls->redirect)
			add_redirect(web, vip_web->secured_port);
		else
			close_server(web, domain);
	}
	if (!secured)
		return;
	open_server(web, domain, &vip_web->secured);
	add_tls(web, domain->tls);
	close_server(web, domain);
}

/* The folder above the homes of ordinary domains: 0 when there is none, or when nginx
 * could not take it as it is. */
static size_t find_root(const struct vip *vip, const char **ret)
{
	const struct domain *domain = vip->domains.items;
	size_t length;

	if (!vip->names.ordinary_count)
		return 0;
	while (!domain->ordinary)
		domain++;
	*ret = domain->home;
	length = strlen(domain->home) - strlen(domain->name);
	for (size_t i = 0; i < length; i++)
		if (letters[(unsigned char)domain->home[i]] != LETTER_PLAIN)
			return 0;
	return length;
}

/*
 * The ordinary domains of a VIP share one server: $host is one of its names, in small
 * letters, or the request would have come to another server. A tenth of the text, and of
 * nginx's memory.
 */
static void add_ordinary(struct web *web, const struct vip_web *vip_web,
			 const struct vip *vip, const char *root, size_t root_length)
{
	lsvm_buf_text(&web->file, "\tserver {\n");
	lsvm_buf_add(&web->file, vip_web->plain.data, vip_web->plain.length);
	lsvm_buf_text(&web->file, "\t\tserver_name");
	lsvm_buf_add(&web->file, vip->names.ordinary, vip->names.ordinary_length);
	lsvm_buf_text(&web->file, ";\n\t\troot ");
	lsvm_buf_add(&web->file, root, root_length);
	lsvm_buf_text(&web->file, "$host;\n\t}\n");
}

static void add_domains(struct web *web, const struct vip_web *vip_web,
			const struct vip *vip)
{
	const char *root = NULL;
	size_t root_length = vip_web->plain.length ? find_root(vip, &root) : 0;

	if (root_length) {
		add_ordinary(web, vip_web, vip, root, root_length);
		if (vip->names.ordinary_count == vip->domains.count)
			return;
	}
	for (uint32_t i = 0; i < vip->domains.count; i++)
		if (!root_length || !vip->domains.items[i].ordinary)
			add_domain(web, vip_web, &vip->domains.items[i]);
}

static void add_vip(struct web *web, const struct vip *vip)
{
	struct vip_web vip_web = { 0 };

	/* Without domains the web server, whatever it is, is somebody else's. */
	if (!vip->domains.count)
		return;
	for (uint32_t i = 0; i < vip->services.count; i++)
		add_service(web, &vip_web, vip, &vip->services.items[i]);
	add_domains(web, &vip_web, vip);
	if (vip_web.plain.failed || vip_web.secured.failed)
		lsvm_compile_nomem(web->c);
	lsvm_buf_free(&vip_web.plain);
	lsvm_buf_free(&vip_web.secured);
	lsvm_map_free(&vip_web.endpoints);
}

/* ---- the whole file ---- */

static size_t power_of_two(size_t least)
{
	size_t power = NAMES_BUCKET_MIN;

	while (power < least)
		power *= 2;
	return power;
}

/*
 * nginx looks for a size of its hash of names at which every bucket holds its share, and
 * complains when there is none up to the maximum. A name takes its length and at most 24
 * bytes of a bucket; with as many buckets as names and room for eight in each the first
 * try is good, even for 100,000 of them.
 */
static void add_hash_sizes(struct web *web)
{
	lsvm_buf_printf(&web->file,
			"\tserver_names_hash_bucket_size %zu;\n"
			"\tserver_names_hash_max_size %zu;\n",
			power_of_two((web->name_longest + 24) * 8),
			power_of_two(web->name_count + 512));
}

static void add_head(struct web *web)
{
	lsvm_buf_text(&web->file,
		      "# Made from the cluster file by libsvm; changes here are lost.\n"
		      "user www-data;\n"
		      "worker_processes auto;\n"
		      "worker_rlimit_nofile 65536;\n"
		      "pid " PID_PATH ";\n"
		      "error_log " LOG_PATH ";\n"
		      "events {\n"
		      "\tworker_connections 4096;\n"
		      "}\n"
		      "http {\n"
		      "\tinclude /etc/nginx/mime.types;\n"
		      "\tdefault_type application/octet-stream;\n"
		      "\tserver_tokens off;\n"
		      "\tsendfile on;\n"
		      "\taccess_log off;\n"
		      "\tclient_body_temp_path " RUN_PATH "/nginx-body;\n"
		      "\tproxy_temp_path " RUN_PATH "/nginx-proxy;\n"
		      "\tfastcgi_temp_path " RUN_PATH "/nginx-fastcgi;\n"
		      "\tuwsgi_temp_path " RUN_PATH "/nginx-uwsgi;\n"
		      "\tscgi_temp_path " RUN_PATH "/nginx-scgi;\n");
	add_hash_sizes(web);
}

static void add_defaults(struct web *web)
{
	if (web->plain.length) {
		lsvm_buf_text(&web->file, "\tserver {\n");
		lsvm_buf_add(&web->file, web->plain.data, web->plain.length);
		lsvm_buf_text(&web->file, "\t\treturn 404;\n\t}\n");
	}
	if (web->secured.length) {
		lsvm_buf_text(&web->file, "\tserver {\n");
		lsvm_buf_add(&web->file, web->secured.data, web->secured.length);
		lsvm_buf_text(&web->file, "\t\tssl_reject_handshake on;\n\t}\n");
	}
}

static void want_nginx(struct compilation *c)
{
	/* -e: it says what is wrong before it has read its configuration, and by default
	 * in the distribution's log. */
#define NGINX "nginx", "-e", LOG_PATH, "-c", WEB_CONFIG_PATH
	static const char *const files[] = { WEB_CONFIG_PATH, NULL };
	static const char *const test[] = { NGINX, "-q", "-t", NULL };
	static const char *const start[] = { NGINX, NULL };
	static const char *const reload[] = { NGINX, "-s", "reload", NULL };
	static const char *const stop[] = { NGINX, "-s", "stop", NULL };
#undef NGINX
	const struct unit unit = {
		.name = "nginx",
		.pid_file = PID_PATH,
		.files = files,
		.test = test,
		.start = start,
		.reload = reload,
		.stop = stop,
	};

	lsvm_want_unit(c, &unit);
}

/* Also makes the folder that nginx wants: what is in /run is gone with each boot, and a
 * file that is missing is written again with all above it. */
static void want_label(struct compilation *c)
{
	struct buf buf = { 0 };

	lsvm_buf_printf(&buf, "cluster: %s\nmachine: %s\nrole: %s\n", c->cluster->name,
			c->machine->name, lsvm_role_name((int)c->machine->role));
	lsvm_want_file(c, RUN_PATH "/machine", 0644, &buf);
}

/* Every name counts twice: it may be there with and without TLS. */
static void measure_vip(struct web *web, const struct vip *vip)
{
	web->name_count += (size_t)vip->names.count * 2;
	if (vip->names.longest > web->name_longest)
		web->name_longest = vip->names.longest;
}

static void each_vip(struct web *web, void (*use)(struct web *, const struct vip *))
{
	const struct machine *machine = web->c->machine;

	for (uint32_t i = 0; i < machine->partitions.count; i++) {
		const struct partition *partition = machine->partitions.items[i];

		for (uint32_t j = 0; j < partition->vips.count; j++)
			use(web, &partition->vips.items[j]);
	}
}

static void finish(struct web *web)
{
	add_defaults(web);
	lsvm_buf_text(&web->file, "}\n");
	web->file.failed |= web->plain.failed || web->secured.failed;
	lsvm_want_file(web->c, WEB_CONFIG_PATH, 0644, &web->file);
	want_label(web->c);
	want_nginx(web->c);
}

void lsvm_compile_web(struct compilation *c)
{
	struct web web = { .c = c };

	each_vip(&web, measure_vip);
	add_head(&web);
	each_vip(&web, add_vip);
	if (web.plain.length || web.secured.length)
		finish(&web);
	lsvm_buf_free(&web.file);
	lsvm_buf_free(&web.plain);
	lsvm_buf_free(&web.secured);
	lsvm_map_free(&web.endpoints);
}
