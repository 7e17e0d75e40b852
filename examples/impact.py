#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What changing from one cluster file to another does to clients, as impact.c tells it.

With host.snapshot() in place of the first plan's table it counts the connections that live.
"""
import sys

import lsvm


def main():
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} BEFORE AFTER DIRECTOR")
    before, after = (lsvm.compile(lsvm.load(path), sys.argv[3], lsvm.Duty.MASTER).ipvs
                     for path in sys.argv[1:3])
    if before is None or after is None:
        return
    impact = lsvm.impact(before, after, before)
    print(f"hurts: {impact.level.word}\n{impact}", end="")


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
