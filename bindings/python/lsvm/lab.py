# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole cluster in virtual time: all its machines in this process, and faults on demand."""
import ctypes
import json
from dataclasses import dataclass
from typing import Optional

from ._library import library, take
from ._objects import Context, Owned, needed, pointer_of, whole, words
from .cluster import Cluster


@dataclass(frozen=True)
class LabEvent:
    """Something that happened in a lab."""
    time_us: int    # virtual, since the beginning
    machine: str    # "" for the lab's own
    kind: str       # the word of an EventKind, or "note"
    severity: str
    subject: str
    text: str


@dataclass(frozen=True)
class Exploration:
    """What a random schedule of faults came to."""
    seed: int
    time_us: int
    step_count: int
    request_count: int
    failover_count: int
    broken: Optional[str]  # None: all held
    script: str            # the schedule; when something broke, a short one that shows it


class Lab(Owned):
    """A cluster in virtual time. One thread at a time.

        lab = lsvm.Lab(lsvm.load("examples/minimal.yaml"), seed=7)
        lab.advance(10000)
        lab.do("power-off eds1")
        lab.do("expect master eds2 within 5s")
        print(lab.master(), lab.failover_count)
    """

    _handle, _free = "lsvm_lab", "lsvm_lab_free"

    def __init__(self, cluster, seed=1):
        context = Context()
        self._make(context, library().lsvm_lab_new, context.pointer,
                   pointer_of(cluster, Cluster, "cluster"), whole(seed, "seed"), kept=cluster)

    def __repr__(self):
        return f"<Lab at {self.now_us / 1e6:.6f} s>"

    def advance(self, duration_ms):
        """Lets time pass."""
        self._context.check(library().lsvm_lab_advance(
            self._pointer, whole(duration_ms, "duration_ms")))

    def do(self, command):
        """One command of svm-scenario(5); Conflict when what was expected is not so."""
        self._context.check(library().lsvm_lab_do(self._pointer, needed(command, "command")))

    def run(self, script):
        """Commands, one on a line, until one fails; the error names the line."""
        text = needed(script, "script")
        self._context.check(library().lsvm_lab_run_script(self._pointer, text, len(text)))

    def reload(self, cluster):
        """Another cluster comes into force on all machines with an agent."""
        self._context.check(library().lsvm_lab_reload(
            self._pointer, pointer_of(cluster, Cluster, "cluster")))

    @property
    def now_us(self):
        """Virtual time since the beginning."""
        return library().lsvm_lab_now_us(self._pointer)

    @property
    def step_count(self):
        """How many things have happened."""
        return library().lsvm_lab_step_count(self._pointer)

    def master(self, vip=None):
        """The director that holds the virtual address (None: the first one), "" when none or
        more than one does; None when there is no such address."""
        name = library().lsvm_lab_master(self._pointer, words(vip))
        return None if name is None else name.decode()

    @property
    def request_count(self):
        return library().lsvm_lab_request_count(self._pointer)

    @property
    def failed_count(self):
        """Requests that failed; status["requests"] tells why."""
        return library().lsvm_lab_failed_count(self._pointer)

    @property
    def failover_count(self):
        return library().lsvm_lab_failover_count(self._pointer)

    @property
    def status(self):
        """How all stands, schema "lsvm-lab/1", as Python values."""
        return json.loads(self._text(library().lsvm_lab_to_json))

    def agent_status(self, machine):
        """The status of a machine's agent as Python values; None when none runs."""
        agent = library().lsvm_lab_agent(self._pointer, needed(machine, "machine"))
        if not agent:
            return None
        text = ctypes.c_void_p()
        self._context.check(library().lsvm_agent_status_to_json(agent, ctypes.byref(text)))
        return json.loads(take(text))

    @property
    def events(self):
        """All that happened, in order."""
        return [LabEvent(**event) for event in json.loads(
            self._text(library().lsvm_lab_events_to_json))["events"]]

    def log(self):
        """What happened since the last call, a line each."""
        while True:
            text = ctypes.c_void_p()
            if not self._context.check(library().lsvm_lab_next_event(
                    self._pointer, ctypes.byref(text))):
                return
            yield take(text)


def explore(cluster, seed):
    """A random schedule of faults from the seed, and a look at what must always hold."""
    context, text = Context(), ctypes.c_void_p()
    context.check(library().lsvm_lab_explore(
        context.pointer, pointer_of(cluster, Cluster, "cluster"), whole(seed, "seed"),
        ctypes.byref(text)))
    report = json.loads(take(text))
    return Exploration(**{name: report[name] for name in Exploration.__dataclass_fields__})
