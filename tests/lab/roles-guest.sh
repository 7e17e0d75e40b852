#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest: the two tools on a real kernel, with real ip_vs, nginx and /proc/sys.
# roles-guest.sh FOLDER-OF-TOOLS CLUSTER-FILE; prints "fact: …" for what holds, ends at what does not.
set -u
tools=$1 cluster=$2
modprobe -q ipv6 || true
mkdir -p /run/svm

fail() { echo "FAILED: $*"; ip address; ipvsadm -Sn; exit 1; }
fact() { echo "fact: $*"; }
# Everything that a reset must bring back; IPv6 link addresses come by themselves.
look() { ip -o address | grep -v ' fe80' | sed 's/valid_lft.*//' | sort; ipvsadm -Sn
	sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce net.ipv4.conf.all.send_redirects \
		net.ipv4.vs.conn_reuse_mode net.ipv4.vs.expire_nodest_conn net.ipv4.ip_forward
	find /etc/svm /var/lib/svm -type f 2>/dev/null; }

ip link set lo up
ip link add eth0 type veth peer name peer0; ip link add eth1 type veth peer name peer1
for card in eth0 peer0 eth1 peer1; do ip link set $card up; done
modprobe ip_vs
ipvsadm -A -u 198.51.100.1:53 -s rr
ip address add 198.51.100.7/32 dev lo

# ---- a director ----
ip address add 192.0.2.11/24 dev eth0; ip address add 192.168.2.2/24 dev eth1
before=$(look)
eds() { "$tools/svm-eds" "$1" --machine eds1 "${@:2}"; }
eds apply "$cluster" >/tmp/first || fail "first apply"
tail -1 /tmp/first | grep -q 'steps done' || fail "$(tail -1 /tmp/first)"
[ "$(eds apply "$cluster")" = "nothing to do" ] || fail "second apply does something: $(eds diff "$cluster")"
fact "a second apply does nothing"
[ "$(ipvsadm -Sn | grep -c '^-A -t')" = 7 ] || fail "services"
[ "$(ipvsadm -Sn | grep -c '^-a -t')" = 19 ] || fail "destinations"
ip address show dev eth0 | grep -q '192.0.2.101/32' || fail "VIP"
fact "ipvsadm and ip see what the plan says"
ip address del 192.0.2.101/32 dev eth0; ipvsadm -d -t 192.0.2.102:80 -r 192.168.2.22
ipvsadm -e -t 192.0.2.102:80 -r 192.168.2.21 -g -w 7
eds status | grep -q '192.0.2.101/32 on eth0: missing' || fail "status"
eds apply "$cluster" >/tmp/again || fail "apply after damage"
grep -q '^3 steps done' /tmp/again || fail "$(cat /tmp/again)"
fact "what was damaged, and nothing else, is mended"
eds apply --duty backup "$cluster" >/dev/null || fail "backup"
ip address show dev eth0 | grep -q '192.0.2.101/32' && fail "a backup holds a VIP"
[ "$(ipvsadm -Sn | grep -c '^-A -t')" = 7 ] || fail "a backup has no table"
fact "a backup has the table and no VIP"
sed 's/^  - name: B/&\n    scheduler: sh/' "$cluster" >/tmp/hashed.yaml
sed 's/\[eps3, eps4, eps5\]/[eps3, eps4, {server: eps5, weight: 0}]/' /tmp/hashed.yaml >/tmp/drained.yaml
eds apply --max-impact none /tmp/hashed.yaml >/tmp/limited 2>&1
[ $? = 1 ] || fail "another scheduler is no impact: $(cat /tmp/limited)"
ipvsadm -Sn | grep -q 's sh' && fail "what exceeds the limit is done"
eds apply --max-impact new /tmp/hashed.yaml >/dev/null || fail "apply within the limit"
eds diff /tmp/drained.yaml | grep -q 'drained-refuses' || fail "$(eds diff /tmp/drained.yaml)"
eds apply --max-impact none /tmp/drained.yaml 2>&1 >/dev/null | grep -q '192.0.2.111:80.*fallback' ||
	fail "the refusal names no service, or does not say what to do"
ipvsadm -Sn | grep -q 'r 192.168.2.25:80.* -w 0' && fail "what exceeds the limit is done"
eds apply --max-impact new /tmp/drained.yaml >/dev/null || fail "apply within the limit"
ipvsadm -Sn | grep -q 'r 192.168.2.25:80.* -w 0' || fail "what is within the limit is not done"
fact "what hurts more than --max-impact is refused and not done"
eds reset >/dev/null || fail "reset"
ip route show default | grep -q . || fail "the default route went"
ip route del default
[ "$(look)" = "$before" ] || { diff <(look) <(echo "$before"); fail "the reset left something"; }
fact "a reset leaves the machine as it was"
ip address flush dev eth0; ip address flush dev eth1

# ---- a server ----
ip address add 192.168.2.21/24 dev eth0
before=$(look)
eps() { "$tools/svm-eps" "$1" --machine eps1 "${@:2}"; }
eps apply "$cluster" >/tmp/first || fail "first apply of a server"
[ "$(eps apply "$cluster")" = "nothing to do" ] || fail "second apply does something: $(eps diff "$cluster")"
nginx=$(cat /run/svm/nginx.pid)
kill -0 "$nginx" || fail "nginx does not run"
[ "$(cat /proc/sys/net/ipv4/conf/all/arp_ignore)" = 1 ] || fail "arp_ignore"
fact "a server runs its web server and tames ARP"
kill -9 "$nginx" $(pgrep -P "$nginx")
for _ in $(seq 100); do eps status | grep -q 'nginx: does not run' && break; sleep 0.1; done
eps status | grep -q 'nginx: does not run' || fail "the death of nginx is not seen"
eps apply "$cluster" | grep -q 'start nginx' || fail "nginx is not started again"
fact "a web server that died is started again"
sed 's/www.a1.example/www.other.example/' "$cluster" >/tmp/changed.yaml
nginx=$(cat /run/svm/nginx.pid)
eps apply /tmp/changed.yaml >/tmp/reload || fail "apply of a changed domain"
grep -q 'reload nginx' /tmp/reload || fail "$(cat /tmp/reload)"
[ "$(cat /run/svm/nginx.pid)" = "$nginx" ] || fail "nginx was started again instead of reloaded"
fact "a changed domain reloads the web server"
echo 'nonsense' >/etc/svm/nginx.conf
eps diff /tmp/changed.yaml | grep -q 'write file /etc/svm/nginx.conf' || fail "a changed file is not seen"
eps reset >/dev/null || fail "reset of a server"
grep -q '^State:[[:space:]]*[RSD]' "/proc/$nginx/status" 2>/dev/null && fail "nginx runs on"
ip route del default
[ "$(look)" = "$before" ] || { diff <(look) <(echo "$before"); fail "the reset left something"; }
fact "a server's reset leaves the machine as it was"

# ---- what cannot be ----
setpriv --reuid=65534 --clear-groups "$tools/svm-eds" apply --machine eds1 "$cluster" 2>/tmp/refused && fail "nobody may"
grep -q 'root' /tmp/refused || fail "$(cat /tmp/refused)"
fact "without permission the sentence says so"
ip link del eth1
eds apply "$cluster" 2>/tmp/refused && fail "an interface is missing"
grep -q "there is no interface 'eth1' on eds1; it has lo" /tmp/refused || fail "$(cat /tmp/refused)"
fact "a missing interface is named with those there"
echo all held
