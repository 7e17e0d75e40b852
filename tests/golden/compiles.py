#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `svm-ems check` accepts can be planned, for every machine in it.

The examples, the clusters whose plans are golden, and every golden finding that is only a
warning: whoever has checked a file learns nothing worse from its plans.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
# A check that refuses everything must not pass here.
LEAST = 35


def ems(*arguments):
    return subprocess.run([BUILD / "tools/svm-ems", *arguments], capture_output=True, text=True)


def inputs():
    for folder in "examples", "tests/golden/plan", "tests/golden/findings":
        for path in sorted((ROOT / folder).iterdir()):
            if path.suffix in (".yaml", ".json") and not (
                    path.suffix == ".json" and path.with_suffix(".yaml").exists()):
                yield path


def main():
    planned, failed = 0, 0
    for path in inputs():
        if ems("check", path).returncode != 0:
            continue
        done = ems("plan", "--json", path)
        planned += 1
        if done.returncode != 0:
            print(f"{path.relative_to(ROOT)}: is accepted, but\n{done.stderr}")
            failed += 1
    print(f"{planned} accepted, {failed} of them without a plan")
    return 1 if failed or planned < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
