#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each public header compiles alone and twice, as strict C99, C11, C++11 and C++17."""
import tempfile

from common import CC, CXX, HEADERS, INCLUDE, STRICT, run, source

WAYS = (("c", CC, "c99"), ("c", CC, "c11"), ("cc", CXX, "c++11"), ("cc", CXX, "c++17"))


def main():
    assert len(HEADERS) >= 7, HEADERS
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            twice = f"#include <libsvm/{header}>\n" * 2
            for suffix, compiler, standard in WAYS:
                path = source(folder, f"alone.{suffix}", twice + "int alone;\n")
                run(compiler, f"-std={standard}", *STRICT, f"-I{INCLUDE}", "-fsyntax-only", path)
    print(f"{len(HEADERS)} headers, {len(WAYS)} ways")


if __name__ == "__main__":
    main()
