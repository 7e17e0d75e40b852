#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans and steps, byte for byte.

For each examples/NAME.yaml and tests/golden/plan/NAME.yaml:
    NAME.json   the plans of all machines
    NAME.steps  what the machines do from nothing
For each pair tests/golden/plan/NAME.old.yaml, NAME.new.yaml:
    NAME.diff   how they differ and what the machines do about it

UPDATE=1 writes the files instead of comparing them.
"""
import difflib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
GOLDEN = ROOT / "tests/golden/plan"
NOTHING = GOLDEN / "nothing.yaml"


def ems(*arguments):
    done = subprocess.run([BUILD / "tools/svm-ems", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        return f"exit status {done.returncode}\n{done.stderr}"
    return done.stdout


def machine_steps(path):
    # The first lines are the difference of the files: all of the file.
    text = ems("diff", NOTHING, path)
    return text[text.index("\n\n") + 2:] if "\n\n" in text else text


def cases():
    inputs = sorted((ROOT / "examples").glob("*.yaml"))
    inputs += sorted(p for p in GOLDEN.glob("*.yaml") if p.suffixes == [".yaml"])
    for path in inputs:
        if path == NOTHING:
            continue
        yield GOLDEN / f"{path.stem}.json", lambda p=path: ems("plan", "--json", p)
        yield GOLDEN / f"{path.stem}.steps", lambda p=path: machine_steps(p)
    for old in sorted(GOLDEN.glob("*.old.yaml")):
        name = old.name.removesuffix(".old.yaml")
        new = GOLDEN / f"{name}.new.yaml"
        yield GOLDEN / f"{name}.diff", lambda o=old, n=new: ems("diff", o, n)


def compare(path, have):
    want = path.read_text() if path.exists() else ""
    if have == want:
        return True
    name = path.relative_to(ROOT)
    lines = difflib.unified_diff(want.splitlines(True), have.splitlines(True),
                                 str(name), "what is said now", n=2)
    sys.stdout.writelines(list(lines)[:60])
    return False


def main():
    update = os.environ.get("UPDATE") == "1"
    passed, failed, written = 0, 0, set()
    for path, make in cases():
        have = make()
        written.add(path)
        if update:
            path.write_text(have)
        elif compare(path, have):
            passed += 1
        else:
            failed += 1
    for path in sorted(set(GOLDEN.iterdir()) - written):
        if path.suffix != ".yaml":
            print(f"{path.relative_to(ROOT)}: belongs to no input; remove it")
            failed += 1
    print(f"{passed} as they should be, {failed} not")
    return 1 if failed or not written else 0


if __name__ == "__main__":
    sys.exit(main())
