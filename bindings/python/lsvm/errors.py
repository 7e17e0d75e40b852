# SPDX-License-Identifier: LGPL-2.1-or-later
"""One exception for each kind of error of the library, all of them an lsvm.Error.

`code` is the library's number (lsvm.Err); the text is the library's sentence, which says what to do.
Where Python has an exception of the same meaning, ours is one of those too.
"""
from .enums import Err


class Error(Exception):
    """Something that libsvm could not do."""

    code = Err.INTERNAL

    def __init__(self, text, code=None):
        super().__init__(text)
        if code is not None:
            self.code = code


class NoMemory(Error, MemoryError):
    code = Err.NOMEM


class ArgumentError(Error, ValueError):
    code = Err.ARGUMENT


class ParseError(Error, ValueError):
    code = Err.PARSE


class ConfigError(Error, ValueError):
    """The configuration has errors: `findings` has all of them, and the warnings."""

    code = Err.FINDINGS

    def __init__(self, text, code=None, findings=()):
        super().__init__(text, code)
        self.findings = list(findings)

    def __str__(self):
        return "\n".join([super().__str__(), *map(str, self.findings)])


class NotFound(Error, LookupError):
    code = Err.NOT_FOUND


class Exists(Error, ValueError):
    code = Err.EXISTS


class RangeError(Error, ValueError):
    code = Err.RANGE


class LimitError(Error, ValueError):
    code = Err.LIMIT


class PermissionDenied(Error):
    code = Err.PERMISSION


class Unsupported(Error):
    code = Err.UNSUPPORTED


class TimedOut(Error):
    code = Err.TIMEOUT


class Busy(Error):
    code = Err.BUSY


class IOFailed(Error):
    code = Err.IO


class ProtocolError(Error):
    code = Err.PROTOCOL


class NoIpvs(Error):
    code = Err.NO_IPVS


class StateError(Error):
    code = Err.STATE


class Conflict(Error):
    code = Err.CONFLICT


class InternalError(Error):
    code = Err.INTERNAL


_BY_CODE = {cls.code: cls for cls in (
    NoMemory, ArgumentError, ParseError, ConfigError, NotFound, Exists, RangeError, LimitError,
    PermissionDenied, Unsupported, TimedOut, Busy, IOFailed, ProtocolError, NoIpvs, StateError,
    Conflict, InternalError)}


def error_class(code):
    """The exception for a negative result."""
    return _BY_CODE.get(code, Error)


__all__ = ["Error", *(cls.__name__ for cls in _BY_CODE.values())]
