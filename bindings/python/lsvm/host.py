# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts: this real machine, or simulated ones in memory. Both take the same calls."""
import ctypes
import json
from dataclasses import dataclass
from typing import Optional

from ._library import library, take
from ._objects import Context, Owned, needed, whole, pointer_of, pointer_or_none, words
from .cluster import Cluster
from .enums import Cause, ConnectionOrigin, Protocol, Role, Severity
from .impact import Impact
from .ipvs import IpvsService, IpvsTable
from .plan import Plan, read_steps


class _Apply(Owned):
    _handle, _free = "lsvm_apply", "lsvm_apply_free"


class _Connections(Owned):
    _handle, _free = "lsvm_connection_list", "lsvm_connection_list_free"


@dataclass(frozen=True)
class Connection:
    """A connection that a kernel balances."""
    protocol: str
    client: str
    client_port: int
    virtual_address: Optional[str]  # None for the template of a service with a mark
    virtual_port: int
    fwmark: int
    server: str
    server_port: int
    state: str                      # the kernel's word
    expires_s: int
    origin: ConnectionOrigin
    is_template: bool               # what persistence remembers of a client
    engine: str                     # persistence engine and what it goes by


def _connection(values):
    origin = ConnectionOrigin[values.pop("origin").upper()]
    return Connection(origin=origin, is_template=values.pop("template"), **values)


class _Causes(Owned):
    _handle, _free = "lsvm_causes", "lsvm_causes_free"


@dataclass(frozen=True)
class Reason:
    """Why a server gets no traffic, and what to do about it."""
    cause: Cause
    severity: Severity
    subject: str
    text: str
    advice: str


