# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by bindings/python/generate.py from include/libsvm/*.h; change those and run it again.

"""Every public enum. Values are the library's; see the headers for what they mean."""
from ._words import Flags, Words


class AgentOption(Words):
    """enum lsvm_agent_option"""
    UNKNOWN = 0
    CONTROL = 1
    METRICS = 2
    KEY = 3
    LOG = 4
    NOTIFY = 5


class Answer(Words):
    """enum lsvm_answer"""
    UNKNOWN = 0
    SERVER = 1
    REFUSED = 2
    DROPPED = 3
    RESET = 4
    LOCAL = 5


class Application(Words):
    """enum lsvm_application"""
    UNKNOWN = 0
    HTTP = 1
    HTTPS = 2
    DNS = 3
    SMTP = 4
    LDAP = 5
    POSTGRESQL = 6
    MYSQL = 7
    REDIS = 8
    FTP = 9
    SIP = 10
    OTHER = 11


class Cause(Words):
    """enum lsvm_cause"""
    UNKNOWN = 0
    NO_SERVICE = 1
    SERVICE_MISSING = 2
    DESTINATION_MISSING = 3
    DRAINED = 4
    OVERLOADED = 5
    STANDBY = 6
    NEIGHBOUR = 7
    TUNNEL_MTU = 8
    VIP_NOT_HELD = 9
    FORWARDING_OFF = 10
    LINK_DOWN = 11
    VIP_MISSING = 12
    ARP_IGNORE = 13
    ARP_ANNOUNCE = 14
    RP_FILTER = 15
    TUNNEL_MISSING = 16
    TUNNEL_DIFFERS = 17
    TUNNEL_DOWN = 18
    NO_WAY_BACK = 19
    NOT_RUNNING = 20
    NOT_LISTENING = 21


class ChangeKind(Words):
    """enum lsvm_change_kind"""
    UNKNOWN = 0
    ADDED = 1
    REMOVED = 2
    CHANGED = 3
    MOVED = 4


class CheckKind(Words):
    """enum lsvm_check_kind"""
    UNKNOWN = 0
    TCP = 1
    UDP = 2
    PING = 3
    HTTP = 4
    HTTPS = 5
    DNS = 6
    SMTP = 7
    LDAP = 8
    POSTGRESQL = 9
    MYSQL = 10
    REDIS = 11
    SCRIPT = 12
    EXTERNAL = 13
    AGENT = 14
    SCTP = 15


class CheckRoute(Words):
    """enum lsvm_check_route"""
    UNKNOWN = 0
    STRAIGHT = 1
    THROUGH = 2


class ConnectionOrigin(Words):
    """enum lsvm_connection_origin"""
    UNKNOWN = 0
    LOCAL = 1
    SYNC = 2


class Connections(Words):
    """enum lsvm_connections"""
    UNKNOWN = 0
    NONE = 1
    SYNC = 2
    HASH = 3


class ContentKind(Words):
    """enum lsvm_content_kind"""
    UNKNOWN = 0
    DIRECTORY = 1
    CODA = 2


class Duty(Words):
    """enum lsvm_duty"""
    UNKNOWN = 0
    AUTO = 1
    MASTER = 2
    BACKUP = 3


class Err(Words):
    """enum lsvm_err"""
    OK = 0
    NOMEM = -1
    ARGUMENT = -2
    PARSE = -3
    FINDINGS = -4
    NOT_FOUND = -5
    EXISTS = -6
    RANGE = -7
    LIMIT = -8
    PERMISSION = -9
    UNSUPPORTED = -10
    TIMEOUT = -11
    BUSY = -12
    IO = -13
    PROTOCOL = -14
    NO_IPVS = -15
    STATE = -16
    CONFLICT = -17
    INTERNAL = -18


class EventKind(Words):
    """enum lsvm_event_kind"""
    UNKNOWN = 0
    STARTED = 1
    STOPPED = 2
    APPLIED = 3
    FAILED = 4
    REPAIRED = 5
    RELOADED = 6
    STATE = 7
    SERVER_UP = 8
    SERVER_DOWN = 9
    BACKEND_UP = 10
    BACKEND_DOWN = 11
    QUORUM_LOST = 12
    QUORUM_GAINED = 13
    SORRY_ON = 14
    SORRY_OFF = 15
    FAIL_OPEN_ON = 16
    FAIL_OPEN_OFF = 17
    DRAINED = 18
    ENABLED = 19
    SIGNAL = 20
    REFUSED = 21
    LINK_UP = 22
    LINK_DOWN = 23
    SYNCED = 24
    CERTIFICATE = 25
    LOST = 26


class Format(Words):
    """enum lsvm_format"""
    UNKNOWN = 0
    YAML = 1
    JSON = 2


