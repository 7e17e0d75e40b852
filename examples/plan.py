#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what a machine of the cluster must hold, as plan.c does."""
import sys

import lsvm


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE MACHINE")
    plan = lsvm.compile(lsvm.load(sys.argv[1]), sys.argv[2])
    print(plan.role.word, plan.machine)
    for address in plan.addresses:
        print(f"address {address.prefix} on {address.interface}")
    if plan.ipvs:
        print(plan.ipvs.to_ipvsadm(), end="")
    for file in plan.files:
        print(f"file {file.path}, mode {file.mode:o}:\n{file.content}", end="")


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