class Host(Owned):
    """A machine that can be made to hold a plan. One thread at a time."""

    _handle, _free = "lsvm_host", "lsvm_host_free"

    @classmethod
    def simulated(cls, name):
        """A machine in memory, which answers as Linux does."""
        context = Context()
        return cls._new(context, library().lsvm_host_new_simulated, context.pointer,
                        needed(name, "name"))

    @classmethod
    def real(cls, name):
        """This machine, in the caller's network namespace. Most changes need root."""
        context = Context()
        return cls._new(context, library().lsvm_host_open, context.pointer, needed(name, "name"))

    def __repr__(self):
        return f"<Host {self.name}, {'simulated' if self.is_simulated else 'real'}>"

    @property
    def name(self):
        return library().lsvm_host_name(self._pointer).decode()

    @property
    def is_simulated(self):
        return library().lsvm_host_is_simulated(self._pointer)

    @property
    def write_count(self):
        """How many changes were made to the machine through this object."""
        return library().lsvm_host_write_count(self._pointer)

    def simulate_interface(self, name):
        """Puts a network card, up, into a simulated machine."""
        self._context.check(library().lsvm_host_simulate_interface(
            self._pointer, needed(name, "name")))

    def simulate_pass(self, duration_ms):
        """Lets time go by on a simulated machine."""
        self._context.check(library().lsvm_host_simulate_pass(
            self._pointer, whole(duration_ms, "duration_ms", 2 ** 64 - 1)))

    def applied(self):
        """The plan that was applied last; NotFound when nothing of ours is on the machine."""
        return Plan._new(self._context, library().lsvm_role_applied, self._pointer, kept=self)

    def status(self, role=Role.UNKNOWN):
        """How the machine stands, schema "lsvm-status/1", as Python values.

        role: read a director's IPVS table even when nothing of ours was applied.
        """
        return json.loads(self._text(library().lsvm_role_status_to_json, Role(role)))

    def neighbours(self):
        """What the machine knows of its neighbours' hardware addresses, as Python values."""
        return json.loads(self._text(library().lsvm_host_neighbours_to_json))

    def connections(self, client=None, vip=None, server=None, state=None, limit=0):
        """The connections that the kernel balances now; each filter leaves only what it names.

        client: an address or a network; vip and server: an address, or one with a port; state:
        the kernel's word, as "ESTABLISHED"; limit: at most so many, 0 for all.
        """
        found = _Connections._new(
            self._context, library().lsvm_host_connections, self._pointer, words(client),
            words(vip), words(server), words(state), whole(limit, "limit"))
        return [_connection(c) for c in json.loads(
            found._text(library().lsvm_connection_list_to_json))["connections"]]

    def predict(self, client, vip, protocol=Protocol.TCP, fwmark=0):
        """Which server would answer the client of a virtual service, and why, as Python values.

        What is connected already and what persistence remembers counts. client: an address, or
        one with a port; vip: "192.0.2.100:80".
        """
        text, table = ctypes.c_void_p(), self.snapshot()
        self._context.check(library().lsvm_role_predict_to_json(
            self._context.pointer, table._pointer, self._pointer, Protocol(protocol),
            whole(fwmark, "fwmark"), needed(vip, "vip"), needed(client, "client"),
            ctypes.byref(text)))
        return json.loads(take(text))

    def explain_destination(self, server, cluster=None):
        """Why a server gets no traffic, as far as this director can tell; [] for no cause.

        server: its address, or with a cluster its name. Without a cluster the plan applied last
        says what should be.
        """
        return self._causes(library().lsvm_role_explain_destination,
                            pointer_or_none(cluster, Cluster, "cluster"), needed(server, "server"))

    def explain_server(self, cluster=None):
        """Why this server gets no traffic or does not answer it; [] for no cause."""
        return self._causes(library().lsvm_role_explain_server,
                            pointer_or_none(cluster, Cluster, "cluster"))

    def _causes(self, function, *arguments):
        lib = library()
        causes = _Causes._new(self._context, function, self._pointer, *arguments)
        mine = causes._pointer
        return [Reason(Cause(lib.lsvm_causes_kind(mine, i)),
                       Severity(lib.lsvm_causes_severity(mine, i)),
                       lib.lsvm_causes_subject(mine, i).decode(),
                       lib.lsvm_causes_text(mine, i).decode(),
                       lib.lsvm_causes_advice(mine, i).decode())
                for i in range(lib.lsvm_causes_count(mine))]

    def snapshot(self):
        """The machine's IPVS table as it is now, with counters."""
        return IpvsTable._new(self._context, library().lsvm_host_ipvs_snapshot, self._pointer,
                              kept=self)

    def reconcile(self, wanted, owned=None):
        """Makes the IPVS table hold what is wanted; returns how many changes that took.

        What others put into the table stays. Of `owned`, what was wanted the last time, goes what
        is no longer wanted.
        """
        changed = ctypes.c_size_t()
        self._context.check(library().lsvm_host_ipvs_reconcile(
            self._pointer, pointer_of(wanted, IpvsTable, "wanted"),
            pointer_or_none(owned, IpvsTable, "owned"),
            ctypes.byref(changed)))
        return changed.value

    def zero(self, service=None):
        """Sets the counters of a virtual service of a snapshot to zero, or of all (None)."""
        self._context.check(library().lsvm_host_ipvs_zero(
            self._pointer, pointer_or_none(service, IpvsService, "service")))

    def flush(self):
        """Empties the IPVS table, also of what others put there; connections are cut."""
        self._context.check(library().lsvm_host_ipvs_flush(self._pointer))

    def ipvs_info(self):
        """The version of the kernel's IPVS, (1, 2, 1), and the buckets of its connections."""
        version, buckets = ctypes.c_uint32(), ctypes.c_uint32()
        self._context.check(library().lsvm_host_ipvs_info(
            self._pointer, ctypes.byref(version), ctypes.byref(buckets)))
        return tuple(version.value.to_bytes(3, "big")), buckets.value

    def applying(self, plan, force=False, reorder=False):
        """Makes the machine hold the plan (None: nothing of ours), yielding each step once done.

        Stopping in between leaves the steps done so far; applying again goes on from there.
        Conflict when this was another machine of the cluster until now, unless force says so.
        With reorder a director's destinations are also brought into the order of a fresh one.
        """
        apply, steps = self._begin(plan, force, reorder)
        lib, done = library(), 0
        while True:
            more = self._context.check(lib.lsvm_apply_next(apply._pointer))
            count = lib.lsvm_apply_done_count(apply._pointer)
            yield from steps[done:count]
            done = count
            if not more:
                break
        self._context.check(lib.lsvm_apply_verify(apply._pointer))

    def apply(self, plan, dry_run=False, progress=None, force=False, reorder=False):
        """Makes the machine hold the plan (None: nothing of ours) and returns the steps it took.

        With dry_run the steps are only found out. progress(done, total, step) is called after
        each step. force and reorder: as applying() has them.
        """
        total = self.steps(plan, force, reorder)
        if dry_run:
            return total
        taken = []
        for step in self.applying(plan, force, reorder):
            taken.append(step)
            if progress:
                progress(len(taken), len(total), step)
        return taken

    def steps(self, plan, force=False, reorder=False):
        """The steps that applying the plan would take now; none when all is as it should be."""
        return self._begin(plan, force, reorder)[1]

    def impact(self, plan, force=False, reorder=False):
        """What applying the plan (None: nothing of ours) would do to clients and connections."""
        apply, _ = self._begin(plan, force, reorder)
        return Impact._new(self._context, library().lsvm_apply_impact, apply._pointer, kept=self)

    def _begin(self, plan, force, reorder):
        lib = library()
        make = lib.lsvm_apply_new_as if force else lib.lsvm_apply_new
        apply = _Apply._new(self._context, make, self._pointer,
                            pointer_or_none(plan, Plan, "plan"), kept=(self, plan))
        if reorder:
            self._context.check(lib.lsvm_apply_reorder(apply._pointer))
        return apply, read_steps(self._context, lib.lsvm_apply_steps(apply._pointer))
