# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clusters: loaded from a file, frozen; drafts, which are edited and frozen again."""
import ctypes
import json
import os
from dataclasses import dataclass

from ._library import handle, library
from ._objects import (Borrowed, Context, Frozen, Json, Owned, needed, whole, pointer_of,
                       pointer_or_none)
from .enums import Application, Err, Format, Forwarding, Protocol, Role, Topology
from .findings import FindingList


class Machine(Borrowed):
    @property
    def name(self):
        return library().lsvm_machine_name(self._pointer).decode()

    @property
    def role(self):
        return Role(library().lsvm_machine_role(self._pointer))

    def __repr__(self):
        return f"<{self.role.word} {self.name}>"


class Domain(Borrowed):
    """A virtual domain on a VIP."""

    @property
    def name(self):
        return library().lsvm_domain_name(self._pointer).decode()

    def __repr__(self):
        return f"<Domain {self.name}>"

    @property
    def home(self):
        return library().lsvm_domain_home(self._pointer).decode()

    @property
    def web_master(self):
        return library().lsvm_domain_web_master(self._pointer).decode()

    @property
    def quota_mib(self):
        """Space for it; 0 for no limit."""
        return library().lsvm_domain_quota_mib(self._pointer)

    @property
    def aliases(self):
        lib = library()
        return [lib.lsvm_domain_alias_at(self._pointer, i).decode()
                for i in range(lib.lsvm_domain_alias_count(self._pointer))]

    @property
    def vip(self):
        """The VIP that it lives on."""
        return Vip(self._owner, library().lsvm_domain_vip(self._pointer))


class Service(Borrowed):
    """A virtual service on a VIP."""

    @property
    def name(self):
        return library().lsvm_service_name(self._pointer).decode()

    def __repr__(self):
        return f"<Service {self.name}>"

    @property
    def protocol(self):
        return Protocol(library().lsvm_service_protocol(self._pointer))

    @property
    def port(self):
        """The first port; 0 for all ports of a firewall mark."""
        return library().lsvm_service_port(self._pointer)

    @property
    def fwmark(self):
        return library().lsvm_service_fwmark(self._pointer)

    @property
    def forwarding(self):
        return Forwarding(library().lsvm_service_forwarding(self._pointer))

    @property
    def scheduler(self):
        return library().lsvm_service_scheduler(self._pointer).decode()

    @property
    def application(self):
        return Application(library().lsvm_service_application(self._pointer))


class Vip(Borrowed):
    """A virtual IP address of a partition."""

    @property
    def name(self):
        return library().lsvm_vip_name(self._pointer).decode()

    def __repr__(self):
        return f"<Vip {self.name}>"

    @property
    def address(self):
        return self._formatted(library().lsvm_vip_address)

    @property
    def partition(self):
        """The partition that answers."""
        return Partition(self._owner, library().lsvm_vip_partition(self._pointer))

    @property
    def services(self):
        lib = library()
        return [Service(self._owner, lib.lsvm_vip_service_at(self._pointer, i))
                for i in range(lib.lsvm_vip_service_count(self._pointer))]

    @property
    def domains(self):
        lib = library()
        return [Domain(self._owner, lib.lsvm_vip_domain_at(self._pointer, i))
                for i in range(lib.lsvm_vip_domain_count(self._pointer))]


@dataclass(frozen=True)
class Member:
    """A server of a partition."""
    machine: Machine
    weight: int


class Partition(Borrowed):
    """Servers, and the VIPs that they answer for."""

    @property
    def name(self):
        return library().lsvm_partition_name(self._pointer).decode()

    def __repr__(self):
        return f"<Partition {self.name}>"

    @property
    def servers(self):
        lib = library()
        return [Member(Machine(self._owner, lib.lsvm_partition_server_at(self._pointer, i)),
                       lib.lsvm_partition_server_weight(self._pointer, i))
                for i in range(lib.lsvm_partition_server_count(self._pointer))]

    @property
    def vips(self):
        lib = library()
        return [Vip(self._owner, lib.lsvm_partition_vip_at(self._pointer, i))
                for i in range(lib.lsvm_partition_vip_count(self._pointer))]


@dataclass(frozen=True)
class Change:
    """One difference between two clusters; old and new are Python values, None for nothing."""
    kind: str
    path: str
    old: object
    new: object


class _Changes(Owned):
    _handle, _free = "lsvm_changes", "lsvm_changes_free"

    def read(self):
        found = json.loads(self._text(library().lsvm_changes_to_json))
        return [Change(c["kind"], c["path"], c.get("old"), c.get("new")) for c in found["changes"]]


