#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every source has: its licence, clean lines, no postponed work; scripts that parse.

Public headers besides: a doc comment with @since for every function, and nothing that a
binding without a C compiler could not use.
"""
import re
import subprocess

from common import ROOT, files, finish

POSTPONED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
SCRIPTS = ("check", "demo", ".ci/run")


def scripts():
    found = [ROOT / name for name in SCRIPTS if (ROOT / name).is_file()]
    return [p.relative_to(ROOT) for p in found] + files(".sh")


def head_faults(path, text):
    if "SPDX-License-Identifier: LGPL-2.1-or-later" not in "\n".join(text.splitlines()[:3]):
        yield f"{path}:1: has no SPDX line"


def line_faults(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if POSTPONED.search(line):
            yield f"{path}:{number}: postponed work belongs in an issue"
        if line != line.rstrip():
            yield f"{path}:{number}: spaces at the end of the line"
    if text and not text.endswith("\n"):
        yield f"{path}: does not end with a line end"


def header_faults(path, text):
    """Doc comments of functions, and what opaque plain headers may not hold."""
    for match in re.finditer(r"(/\*\*(?:[^*]|\*(?!/))*\*/)?\s*\bLSVM_API\b([^;]*);", text):
        before = text[:match.start(2)]
        if before.rstrip().endswith("#define LSVM_API") or "visibility" in match.group(2):
            continue
        number = before.count("\n") + 1
        name = re.search(r"(\w+)\s*\(", match.group(2))
        if not name:
            continue
        comment = re.sub(r"\s*\n\s*\*\s*", " ", match.group(1) or "")
        if not comment:
            yield f"{path}:{number}: {name.group(1)} has no doc comment"
        elif "@since" not in comment:
            yield f"{path}:{number}: {name.group(1)} has no @since"
        if re.search(r"\blong\b|\bFILE\b|\.\.\.|\btime_t\b|\bsockaddr\b", match.group(2)):
            yield f"{path}:{number}: {name.group(1)} uses a type that bindings cannot"
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for pattern, what in ((r"\bstruct\s+\w+\s*\{", "a struct body"), (r"\binline\b", "inline code"),
                          (r"#\s*define\s+\w+\(", "a macro with arguments")):
        for match in re.finditer(pattern, code):
            yield f"{path}:{code[:match.start()].count(chr(10)) + 1}: {what} in a public header"


def main():
    faults, looked_at = [], 0
    for path in files(".c", ".h", ".py", ".sh", ".build", ".yaml", ".scd", ".md", ".txt"):
        if path.match("tests/fuzz/corpus/*/*") or path.match("tests/golden/**/*"):
            continue
        text = (ROOT / path).read_text()
        looked_at += 1
        faults += line_faults(path, text)
        if path.suffix in (".c", ".h", ".py", ".sh"):
            faults += head_faults(path, text)
        if path.suffix == ".h" and path.parts[0] == "include":
            faults += header_faults(path, text)
    for path in scripts():
        looked_at += 1
        done = subprocess.run(["bash", "-n", path], cwd=ROOT, capture_output=True, text=True)
        faults += [f"{path}: {line}" for line in done.stderr.splitlines()]
        faults += head_faults(path, (ROOT / path).read_text())
    finish(faults, looked_at)


if __name__ == "__main__":
    main()
