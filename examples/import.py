#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another program's configuration as a cluster file, and the report, as import.c does it."""
import sys

import lsvm


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} CONFIGURATION")
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    readers = {lsvm.ImportSource.KEEPALIVED: lsvm.import_keepalived,
               lsvm.ImportSource.LDIRECTORD: lsvm.import_ldirectord}
    result = readers.get(lsvm.guess_import(text), lsvm.import_ipvsadm)(text)
    print(result.yaml, end="")
    for note in result.notes:
        print(f"line {note.line}: {note.kind.word}: {note.text}")


if __name__ == "__main__":
    try:
        main()
    except (lsvm.Error, OSError) as error:
        sys.exit(str(error))
