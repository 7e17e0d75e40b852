# SPDX-License-Identifier: LGPL-2.1-or-later
from ._library import library


def version():
    """The library's version, e.g. '0.1.0'."""
    return library().lsvm_version().decode()


def feature(name):
    """Whether the library was built with an optional part, e.g. 'linux'."""
    return library().lsvm_feature(name.encode())