class Forwarding(Words):
    """enum lsvm_forwarding"""
    UNKNOWN = 0
    NAT = 1
    LOCAL = 2
    TUNNEL = 3
    DIRECT = 4
    BYPASS = 5


class ImpactFate(Words):
    """enum lsvm_impact_fate"""
    UNKNOWN = 0
    KEPT = 1
    RESET = 2
    DROPPED = 3
    STAYS = 4
    MOVES = 5
    REFUSED = 6
    GAINED = 7
    STRANDED = 8


class ImpactFlag(Flags):
    """enum lsvm_impact_flag"""
    NODEST_EXPIRES = 1
    QUIESCENT_EXPIRES = 2
    REORDERS = 4


class ImpactLevel(Words):
    """enum lsvm_impact_level"""
    UNKNOWN = 0
    NONE = 1
    NEW = 2
    ESTABLISHED = 3


class ImportNoteKind(Words):
    """enum lsvm_import_note_kind"""
    UNKNOWN = 0
    LOST = 1
    CHANGED = 2
    DANGER = 3
    INVENTED = 4


class ImportSource(Words):
    """enum lsvm_import_source"""
    UNKNOWN = 0
    KEEPALIVED = 1
    LDIRECTORD = 2
    IPVSADM = 3


class IpvsCounter(Words):
    """enum lsvm_ipvs_counter"""
    UNKNOWN = 0
    CONNECTIONS = 1
    IN_PACKETS = 2
    OUT_PACKETS = 3
    IN_BYTES = 4
    OUT_BYTES = 5
    CONNECTION_RATE = 6
    IN_PACKET_RATE = 7
    OUT_PACKET_RATE = 8
    IN_BYTE_RATE = 9
    OUT_BYTE_RATE = 10


class Protocol(Words):
    """enum lsvm_protocol"""
    UNKNOWN = 0
    TCP = 1
    UDP = 2
    SCTP = 3


class RedundancyKind(Words):
    """enum lsvm_redundancy_kind"""
    UNKNOWN = 0
    NONE = 1
    VRRP = 2


class Role(Words):
    """enum lsvm_role"""
    UNKNOWN = 0
    EMS = 1
    ROUTER = 2
    DIRECTOR = 3
    SERVER = 4
    BACKEND = 5


class SchedOutcome(Words):
    """enum lsvm_sched_outcome"""
    UNKNOWN = 0
    SERVED = 1
    PERSISTENT = 2
    NO_DESTINATION = 3
    DRAINED = 4
    OVERLOADED = 5
    PASSED = 6


class SchedulerFlag(Flags):
    """enum lsvm_scheduler_flag"""
    UNKNOWN = 0
    FALLBACK = 1
    PORT = 2
    THIRD = 4


class Severity(Words):
    """enum lsvm_severity"""
    UNKNOWN = 0
    WARNING = 1
    ERROR = 2
    NOTICE = 3


class StepKind(Words):
    """enum lsvm_step_kind"""
    UNKNOWN = 0
    SYSCTL_SET = 1
    LINK_ADD = 2
    LINK_CHANGE = 3
    LINK_DELETE = 4
    ADDRESS_ADD = 5
    ADDRESS_DELETE = 6
    ROUTE_SET = 7
    ROUTE_DELETE = 8
    IPVS = 9
    FILE_WRITE = 10
    FILE_DELETE = 11
    UNIT_START = 12
    UNIT_RELOAD = 13
    UNIT_STOP = 14


class Topology(Words):
    """enum lsvm_topology"""
    UNKNOWN = 0
    ONE_ROUTER_PRIVATE = 1
    ONE_ROUTER_PUBLIC = 2
    TWO_ROUTERS_PRIVATE = 3
    TWO_ROUTERS_PUBLIC = 4


class TunnelChecksum(Words):
    """enum lsvm_tunnel_checksum"""
    UNKNOWN = 0
    NONE = 1
    FULL = 2
    REMOTE = 3


class TunnelKind(Words):
    """enum lsvm_tunnel_kind"""
    UNKNOWN = 0
    IPIP = 1
    GUE = 2
    GRE = 3


__all__ = [
    "AgentOption",
    "Answer",
    "Application",
    "Cause",
    "ChangeKind",
    "CheckKind",
    "CheckRoute",
    "ConnectionOrigin",
    "Connections",
    "ContentKind",
    "Duty",
    "Err",
    "EventKind",
    "Format",
    "Forwarding",
    "ImpactFate",
    "ImpactFlag",
    "ImpactLevel",
    "ImportNoteKind",
    "ImportSource",
    "IpvsCounter",
    "Protocol",
    "RedundancyKind",
    "Role",
    "SchedOutcome",
    "SchedulerFlag",
    "Severity",
    "StepKind",
    "Topology",
    "TunnelChecksum",
    "TunnelKind",
]
