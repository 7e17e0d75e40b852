#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a simulated director hold the IPVS table of its plan, twice, as reconcile.c does.

With Host.real() in place of Host.simulated() it is this machine's kernel.
"""
import sys

import lsvm


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE DIRECTOR")
    plan = lsvm.compile(lsvm.load(sys.argv[1]), sys.argv[2])
    if plan.ipvs is None:
        sys.exit(f"{sys.argv[2]} is no director")
    host = lsvm.Host.simulated(sys.argv[2])
    for number in (1, 2):
        print(f"round {number}: {host.reconcile(plan.ipvs)} changes")
    print(host.snapshot().to_ipvsadm(), end="")


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
