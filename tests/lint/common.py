# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lints share: the project's files, and how faults are told."""
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LSVM_BUILD_ROOT", ROOT / "build"))
FOLDERS = ("include", "lib", "tools", "examples", "bindings", "tests", "bench", "man", "doc", ".ci")


def files(*suffixes, under=FOLDERS):
    """The project's own files with these suffixes, relative to its root, in order."""
    found = []
    for folder in under:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                found.append(path.relative_to(ROOT))
    return found


def objects():
    """(source relative to the root, object file) of everything that the library is made of."""
    commands = BUILD / "compile_commands.json"
    seen = {}
    for command in json.loads(commands.read_text()):
        source = (BUILD / command["file"]).resolve()
        if source.is_relative_to(ROOT / "lib"):
            seen[source.relative_to(ROOT)] = BUILD / command["output"]
    if not seen:
        sys.exit(f"{commands}: no object of the library in it; build with ninja first")
    return sorted(seen.items())


def finish(faults, looked_at):
    """Prints the faults; a lint that looked at nothing has failed too."""
    for fault in faults:
        print(fault)
    if not looked_at:
        print("there was nothing to look at: is the list of files right?")
    print(f"{looked_at} looked at, {len(faults)} faults")
    sys.exit(1 if faults or not looked_at else 0)
