/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An HTTP server, by libmicrohttpd: it has no thread and no socket to listen on. We let
 * connections in, as all listeners do, and hand them over; it has an epoll, which ours
 * watches.
 *
 * A request is suspended when it is complete, becomes a fact, and goes on with its
 * answer. Since libmicrohttpd may not be ended while something is suspended, who was not
 * answered by then is told so.
 */
#include "host/linux/io_private.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64u
#define CONNECTIONS_PER_PEER_MAX 32u
#define IDLE_S 10u
#define REQUEST_MAX_BYTES 16384u

struct http {
	struct io *io;
	struct channel *channel, *listener;
	struct MHD_Daemon *daemon;
	struct request *first; /* those that wait for an answer */
};

struct request {
	struct request *next;
	struct MHD_Connection *connection;
	struct channel *channel;
	struct MHD_Response *answer; /* NULL: none yet */
	unsigned status;
	char *path;
};

static void unlink_request(struct http *http, struct request *request)
{
	for (struct request **at = &http->first; *at; at = &(*at)->next)
		if (*at == request) {
			*at = request->next;
			return;
		}
}

/* ---- a request is a channel, too: what reply() takes ---- */

static struct http *http_of(struct io *io, const struct channel *request)
{
	struct channel *channel =
		lsvm_io_named(io, request->parent_index, request->parent_generation);

	return channel && channel->ops == &lsvm_io_http_ops ? channel->more : NULL;
}

static bool request_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	const struct request *request = channel->more;
	struct http *http = http_of(io, channel);

	if (!http || !request)
		return false;
	ret->fact = IO_REQUEST;
	ret->channel = http->channel;
	ret->owner = http->channel->owner;
	ret->text = request->path;
	ret->accepted = channel;
	return true;
}

static const struct channel_ops request_ops = { .step = request_step };

/* libmicrohttpd is done with it. */
static void completed(void *arg, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode code)
{
	struct request *request = *state;
	struct http *http = arg;

	if (!request || *state == arg)
		return;
	unlink_request(http, request);
	if (request->channel)
		lsvm_io_give_back(http->io, request->channel);
	if (request->answer)
		MHD_destroy_response(request->answer);
	free(request->path);
	free(request);
	*state = NULL;
}

static struct request *new_request(struct http *http, struct MHD_Connection *connection,
				   const char *path)
{
	struct request *request = calloc(1, sizeof(*request));
	struct channel *channel = request ? lsvm_io_take(http->io, &request_ops) : NULL;
	char *copy = channel ? strdup(path) : NULL;

	if (!copy) {
		if (channel)
			lsvm_io_give_back(http->io, channel);
		free(request);
		return NULL;
	}
	request->path = copy;
	request->connection = connection;
	request->channel = channel;
	request->next = http->first;
	http->first = request;
	channel->more = request;
	channel->kind = CHANNEL_HTTP;
	channel->parent_index = http->channel->index;
	channel->parent_generation = http->channel->generation;
	lsvm_io_ready(http->io, channel);
	return request;
}

static enum MHD_Result refuse(struct MHD_Connection *connection)
{
	static const char text[] = "only GET and HEAD\n";
	struct MHD_Response *answer = MHD_create_response_from_buffer(
		sizeof(text) - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result done = MHD_NO;

	if (answer) {
		MHD_add_response_header(answer, "Allow", "GET, HEAD");
		MHD_add_response_header(answer, "Connection", "close");
		done = MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					  answer);
		MHD_destroy_response(answer);
	}
	return done;
}

/* Called when the header is there, when the body is, and when it goes on. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *body, size_t *length,
				  void **state)
{
	struct http *http = arg;
	struct request *request;

	if (!*state) {
		*state = http; /* the header has been seen */
		if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
			return refuse(connection);
		return MHD_YES;
	}
	if (*state == http) {
		if (*length) {
			*length = 0;
			return MHD_YES;
		}
		request = new_request(http, connection, path);
		if (!request)
			return MHD_NO;
		*state = request;
		MHD_suspend_connection(connection);
		return MHD_YES;
	}
	request = *state;
	return request->answer
		       ? MHD_queue_response(connection, request->status, request->answer)
		       : MHD_NO;
}

