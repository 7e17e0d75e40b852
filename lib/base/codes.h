/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every kind of finding: identifier, the word that users see, severity, hint. A word is
 * never used again for another meaning, and each has a golden test
 * (tests/golden/findings/WORD.yaml). Included with FINDING defined; see findings.c.
 */
FINDING(TOO_MANY_FINDINGS, "too-many-findings", ERROR,
	"mend the first ones and check again")

/* clang-format off */
/* lib/cluster: the document and its shape */
FINDING(SYNTAX, "syntax", ERROR, "mend the text at this place; nothing after it was read")
FINDING(TOO_LARGE, "too-large", ERROR, "split the cluster into several, or write it shorter")
FINDING(TOO_DEEP, "too-deep", ERROR, "a cluster file needs no more than eight levels")
FINDING(BAD_TEXT, "bad-text", ERROR, "remove the character; text is UTF-8 without control characters")
FINDING(YAML_TAG, "yaml-tag", ERROR, "remove the word that begins with an exclamation mark")
FINDING(BAD_ALIAS, "bad-alias", ERROR, "write the anchor (&name) before the alias (*name), and not around it")
FINDING(EMPTY_DOCUMENT, "empty-document", ERROR, "a cluster file is a map that begins with name:")
FINDING(WRONG_SCHEMA, "wrong-schema", ERROR, "remove the key or write lsvm-cluster/1")
FINDING(UNKNOWN_KEY, "unknown-key", ERROR, "correct the key or remove it")
FINDING(DUPLICATE_KEY, "duplicate-key", ERROR, "keep one of them")
FINDING(MISSING_KEY, "missing-key", ERROR, "add the key")
FINDING(NO_VALUE, "no-value", ERROR, "write a value behind the key, or remove the key")
FINDING(WRONG_TYPE, "wrong-type", ERROR, "write it as the text says")
FINDING(OUT_OF_RANGE, "out-of-range", ERROR, "choose a number in the range")
FINDING(UNKNOWN_WORD, "unknown-word", ERROR, "choose one of the words")
FINDING(TEXT_TOO_LONG, "text-too-long", ERROR, "shorten it")
FINDING(TOO_MANY_ITEMS, "too-many-items", ERROR, "shorten the list")
FINDING(BAD_NAME, "bad-name", ERROR, "use letters, digits, dot, hyphen and underscore, a letter or digit first")
FINDING(BAD_DOMAIN_NAME, "bad-domain-name", ERROR, "use labels of letters, digits and hyphens, 63 at most each; write other scripts as xn--")
FINDING(BAD_PATH, "bad-path", ERROR, "begin with a slash and leave out . and .. between slashes")
FINDING(BAD_ADDRESS, "bad-address", ERROR, "write an IPv4 address as 192.0.2.1, an IPv6 address as 2001:db8::1")
FINDING(BAD_PREFIX, "bad-prefix", ERROR, "write a subnet as 192.0.2.0/24 or 2001:db8::/64")
FINDING(BAD_MAC, "bad-mac", ERROR, "write six pairs of hexadecimal digits, as 02:00:00:00:00:01")
FINDING(BAD_PORT, "bad-port", ERROR, "write a port from 1 to 65535, or a range as 8000-8009")
/* clang-format on */

/* lib/cluster/validate*.c: the meaning of the document */
FINDING(DUPLICATE_MACHINE, "duplicate-machine", ERROR,
	"give every machine of the cluster a name of its own")
FINDING(DUPLICATE_NETWORK, "duplicate-network", ERROR,
	"give every network a name of its own")
FINDING(DUPLICATE_PARTITION, "duplicate-partition", ERROR,
	"give every partition a name of its own, or join the two")
FINDING(DUPLICATE_BACKEND_SERVICE, "duplicate-backend-service", ERROR,
	"give every back-end service a name of its own")
FINDING(DUPLICATE_ACCOUNT, "duplicate-account", ERROR, "describe every account once")
FINDING(DUPLICATE_VOLUME, "duplicate-volume", ERROR,
	"give every volume a name of its own")
FINDING(UNKNOWN_NETWORK, "unknown-network", ERROR,
	"declare the network under networks, or correct the name")
FINDING(UNKNOWN_MACHINE, "unknown-machine", ERROR,
	"declare the machine under servers, backends, directors or routers, or correct "
	"the name")
FINDING(UNKNOWN_SERVER, "unknown-server", ERROR,
	"declare the machine under servers, or correct the name")
