# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPVS tables: virtual services and their destinations, wanted or seen. They never change."""
from ._library import library
from ._objects import Borrowed, Context, Frozen, Owned, bytes_of, pointer_of
from .enums import Forwarding, IpvsCounter, Protocol, TunnelChecksum, TunnelKind


class IpvsDestination(Borrowed):
    """One real server of a service, as the kernel sees it."""

    def __repr__(self):
        return f"<IpvsDestination {self.address} port {self.port}, weight {self.weight}>"

    @property
    def address(self):
        return self._formatted(library().lsvm_ipvs_destination_address)

    @property
    def port(self):
        return library().lsvm_ipvs_destination_port(self._pointer)

    @property
    def forwarding(self):
        return Forwarding(library().lsvm_ipvs_destination_forwarding(self._pointer))

    @property
    def weight(self):
        return library().lsvm_ipvs_destination_weight(self._pointer)

    @property
    def upper_threshold(self):
        return library().lsvm_ipvs_destination_upper_threshold(self._pointer)

    @property
    def lower_threshold(self):
        return library().lsvm_ipvs_destination_lower_threshold(self._pointer)

    @property
    def tunnel_kind(self):
        return TunnelKind(library().lsvm_ipvs_destination_tunnel_kind(self._pointer))

    @property
    def tunnel_port(self):
        return library().lsvm_ipvs_destination_tunnel_port(self._pointer)

    @property
    def tunnel_checksum(self):
        return TunnelChecksum(library().lsvm_ipvs_destination_tunnel_checksum(self._pointer))

    @property
    def active_count(self):
        return library().lsvm_ipvs_destination_active_count(self._pointer)

    @property
    def inactive_count(self):
        return library().lsvm_ipvs_destination_inactive_count(self._pointer)

    @property
    def persistent_count(self):
        return library().lsvm_ipvs_destination_persistent_count(self._pointer)

    def counter(self, counter):
        """lsvm.IpvsCounter since the last zero; 0 unless the table came from a kernel."""
        return library().lsvm_ipvs_destination_counter(self._pointer, IpvsCounter(counter))


class IpvsService(Borrowed):
    """A virtual service and its destinations."""

    def __str__(self):
        return self._formatted(library().lsvm_ipvs_service_text)

    def __repr__(self):
        return f"<IpvsService {self}>"

    @property
    def protocol(self):
        return Protocol(library().lsvm_ipvs_service_protocol(self._pointer))

    @property
    def address(self):
        """The VIP; "" for a service that a firewall mark names."""
        return self._formatted(library().lsvm_ipvs_service_address)

    @property
    def family(self):
        return library().lsvm_ipvs_service_family(self._pointer)

    @property
    def port(self):
        return library().lsvm_ipvs_service_port(self._pointer)

    @property
    def fwmark(self):
        return library().lsvm_ipvs_service_fwmark(self._pointer)

    @property
    def scheduler(self):
        return library().lsvm_ipvs_service_scheduler(self._pointer).decode()

    @property
    def scheduler_flags(self):
        return library().lsvm_ipvs_service_scheduler_flags(self._pointer)

    @property
    def is_persistent(self):
        return library().lsvm_ipvs_service_is_persistent(self._pointer)

    @property
    def persistence_timeout_s(self):
        return library().lsvm_ipvs_service_persistence_timeout_s(self._pointer)

    @property
    def persistence_prefix_length(self):
        return library().lsvm_ipvs_service_persistence_prefix_length(self._pointer)

    @property
    def engine(self):
        return library().lsvm_ipvs_service_engine(self._pointer).decode()

    @property
    def is_one_packet(self):
        return library().lsvm_ipvs_service_is_one_packet(self._pointer)

    def counter(self, counter):
        """lsvm.IpvsCounter since the last zero; 0 unless the table came from a kernel."""
        return library().lsvm_ipvs_service_counter(self._pointer, IpvsCounter(counter))

    @property
    def destinations(self):
        lib = library()
        return [IpvsDestination(self._owner,
                                lib.lsvm_ipvs_service_destination_at(self._pointer, i))
                for i in range(lib.lsvm_ipvs_service_destination_count(self._pointer))]


class IpvsTable(Frozen, Owned):
    """A table: what a plan wants or what a kernel was seen to hold."""

    _handle, _free = "lsvm_ipvs_table", "lsvm_ipvs_table_unref"

    @classmethod
    def empty(cls):
        """A director that balances nothing."""
        context = Context()
        return cls._new(context, library().lsvm_ipvs_table_new, context.pointer)

    @classmethod
    def from_json(cls, text):
        """A table from JSON of the schema "lsvm-ipvs/1"."""
        context, data = Context(), bytes_of(text)
        return cls._new(context, library().lsvm_ipvs_table_from_json, context.pointer, data,
                        len(data))

    @classmethod
    def from_ipvsadm(cls, text):
        """A table from what `ipvsadm -Sn` prints, or from what people write for `ipvsadm -R`."""
        context, data = Context(), bytes_of(text)
        return cls._new(context, library().lsvm_ipvs_table_from_ipvsadm, context.pointer, data,
                        len(data))

    def __repr__(self):
        return f"<IpvsTable of {len(self.services)} services>"

    def to_json(self):
        """The table as JSON; equal tables give equal text."""
        return self._text(library().lsvm_ipvs_table_to_json)

    def to_ipvsadm(self):
        """The text that `ipvsadm -Sn` prints for this table."""
        return self._text(library().lsvm_ipvs_table_to_ipvsadm)

    @property
    def services(self):
        lib = library()
        return [IpvsService(self, lib.lsvm_ipvs_table_service_at(self._pointer, i))
                for i in range(lib.lsvm_ipvs_table_service_count(self._pointer))]

    @property
    def timeouts_s(self):
        """The kernel's timeouts of TCP connections, after their FIN, and of UDP; 0: not set here."""
        lib = library()
        return (lib.lsvm_ipvs_table_tcp_timeout_s(self._pointer),
                lib.lsvm_ipvs_table_tcp_fin_timeout_s(self._pointer),
                lib.lsvm_ipvs_table_udp_timeout_s(self._pointer))

    def sync(self, is_master):
        """(interface, id) of the daemon that sends or receives connections; None: none runs."""
        lib = library()
        interface = lib.lsvm_ipvs_table_sync_interface(self._pointer, is_master)
        if interface is None:
            return None
        return interface.decode(), lib.lsvm_ipvs_table_sync_id(self._pointer, is_master)

    def changes_to(self, wanted):
        """What would make this table into the wanted one: ordered lines, none when equal."""
        context, lib = Context(), library()
        changes = _Changes._new(context, lib.lsvm_ipvs_diff, context.pointer, self._pointer,
                                pointer_of(wanted, IpvsTable, "wanted"))
        return [changes._formatted(lib.lsvm_ipvs_changes_text, i)
                for i in range(lib.lsvm_ipvs_changes_count(changes._pointer))]


class _Changes(Owned):
    _handle, _free = "lsvm_ipvs_changes", "lsvm_ipvs_changes_free"
