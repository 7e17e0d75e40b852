# SPDX-License-Identifier: LGPL-2.1-or-later
"""libsvm: clusters of LVS directors and servers as one machine.

    import lsvm
    cluster = lsvm.load("examples/figure3.yaml")    # lsvm.ConfigError has all findings
    plan = lsvm.compile(cluster, "eds1")            # what this director must hold
    host = lsvm.Host.simulated("eds1")              # or Host.real("eds1")
    host.apply(plan)
    print(host.snapshot().to_ipvsadm())
"""
from . import enums, errors
from ._library import library
from .agent import Agent, Event
from .cluster import Cluster, Draft, Format, load
from .control import Control
from .enums import *  # noqa: F401,F403
from .errors import *  # noqa: F401,F403
from .findings import Finding, finding_codes
from .host import Connection, Host, Reason
from .impact import Impact, impact
from .importing import (Import, Note, guess_import, import_ipvsadm, import_keepalived,
                        import_ldirectord)
from .ipvs import IpvsDestination, IpvsService, IpvsTable
from .key import derive_key, generate_key
from .lab import Exploration, Lab, LabEvent, explore
from .plan import Address, File, Plan, Step, compile
from .sched import Scheduler, predict


def version():
    """The library's version, e.g. '0.1.0'."""
    return library().lsvm_version().decode()


def __getattr__(name):
    # Not before it is asked for: the library is loaded then.
    if name == "__version__":
        return version()
    raise AttributeError(f"module 'lsvm' has no attribute '{name}'")


def feature(name):
    """Whether the library was built with an optional part, e.g. 'linux'."""
    return library().lsvm_feature(name.encode())


__all__ = ["Address", "Agent", "Cluster", "Connection", "Control", "Draft", "Event", "Exploration", "File", "Finding", "Host", "Impact",
           "Import", "IpvsDestination", "IpvsService", "IpvsTable", "Lab",
           "LabEvent", "Note", "Plan", "Reason",
           "Scheduler", "Step", "compile", "derive_key", "explore", "feature", "finding_codes", "generate_key",
           "guess_import", "impact",
           "import_ipvsadm", "import_keepalived", "import_ldirectord", "load", "predict",
           "version", *enums.__all__, *errors.__all__]