FINDING(NOT_A_SERVER, "not-a-server", ERROR,
	"name a machine that is declared under servers")
FINDING(UNKNOWN_BACKEND_SERVICE, "unknown-backend-service", ERROR,
	"declare it under backend_services, or correct the name")
FINDING(UNKNOWN_VOLUME, "unknown-volume", ERROR,
	"declare the volume under content.volumes, or correct the name")
FINDING(NETWORK_WITHOUT_SUBNET, "network-without-subnet", ERROR,
	"give the network a subnet, such as 192.0.2.0/24")
FINDING(TWO_SUBNETS_OF_A_FAMILY, "two-subnets-of-a-family", ERROR,
	"keep one IPv4 and one IPv6 subnet in a network and make another network for the "
	"rest")
FINDING(SUBNET_HOST_BITS, "subnet-host-bits", ERROR,
	"write the first address of the subnet, such as 192.0.2.0/24")
FINDING(SUBNETS_OVERLAP, "subnets-overlap", ERROR, "give every subnet a range of its own")
FINDING(ADDRESS_NOT_USABLE, "address-not-usable", ERROR,
	"choose a unicast address that is neither the first nor the last of its subnet")
FINDING(ADDRESS_OUTSIDE_SUBNET, "address-outside-subnet", ERROR,
	"choose an address inside the network's subnet, or plug the interface into "
	"another network")
FINDING(DUPLICATE_ADDRESS, "duplicate-address", ERROR,
	"give every machine addresses of its own")
FINDING(DUPLICATE_MAC, "duplicate-mac", ERROR,
	"give every interface a hardware address of its own")
FINDING(MAC_NOT_USABLE, "mac-not-usable", ERROR,
	"choose a unicast hardware address, such as 02:00:00:00:00:11")
FINDING(DUPLICATE_INTERFACE, "duplicate-interface", ERROR,
	"give the interfaces of a machine different names")
FINDING(NETWORK_TWICE, "network-twice", ERROR,
	"give one interface all the machine's addresses in this network")
FINDING(GATEWAY_OUTSIDE_SUBNET, "gateway-outside-subnet", ERROR,
	"name a gateway that lies in a subnet of the network")
FINDING(NO_OUTSIDE_NETWORK, "no-outside-network", WARNING,
	"set \"outside: true\" on the network where the clients live")
FINDING(FLOATING_WITHOUT_DIRECTOR, "floating-without-director", ERROR,
	"plug every director into the network, so that each can hold its "
	"director_addresses")
FINDING(DUPLICATE_VIP, "duplicate-vip", ERROR,
	"join the two into one VIP with the services and domains of both")
FINDING(VIP_IN_TWO_PARTITIONS, "vip-in-two-partitions", ERROR,
	"keep the VIP in one partition; servers may be in several")
FINDING(DUPLICATE_VIP_NAME, "duplicate-vip-name", ERROR,
	"give every VIP a name of its own, or leave the name out")
FINDING(VIP_IS_MACHINE_ADDRESS, "vip-is-machine-address", ERROR,
	"give the VIP an address that no machine has")
FINDING(VIP_WITHOUT_NETWORK, "vip-without-network", ERROR,
	"declare a network that has the address and plug every director into it")
FINDING(VIP_IN_OTHER_NETWORK, "vip-in-other-network", ERROR,
	"leave the network out, or choose an address of it")
FINDING(VIP_WITHOUT_DIRECTOR, "vip-without-director", ERROR,
	"plug every director into the network of the VIP")
FINDING(VIP_NOT_REACHABLE, "vip-not-reachable", WARNING,
	"add a router between the clients' network and the network of the VIP")
FINDING(VIP_WITHOUT_SERVICES, "vip-without-services", WARNING,
	"give the VIP services or domains, or remove it")
FINDING(PORT_TWICE, "port-twice", ERROR, "give every port of a VIP to one service")
FINDING(TOO_MANY_PORTS, "too-many-ports", ERROR,
	"give the service a firewall mark: then all its ports are one virtual service")
FINDING(SERVICE_WITHOUT_PORTS, "service-without-ports", ERROR,
	"give the service ports, or a firewall mark for all traffic to the VIP")
FINDING(DUPLICATE_SERVICE, "duplicate-service", ERROR,
	"give the services of a VIP different names")
FINDING(DUPLICATE_DOMAIN, "duplicate-domain", ERROR,
	"name every domain and alias once on a VIP")
FINDING(DOMAIN_IN_TWO_PARTITIONS, "domain-in-two-partitions", ERROR,
	"keep a domain in one partition, whose servers have its content")
