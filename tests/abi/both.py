#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both libraries in one Python process, loaded as each one's binding loads it."""
import ctypes
import ctypes.util

import lsvm

theirs_name = ctypes.util.find_library("svm")
assert theirs_name and not theirs_name.startswith("liblsvm"), theirs_name
theirs = ctypes.CDLL(theirs_name, mode=ctypes.RTLD_GLOBAL)
version = ctypes.c_int.in_dll(theirs, "libsvm_version").value
assert version > 300, version
assert not hasattr(theirs, "lsvm_version")
assert lsvm.version() and lsvm.feature("sim")
print(f"libsvm {version} and lsvm {lsvm.version()}")
