# SPDX-License-Identifier: LGPL-2.1-or-later
"""Findings: what is wrong with a configuration, each with its place and what to do."""
from dataclasses import dataclass

from ._library import library
from ._objects import Owned
from .enums import Severity


@dataclass(frozen=True)
class Finding:
    code: str           # stable word, e.g. "vip-in-two-partitions"
    severity: Severity
    path: str           # e.g. "/partitions/0/vips/1"
    line: int           # from 1; 0 when the source had no lines
    column: int
    text: str
    hint: str

    def __str__(self):
        place = f"{self.line}:{self.column}" if self.line else self.path
        return f"{place}: {self.severity.word}: {self.text} [{self.code}]; {self.hint}"


class FindingList(Owned):
    """The list that a loader fills; only used while loading."""

    _handle, _free = "lsvm_findings", "lsvm_findings_free"

    @classmethod
    def new(cls, context):
        return cls._new(context, library().lsvm_findings_new, context.pointer)

    def read(self):
        """Every finding, as Python's own."""
        return self.read_from(self._pointer)

    @staticmethod
    def read_from(pointer):
        """The findings of a list that belongs to somebody else."""
        lib, found = library(), []
        for index in range(lib.lsvm_findings_count(pointer)):
            one = lib.lsvm_findings_at(pointer, index)
            found.append(Finding(
                lib.lsvm_finding_code(one).decode(), Severity(lib.lsvm_finding_severity(one)),
                lib.lsvm_finding_path(one).decode(), lib.lsvm_finding_line(one),
                lib.lsvm_finding_column(one),
                lib.lsvm_finding_text(one).decode(errors="replace"),
                lib.lsvm_finding_hint(one).decode()))
        return found


def finding_codes():
    """Every kind of finding that the library knows."""
    lib = library()
    return [lib.lsvm_finding_code_at(i).decode() for i in range(lib.lsvm_finding_code_count())]
