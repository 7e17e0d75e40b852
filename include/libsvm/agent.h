/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file agent.h
 * Agents: what keeps a machine doing its part while others come and go.
 */
#ifndef LIBSVM_AGENT_H
#define LIBSVM_AGENT_H

#include <libsvm/cluster.h>
#include <libsvm/host.h>

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

#ifdef __cplusplus
}
#endif

#endif
