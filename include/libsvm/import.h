/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file import.h
 * Configurations of other programs as cluster files, with a report: what could not be
 * carried over, what was made up, and what that configuration would have done wrong.
 *
 * keepalived and ldirectord describe one director and know nothing of networks, of the
 * other director or of domains; ipvsadm knows the table only. What they do not know is
 * made up so that the file loads, and every such line is in the report, to be filled in.
 * Real servers with the same weights and thresholds become one partition.
 */
#ifndef LIBSVM_IMPORT_H
#define LIBSVM_IMPORT_H

#include <libsvm/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An imported configuration: a cluster file and the report. It never changes. */
struct lsvm_import;
/** One line of the report. Borrowed from the import. */
struct lsvm_import_note;

/** Whose configuration it is. */
enum lsvm_import_source {
	LSVM_IMPORT_SOURCE_UNKNOWN = 0,
	LSVM_IMPORT_SOURCE_KEEPALIVED = 1, /**< keepalived.conf */
	LSVM_IMPORT_SOURCE_LDIRECTORD = 2, /**< ldirectord.cf */
	LSVM_IMPORT_SOURCE_IPVSADM = 3,	   /**< what `ipvsadm -S -n` prints */
};

/** What a line of the report says. */
enum lsvm_import_note_kind {
	LSVM_IMPORT_NOTE_KIND_UNKNOWN = 0,
	LSVM_IMPORT_NOTE_KIND_LOST = 1,	    /**< not in the cluster file */
	LSVM_IMPORT_NOTE_KIND_CHANGED = 2,  /**< in it, but not quite the same */
	LSVM_IMPORT_NOTE_KIND_DANGER = 3,   /**< what the source would have done wrong */
	LSVM_IMPORT_NOTE_KIND_INVENTED = 4, /**< made up: write what is true */
};

/** "keepalived", "ldirectord", "ipvsadm", "unknown". @since 0.1 */
LSVM_API const char *lsvm_import_source_name(int source);
/** The source of that name; LSVM_IMPORT_SOURCE_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_import_source_parse(const char *name);
/** "lost", "changed", "danger", "invented", "unknown". @since 0.1 */
LSVM_API const char *lsvm_import_note_kind_name(int kind);
/** The kind of that name; LSVM_IMPORT_NOTE_KIND_UNKNOWN when there is none. @since 0.1 */
LSVM_API int lsvm_import_note_kind_parse(const char *name);

/**
 * Whose configuration the bytes look like. Returns an enum lsvm_import_source, UNKNOWN
 * when they look like none. @since 0.1
 */
LSVM_API int lsvm_import_guess(const char *bytes, size_t length);

/**
 * A keepalived.conf as a cluster file: virtual servers and their groups, real servers,
 * checks, sorry servers, and VRRP as the redundancy of the directors. Parameters
 * ($NAME=VALUE) are filled in; lines for certain machines (\@id) and included files are
 * reported.
 *
 * Errors: LSVM_ERR_PARSE when it is no text, LSVM_ERR_LIMIT, LSVM_ERR_NOMEM. A result
 * that does not load is no error: see lsvm_import_cluster().
 * Lifetime: until lsvm_import_free(). Source: keepalived.conf(5). @since 0.1
 */
LSVM_API int lsvm_import_keepalived(struct lsvm_ctx *ctx, const char *bytes,
				    size_t length, struct lsvm_import **ret);
/**
 * The same for an ldirectord.cf: virtual services with their real servers, fallback and
 * checks. Source: ldirectord(8). @since 0.1
 */
LSVM_API int lsvm_import_ldirectord(struct lsvm_ctx *ctx, const char *bytes,
				    size_t length, struct lsvm_import **ret);
/**
 * The same for lines of ipvsadm, as lsvm_ipvs_table_from_ipvsadm() reads them, with its
 * errors. @since 0.1
 */
LSVM_API int lsvm_import_ipvsadm(struct lsvm_ctx *ctx, const char *bytes, size_t length,
				 struct lsvm_import **ret);
/** Frees the import and all that was borrowed from it. NULL is allowed. @since 0.1 */
LSVM_API void lsvm_import_free(struct lsvm_import *import);

/** The cluster file, YAML; what was made up stands in comments at its head. Borrowed.
 * @since 0.1 */
LSVM_API const char *lsvm_import_yaml(const struct lsvm_import *import);
/** The cluster that the file loads as; NULL when it has errors, which are findings.
 * Borrowed. @since 0.1 */
LSVM_API struct lsvm_cluster *lsvm_import_cluster(const struct lsvm_import *import);
/** What a check of the cluster file says, with its lines. Borrowed. @since 0.1 */
LSVM_API const struct lsvm_findings *lsvm_import_findings(
	const struct lsvm_import *import);

/** How many lines the report has. @since 0.1 */
LSVM_API size_t lsvm_import_note_count(const struct lsvm_import *import);
/** How many of a kind. @since 0.1 */
LSVM_API size_t lsvm_import_note_count_of(const struct lsvm_import *import, int kind);
/** The line of the report at @p index, in the order of the source; NULL past the end.
 * @since 0.1 */
LSVM_API const struct lsvm_import_note *lsvm_import_note_at(
	const struct lsvm_import *import, size_t index);
/** An enum lsvm_import_note_kind. @since 0.1 */
LSVM_API int lsvm_import_note_kind(const struct lsvm_import_note *note);
/** The line of the source, from 1; 0: the whole of it. @since 0.1 */
LSVM_API uint32_t lsvm_import_note_line(const struct lsvm_import_note *note);
/** The last line of the block that begins there, or the same line. @since 0.1 */
LSVM_API uint32_t lsvm_import_note_last_line(const struct lsvm_import_note *note);
/** That line's text; "" without a line. Secrets are left out. @since 0.1 */
LSVM_API const char *lsvm_import_note_source(const struct lsvm_import_note *note);
/** What happened and why, or what to do; one sentence. @since 0.1 */
LSVM_API const char *lsvm_import_note_text(const struct lsvm_import_note *note);

/** File, report and findings as JSON, schema "lsvm-import/1". Errors: LSVM_ERR_NOMEM.
 * @since 0.1 */
LSVM_API int lsvm_import_to_json(const struct lsvm_import *import, char **ret);

#ifdef __cplusplus
}
#endif
#endif
