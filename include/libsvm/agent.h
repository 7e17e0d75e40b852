/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file agent.h
 * Agents: what keeps a machine doing its part while others come and go.
 */
#ifndef LIBSVM_AGENT_H
#define LIBSVM_AGENT_H

#include <libsvm/cluster.h>
#include <libsvm/host.h>
#include <libsvm/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What an agent tells. */
enum lsvm_event_kind {
	LSVM_EVENT_UNKNOWN = 0,
	LSVM_EVENT_STARTED = 1,	 /**< the agent runs */
	LSVM_EVENT_STOPPED = 2,	 /**< it ended in order */
	LSVM_EVENT_APPLIED = 3,	 /**< the machine holds its plan */
	LSVM_EVENT_FAILED = 4,	 /**< something could not be done; it is tried again */
	LSVM_EVENT_REPAIRED = 5, /**< somebody else had changed what is ours */
	LSVM_EVENT_RELOADED = 6, /**< another plan is in force */
	LSVM_EVENT_STATE = 7,	 /**< a director became master, backup, unfit */
	LSVM_EVENT_SERVER_UP = 8,
	LSVM_EVENT_SERVER_DOWN = 9,
	LSVM_EVENT_BACKEND_UP = 10,
	LSVM_EVENT_BACKEND_DOWN = 11,
	LSVM_EVENT_QUORUM_LOST = 12,
	LSVM_EVENT_QUORUM_GAINED = 13,
	LSVM_EVENT_SORRY_ON = 14, /**< the sorry server answers */
	LSVM_EVENT_SORRY_OFF = 15,
	LSVM_EVENT_FAIL_OPEN_ON = 16, /**< all look dead: all stay in */
	LSVM_EVENT_FAIL_OPEN_OFF = 17,
	LSVM_EVENT_DRAINED = 18, /**< by an operator */
	LSVM_EVENT_ENABLED = 19,
	LSVM_EVENT_SIGNAL = 20,	 /**< a server announced itself */
	LSVM_EVENT_REFUSED = 21, /**< a packet, signal or command was not accepted */
	LSVM_EVENT_LINK_UP = 22,
	LSVM_EVENT_LINK_DOWN = 23,
	LSVM_EVENT_SYNCED = 24,	     /**< the other director's connections are here */
	LSVM_EVENT_CERTIFICATE = 25, /**< a server's certificate expires soon */
	LSVM_EVENT_LOST = 26,	     /**< nobody pulled: that many events are gone */
};

/** "server-down", "state", …, "unknown". @since 0.1 */
LSVM_API const char *lsvm_event_kind_name(int kind);
/** The kind of that name; LSVM_EVENT_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_event_kind_parse(const char *name);

/**
 * A key for a whole cluster, as text for a file: with it directors know each other and
 * their servers (see svm-eds(8), --key). Who has it can speak for every machine.
 * @param random 32 bytes that nobody can guess.
 * Returns 0. Errors: LSVM_ERR_ARGUMENT for another length, LSVM_ERR_NOMEM. Lifetime:
 * until lsvm_free(). @since 0.1
 */
LSVM_API int lsvm_key_generate(struct lsvm_ctx *ctx, const uint8_t *random, size_t length,
			       char **ret);
/**
 * The key of one machine, which follows from the cluster's key and its name, as text for
 * its file. With it a server can speak for itself and for nobody else.
 * @param text the cluster's key.
 * Returns 0. Errors: LSVM_ERR_PARSE, LSVM_ERR_PERMISSION when the text is the key of one
 * machine, LSVM_ERR_ARGUMENT for a name that no machine has, LSVM_ERR_NOMEM. Lifetime:
 * until lsvm_free(). @since 0.1
 */
LSVM_API int lsvm_key_derive(struct lsvm_ctx *ctx, const char *text, size_t length,
			     const char *machine, char **ret);

/** One thing that happened, with its cause. */
struct lsvm_event;

/** 1, 2, 3 … in the life of an agent: a gap tells that events were lost. @since 0.1 */
LSVM_API uint64_t lsvm_event_number(const struct lsvm_event *event);
/** When, in milliseconds since 1970. @since 0.1 */
LSVM_API uint64_t lsvm_event_time_ms(const struct lsvm_event *event);
/** An enum lsvm_event_kind. @since 0.1 */
LSVM_API int lsvm_event_kind(const struct lsvm_event *event);
/** An enum lsvm_severity. @since 0.1 */
LSVM_API int lsvm_event_severity(const struct lsvm_event *event);
/** What it is about: "eps2", "vrrp front ipv4". Borrowed. @since 0.1 */
LSVM_API const char *lsvm_event_subject(const struct lsvm_event *event);
/** What happened and why: "down: connect refused, 3 of 3". Borrowed. @since 0.1 */
LSVM_API const char *lsvm_event_text(const struct lsvm_event *event);
/** The event as JSON, schema "lsvm-event/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_event_to_json(const struct lsvm_event *event, char **ret);
/** Frees it. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_event_free(struct lsvm_event *event);

/**
 * What keeps one machine of a cluster doing its part. On a director: its plan, the checks
 * of the servers, and with others of its kind who is master. On a server: its plan. It
 * belongs to one thread at a time and never blocks once it is started.
 */