class Cluster(Frozen, Owned):
    """A frozen cluster: it never changes and may be read by many threads."""

    _handle, _free = "lsvm_cluster", "lsvm_cluster_unref"
    findings = ()  # warnings that loading or freezing gave

    @property
    def name(self):
        return library().lsvm_cluster_name(self._pointer).decode()

    def __repr__(self):
        return f"<Cluster {self.name}: {len(self.machines)} machines, partitions " \
               f"{', '.join(p.name for p in self.partitions)}>"

    @property
    def advert_interval_ms(self):
        """How often the active director says that it lives; 0 when nobody listens."""
        return library().lsvm_cluster_advert_interval_ms(self._pointer)

    @property
    def topology(self):
        return Topology(library().lsvm_cluster_topology(self._pointer))

    @property
    def machines(self):
        lib = library()
        return [Machine(self, lib.lsvm_cluster_machine_at(self._pointer, i))
                for i in range(lib.lsvm_cluster_machine_count(self._pointer))]

    def machine(self, name):
        """The machine of that name; KeyError when there is none."""
        return self._find(Machine, library().lsvm_cluster_find_machine, name)

    @property
    def partitions(self):
        lib = library()
        return [Partition(self, lib.lsvm_cluster_partition_at(self._pointer, i))
                for i in range(lib.lsvm_cluster_partition_count(self._pointer))]

    def partition(self, name):
        """The partition of that name; KeyError when there is none."""
        return self._find(Partition, library().lsvm_cluster_find_partition, name)

    def domain(self, name):
        """The domain of that name, wherever it lives; KeyError when there is none."""
        return self._find(Domain, library().lsvm_cluster_find_domain, name)

    def _find(self, cls, function, name):
        found = function(self._pointer, needed(name, "the name"))
        if not found:
            raise KeyError(name)
        return cls(self, found)

    def to_json(self):
        """The cluster as JSON, schema "lsvm-cluster/1"."""
        return self._text(library().lsvm_cluster_to_json)

    def to_yaml(self):
        """The cluster as a cluster file; loading it gives an equal cluster."""
        return self._text(library().lsvm_cluster_to_yaml)

    def draft(self):
        """A draft that starts as this cluster."""
        return Draft(self)

    def diff(self, other):
        """What changes from this cluster to the other, in the order of the file."""
        context = Context()
        return _Changes._new(context, library().lsvm_cluster_diff, context.pointer,
                             self._pointer, pointer_of(other, Cluster, "other")).read()


def _made(context, function, *arguments):
    """Calls function(*arguments, findings, ret); what it found goes where it belongs."""
    findings = FindingList.new(context)
    pointer = handle("lsvm_cluster")()
    result = function(*arguments, findings._pointer, ctypes.byref(pointer))
    if result == Err.FINDINGS:
        raise context.error(result, findings=findings.read())
    context.check(result)
    cluster = Cluster._wrap(context, pointer)
    cluster.findings = findings.read()
    return cluster


def load(source, format=Format.YAML):
    """The cluster of a file (a path), or of bytes in that format.

    Raises ConfigError, whose `findings` say everything that is wrong, at once.
    """
    context = Context()
    if isinstance(source, (bytes, bytearray)):
        return _made(context, library().lsvm_cluster_load, context.pointer, bytes(source),
                     len(source), Format(format))
    path = os.fsencode(source)
    if b"\0" in path:
        raise ValueError("a path with a NUL character")
    return _made(context, library().lsvm_cluster_load_file, context.pointer, path)


class Draft(Owned, Json):
    """A cluster being edited. One thread at a time; freeze() checks everything."""

    _handle, _free = "lsvm_draft", "lsvm_draft_free"

    def __init__(self, cluster=None):
        """A draft that starts as the cluster, or as nothing."""
        context = Context()
        self._make(context, library().lsvm_draft_new, context.pointer,
                   pointer_or_none(cluster, Cluster, "cluster"), kept=cluster)

    def set(self, path, value):
        """Puts a value (what JSON can hold) at a path, e.g. "/partitions/A/servers/eps1/weight"."""
        self._call(library().lsvm_draft_set, needed(path, "path"), json.dumps(value).encode())

    def remove(self, path):
        self._call(library().lsvm_draft_remove, needed(path, "path"))

    def add_server(self, partition, server, weight=1):
        self._call(library().lsvm_draft_add_server, needed(partition, "partition"),
                   needed(server, "server"), whole(weight, "weight"))

    def remove_server(self, partition, server):
        self._call(library().lsvm_draft_remove_server, needed(partition, "partition"),
                   needed(server, "server"))

    def move_server(self, server, source, target):
        """Out of one partition, into another."""
        self._call(library().lsvm_draft_move_server, needed(server, "server"),
                   needed(source, "source"), needed(target, "target"))

    def add_domain(self, vip, domain):
        self._call(library().lsvm_draft_add_domain, needed(vip, "vip"), needed(domain, "domain"))

    def remove_domain(self, domain):
        self._call(library().lsvm_draft_remove_domain, needed(domain, "domain"))

    def to_json(self):
        """The draft as it is, right or wrong, in the shape of the cluster's JSON."""
        return self._text(library().lsvm_draft_to_json)

    def freeze(self):
        """The cluster that the draft describes; ConfigError when it is none."""
        return _made(self._context, library().lsvm_draft_freeze, self._pointer)

    def _call(self, function, *arguments):
        self._context.check(function(self._pointer, *arguments))
