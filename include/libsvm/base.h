/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file base.h
 * Context, errors, findings, version and features: what every other header builds on.
 *
 * Ownership everywhere in libsvm: functions named `_new`, `_load`, `_freeze`, `_compile`,
 * `_next` or `_ref` give you something to `_unref` or `_free`; getters, `_at` and `_find`
 * borrow from their parent. Text returned as `char *` is yours: give it to lsvm_free().
 */
#ifndef LIBSVM_BASE_H
#define LIBSVM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LSVM_API __attribute__((visibility("default")))
#else
#define LSVM_API
#endif

/** Bytes that hold any address, prefix or endpoint as text, the end included. */
#define LSVM_ADDRESS_TEXT_BYTES 64

/**
 * What went wrong. Every function that can fail returns 0 or more when it succeeded and
 * one of these when it did not; the sentence for people is lsvm_ctx_error_text().
 */
enum lsvm_err {
	LSVM_OK = 0,
	LSVM_ERR_NOMEM = -1,	  /**< memory ran out; nothing was changed */
	LSVM_ERR_ARGUMENT = -2,	  /**< the caller passed something that can never work */
	LSVM_ERR_PARSE = -3,	  /**< bytes that are not the format they should be */
	LSVM_ERR_FINDINGS = -4,	  /**< the configuration has errors; see the findings */
	LSVM_ERR_NOT_FOUND = -5,  /**< no object of that name */
	LSVM_ERR_EXISTS = -6,	  /**< an object of that name is there already */
	LSVM_ERR_RANGE = -7,	  /**< a number outside what is allowed */
	LSVM_ERR_LIMIT = -8,	  /**< larger than a named limit of the library */
	LSVM_ERR_PERMISSION = -9, /**< the system refused; usually root is needed */
	LSVM_ERR_UNSUPPORTED =
		-10,		/**< left out of this build, or the kernel cannot do it */
	LSVM_ERR_TIMEOUT = -11, /**< no answer by the deadline */
	LSVM_ERR_BUSY = -12,	/**< somebody else holds it now; try again */
	LSVM_ERR_IO = -13,	/**< reading or writing failed */
	LSVM_ERR_PROTOCOL = -14, /**< the other side answered nonsense */
	LSVM_ERR_NO_IPVS = -15,	 /**< the running kernel has no ip_vs */
	LSVM_ERR_STATE = -16,	 /**< the call does not fit the object's present state */
	LSVM_ERR_CONFLICT =
		-17, /**< it changed meanwhile, or did not stay as it was set */
	LSVM_ERR_INTERNAL = -18, /**< a defect of libsvm; please report it */
};

/** The word for an error, e.g. "not-found"; "unknown" for a number that is none. @since
 * 0.1 */
LSVM_API const char *lsvm_err_name(int err);

/** The library's version as text, e.g. "0.1.0". @since 0.1 */
LSVM_API const char *lsvm_version(void);

/**
 * Whether this build has an optional part.
 * @param name "linux", "sim", "tls" (in checks), "http" (the port of figures), …
 * Returns true when calls of that part work, false when they answer LSVM_ERR_UNSUPPORTED.
 * @since 0.1
 */
LSVM_API bool lsvm_feature(const char *name);

/** Frees text that a function returned as `char *`. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_free(char *text);

/**
 * A context holds the text of the last error and nothing else that is shared. A context
 * and what is made from it belong to one thread at a time; frozen objects (clusters,
 * plans) may be read by many.
 */
struct lsvm_ctx;

/** Makes a context. Errors: LSVM_ERR_NOMEM. Lifetime: until its last lsvm_ctx_unref().
 * @since 0.1 */
LSVM_API int lsvm_ctx_new(struct lsvm_ctx **ret);
/** Takes one more reference and returns @p ctx. @since 0.1 */
LSVM_API struct lsvm_ctx *lsvm_ctx_ref(struct lsvm_ctx *ctx);
/** Gives one reference back. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_ctx_unref(struct lsvm_ctx *ctx);
/**
 * One sentence about the last call on this context that failed, saying what to do next;
 * "" when none has. Borrowed: valid until the next call on the context. @since 0.1
 */
LSVM_API const char *lsvm_ctx_error_text(const struct lsvm_ctx *ctx);

/** How bad a finding is. Only errors keep a cluster from being frozen. */
enum lsvm_severity {
	LSVM_SEVERITY_UNKNOWN = 0,
	LSVM_SEVERITY_WARNING = 1,
	LSVM_SEVERITY_ERROR = 2,
	LSVM_SEVERITY_NOTICE = 3, /**< of events only: nothing is wrong */
};

/** "warning", "error", "notice" or "unknown". @since 0.1 */
LSVM_API const char *lsvm_severity_name(int severity);
/** The severity of that name; LSVM_SEVERITY_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_severity_parse(const char *name);

/** Everything that is wrong with a configuration, all at once and in the order of the
 * file. */
struct lsvm_findings;
/** One thing that is wrong, with its place and what to do about it. */
struct lsvm_finding;

/** Makes an empty list for a loader to fill. Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_findings_new(struct lsvm_ctx *ctx, struct lsvm_findings **ret);
/** Frees the findings and every finding in them. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_findings_free(struct lsvm_findings *findings);
/** How many findings there are. @since 0.1 */
LSVM_API size_t lsvm_findings_count(const struct lsvm_findings *findings);
/** How many of them are errors. @since 0.1 */
LSVM_API size_t lsvm_findings_error_count(const struct lsvm_findings *findings);
/** The finding at @p index, NULL past the end. Borrowed. @since 0.1 */
LSVM_API const struct lsvm_finding *lsvm_findings_at(const struct lsvm_findings *findings,
						     size_t index);
/** All findings as JSON, schema "lsvm-findings/1". Errors: LSVM_ERR_NOMEM. @since 0.1 */
LSVM_API int lsvm_findings_to_json(const struct lsvm_findings *findings, char **ret);

/** The stable word of this kind of finding, e.g. "vip-in-two-partitions". @since 0.1 */
LSVM_API const char *lsvm_finding_code(const struct lsvm_finding *finding);
/** An enum lsvm_severity. @since 0.1 */
LSVM_API int lsvm_finding_severity(const struct lsvm_finding *finding);
/** Where in the document, e.g. "/partitions/0/vips/1". @since 0.1 */
LSVM_API const char *lsvm_finding_path(const struct lsvm_finding *finding);
/** The line in the file, from 1; 0 when the source had no lines (JSON, drafts). @since
 * 0.1 */
LSVM_API uint32_t lsvm_finding_line(const struct lsvm_finding *finding);
/** The column in the line, from 1; 0 when unknown. @since 0.1 */
LSVM_API uint32_t lsvm_finding_column(const struct lsvm_finding *finding);
/** What is wrong, one sentence. @since 0.1 */
LSVM_API const char *lsvm_finding_text(const struct lsvm_finding *finding);
/** What to do about it, one sentence. @since 0.1 */
LSVM_API const char *lsvm_finding_hint(const struct lsvm_finding *finding);

/** How many kinds of finding the library knows. @since 0.1 */
LSVM_API size_t lsvm_finding_code_count(void);
/** The code of the kind at @p index, NULL past the end. @since 0.1 */
LSVM_API const char *lsvm_finding_code_at(size_t index);

#ifdef __cplusplus
}
#endif
#endif
