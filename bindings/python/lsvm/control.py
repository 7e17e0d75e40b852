# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asking agents that run elsewhere on this machine, by their control sockets; see svm-control(7)."""
import ctypes
import json

from ._library import library, take
from ._objects import Context, Owned, needed


class Control(Owned):
    """A connection to the control socket of an agent.

        with lsvm.Control("/run/svm/eds.sock") as control:
            control.ask("drain", server="eps2")
            print(control.ask("status")["status"]["duty"])
    """

    _handle, _free = "lsvm_control", "lsvm_control_close"

    def __init__(self, path, timeout_ms=10000):
        context = Context()
        self._make(context, library().lsvm_control_open, context.pointer, needed(path, "path"))
        self.timeout_ms = timeout_ms

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Ends the connection; nothing can be asked afterwards."""
        self._finalizer()
        self._pointer = None

    def __repr__(self):
        return "<Control>"

    def fileno(self):
        """What to wait for: readable when there is an answer or an event."""
        return library().lsvm_control_fd(self._open())

    def _line(self, timeout_ms):
        text = ctypes.c_void_p()
        got = self._context.check(library().lsvm_control_next(
            self._open(), timeout_ms, ctypes.byref(text)))
        return take(text) if got else None

    def _open(self):
        if not self._pointer:
            raise ValueError("the connection is closed")
        return self._pointer

    def _checked(self, line):
        self._context.check(library().lsvm_control_check(self._context.pointer,
                                                         needed(line, "line")))
        return json.loads(line)

    def ask(self, command, **members):
        """The answer to a command as a dictionary; the error that the agent met is raised."""
        request = json.dumps({"command": command, **members})
        self._context.check(library().lsvm_control_ask(
            self._open(), needed(request, "request"), self.timeout_ms))
        line = self._line(self.timeout_ms)
        if line is None:
            raise ConnectionError("the agent has closed the connection")
        return self._checked(line)

    def follow(self, since=None):
        """Events as they come, as dictionaries, until the agent ends."""
        more = {} if since is None else {"since": since}
        self.ask("events", follow=True, **more)
        while (line := self._line(0)) is not None:
            event = json.loads(line)
            if "kind" not in event:
                self._checked(line)     # why there are no more
            yield event
