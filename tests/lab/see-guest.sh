#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest: connections, predict, explain and top on a real kernel with real clients.
# see-guest.sh FOLDER-OF-TOOLS CLUSTER-FILE; prints "fact: …" for what holds, ends at what does not.
set -u
tools=$1 cluster=$2
modprobe -q ipv6 || true
modprobe -a ip_vs ip_vs_sh ip_vs_wlc veth bridge ipip || exit 1
mkdir -p /run/svm

fail() { echo "FAILED: $*"; ip address; ipvsadm -Ln; exit 1; }
fact() { echo "fact: $*"; }
eds() { "$tools/svm-eds" "$1" --machine eds1 "${@:2}"; }
see() { "$tools/svm-eds" "$@"; }
eps() { "$tools/svm-eps" "$1" --machine eps1 "${@:2}"; }
# The words of the causes, one a line.
causes() { grep -o '\[[a-z-]*\]$' | tr -d '[]' | sort -u | tr '\n' ' '; }

# ---- a switch with a director (here), two servers and clients ----
ip link set lo up
ip netns add lan; ip -n lan link add br0 type bridge; ip -n lan link set br0 up
plug() { # NAMESPACE-OR-1 ADDRESS...
	local where=$1 port=port$RANDOM; shift
	ip -n "$where" link add eth0 type veth peer name "$port" netns lan
	ip -n lan link set "$port" master br0 up
	for address; do ip netns exec "$where" ip address add "$address" dev eth0; done
	ip netns exec "$where" ip link set eth0 up; ip netns exec "$where" ip link set lo up
}
for name in eps1 eps2 clients; do ip netns add $name; done
ip link add eth0 type veth peer name port0 netns lan
ip -n lan link set port0 master br0 up; ip address add 192.0.2.11/24 dev eth0; ip link set eth0 up
plug eps1 192.0.2.21/24; plug eps2 192.0.2.22/24
plug clients $(seq -f 192.0.2.%g/24 50 57)
for name in eps1 eps2; do
	for key in arp_ignore=1 arp_announce=2; do
		ip netns exec $name sysctl -qw net.ipv4.conf.all.$key; done
	ip -n $name address add 192.0.2.100/32 dev lo
	mkdir -p /tmp/$name; echo $name >/tmp/$name/who
	(cd /tmp/$name && exec ip netns exec $name /usr/bin/python3 -m http.server 80 >/dev/null 2>&1) &
	for _ in $(seq 200); do ip netns exec $name ss -Hltn | grep -q ':80 ' && break; sleep 0.1; done
done
ask() { ip netns exec clients curl -s -m 10 --interface "$1" http://192.0.2.100/who; }

eds apply "$cluster" >/dev/null || fail "apply"
[ "$(eds explain eps1 "$cluster" | causes)" = "" ] || fail "a director without fault: $(eds explain eps1 "$cluster")"
eds explain 192.0.2.21 | grep -q 'nothing on eds1 keeps traffic from 192.0.2.21' || fail "without a cluster file"
fact "a director without fault finds no cause"

# ---- connections ----
[ -n "$(ask 192.0.2.50)" ] || fail "no answer"
ip netns exec clients bash -c 'exec 3<>/dev/tcp/192.0.2.100/80 4<>/dev/tcp/192.0.2.100/80; echo up; sleep 60' >/tmp/up &
holder=$!
for _ in $(seq 100); do grep -q up /tmp/up && break; sleep 0.1; done
[ "$(see connections --state ESTABLISHED | grep -c 'local$')" = 2 ] || fail "$(see connections)"
[ "$(see connections --server 192.0.2.21 --state established --vip 192.0.2.100:80 | grep -c ^tcp)" = 1 ] ||
	fail "$(see connections)"
[ -z "$(see connections --client 192.0.2.51)" ] || fail "a client that did not ask"
see connections --json --limit 1 | grep -q '"seen":3,"matched":3' || fail "$(see connections --json --limit 1)"
fact "connections are listed as the kernel has them"

# ---- explain, on the director ----
each() { for d in 192.0.2.21 192.0.2.22; do ipvsadm -e -t 192.0.2.100:80 -r $d:80 "$@"; done; }
planted() { # CAUSE, after planting it
	eds explain eps1 "$cluster" | causes | grep -qw "$1" || fail "$1: $(eds explain eps1 "$cluster")"
	eds explain --json 192.0.2.21 | grep -q "\"cause\":\"$1\"" || fail "$1 as JSON"
	fact "a director names $1"
}
each -g -w 0; planted drained
each -g -w 1 -x 1; planted overloaded
ip link add wide0 mtu 9000 type dummy && ip link set wide0 up
each -i -w 1; planted tunnel-mtu
ip link del wide0
eds explain eps1 "$cluster" | causes | grep -qw tunnel-mtu && fail "tunnel-mtu where all is of one width"
each -g -w 1
ipvsadm -d -t 192.0.2.100:80 -r 192.0.2.21:80; planted destination-missing
ipvsadm -D -t 192.0.2.100:80; planted service-missing
eds apply "$cluster" >/dev/null || fail "apply again"
ip address del 192.0.2.100/32 dev eth0; planted vip-not-held
eds apply "$cluster" >/dev/null || fail "apply again"
ip -n eps1 link set eth0 down; ip neigh flush dev eth0
timeout 8 bash -c 'exec 3<>/dev/tcp/192.0.2.21/80' 2>/dev/null && fail "a server without a network answers"
planted neighbour-unresolved
ip -n eps1 link set eth0 up
for _ in $(seq 20); do timeout 8 bash -c 'exec 3<>/dev/tcp/192.0.2.21/80' 2>/dev/null && break; sleep 0.2; done
eds explain 192.0.2.99 | causes | grep -qw no-service || fail "no-service"
fact "a director names no-service"
[ "$(eds explain eps1 "$cluster" | causes)" = "" ] || fail "mended: $(eds explain eps1 "$cluster")"
kill $holder

# ---- predict ----
ipvsadm -E -t 192.0.2.100:80 -s sh
for last in $(seq 50 57); do
	foretold=$(eds predict --client 192.0.2.$last --vip 192.0.2.100:80) || fail "predict"
	answered=$(ask 192.0.2.$last)
	case "$foretold" in
	*": 192.0.2.2${answered#eps}:80 "*served*) ;;
	*) fail "192.0.2.$last: foretold $foretold, answered $answered" ;;
	esac
	echo "$answered"
