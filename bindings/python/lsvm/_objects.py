# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ownership: how Python objects hold the library's.

What is owned is freed when its last Python object goes; what is borrowed keeps the owner of its
parent. Each owned object has a context of its own, so that different objects may be used by
different threads at once; one object that is edited or does something belongs to one thread at a
time, as in C.
"""
import ctypes
import json
import operator
import weakref

from ._library import handle, library, take
from .enums import Err
from .errors import error_class


def _release(name, pointer, kept):
    # kept: what must outlive this object, e.g. the host of an apply.
    getattr(library(), name)(pointer)
    del kept


class Single:
    """What stands for one object of the library, which a copy would free once more."""

    def __copy__(self):
        raise TypeError(f"a {type(self).__name__} of the library cannot be copied")

    def __deepcopy__(self, memo):
        self.__copy__()

    def __reduce_ex__(self, protocol):
        raise TypeError(f"a {type(self).__name__} of the library cannot be pickled; "
                        "where it has JSON, pickle that")


class Context(Single):
    """A context of the library, and how results become exceptions."""

    def __init__(self):
        self.pointer = handle("lsvm_ctx")()
        if library().lsvm_ctx_new(ctypes.byref(self.pointer)) < 0:
            raise MemoryError("no memory for a context")
        weakref.finalize(self, _release, "lsvm_ctx_unref", self.pointer, None)

    def check(self, result, **more):
        """The result, or the exception that it stands for."""
        if result >= 0:
            return result
        raise self.error(result, **more)

    def error(self, result, **more):
        text = library().lsvm_ctx_error_text(self.pointer).decode(errors="replace")
        known = result in Err.__members__.values()
        code = Err(result) if known else Err.INTERNAL
        return error_class(code)(text or library().lsvm_err_name(result).decode(), code, **more)


class Owned(Single):
    """An object of the library that is ours to free."""

    _handle = None  # the C structure
    _free = None    # the function that frees it or gives its reference back

    @classmethod
    def _new(cls, context, function, *arguments, kept=None, **more):
        """Calls function(*arguments, ret) and wraps what it made."""
        self = cls.__new__(cls)
        self._make(context, function, *arguments, kept=kept, **more)
        return self

    @classmethod
    def _wrap(cls, context, pointer, kept=None):
        """The Python object of a pointer that is ours already."""
        self = cls.__new__(cls)
        self._own(context, pointer, kept)
        return self

    def _make(self, context, function, *arguments, kept=None, **more):
        pointer = handle(self._handle)()
        context.check(function(*arguments, ctypes.byref(pointer)), **more)
        self._own(context, pointer, kept)

    def _own(self, context, pointer, kept):
        self._context, self._pointer, self._kept = context, pointer, kept
        # The context is released after the object, and so is everything it needs.
        self._finalizer = weakref.finalize(self, _release, self._free, pointer, (context, kept))

    def _text(self, function, *arguments):
        """The text that function(self, *arguments, char **ret) hands over."""
        pointer = ctypes.c_void_p()
        self._context.check(function(self._pointer, *arguments, ctypes.byref(pointer)))
        return take(pointer)

    def _formatted(self, function, *arguments):
        return formatted(self._context, function, self._pointer, *arguments)


class Borrowed:
    """An object of the library that lives as long as its owner does."""

    def __init__(self, owner, pointer):
        self._owner, self._pointer = owner, pointer

    def _address(self):
        return ctypes.cast(self._pointer, ctypes.c_void_p).value

    def __eq__(self, other):
        return type(self) is type(other) and self._address() == other._address()

    def __hash__(self):
        return hash(self._address())

    def _formatted(self, function, *arguments):
        return formatted(self._owner._context, function, self._pointer, *arguments)


class Json:
    """What has a JSON document: text as the library writes it, or parsed."""

    @property
    def json(self):
        """The document as Python values."""
        return json.loads(self.to_json())


class Frozen(Json):
    """What never changes: equal documents are equal objects."""

    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self.to_json() == other.to_json())

    def __hash__(self):
        return hash(self.to_json())


def formatted(context, function, *arguments):
    """The text that a getter writes into (char *buf, size_t size)."""
    size = 512
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = function(*arguments, buffer, size)
        if not isinstance(length, int):
            return buffer.value.decode()  # it returned the buffer
        if context.check(length) < size:
            return buffer.value.decode()
        size = length + 1


def words(value):
    """A str for the library; None stays NULL."""
    if value is None:
        return None
    text = str(value)
    if "\0" in text:
        raise ValueError("text with a NUL character")
    return text.encode()


def needed(value, name):
    """The same where None means nothing."""
    if value is None:
        raise TypeError(f"{name} must be text, not None")
    return words(value)


def whole(value, name, most=0xFFFFFFFF):
    """A whole number from 0 to the most; ctypes would cut off what does not fit."""
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if not 0 <= found <= most:
        raise ValueError(f"{name} is {found}; it must be from 0 to {most}")
    return found


def pointer_of(value, cls, name):
    """The C pointer of an object of that class."""
    if not isinstance(value, cls):
        raise TypeError(f"{name} must be a {cls.__name__}, not {type(value).__name__}")
    return value._pointer


def pointer_or_none(value, cls, name):
    """The same; None stays NULL."""
    return None if value is None else pointer_of(value, cls, name)


def bytes_of(text):
    """The bytes of a document, given as str or as bytes."""
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise TypeError(f"a document is str or bytes, not {type(text).__name__}")
