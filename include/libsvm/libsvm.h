/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file libsvm.h  The whole of libsvm in one include. */
#ifndef LIBSVM_LIBSVM_H
#define LIBSVM_LIBSVM_H

#include <libsvm/agent.h>
#include <libsvm/base.h>
#include <libsvm/cluster.h>
#include <libsvm/host.h>
#include <libsvm/impact.h>
#include <libsvm/import.h>
#include <libsvm/ipvs.h>
#include <libsvm/lab.h>
#include <libsvm/plan.h>
#include <libsvm/role.h>
#include <libsvm/sched.h>

#endif
