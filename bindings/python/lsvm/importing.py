# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configurations of other programs as clusters, with a report of what that meant.

    result = lsvm.import_keepalived(open("/etc/keepalived/keepalived.conf").read())
    print(result.yaml)
    for note in result.lost + result.dangers:
        print(note)
"""
from dataclasses import dataclass

from ._library import library
from ._objects import Context, Json, Owned, bytes_of
from .cluster import Cluster
from .enums import ImportNoteKind, ImportSource
from .findings import FindingList


@dataclass(frozen=True)
class Note:
    """One line of the report."""
    kind: ImportNoteKind
    line: int        # of the source, from 1; 0: about the whole of it
    last_line: int   # of the block that begins there
    source: str      # that line's text
    text: str        # what happened and why, or what to do

    def __str__(self):
        place = f"{self.line}: " if self.line else ""
        return f"{place}{self.kind.word}: {self.source + ': ' if self.source else ''}{self.text}"


class Import(Owned, Json):
    """An imported configuration: a cluster file and the report."""

    _handle, _free = "lsvm_import", "lsvm_import_free"

    def to_json(self):
        """File, report and findings as JSON."""
        return self._text(library().lsvm_import_to_json)

    @property
    def yaml(self):
        """The cluster file; what was made up stands in comments at its head."""
        return library().lsvm_import_yaml(self._pointer).decode()

    @property
    def cluster(self):
        """The cluster that the file loads as; None when it has errors, which are findings."""
        lib = library()
        pointer = lib.lsvm_import_cluster(self._pointer)
        if not pointer:
            return None
        # The cluster uses the context that it was made with: this object keeps that.
        return Cluster._wrap(self._context, lib.lsvm_cluster_ref(pointer), kept=self)

    @property
    def findings(self):
        """What a check of the cluster file says."""
        return FindingList.read_from(library().lsvm_import_findings(self._pointer))

    @property
    def notes(self):
        """The report, in the order of the source."""
        lib, notes = library(), []
        for index in range(lib.lsvm_import_note_count(self._pointer)):
            note = lib.lsvm_import_note_at(self._pointer, index)
            notes.append(Note(
                ImportNoteKind(lib.lsvm_import_note_kind(note)), lib.lsvm_import_note_line(note),
                lib.lsvm_import_note_last_line(note), lib.lsvm_import_note_source(note).decode(),
                lib.lsvm_import_note_text(note).decode()))
        return notes

    def _of(self, kind):
        return [note for note in self.notes if note.kind == kind]

    @property
    def lost(self):
        """What is not in the cluster file."""
        return self._of(ImportNoteKind.LOST)

    @property
    def changed(self):
        """What is in it, but not quite the same."""
        return self._of(ImportNoteKind.CHANGED)

    @property
    def dangers(self):
        """What the source would have done wrong."""
        return self._of(ImportNoteKind.DANGER)

    @property
    def invented(self):
        """What was made up and should be replaced by what is true."""
        return self._of(ImportNoteKind.INVENTED)


def _import(function, text):
    context = Context()
    data = bytes_of(text)
    return Import._new(context, function, context.pointer, data, len(data))


def import_keepalived(text):
    """A keepalived.conf as a cluster file."""
    return _import(library().lsvm_import_keepalived, text)


def import_ldirectord(text):
    """An ldirectord.cf as a cluster file."""
    return _import(library().lsvm_import_ldirectord, text)


def import_ipvsadm(text):
    """What `ipvsadm -Sn` prints as a cluster file."""
    return _import(library().lsvm_import_ipvsadm, text)


def guess_import(text):
    """Whose configuration it looks like: an ImportSource."""
    data = bytes_of(text)
    return ImportSource(library().lsvm_import_guess(data, len(data)))
