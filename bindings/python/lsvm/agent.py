# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents: what keeps a machine doing its part while others come and go."""
import ctypes
import json
from dataclasses import dataclass

from ._library import handle, library
from ._objects import Owned, needed, pointer_of, words
from .cluster import Cluster
from .enums import AgentOption, Duty, EventKind, Severity
from .host import Host


class _Event(Owned):
    _handle, _free = "lsvm_event", "lsvm_event_free"


@dataclass(frozen=True)
class Event:
    """Something that happened, with its cause."""
    number: int     # 1, 2, 3 … in the life of an agent
    time_ms: int    # since 1970
    kind: EventKind
    severity: Severity
    subject: str    # what it is about
    text: str       # what happened and why

    def __str__(self):
        return f"{self.kind.word} {self.subject}: {self.text}"


def _event(found):
    lib, mine = library(), found._pointer
    return Event(lib.lsvm_event_number(mine), lib.lsvm_event_time_ms(mine),
                 EventKind(lib.lsvm_event_kind(mine)), Severity(lib.lsvm_event_severity(mine)),
                 lib.lsvm_event_subject(mine).decode(errors="replace"),
                 lib.lsvm_event_text(mine).decode(errors="replace"))


class Agent(Owned):
    """The agent of one machine of a cluster. One thread at a time.

        agent = lsvm.Agent(lsvm.Host.real("eds1"), cluster, "eds1")
        agent.start()
        loop.add_reader(agent.fileno(), agent.dispatch)     # asyncio, or any poll
        for event in agent.events():
            print(event)
    """

    _handle, _free = "lsvm_agent", "lsvm_agent_free"

    def __init__(self, host, cluster, machine, **options):
        """options: control, metrics, key, log, notify, as in enum lsvm_agent_option."""
        self._host = host
        self._make(host._context if isinstance(host, Host) else None, library().lsvm_agent_new,
                   pointer_of(host, Host, "host"), pointer_of(cluster, Cluster, "cluster"),
                   needed(machine, "machine"), kept=(host, cluster))
        for name, value in options.items():
            self._context.check(library().lsvm_agent_set(
                self._pointer, AgentOption[name.upper()], needed(value, name)))

    def __repr__(self):
        return f"<Agent on {self._host.name}, {self.duty.word}>"

    def start(self):
        """Makes the machine hold its plan and begins to watch; may take as long as applying."""
        self._context.check(library().lsvm_agent_start(self._pointer))

    def fileno(self):
        """What to wait for; -1 on a simulated machine."""
        return library().lsvm_agent_fd(self._pointer)

    def dispatch(self):
        """Does what is due; never blocks."""
        self._context.check(library().lsvm_agent_dispatch(self._pointer))

    def events(self):
        """What happened since the last call, in order."""
        while True:
            pointer = handle("lsvm_event")()
            if not self._context.check(library().lsvm_agent_next_event(
                    self._pointer, ctypes.byref(pointer))):
                return
            yield _event(_Event._wrap(self._context, pointer))

    @property
    def duty(self):
        """What this machine has to do now; UNKNOWN on servers and unless it runs."""
        return Duty(library().lsvm_agent_duty(self._pointer))

    @property
    def status(self):
        """How all stands, schema "lsvm-agent-status/1", as Python values."""
        return json.loads(self._text(library().lsvm_agent_status_to_json))

    @property
    def metrics(self):
        """What is counted and measured, in Prometheus' text format."""
        return self._text(library().lsvm_agent_metrics_to_text)

    @property
    def is_reload_asked(self):
        """Somebody asked by the control socket: answer with reload() or refuse_reload()."""
        return library().lsvm_agent_is_reload_asked(self._pointer)

    def refuse_reload(self, why):
        """There is no reload; whoever asked is told why."""
        self._context.check(library().lsvm_agent_refuse_reload(self._pointer,
                                                               needed(why, "why")))

    def reload(self, cluster):
        """Another cluster comes into force; what did not change goes on."""
        self._context.check(library().lsvm_agent_reload(
            self._pointer, pointer_of(cluster, Cluster, "cluster")))

    def drain(self, server, partition=None):
        """The server gets no new connections, in one partition or in all."""
        self._context.check(library().lsvm_agent_drain(
            self._pointer, needed(server, "server"), words(partition)))

    def enable(self, server, partition=None):
        """A drained server serves again."""
        self._context.check(library().lsvm_agent_enable(
            self._pointer, needed(server, "server"), words(partition)))

    def stop(self):
        """Ends in order; dispatch until is_finished."""
        self._context.check(library().lsvm_agent_stop(self._pointer))

    @property
    def is_finished(self):
        return library().lsvm_agent_is_finished(self._pointer)
