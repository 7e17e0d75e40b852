#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds a server to a partition and prints what that changes, as edit.c does."""
import sys

import lsvm


def main():
    if len(sys.argv) != 5:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE PARTITION SERVER DIRECTOR")
    path, partition, server, director = sys.argv[1:]
    before = lsvm.load(path)
    draft = before.draft()
    draft.add_server(partition, server, weight=1)
    after = draft.freeze()
    for change in before.diff(after):
        print(change.path)
    steps = lsvm.compile(after, director).steps_from(lsvm.compile(before, director))
    for step in steps:
        print(f"{director}: {step}")


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
