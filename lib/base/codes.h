/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every kind of finding: identifier, the word that users see, severity, hint. A word is
 * never used again for another meaning, and each has a golden test
 * (tests/golden/findings/WORD.yaml). Included with FINDING defined; see findings.c.
 */
FINDING(TOO_MANY_FINDINGS, "too-many-findings", ERROR,
	"mend the first ones and check again")

/* The meaning of a cluster (cluster/validate*.c). */
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