static void answer(struct http *http, struct request *request, int status,
		   const char *content_type, const char *text, size_t length)
{
	request->answer = MHD_create_response_from_buffer(length, (void *)(uintptr_t)text,
							  MHD_RESPMEM_MUST_COPY);
	request->status = (unsigned)status;
	if (request->answer && content_type)
		MHD_add_response_header(request->answer, "Content-Type", content_type);
	unlink_request(http, request);
	lsvm_io_give_back(http->io, request->channel);
	request->channel = NULL;
	MHD_resume_connection(request->connection);
	lsvm_io_ready(http->io, http->channel);
}

void lsvm_io_reply(struct lsvm_host *host, struct channel *channel, int status,
		   const char *content_type, const char *text, size_t length)
{
	struct io *io = ((struct linux_host *)host)->io;
	struct http *http = http_of(io, channel);

	if (http && channel->more)
		answer(http, channel->more, status, content_type, text, length);
}

/* ---- the server ---- */

void lsvm_io_http_take(struct io *io, struct channel *listener, int fd,
		       const struct sockaddr *from, uint32_t length)
{
	struct http *http = http_of(io, listener);

	/* It closes what it does not want. */
	if (!http)
		close(fd);
	else if (MHD_add_connection(http->daemon, fd, from, length) == MHD_YES)
		lsvm_io_ready(io, http->channel);
}

static int open_listener(struct io *io, struct channel *channel,
			 const struct channel_spec *spec)
{
	struct http *http = channel->more;
	struct channel_spec own = *spec;
	struct channel *listener = lsvm_io_take(io, &lsvm_io_listen_ops);
	int err;

	if (!listener)
		return lsvm_fail_nomem(io->linux_host->host.ctx);
	own.kind = CHANNEL_LISTEN_TCP;
	listener->kind = CHANNEL_HTTP;
	listener->unclaimed = true;
	listener->local = spec->local;
	listener->parent_index = channel->index;
	listener->parent_generation = channel->generation;
	err = lsvm_io_listen_ops.open(io, listener, &own);
	if (err < 0) {
		lsvm_io_give_back(io, listener);
		return err;
	}
	http->listener = listener;
	if (listener->error)
		lsvm_io_fail(io, channel, listener->error, listener->text);
	return 0;
}

static int http_open(struct io *io, struct channel *channel,
		     const struct channel_spec *spec)
{
	struct lsvm_ctx *ctx = io->linux_host->host.ctx;
	const union MHD_DaemonInfo *info;
	struct http *http = calloc(1, sizeof(*http));
	int err;

	if (!http)
		return lsvm_fail_nomem(ctx);
	http->io = io;
	http->channel = channel;
	channel->more = http;
	err = open_listener(io, channel, spec);
	if (err < 0) {
		free(http);
		return err;
	}
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0,
		NULL, NULL, on_request, http, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		CONNECTIONS_PER_PEER_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX_BYTES,
		MHD_OPTION_NOTIFY_COMPLETED, completed, http, MHD_OPTION_END);
	info = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)
			    : NULL;
	if (!info)
		lsvm_io_fail(io, channel, IO_ERROR_RESOURCES, NULL);
	else /* not by edges: what is in that epoll stays there until it is run */
		lsvm_io_watch(io, channel, info->epoll_fd, EPOLLIN);
	return 0;
}

static bool http_step(struct io *io, struct channel *channel, struct io_event *ret)
{
	struct http *http = channel->more;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	channel->events = 0;
	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
		lsvm_io_set_due(io, channel, lsvm_io_now() + wait_ms * IO_MS);
	else
		lsvm_io_set_due(io, channel, IO_NEVER);
	return false;
}

static void http_due(struct io *io, struct channel *channel)
{
	lsvm_io_ready(io, channel);
}

static bool http_close(struct io *io, struct channel *channel)
{
	static const char text[] = "going\n";
	struct http *http = channel->more;

	if (http->daemon) {
		while (http->first)
			answer(http, http->first, MHD_HTTP_SERVICE_UNAVAILABLE,
			       "text/plain", text, sizeof(text) - 1);
		MHD_run(http->daemon);
		/* A request that came meanwhile. */
		while (http->first)
			answer(http, http->first, MHD_HTTP_SERVICE_UNAVAILABLE,
			       "text/plain", text, sizeof(text) - 1);
		MHD_stop_daemon(http->daemon);
	}
	/* When all is freed, it is freed by itself. */
	if (!io->freeing && http->listener) {
		lsvm_io_listen_ops.close(io, http->listener);
		lsvm_io_give_back(io, http->listener);
	}
	free(http);
	channel->more = NULL;
	return true;
}

const struct channel_ops lsvm_io_http_ops = {
	.open = http_open,
	.step = http_step,
	.close = http_close,
	.due = http_due,
};