done | sort | uniq -c >/tmp/spread
grep -q FAILED /tmp/spread && fail "$(cat /tmp/spread)"
[ "$(wc -l </tmp/spread)" = 2 ] || fail "all clients at one server: $(cat /tmp/spread)"
fact "who answers is foretold"
ipvsadm -E -t 192.0.2.100:80 -s rr -p 100
first=$(ask 192.0.2.50)
eds predict --client 192.0.2.50 --vip 192.0.2.100:80 | grep -q ": 192.0.2.2${first#eps}:80 (direct)" || fail "persistent"
eds predict --client 192.0.2.50 --vip 192.0.2.100:80 | grep -q '^persistent:' || fail "persistent"
eds predict --client 192.0.2.51 --vip 192.0.2.100:80 | grep -q '^any:' || fail "any"
fact "what persistence remembers is foretold"

# ---- top ----
see top --once --sort name | grep -q '^tcp 192.0.2.100:80 * rr  *2 ' || fail "$(see top --once)"
[ "$(see top --count 2 --interval 1 | grep -c '^SERVICE')" = 2 ] || fail "two looks"
see top --json | grep -q '"schema":"lsvm-ipvs/1"' || fail "top as JSON"
busy=$(see top --sort connections | sed -n 3p); idle=$(see top --sort connections | sed -n 4p)
set -- $busy; more=$5; set -- $idle
[ "$more" -ge "$5" ] || fail "order: $busy / $idle"
fact "top shows the table, the busiest first"
eds reset >/dev/null || fail "reset"
ip address flush dev eth0

# ---- explain, on the server: this machine, behind a tunnel ----
sed 's/^  - name: web$/  - name: web\n    forwarding: tunnel/' "$cluster" >/tmp/tunnel.yaml
ip address add 192.0.2.21/24 dev eth0
eps apply /tmp/tunnel.yaml >/dev/null || fail "apply of a server"
whole() { eps explain "$@" /tmp/tunnel.yaml; }
[ "$(whole | causes)" = "" ] || fail "a server without fault: $(whole)"
eps explain | grep -q 'nothing on eps1 keeps' || fail "without a cluster file: $(eps explain)"
fact "a server without fault finds no cause"
mended() { # CAUSE: it is named, an apply mends it
	whole | causes | grep -qw "$1" || fail "$1: $(whole)"
	whole --json | grep -q "\"cause\":\"$1\"" || fail "$1 as JSON"
	eps apply /tmp/tunnel.yaml >/dev/null || fail "apply after $1"
	[ "$(whole | causes)" = "" ] || fail "after $1 was mended: $(whole)"
	fact "a server names $1, and an apply mends it"
}
ip address del 192.0.2.100/32 dev svmipip0; mended vip-missing
sysctl -qw net.ipv4.conf.all.arp_ignore=0; mended arp-ignore
sysctl -qw net.ipv4.conf.all.arp_announce=1; mended arp-announce
sysctl -qw net.ipv4.conf.svmipip0.rp_filter=1; mended rp-filter
ip link set svmipip0 down; mended tunnel-down
ip link del svmipip0; mended tunnel-missing
ip route del default; mended no-way-back
nginx=$(cat /run/svm/nginx.pid); kill -9 "$nginx" $(pgrep -P "$nginx")
for _ in $(seq 100); do [ -d "/proc/$nginx" ] || break; sleep 0.1; done
whole | causes | grep -qw not-running || fail "not-running: $(whole)"
mended not-listening
ip link set eth0 down; whole | causes | grep -qw link-down || fail "link-down: $(whole)"
fact "a server names link-down"
sed -i 's/forwarding: tunnel/forwarding: direct/' /tmp/tunnel.yaml
ip link set eth0 up; eps apply /tmp/tunnel.yaml >/dev/null || fail "apply of direct routing"
ip address del 192.0.2.100/32 dev lo; mended vip-missing
echo all held
