#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""C as clang-format 14 writes it. `format.py --fix` writes it."""
import shutil
import subprocess
import sys

from common import ROOT, files, finish


def main():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        sys.exit("clang-format 14 is not installed: apt-get install clang-format-14")
    paths = [str(p) for p in files(".c", ".h")]
    how = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]
    done = subprocess.run([tool, *how, *paths], cwd=ROOT, capture_output=True, text=True)
    faults = [line for line in done.stderr.splitlines() if "error:" in line]
    if done.returncode != 0 and not faults:
        faults = [done.stderr]
    if faults:
        faults.append("tests/lint/format.py --fix mends this")
    finish(faults, len(paths))


if __name__ == "__main__":
    main()
