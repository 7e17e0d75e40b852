# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans: what one machine must hold, and the steps that lead there."""
import ctypes
from dataclasses import dataclass

from ._library import handle, library
from ._objects import (Context, Frozen, Owned, bytes_of, formatted, needed, pointer_of,
                       pointer_or_none)
from .cluster import Cluster
from .enums import Duty, Role, StepKind
from .ipvs import IpvsTable


@dataclass(frozen=True)
class File:
    """A file that the machine must hold."""
    path: str
    mode: int
    content: str


@dataclass(frozen=True)
class Address:
    """An address that the machine must hold beside its own, e.g. a VIP."""
    prefix: str
    interface: str


@dataclass(frozen=True)
class Step:
    """One thing to do on a machine."""
    kind: StepKind
    text: str

    def __str__(self):
        return self.text


def read_steps(context, pointer):
    """Every step behind a C pointer to steps."""
    lib = library()
    return [Step(StepKind(lib.lsvm_steps_kind(pointer, i)),
                 formatted(context, lib.lsvm_steps_text, pointer, i))
            for i in range(lib.lsvm_steps_count(pointer))]


class _Steps(Owned):
    _handle, _free = "lsvm_steps", "lsvm_steps_free"


class Plan(Frozen, Owned):
    """What one machine must hold. Equal clusters give equal plans, byte for byte."""

    _handle, _free = "lsvm_plan", "lsvm_plan_unref"

    @classmethod
    def from_json(cls, text):
        """A plan that to_json() wrote."""
        context, data = Context(), bytes_of(text)
        return cls._new(context, library().lsvm_plan_from_json, context.pointer, data, len(data))

    def to_json(self):
        """The plan as JSON, schema "lsvm-plan/1"."""
        return self._text(library().lsvm_plan_to_json)

    def __str__(self):
        return self._text(library().lsvm_plan_to_text)

    def __repr__(self):
        return f"<Plan of {self.role.word} {self.machine}>"

    @property
    def machine(self):
        """The name of the machine that the plan is for."""
        return library().lsvm_plan_machine(self._pointer).decode()

    @property
    def role(self):
        return Role(library().lsvm_plan_role(self._pointer))

    @property
    def duty(self):
        return Duty(library().lsvm_plan_duty(self._pointer))

    @property
    def ipvs(self):
        """The IPVS table of a director; None for other machines."""
        lib = library()
        borrowed = lib.lsvm_plan_ipvs(self._pointer)
        if not borrowed:
            return None
        own = lib.lsvm_ipvs_table_ref(ctypes.cast(borrowed, handle("lsvm_ipvs_table")))
        return IpvsTable._wrap(self._context, own, self)

    @property
    def addresses(self):
        lib = library()
        return [Address(self._formatted(lib.lsvm_plan_address, i),
                        lib.lsvm_plan_address_interface(self._pointer, i).decode())
                for i in range(lib.lsvm_plan_address_count(self._pointer))]

    @property
    def files(self):
        lib = library()
        return [File(lib.lsvm_plan_file_path(self._pointer, i).decode(),
                     lib.lsvm_plan_file_mode(self._pointer, i),
                     lib.lsvm_plan_file_content(self._pointer, i).decode())
                for i in range(lib.lsvm_plan_file_count(self._pointer))]

    def steps_from(self, other=None):
        """The steps of a machine that holds all of the other plan (None: nothing) to this one."""
        context = Context()
        steps = _Steps._new(context, library().lsvm_plan_diff, context.pointer,
                            pointer_or_none(other, Plan, "other"), self._pointer)
        return read_steps(context, steps._pointer)


def compile(cluster, machine, duty=Duty.AUTO):
    """The plan of one machine of the cluster."""
    context = Context()
    return Plan._new(context, library().lsvm_plan_compile, context.pointer,
                     pointer_of(cluster, Cluster, "cluster"), needed(machine, "machine"), Duty(duty))
