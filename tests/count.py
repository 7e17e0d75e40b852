#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count.py LOG.json: prints "PASSED FAILED" of a meson test log, and names what did not pass.

A test that was skipped has not passed: where ./check runs as root, it has installed what tests
need. Without root the few that need it are named and not counted; in the lab's guest, where everybody
is root, the same suites run anyway.
"""
import json
import os
import sys

GOOD = ("OK", "EXPECTEDFAIL")


def main():
    passed, bad = 0, []
    try:
        lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
    except OSError:
        lines = []
    for test in map(json.loads, lines):
        if test["result"] in GOOD:
            passed += 1
        elif test["result"] == "SKIP" and os.geteuid() != 0:
            print(f"SKIP: {test['name']} needs root", file=sys.stderr)
        else:
            bad.append(test)
    for test in bad:
        print(f"{test['result']}: {test['name']}", file=sys.stderr)
    if not lines:
        print(f"{sys.argv[1]}: no test ran", file=sys.stderr)
    print(passed, len(bad) or int(not lines))


if __name__ == "__main__":
    main()
