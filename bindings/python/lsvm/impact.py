# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a change of an IPVS table does to clients and connections, before it is done."""
import json

from ._library import library
from ._objects import Context, Owned, whole, pointer_of, pointer_or_none
from .enums import ImpactFlag, ImpactLevel
from .ipvs import IpvsTable


class Impact(Owned):
    """Services that a change touches, and whom it hurts. It never changes."""

    _handle, _free = "lsvm_impact", "lsvm_impact_free"

    @property
    def level(self):
        """lsvm.ImpactLevel: the worst of all services."""
        return ImpactLevel(library().lsvm_impact_level(self._pointer))

    @property
    def services(self):
        """For each service that is touched a dict, as in the schema "lsvm-impact/1"."""
        return json.loads(self.to_json())["services"]

    def check(self, most):
        """lsvm.Conflict, with what to do instead, when the impact exceeds that ImpactLevel."""
        self._context.check(library().lsvm_impact_check(self._pointer, ImpactLevel(most)))

    def to_json(self):
        return self._text(library().lsvm_impact_to_json)

    def __str__(self):
        return self._text(library().lsvm_impact_to_text)

    def __repr__(self):
        return f"<Impact {self.level.word}>"


def impact(present, wanted, owned=None,
           flags=ImpactFlag.NODEST_EXPIRES | ImpactFlag.QUIESCENT_EXPIRES):
    """What leading one IPVS table to another does.

    present: best host.snapshot(), which has counts. owned: what was wanted the last time; of that,
    what is no longer wanted goes. flags: the kernel's settings, by default those of a plan.
    """
    context = Context()
    return Impact._new(context, library().lsvm_impact_compute, context.pointer,
                       pointer_of(present, IpvsTable, "present"),
                       pointer_of(wanted, IpvsTable, "wanted"),
                       pointer_or_none(owned, IpvsTable, "owned"), whole(flags, "flags"))
