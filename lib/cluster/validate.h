/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between decoding and meaning.
 *
 * lsvm_cluster_validate() gets a cluster whose shape is right: every list and object is
 * there, computed defaults are filled (defaults.c), references have a name and a place.
 * It resolves the references, fills the maps by name and adds findings about the meaning.
 *
 * Where decoding already complained the cluster has holes, and validation runs all the
 * same, so that everything is told at once: a mandatory name that is missing is "", an
 * address has family 0, a reference has a NULL name. Never dereference or report those
 * again.
 */
#ifndef LSVM_CLUSTER_VALIDATE_H
#define LSVM_CLUSTER_VALIDATE_H

#include "cluster/model.h"

/* 0, or LSVM_ERR_NOMEM. Whether there were errors is findings->error_count. */
int lsvm_cluster_validate(struct lsvm_cluster *cluster, struct lsvm_findings *findings);

#endif
