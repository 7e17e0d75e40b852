# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys: with them the machines of a cluster know each other.

    cluster = lsvm.generate_key()
    eps1 = lsvm.derive_key(cluster, "eps1")
"""
import ctypes
import os

from ._library import library, take
from ._objects import Context


def generate_key():
    """A new key for a cluster, as text for a file that only root can read."""
    context, text, random = Context(), ctypes.c_void_p(), os.urandom(32)
    buffer = (ctypes.c_uint8 * len(random)).from_buffer_copy(random)
    context.check(library().lsvm_key_generate(context.pointer, buffer, len(random),
                                              ctypes.byref(text)))
    return take(text)


def derive_key(cluster_key, machine):
    """The key of one machine, which follows from the cluster's: for that machine's file."""
    context, text, key = Context(), ctypes.c_void_p(), cluster_key.encode()
    context.check(library().lsvm_key_derive(context.pointer, key, len(key), machine.encode(),
                                            ctypes.byref(text)))
    return take(text)
