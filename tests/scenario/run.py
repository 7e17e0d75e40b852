#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios from Python; each file names its cluster in a line "# cluster: FILE"."""
import pathlib
import re
import sys

import lsvm


def directive(text, word, otherwise=None):
    match = re.search(rf"^# {word}: (.*)$", text, flags=re.M)
    return match.group(1) if match else otherwise


def play(path):
    text = path.read_text()
    lab = lsvm.Lab(lsvm.load(path.parent / directive(text, "cluster")),
                   seed=int(directive(text, "seed", "1")))
    try:
        lab.run(text)
    except lsvm.Error as error:
        print(f"not ok {path}: {error}")
        for line in lab.log():
            print("   ", line)
        return False
    print(f"ok {path} ({lab.now_us / 1e6:.3f} s, {lab.step_count} steps)")
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: run.py SCENARIO…")
    if not all([play(pathlib.Path(name)) for name in sys.argv[1:]]):
        sys.exit(1)


if __name__ == "__main__":
    main()
