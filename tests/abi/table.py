#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python tables against the headers, twice over.

They are what the generator writes today; and a C compiler, which reads headers better than any
script, accepts every function of the table as a second declaration of the same, and every number
of the enums.
"""
import subprocess
import sys
import tempfile

from common import CC, INCLUDE, ROOT, run, source

PYTHON = ROOT / "bindings/python"
sys.path.insert(0, str(PYTHON))
sys.path.insert(0, str(PYTHON / "lsvm"))


def main():
    checked = subprocess.run([sys.executable, PYTHON / "generate.py", "--check"])
    if checked.returncode:
        sys.exit(checked.returncode)
    import generate
    from _functions import FUNCTIONS
    lines = ["#include <libsvm/libsvm.h>"]
    for name, (result, parameters) in FUNCTIONS.items():
        lines.append(f"{result} {name}({', '.join(parameters) or 'void'});")
    for items in generate.enums().values():
        lines += [f'_Static_assert({name} == {value}, "{name}");' for name, value in items]
    with tempfile.TemporaryDirectory() as folder:
        path = source(folder, "again.c", "\n".join(lines) + "\n")
        run(CC, "-std=c11", "-Wall", "-Werror", f"-I{INCLUDE}", "-fsyntax-only", path)
    print(f"{len(FUNCTIONS)} functions, {len(generate.enums())} enums")


if __name__ == "__main__":
    main()