FINDING(DOMAIN_WITHOUT_WEB, "domain-without-web", ERROR,
	"add a service with application http to the VIP, or https and a certificate")
FINDING(TLS_WITHOUT_HTTPS, "tls-without-https", WARNING,
	"add a service with application https to the VIP")
FINDING(QUOTA_ABOVE_VOLUME, "quota-above-volume", ERROR,
	"lower the domain's quota, or raise the volume's")
FINDING(SCHEDULER_WITHOUT_FLAGS, "scheduler-without-flags", ERROR,
	"use the schedulers sh or mh, or write no flags")
FINDING(HASH_NEEDS_SCHEDULER, "hash-needs-scheduler", WARNING,
	"use the scheduler mh or sh, or connections: sync")
FINDING(ONE_PACKET_NOT_UDP, "one-packet-not-udp", ERROR,
	"use one_packet with UDP services only")
FINDING(ONE_PACKET_PERSISTENT, "one-packet-persistent", ERROR,
	"leave out one_packet or persistence")
FINDING(ONE_PACKET_NAT, "one-packet-nat", WARNING,
	"leave out one_packet, or use direct routing or a tunnel")
FINDING(SIP_NOT_UDP, "sip-not-udp", ERROR, "use the engine sip with UDP services only")
FINDING(LOWER_WITHOUT_UPPER, "lower-without-upper", ERROR,
	"write an upper threshold too, or leave out the lower one")
FINDING(LOWER_ABOVE_UPPER, "lower-above-upper", ERROR,
	"make the lower threshold smaller than the upper one")
FINDING(SERVER_PORT_WITHOUT_NAT, "server-port-without-nat", ERROR,
	"let the servers listen on the service's port, or use forwarding: nat")
FINDING(SERVER_PORT_MIXED, "server-port-mixed", ERROR,
	"let http and https arrive at different ports of the servers")
FINDING(SHORT_NAME_SHARED, "short-name-shared", ERROR,
	"write one name with a dot, or let the services arrive at different ports "
	"(server_port)")
FINDING(GUE_OVER_IPV6, "gue-over-ipv6", ERROR, "use a tunnel of kind ipip or gre")
FINDING(TUNNELS_UNEQUAL, "tunnels-unequal", ERROR,
	"give all partitions of a server the same tunnel")
FINDING(DOLLAR_IN_PATH, "dollar-in-path", ERROR,
	"choose a path without $: nginx takes it for a variable")
FINDING(GUE_WITHOUT_PORT, "gue-without-port", ERROR,
	"write the UDP port of the tunnel, usually 6080")
FINDING(TUNNEL_OPTION, "tunnel-option", ERROR,
	"port: is for gue, checksum: full for gue and gre, checksum: remote for gue")
FINDING(QUORUM_TOO_HIGH, "quorum-too-high", ERROR,
	"lower the quorum, or add servers to the partition")
FINDING(SORRY_SERVER_NOT_REACHABLE, "sorry-server-not-reachable", ERROR,
	"choose a machine with an address in a network of all directors")
FINDING(MARK_IN_TWO_PARTITIONS, "mark-in-two-partitions", ERROR,
	"use a firewall mark in one partition only")
FINDING(MARK_UNEQUAL, "mark-unequal", ERROR,
	"make the settings equal, or use another mark")
FINDING(MARK_RESERVED, "mark-reserved", ERROR, "use a mark below 0x53560000, as 100")
FINDING(SLOW_START_UNFELT, "slow-start-unfelt", WARNING,
	"give the servers weights of 10 and more; only their proportions matter")
FINDING(PARTITION_WITHOUT_SERVERS, "partition-without-servers", WARNING,
	"add servers to the partition: until then it refuses its clients")
FINDING(PARTITION_WITHOUT_VIPS, "partition-without-vips", WARNING,
	"give the partition a VIP, or remove it")
FINDING(PARTITION_DRAINED, "partition-drained", WARNING,
	"give at least one server a weight above 0")
FINDING(DUPLICATE_MEMBER, "duplicate-member", ERROR,
	"name every server once in a partition; its weight gives it more work")
FINDING(DEDICATED_SERVER_SHARED, "dedicated-server-shared", ERROR,
	"take the server out of one partition, or do not dedicate it")
FINDING(SERVER_NOT_REACHABLE, "server-not-reachable", ERROR,
	"plug the server into a network of all directors, or use forwarding: tunnel")
