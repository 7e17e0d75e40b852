#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest: checks that go through the director, on the master, which holds the virtual addresses
# itself: IPv4 and IPv6, direct routing. through-guest.sh FOLDER-OF-TOOLS
set -u
tools=$1
mkdir -p /run/svm /tmp/c; cd /tmp/c || exit 1
cat >cluster.yaml <<'END'
name: through
networks: [{name: front, subnets: [192.0.2.0/24, "2001:db8::/64"]}]
directors:
  - {name: eds1, interfaces: [{network: front, addresses: [192.0.2.11, "2001:db8::11"]}]}
servers:
  - {name: eps1, interfaces: [{network: front, addresses: [192.0.2.21, "2001:db8::21"]}]}
  - {name: eps2, interfaces: [{network: front, addresses: [192.0.2.22, "2001:db8::22"]}]}
partitions:
  - name: web
    servers: [eps1, eps2]
    checks: [{kind: tcp, route: through, rise: 1, fall: 2}]
    vips:
      - {name: a1, address: 192.0.2.100, services: [{ports: 80}]}
      - {name: a6, address: "2001:db8::100", services: [{ports: 80}]}
END
agent=
fail() { echo "FAILED: $*"; tail -20 run.err; ipvsadm -Sn; "$tools/svm-eds" status; exit 1; }
fact() { echo "fact: $*"; }
until_true() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; fail "never: $*"; }
status() { "$tools/svm-eds" status | grep -qE "$1"; }

ip link set lo up
ip link add br0 type bridge; ip link set br0 up
ip link add eth0 type veth peer name p0; ip link set p0 master br0; ip link set p0 up; ip link set eth0 up
ip address add 192.0.2.11/24 dev eth0; ip -6 address add 2001:db8::11/64 dev eth0 nodad
for n in 1 2; do
	ip netns add e$n
	ip link add q$n type veth peer name eth0 netns e$n; ip link set q$n master br0; ip link set q$n up
	ip -n e$n link set lo up; ip -n e$n link set eth0 up
	ip netns exec e$n sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	ip -n e$n address add 192.0.2.2$n/24 dev eth0; ip -n e$n -6 address add 2001:db8::2$n/64 dev eth0 nodad
	ip -n e$n address add 192.0.2.100/32 dev lo; ip -n e$n -6 address add 2001:db8::100/128 dev lo nodad
	ip netns exec e$n python3 -c '
import socket, time
here = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
time.sleep(1000)' &
	until_true sh -c "ip netns exec e$n ss -ltn | grep -q :80"
done
modprobe ip_vs
"$tools/svm-eds" run --machine eds1 cluster.yaml >run.out 2>run.err & agent=$!
until_true sh -c "$tools/svm-eds status --json | grep -q '\"settled\": *true'"
ip address show dev eth0 | grep -q 192.0.2.100/32 || fail "it is not master"
[ "$("$tools/svm-eds" status | grep -c '2 of 2 servers available')" = 2 ] || fail "not all are up"
fact "a master reaches its servers through itself, in both families"
ip -n e2 address del 192.0.2.100/32 dev lo
until_true status '100:80 \(a1 .*1 of 2'
status '\[2001:db8::100\]:80 \(a6 .*2 of 2' || fail "the other family is hurt"
fact "a server without its virtual address is found"
ip -n e2 address add 192.0.2.100/32 dev lo
until_true status '100:80 \(a1 .*2 of 2'
fact "and is taken in again when it has it"
kill $agent; wait $agent
jobs -p | xargs -r kill 2>/dev/null
echo "all held"
