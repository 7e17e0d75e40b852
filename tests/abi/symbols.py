#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Public functions: headers = lib/libsvm.map = the shared library = the Python table.

symbols.py            compare headers and map
symbols.py --update   write the map and the Python tables from the headers
symbols.py --library liblsvm.so.0   compare what the library really exports too
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAP = ROOT / "lib/libsvm.map"


def declared():
    names = set()
    for header in (ROOT / "include/libsvm").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        for match in re.finditer(r"\bLSVM_API\b([^;(]*)\(", text):
            names.add(re.search(r"(\w+)\s*$", match.group(1)).group(1))
    return names


def mapped():
    return set(re.findall(r"^\t(lsvm_\w+);", MAP.read_text(), flags=re.M))


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    return {n for n in names if not re.fullmatch(r"LSVM_\d+(\.\d+)*", n)}


def bound():
    table = ROOT / "bindings/python/lsvm/_functions.py"
    if not table.exists():
        return None
    return set(re.findall(r'^\s*"(lsvm_\w+)"\s*:', table.read_text(), flags=re.M))


def compare(what, want, have):
    for name in sorted(want - have):
        print(f"{what}: {name} is missing")
    for name in sorted(have - want):
        print(f"{what}: {name} is not declared in a public header")
    return want == have


def main():
    want = declared()
    if "--update" in sys.argv:
        lines = ["LSVM_0.1 {", "global:"] + [f"\t{n};" for n in sorted(want)]
        MAP.write_text("\n".join(lines + ["local:", "\t*;", "};", ""]))
        return subprocess.run([sys.executable, ROOT / "bindings/python/generate.py"]).returncode
    good = compare("lib/libsvm.map", want, mapped())
    if "--library" in sys.argv:
        good &= compare("library", want, exported(sys.argv[sys.argv.index("--library") + 1]))
    table = bound()
    if table is not None:
        good &= compare("bindings/python/lsvm/_functions.py", want, table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
