#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest: a whole director's plan, applied by an ordinary user in namespaces of his own.
# userns-guest.sh FOLDER-OF-TOOLS FOLDER-OF-EXAMPLES; prints "fact: …" for what holds, ends at what
# does not. As root it only loads modules, which nobody may do in there, and becomes that user.
set -u
tools=$1 examples=$2
if [ "$(id -u)" = 0 ] && [ -z "${INSIDE:-}" ]; then
	modprobe -a ip_vs ip_vs_wlc ip_vs_wrr dummy || exit 1
	INSIDE=1 exec setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare --user --map-root-user --net --mount "$0" "$@"
fi

fail() { echo "FAILED: $*"; exit 1; }
fact() { echo "fact: $*"; }
eds() { "$tools/svm-eds" "$1" --machine eds1 "${@:2}"; }

mount -t tmpfs none /var/lib || fail "no place for the record"
ip link set lo up
ip link add eth0 type dummy && ip link set eth0 up && ip address add 192.0.2.11/24 dev eth0 ||
	fail "a network of his own"

said=$(eds apply "$examples/minimal.yaml" 2>&1) || fail "$said"
ip address show dev eth0 | grep -q 192.0.2.100/32 || fail "the virtual address"
fact "a director's plan is applied without root"
[ "$(eds status --json | grep -o '"ipvs_interface": *"socket-options"')" ] || fail "$(eds status --json)"
status=$(eds status)
for lost in IPv6 "persistence engines" net.ipv4.vs "64-bit counters"; do
	grep -q "$lost" <<<"$status" || fail "status does not say that $lost is lost: $status"
done
grep -q 'as planned$' <<<"$status" || fail "$status"
grep -q '192.0.2.22:80  *direct' <<<"$status" || fail "$status"
fact "the status says what is lost"
[ "$(eds apply "$examples/minimal.yaml")" = "nothing to do" ] || fail "a second apply has something to do"
fact "a second apply does nothing"
said=$(eds apply "$examples/ipv6.yaml" 2>&1) && fail "IPv6 was applied: $said"
grep -q 'carry no IPv6' <<<"$said" || fail "$said"
[ "$(eds status | head -1)" = "$(head -1 <<<"$status")" ] || fail "something was begun: $(eds status)"
fact "what cannot be carried is refused before anything is begun"
said=$(eds reset 2>&1) || fail "$said"
eds status | grep -q 192.0.2.21 && fail "after the reset: $(eds status)"
fact "a reset takes it away again"
echo all held
