#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every #include against lib/floors.txt: a room uses rooms on lower floors only.

Tools, examples and bindings stand outside: they include <libsvm/…> and their own folder.
"""
import re

from common import ROOT, files, finish


def house():
    """room -> (floor, rooms allowed besides the lower ones)"""
    rooms = {}
    for line in (ROOT / "lib/floors.txt").read_text().splitlines():
        fields = line.split("#")[0].split()
        if fields:
            rooms[fields[1]] = (int(fields[0]), fields[2:])
    return rooms


def room_of(path, rooms):
    """The longest room that the path lies in."""
    parts = path.split("/")
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in rooms:
            return "/".join(parts[:length])
    return None


def fault(path, include, rooms):
    """What is wrong with one quoted include, or None."""
    own = room_of(path, rooms)
    near = (ROOT / path).parent / include
    inside = ROOT / "lib" / include
    target = near if near.is_file() else inside
    if not target.is_file():
        return "is no file of the project"
    target = target.resolve().relative_to(ROOT).as_posix()
    if path.split("/")[0] != "lib":
        return None if near.is_file() else "is not public: include <libsvm/…> only"
    other = room_of(target, rooms)
    if other is None:
        return "lies in no room of lib/floors.txt"
    if other == own or rooms[other][0] < rooms[own][0] or other in rooms[own][1]:
        return None
    return f"is {other} on floor {rooms[other][0]}; {own} is on floor {rooms[own][0]}"


def main():
    rooms, faults = house(), []
    paths = files(".c", ".h", under=("lib", "tools", "examples", "bindings", "include"))
    for path in map(str, paths):
        if path.startswith("lib/") and room_of(path, rooms) is None:
            faults.append(f"{path}: lies in no room of lib/floors.txt; add it there")
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            quoted, include = match.group(1) == '"', match.group(2)
            if path.startswith("include/") and (quoted or "/" in include and
                                                not include.startswith("libsvm/")):
                faults.append(f"{path}:{number}: {include}: public headers stand alone")
            elif quoted:
                what = fault(path, include, rooms)
                if what:
                    faults.append(f"{path}:{number}: {include} {what}")
    finish(faults, len(paths))


if __name__ == "__main__":
    main()