struct lsvm_agent;

/** What can be set before an agent is started; all are off unless set. */
enum lsvm_agent_option {
	LSVM_AGENT_UNKNOWN = 0,
	LSVM_AGENT_CONTROL = 1, /**< "control": path of a local socket for commands */
	LSVM_AGENT_METRICS = 2, /**< "metrics": "127.0.0.1:9100", an HTTP port with
				   figures for Prometheus */
	LSVM_AGENT_KEY = 3,	/**< "key": file with the cluster's key, by which servers
				   prove who they are */
	LSVM_AGENT_LOG = 4,	/**< "log": a file, or "journal" */
	LSVM_AGENT_NOTIFY = 5,	/**< "notify": a program that is told each event */
};

/** The word for an option; "unknown" for a number that is none. @since 0.1 */
LSVM_API const char *lsvm_agent_option_name(int option);
/** The option of that name; LSVM_AGENT_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_agent_option_parse(const char *name);

/**
 * The agent of one machine; nothing happens yet.
 * @param host the machine; it must outlive the agent.
 * @param cluster what should be; a reference is kept.
 * @param machine its name in the cluster: a director or a server.
 * Returns 0. Errors: LSVM_ERR_NOT_FOUND when the cluster has no such machine,
 * LSVM_ERR_ARGUMENT when it is neither a director nor a server, LSVM_ERR_UNSUPPORTED when
 * the host cannot wait, LSVM_ERR_NOMEM. Lifetime: until lsvm_agent_free(). @since 0.1
 */
LSVM_API int lsvm_agent_new(struct lsvm_host *host, struct lsvm_cluster *cluster,
			    const char *machine, struct lsvm_agent **ret);
/**
 * Sets an option, before lsvm_agent_start() only.
 * @param option an enum lsvm_agent_option.
 * Returns 0. Errors: LSVM_ERR_ARGUMENT with a sentence, LSVM_ERR_UNSUPPORTED for an
 * option that this machine's role has not, LSVM_ERR_STATE, LSVM_ERR_NOMEM. @since 0.1
 */
LSVM_API int lsvm_agent_set(struct lsvm_agent *agent, int option, const char *value);
/**
 * Makes the machine hold its plan, a director the one of a backup first, and begins to
 * watch. This call may take as long as applying takes; nothing after it does.
 * Returns 0. Errors: LSVM_ERR_STATE when it runs already; those of lsvm_apply_new(), and
 * what makes starting senseless: LSVM_ERR_PERMISSION, LSVM_ERR_NO_IPVS. What may come
 * right is tried again instead, and told as an event. @since 0.1
 */
LSVM_API int lsvm_agent_start(struct lsvm_agent *agent);
/**
 * What to wait for with poll, epoll or asyncio: readable when lsvm_agent_dispatch() has
 * something to do, at deadlines too. The same descriptor for the agent's whole life; -1
 * on a simulated machine, whose world knows. @since 0.1
 */
LSVM_API int lsvm_agent_fd(const struct lsvm_agent *agent);
/** Does what is due. Never blocks. Returns 0. Errors: LSVM_ERR_STATE unless it was
 * started. What goes wrong meanwhile is an event. @since 0.1 */
LSVM_API int lsvm_agent_dispatch(struct lsvm_agent *agent);
/**
 * Takes the next event out. Those that nobody pulls are lost, the oldest first, and an
 * event says how many.
 * Returns 1 with an event, 0 without. Errors: LSVM_ERR_NOMEM.
 * Lifetime: until lsvm_event_free(). @since 0.1
 */
LSVM_API int lsvm_agent_next_event(struct lsvm_agent *agent, struct lsvm_event **ret);
/**
 * What this machine has to do now, an enum lsvm_duty: LSVM_DUTY_MASTER on a director that
 * holds virtual addresses, LSVM_DUTY_BACKUP on one that does not; LSVM_DUTY_UNKNOWN on
 * servers and unless the agent runs. @since 0.1
 */
LSVM_API int lsvm_agent_duty(const struct lsvm_agent *agent);
/** How all stands, as JSON, schema "lsvm-agent-status/1". Errors: LSVM_ERR_NOMEM.
 * @since 0.1 */
LSVM_API int lsvm_agent_status_to_json(struct lsvm_agent *agent, char **ret);
/** What is counted and measured, in Prometheus' text format. Errors: LSVM_ERR_NOMEM.
 * @since 0.1 */
LSVM_API int lsvm_agent_metrics_to_text(struct lsvm_agent *agent, char **ret);
/**
 * Another cluster comes into force: the plan is applied as a difference, little by little
 * while the agent is dispatched; a master stays master; what did not change goes on.
 * @param cluster a reference is kept.
 * Returns 0. Errors: those of lsvm_agent_new(), and then nothing has changed;
 * LSVM_ERR_CONFLICT when the machine has another role now, LSVM_ERR_STATE unless the
 * agent runs. @since 0.1
 */
