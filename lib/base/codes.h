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
