# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel's schedulers will decide, without a kernel."""
import ctypes
from dataclasses import dataclass
from typing import Optional

from ._library import handle, library
from ._objects import Context, Owned, needed, whole, pointer_of, words
from .enums import Protocol, SchedOutcome
from .ipvs import IpvsDestination, IpvsService

_NO_CONNECTION = 0xFFFFFFFF  # LSVM_SCHED_NO_CONNECTION


@dataclass(frozen=True)
class Decision:
    """What becomes of a packet that opens a connection."""
    outcome: SchedOutcome
    destination: Optional[int]  # its number; None when nobody serves
    connection: Optional[int]   # for close() and set_active(); None when there is none


@dataclass(frozen=True)
class SchedDestination:
    """A destination as it is now."""
    number: int
    address: str
    port: int
    weight: int
    active_count: int
    inactive_count: int
    is_overloaded: bool


def predict(service, client, client_port=0, virtual_address=None):
    """The destination of a service's new connection; None when nobody serves.

    For schedulers whose choice follows from the table alone; StateError for rr, wrr, lblc and
    lblcr, which remember: use Scheduler.
    """
    context = Context()
    pointer = handle("lsvm_ipvs_destination")()
    outcome = context.check(library().lsvm_sched_predict(
        context.pointer, pointer_of(service, IpvsService, "service"), words(virtual_address),
        needed(client, "client"), whole(client_port, "client_port", 65535),
        ctypes.byref(pointer)))
    served = outcome == SchedOutcome.SERVED
    return IpvsDestination(service._owner, pointer) if served else None


class Scheduler(Owned):
    """A virtual service in motion: connections come and go, destinations are edited.

    Time is what the caller says, in milliseconds, and never runs back.
    """

    _handle, _free = "lsvm_sched", "lsvm_sched_free"

    def __init__(self, service):
        context = Context()
        self._make(context, library().lsvm_sched_new, context.pointer,
                   pointer_of(service, IpvsService, "service"))

    def connect(self, client, client_port, now_ms=0, virtual_address=None,
                protocol=Protocol.UNKNOWN):
        """A packet opens a connection: the kernel's decision, and what it changes."""
        destination, connection = ctypes.c_uint32(), ctypes.c_uint32()
        outcome = SchedOutcome(self._context.check(library().lsvm_sched_connect(
            self._pointer, words(virtual_address), needed(client, "client"),
            whole(client_port, "client_port", 65535), Protocol(protocol),
            whole(now_ms, "now_ms", 2**64 - 1), ctypes.byref(destination),
            ctypes.byref(connection))))
        if outcome not in (SchedOutcome.SERVED, SchedOutcome.PERSISTENT):
            return Decision(outcome, None, None)
        mine = connection.value
        return Decision(outcome, destination.value, None if mine == _NO_CONNECTION else mine)

    def peek(self, client, client_port, now_ms=0, virtual_address=None,
             protocol=Protocol.UNKNOWN):
        """What connect() would answer; nothing changes."""
        destination = ctypes.c_uint32()
        outcome = SchedOutcome(self._context.check(library().lsvm_sched_peek(
            self._pointer, words(virtual_address), needed(client, "client"),
            whole(client_port, "client_port", 65535), Protocol(protocol),
            whole(now_ms, "now_ms", 2**64 - 1), ctypes.byref(destination))))
        served = outcome in (SchedOutcome.SERVED, SchedOutcome.PERSISTENT)
        return Decision(outcome, destination.value if served else None, None)

    def set_active(self, connection, is_active):
        """A connection becomes active (TCP: established) or inactive (after a FIN)."""
        self._call(library().lsvm_sched_connection_set_active, whole(connection, "connection"),
                   is_active)

    def close(self, connection, now_ms=0):
        """The kernel forgets a connection."""
        self._call(library().lsvm_sched_close, whole(connection, "connection"),
                   whole(now_ms, "now_ms", 2**64 - 1))

    def edit(self, service):
        """Scheduler, flags and persistence of the service hold from now on."""
        self._call(library().lsvm_sched_edit, pointer_of(service, IpvsService, "service"))

    def add(self, address, port, weight=1, upper_threshold=0, lower_threshold=0):
        """Adds a destination and returns its number."""
        return self._call(library().lsvm_sched_add, needed(address, "address"),
                          whole(port, "port", 65535), whole(weight, "weight"),
                          whole(upper_threshold, "upper_threshold"),
                          whole(lower_threshold, "lower_threshold"))

    def change(self, number, weight, upper_threshold=0, lower_threshold=0):
        self._call(library().lsvm_sched_change, whole(number, "number"),
                   whole(weight, "weight"), whole(upper_threshold, "upper_threshold"),
                   whole(lower_threshold, "lower_threshold"))

    def remove(self, number):
        self._call(library().lsvm_sched_remove, whole(number, "number"))

    def find(self, address, port):
        """The number of a destination; NotFound when it is not there."""
        return self._call(library().lsvm_sched_find, needed(address, "address"),
                          whole(port, "port", 65535))

    def set_counts(self, number, active, inactive):
        """Sets a destination's connection counts, e.g. to what a director shows."""
        self._call(library().lsvm_sched_set_counts, whole(number, "number"),
                   whole(active, "active"), whole(inactive, "inactive"))

    def set_expire_quiescent(self, expire):
        """The sysctl expire_quiescent_template."""
        library().lsvm_sched_set_expire_quiescent(self._pointer, expire)

    def set_cache_expiration_s(self, seconds):
        """The sysctls lblc_expiration and lblcr_expiration."""
        library().lsvm_sched_set_cache_expiration_s(
            self._pointer, whole(seconds, "seconds"))

    def destination_of(self, connection):
        """The number of the destination that a connection goes to."""
        return self._call(library().lsvm_sched_connection_destination, connection)

    @property
    def destinations(self):
        """Those that are there now."""
        lib, mine = library(), self._pointer
        return [SchedDestination(
            i, self._formatted(lib.lsvm_sched_destination_address, i),
            lib.lsvm_sched_destination_port(mine, i), lib.lsvm_sched_destination_weight(mine, i),
            lib.lsvm_sched_destination_active(mine, i),
            lib.lsvm_sched_destination_inactive(mine, i),
            lib.lsvm_sched_destination_is_overloaded(mine, i))
            for i in range(lib.lsvm_sched_destination_count(mine))
            if lib.lsvm_sched_destination_is_present(mine, i)]

    def _call(self, function, *arguments):
        return self._context.check(function(self._pointer, *arguments))
