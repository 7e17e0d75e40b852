#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tools, their --help and their pages say the same: commands and options, neither more nor less.

--help is printed from the table that the tool parses with, so that it cannot lie; the page
man/TOOL.*.scd is held against it.
"""
import re
import subprocess

from common import BUILD, ROOT, finish

OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")


def tools():
    found = [p for p in sorted((BUILD / "tools").glob("svm-*")) if p.is_file() and p.suffix == ""]
    return [p for p in found if p.stat().st_mode & 0o111]


def check(tool, page, help_text):
    name = tool.name
    text = page.read_text().replace("\\", "")
    options = set(OPTION.findall(help_text))
    described = set(OPTION.findall(text))
    for option in sorted(options - described):
        yield f"{page.relative_to(ROOT)}: does not describe --{option} of {name} --help"
    for option in sorted(described - options):
        yield f"{page.relative_to(ROOT)}: {name} --help knows no --{option}"
    commands = set(re.findall(rf"^  {name} ([a-z]+)", help_text, flags=re.M))
    shown = set(re.findall(rf"\*{name}(?:\* \*| )([a-z]+)\b", text))
    for command in sorted(commands - shown):
        yield f"{page.relative_to(ROOT)}: does not describe the command {command}"
    for command in sorted(shown - commands):
        yield f"{page.relative_to(ROOT)}: {name} --help knows no command {command}"


def main():
    faults, looked_at = [], 0
    for tool in tools():
        pages = sorted((ROOT / "man").glob(f"{tool.name}.*.scd"))
        if not pages:
            faults.append(f"man/{tool.name}.1.scd: is missing")
            continue
        done = subprocess.run([tool, "--help"], capture_output=True, text=True)
        if done.returncode != 0 or not done.stdout:
            faults.append(f"{tool.name} --help: status {done.returncode}; {done.stderr}")
            continue
        faults += check(tool, pages[0], done.stdout)
        looked_at += 1
    finish(faults, looked_at)


if __name__ == "__main__":
    main()
