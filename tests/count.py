#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count.py LOG.json: prints "PASSED FAILED" of a meson test log, and names what did not pass.

A test that was skipped has not passed: where ./check runs, it has installed what tests need.
"""
import json
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
        else:
            bad.append(test)
    for test in bad:
        print(f"{test['result']}: {test['name']}", file=sys.stderr)
    if not lines:
        print(f"{sys.argv[1]}: no test ran", file=sys.stderr)
    print(passed, len(bad) or int(not lines))


if __name__ == "__main__":
    main()