LSVM_API int lsvm_agent_reload(struct lsvm_agent *agent, struct lsvm_cluster *cluster);
/**
 * An operator takes a server out of service on this director, for as long as the agent
 * runs: it gets no new connections, those it has go on.
 * @param partition where; NULL: in all of its partitions.
 * Returns 0, also when it is drained already. Errors: LSVM_ERR_NOT_FOUND with the servers
 * there are, LSVM_ERR_UNSUPPORTED on a server, LSVM_ERR_STATE unless the agent runs.
 * @since 0.1
 */
LSVM_API int lsvm_agent_drain(struct lsvm_agent *agent, const char *server,
			      const char *partition);
/** The opposite: it serves again, slowly at first when its checks say so. Errors: as
 * lsvm_agent_drain(). @since 0.1 */
LSVM_API int lsvm_agent_enable(struct lsvm_agent *agent, const char *server,
			       const char *partition);
/**
 * Whether somebody asked by the control socket that the cluster file be read again. Who
 * keeps the agent answers with lsvm_agent_reload() or lsvm_agent_refuse_reload(); look
 * after every dispatch. @since 0.1
 */
LSVM_API bool lsvm_agent_is_reload_asked(struct lsvm_agent *agent);
/**
 * There is no reload: the file cannot be read, or lsvm_agent_reload() failed. It is told
 * as an event, and to those who asked for it.
 * @param why one sentence.
 * Returns 0. Errors: LSVM_ERR_STATE unless the agent runs. @since 0.1
 */
LSVM_API int lsvm_agent_refuse_reload(struct lsvm_agent *agent, const char *why);
/**
 * Ends in order: a director that has another one beside it tells it and gives its
 * addresses up; its table stays, so that connections through it do not die. A director
 * alone and a server leave everything as it is. Dispatch until lsvm_agent_is_finished().
 * Returns 0, also when it is ending already. Errors: LSVM_ERR_STATE unless it was
 * started.
 * @since 0.1
 */
LSVM_API int lsvm_agent_stop(struct lsvm_agent *agent);
/** Whether an orderly end is complete. @since 0.1 */
LSVM_API bool lsvm_agent_is_finished(const struct lsvm_agent *agent);
/** Frees it. One that was not stopped goes as if the process had died: a master's
 * addresses go, so that nothing answers twice. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_agent_free(struct lsvm_agent *agent);

/** A connection to the control socket of an agent, of this process or any other. */
struct lsvm_control;

/**
 * Connects to an agent that was started with a control socket.
 * @param path of the socket, "/run/svm/eds.sock".
 * Returns 0. Errors: LSVM_ERR_NOT_FOUND when no agent answers there,
 * LSVM_ERR_PERMISSION, LSVM_ERR_BUSY, LSVM_ERR_ARGUMENT, LSVM_ERR_IO, LSVM_ERR_NOMEM,
 * LSVM_ERR_UNSUPPORTED. Lifetime: until lsvm_control_close(). @since 0.1
 */
LSVM_API int lsvm_control_open(struct lsvm_ctx *ctx, const char *path,
			       struct lsvm_control **ret);
/** For poll: readable when lsvm_control_next() has something. @since 0.1 */
LSVM_API int lsvm_control_fd(const struct lsvm_control *control);
/**
 * Sends one request, a JSON object in one line: {"command": "status"}. What can be asked
 * is in svm-control(7).
 * @param timeout_ms how long the agent may take nothing; 0: for ever.
 * Returns 0. Errors: LSVM_ERR_TIMEOUT, LSVM_ERR_ARGUMENT, LSVM_ERR_IO, LSVM_ERR_NOMEM.
 * @since 0.1
 */
LSVM_API int lsvm_control_ask(struct lsvm_control *control, const char *request,
			      uint32_t timeout_ms);
/**
 * The next line of what the agent says: an answer, or an event that was asked for.
 * @param timeout_ms how long to wait; 0: for ever.
 * Returns 1 with a line, 0 when the agent has closed the connection. Errors:
 * LSVM_ERR_TIMEOUT, LSVM_ERR_LIMIT, LSVM_ERR_IO, LSVM_ERR_NOMEM. Lifetime: until
 * lsvm_free(). @since 0.1
 */
LSVM_API int lsvm_control_next(struct lsvm_control *control, uint32_t timeout_ms,
			       char **ret);
/**
 * Whether an answer says that the request was done.
 * Returns 0. Errors: the error that the agent met, with its sentence;
 * LSVM_ERR_PROTOCOL when it is no answer of an agent. @since 0.1
 */
LSVM_API int lsvm_control_check(struct lsvm_ctx *ctx, const char *answer);
/** Ends the connection. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_control_close(struct lsvm_control *control);
/**
 * All of that in one: connects, asks, and hands over the answer, one JSON object.
 * @param timeout_ms for each of the steps; 0: for ever.
 * Returns 0. Errors: as the functions above. Lifetime: until lsvm_free(). @since 0.1
 */
LSVM_API int lsvm_control_call(struct lsvm_ctx *ctx, const char *path,
			       const char *request, uint32_t timeout_ms, char **ret);

#ifdef __cplusplus
}
#endif

#endif
