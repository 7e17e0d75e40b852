# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loads liblsvm and gives each function its C types.

The table in _functions.py is in C's words; here they become ctypes'. Text that the library hands
over (char **) is taken with take(), which frees it. Handles are pointers to opaque structures, one
type for each, so that ctypes refuses a plan where a cluster belongs.
"""
import ctypes
import functools
import os
import pathlib
import re

from ._functions import FUNCTIONS

SONAME = "liblsvm.so.0"

_PLAIN = {
    "void": None, "bool": ctypes.c_bool, "int": ctypes.c_int, "unsigned": ctypes.c_uint,
    "size_t": ctypes.c_size_t, "double": ctypes.c_double,
    "int8_t": ctypes.c_int8, "uint8_t": ctypes.c_uint8, "int16_t": ctypes.c_int16,
    "uint16_t": ctypes.c_uint16, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64,
    # Text we lend or are lent; text that we are given is a plain pointer, see take().
    "const char *": ctypes.c_char_p, "char *": ctypes.c_void_p,
    "void *": ctypes.c_void_p, "const void *": ctypes.c_void_p,
}


@functools.lru_cache(maxsize=None)
def handle(name):
    """The pointer type of an opaque structure: handle('lsvm_ctx')."""
    return ctypes.POINTER(type(name, (ctypes.Structure,), {}))


@functools.lru_cache(maxsize=None)
def c_type(words):
    """The ctypes type of a type in C's words."""
    if words in _PLAIN:
        return _PLAIN[words]
    plain = re.sub(r"^const ", "", words)
    shape = re.fullmatch(r"struct (\w+) \*(\**)", plain)
    if shape:
        kind, stars = handle(shape.group(1)), len(shape.group(2))
        return functools.reduce(lambda k, _: ctypes.POINTER(k), range(stars), kind)
    if re.fullmatch(r"enum \w+", plain):
        return ctypes.c_int
    if words.endswith("*"):
        # const char ** is lent text; every other const says nothing that ctypes could keep.
        inner = words[:-1].rstrip()
        inner = inner if inner == "const char *" else re.sub(r"^const ", "", inner)
        return ctypes.POINTER(c_type(inner))
    raise TypeError(f"no ctypes type for '{words}'")


def _candidates():
    named = os.environ.get("LSVM_LIBRARY")
    if named:
        return [named]
    # A source tree that was built in place comes before what is installed.
    root = pathlib.Path(__file__).resolve().parents[3]
    built = root / "build/lib" / SONAME
    return ([str(built)] if built.exists() else []) + [SONAME]


class _Library:
    """The library's functions as attributes, each given its types when first used."""

    def __init__(self, loaded):
        self._loaded = loaded

    def __getattr__(self, name):
        if name not in FUNCTIONS:
            raise AttributeError(name)
        result, parameters = FUNCTIONS[name]
        function = getattr(self._loaded, name)
        function.restype = c_type(result)
        function.argtypes = [c_type(p) for p in parameters]
        setattr(self, name, function)
        return function


@functools.lru_cache(maxsize=None)
def library():
    """The library, loaded once. Never looked for as 'svm': that name is another library's."""
    tried = []
    for name in _candidates():
        try:
            return _Library(ctypes.CDLL(name))
        except OSError as error:
            tried.append(str(error))
    raise ImportError("cannot load liblsvm: " + "; ".join(tried) +
                      "; build it with ninja, run ldconfig after installing it, or set LSVM_LIBRARY "
                      "to its path")


def take(pointer):
    """The text behind a char * that is ours, freed; None when it is NULL."""
    if not pointer.value:
        return None
    try:
        return ctypes.string_at(pointer.value).decode()
    finally:
        library().lsvm_free(pointer)