FINDING(SERVER_LACKS_FAMILY, "server-lacks-family", ERROR,
	"give the server an address of that family; only a tunnel may mix families")
FINDING(MIXED_FAMILIES_WITH_SYNC, "mixed-families-with-sync", ERROR,
	"give the server an address of the VIP's family, or do not use connections: sync")
FINDING(NAT_MIXED, "nat-mixed", ERROR,
	"use NAT for all services of a server, or for none")
FINDING(NAT_WITHOUT_FLOATING, "nat-without-floating", WARNING,
	"give the network director_addresses: an address that the active director holds")
FINDING(NO_WAY_BACK, "no-way-back", WARNING,
	"add a router to a network of the server, name a gateway, or use forwarding: nat")
FINDING(ROUTER_LACKS_FAMILY, "router-lacks-family", WARNING,
	"give a router of the server's network an address of that family, or name a "
	"gateway")
FINDING(REPLIES_LACK_FAMILY, "replies-lack-family", WARNING,
	"give the server an address of the VIP's family in a network that leads out")
FINDING(WEIGHT_IGNORED, "weight-ignored", WARNING,
	"use a scheduler that weighs, such as wrr or wlc, or leave the weight out")
FINDING(DRAIN_REFUSES, "drain-refuses", WARNING,
	"add scheduler_flags: [fallback] before you set a weight to 0")
FINDING(WEIGHT_IS_CAPACITY, "weight-is-capacity", WARNING,
	"write as weight how many connections the server may have: ovf reads it so")
FINDING(BACKEND_NOT_REACHABLE, "backend-not-reachable", ERROR,
	"plug server and host into a common network, or join their networks with a "
	"router")
FINDING(CHECK_INCOMPLETE, "check-incomplete", ERROR, "write what the check is to ask for")
FINDING(CHECK_PATH, "check-path", ERROR, "begin the path with /")
FINDING(CHECK_DIGEST, "check-digest", ERROR, "write sha256: and 64 hexadecimal digits")
FINDING(CHECK_DNS, "check-dns", ERROR,
	"ask for a name with labels of at most 63 bytes, a type such as A, AAAA or "
	"TYPE65, and expect an address of A and AAAA, a name of NS, CNAME and PTR, a "
	"text of TXT")
FINDING(CHECK_ESCAPE, "check-escape", ERROR,
	"write \\r \\n \\t \\0 \\xHH, and \\\\ for a backslash")
FINDING(CHECK_KEY, "check-key", WARNING,
	"leave it out, or choose the kind of check that has it")
FINDING(CHECK_TIMEOUT, "check-timeout", WARNING, "make timeout_ms at most interval_ms")
FINDING(CHECK_WITHOUT_PORT, "check-without-port", ERROR, "give the check a port")
FINDING(NO_DIRECTOR, "no-director", ERROR,
	"declare one director, better two, under directors")
FINDING(NO_EMS, "no-ems", WARNING,
	"declare the machine from which the cluster is managed under ems")
FINDING(NO_PARTITIONS, "no-partitions", WARNING,
	"declare a partition with servers and a VIP")
FINDING(UNUSED_SERVER, "unused-server", WARNING, "add the server to a partition")
FINDING(EQUAL_PRIORITIES, "equal-priorities", WARNING,
	"give the directors different priorities, so that it is clear who is master")
FINDING(ADVERT_INTERVAL, "advert-interval", ERROR,
	"use a multiple of 10 ms, or of 1000 ms with version 2")
FINDING(VRRP2_WITH_IPV6, "vrrp2-with-ipv6", ERROR, "use version 3")
FINDING(SYNC_GROUP, "sync-group", ERROR, "choose a multicast address, such as 224.0.0.81")
FINDING(REDUNDANCY_ALONE, "redundancy-alone", WARNING, "add a second director")
FINDING(DIRECTORS_APART, "directors-apart", ERROR,
	"plug every director into the network where they hear each other")
FINDING(DUPLICATE_SYSCTL, "duplicate-sysctl", ERROR, "set every kernel setting once")
FINDING(SYSCTL_VALUE, "sysctl-value", ERROR,
	"choose a value that the kernel takes; it may ignore others without a word")
FINDING(UNKNOWN_SYSCTL, "unknown-sysctl", WARNING,
	"correct the name; names below net.ipv4.vs stand without that prefix")
FINDING(DUPLICATE_REPLICA, "duplicate-replica", ERROR, "name every replica once")
FINDING(CODA_WITHOUT_REALM, "coda-without-realm", ERROR,
	"write the realm, the name of the Coda cell")
