# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the ABI tests share: paths, and running compilers."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LSVM_BUILD_ROOT", ROOT / "build"))
INCLUDE = ROOT / "include"
HEADERS = sorted(p.name for p in (INCLUDE / "libsvm").glob("*.h"))
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror"]


def run(*command, **options):
    """Runs it and gives back its output; ends the test with all it said when it fails."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        print(" ".join(command), done.stdout, done.stderr, sep="\n")
        sys.exit(f"status {done.returncode}")
    return done.stdout


def source(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    return path
