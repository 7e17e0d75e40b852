#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Applies the whole plan of a machine to a simulated one and takes it back, as apply.c does."""
import sys

import lsvm


def apply_plan(host, plan):
    print(len(host.apply(plan, dry_run=True)), "steps")
    for step in host.applying(plan):
        print(" ", step)


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE MACHINE")
    plan = lsvm.compile(lsvm.load(sys.argv[1]), sys.argv[2])
    host = lsvm.Host.simulated(sys.argv[2])
    apply_plan(host, plan)
    apply_plan(host, plan)  # nothing is left to do
    apply_plan(host, None)


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
