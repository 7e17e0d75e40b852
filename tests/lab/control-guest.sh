#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs in a guest: svm-eds run with its control socket, checks, log, program, manager and figures.
# control-guest.sh FOLDER-OF-TOOLS FOLDER-OF-TESTS; prints "fact: …" for what holds, ends at what does not.
set -u
tools=$1 tests=$2
mkdir -p /run/svm /tmp/c; cd /tmp/c || exit 1
cp "$tests/control.yaml" cluster.yaml

agent=
fail() { echo "FAILED: $*"; tail -20 run.err; ipvsadm -Sn; [ -n "$agent" ] && kill -9 "$agent"; exit 1; }
fact() { echo "fact: $*"; }
# Looks until the command succeeds, for at most 20 s.
until_true() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; fail "never: $*"; }
has() { ipvsadm -Sn | grep -q -- "$1"; }
hasnt() { ! has "$1"; }
eds() { "$tools/svm-eds" "$@"; }
answers() { ip netns exec net python3 -c '
import socket, sys, time
here = [socket.create_server((address, int(port))) for address, port in
        (word.split(":") for word in sys.argv[1:])]
time.sleep(1000)' "$@" & }

# ---- a director, and its servers in one namespace ----
ip link set lo up
ip netns add net
ip link add eth0 type veth peer name eth0 netns net
ip link set eth0 up; ip address add 192.0.2.11/24 dev eth0
ip -n net link set lo up; ip -n net link set eth0 up
for host in 21 22 29 31; do ip -n net address add 192.0.2.$host/24 dev eth0; done
modprobe ip_vs
answers 192.0.2.21:80; first=$!
answers 192.0.2.22:80 192.0.2.29:80; second=$!
answers 192.0.2.31:5432; database=$!
listens() { [ "$(ip netns exec net ss -Hltn | wc -l)" = 4 ]; }
until_true listens
cat >tell <<'END'
#!/bin/sh
cat >>/tmp/c/told
END
chmod +x tell
python3 -c '
import os, socket
here = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
here.bind("/tmp/c/manager")
with open("/tmp/c/manager.log", "w", buffering=1) as log:
    while True:
        log.write(here.recv(4096).decode().replace("\n", " ") + "\n")' & manager=$!
until_true test -S manager
NOTIFY_SOCKET=/tmp/c/manager WATCHDOG_USEC=1000000 "$tools/svm-eds" run --machine eds1 --log /tmp/c/events.log \
	--notify /tmp/c/tell --metrics 127.0.0.1:9100 cluster.yaml >run.out 2>run.err & agent=$!
until_true grep -q READY=1 manager.log
until_true eds status
[ "$(stat -c %a /run/svm/eds.sock)" = 660 ] || fail "$(stat -c %a /run/svm/eds.sock)"
fact "the agent is ready, and its socket is for root and its group"

# ---- what is asked ----
eds status | grep -q 'tcp 192.0.2.100:80 (a1 .*): 2 of 2 servers available' || fail "$(eds status)"
eds status --json | python3 -c '
import json, sys
status = json.load(sys.stdin)
assert status["schema"] == "lsvm-status/1" and status["agent"]["schema"] == "lsvm-agent-status/1"
assert status["agent"]["duty"]["now"] == "master"' || fail "status --json"
curl -sf http://127.0.0.1:9100/metrics >metrics || fail "no figures"
grep -qx 'lsvm_director_master 1' metrics || fail "$(cat metrics)"
grep -q '^lsvm_ipvs_active_connections{service="tcp 192.0.2.100:80",address="192.0.2.21:80"} 0' metrics ||
	fail "$(cat metrics)"
curl -sf http://127.0.0.1:9100/status | python3 -c 'import json, sys; json.load(sys.stdin)["pool"]' ||
	fail "/status"
[ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9100/)" = 404 ] || fail "/ is something"
fact "status says what the machine has and what the agent knows, by HTTP too"
eds events --follow --since 0 --json >followed & follower=$!
until_true grep -q '"kind":"started"' followed
eds drain eps1 || fail "drain"
until_true has 'r 192.0.2.21:80.* -w 0'
eds enable eps1 --partition web || fail "enable"
until_true has 'r 192.0.2.21:80.* -w 100'
eds drain nobody 2>error && fail "nobody is drained"
grep -q 'eps1, eps2' error || fail "$(cat error)"
until_true grep -q '"kind":"enabled"' followed
kill $follower
eds events | grep -q ' notice drained eps1: drained' || fail "$(eds events)"
fact "servers are drained and enabled, and who follows sees it"

# ---- checks reach the kernel ----
kill $first
until_true hasnt 'r 192.0.2.21:80'
eds status | grep -q 'eps1 *down .*connect' || fail "$(eds status)"
kill $second
until_true has 'r 192.0.2.29:80'
hasnt 'r 192.0.2.22:80' || fail "a dead server beside the sorry server"
answers 192.0.2.21:80
until_true has 'r 192.0.2.21:80.* -w 100'
until_true hasnt 'r 192.0.2.29:80'
kill $database
until_true sh -c "$tools/svm-eds status | grep -q 'needs database, which is down'"
fact "a dead server leaves, the sorry server comes and goes, a back end is named"

# ---- a reload ----
sed 's/weight: 100}\]/weight: 50}]/' "$tests/control.yaml" >cluster.yaml
eds reload || fail "reload"
answers 192.0.2.22:80
until_true has 'r 192.0.2.22:80.* -w 50'
echo 'name: [' >cluster.yaml
eds reload 2>error && fail "a broken file is in force"
grep -q 'has errors' error || fail "$(cat error)"
has 'r 192.0.2.22:80.* -w 50' || fail "a broken file changes something"
[ "$(grep -c 'RELOADING=1 MONOTONIC_USEC' manager.log)" = 2 ] || fail "$(cat manager.log)"
fact "a changed file comes into force, a broken one does not"

# ---- bad manners ----
python3 - <<'END' || fail "bad manners"
import json, os, socket
def caller():
    here = socket.socket(socket.AF_UNIX)
    here.settimeout(20)
    here.connect("/run/svm/eds.sock")
    return here
def answer(here):
    text = b""
    while not text.endswith(b"\n"):
        piece = here.recv(65536)
        assert piece, text
        text += piece
    return json.loads(text)
for garbage in b"x\n", b"{}\n", b"\0\n", os.urandom(2000).replace(b"\n", b"") + b"\n", b" " * 5000:
    here = caller()
    here.sendall(garbage)
    assert answer(here)["ok"] is False
crowd = [caller() for _ in range(32)]
assert answer(caller())["error"] == "busy"
del crowd
# One that asks without end and takes nothing.
here = caller()
here.setblocking(False)
line = b'{"command":"status"}\n'
for _ in range(100000):
    try:
        here.send(line * 100)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        break
END
until_true eds status
kill -0 $agent || fail "the agent is gone"
eds events | grep -q 'refused control: a caller was let go' || fail "$(eds events)"
eds run --machine eds1 "$tests/control.yaml" >second.out 2>&1 && fail "a second agent runs"
grep -q 'an agent answers at /run/svm/eds.sock already' second.out || fail "$(cat second.out)"
until_true eds status
fact "garbage, crowds and a second agent are told so, and hurt nobody"

# ---- log, program, manager ----
grep -q 'svm-eds: warning server-down eps1: down:' events.log || fail "$(cat events.log)"
mv events.log events.log.1
eds drain eps1 && eds enable eps1
until_true grep -q 'enabled eps1' events.log
until_true grep -q '"kind":"sorry-off"' told
until_true sh -c '[ $(grep -c WATCHDOG=1 manager.log) -ge 3 ]'
fact "events are written down and told, also after the log was put away; the watchdog is fed"

# ---- ends ----
kill -9 $agent; wait $agent 2>/dev/null
eds drain eps1 2>error && fail "a dead agent answers"
grep -q 'no agent answers' error || fail "$(cat error)"
NOTIFY_SOCKET=/tmp/c/manager "$tools/svm-eds" run --machine eds1 "$tests/control.yaml" >run.out 2>run.err & agent=$!
until_true sh -c "$tools/svm-eds status | grep -q '^agent'"
fact "the socket of a dead agent does not stand in the way"
kill $agent; wait $agent || fail "the end has status $?"
grep -q STOPPING=1 manager.log || fail "$(cat manager.log)"
[ -e /run/svm/eds.sock ] && fail "the socket is left over"
fact "an orderly end is told, and leaves no socket"
kill $manager
jobs -p | xargs -r kill 2>/dev/null
echo "all held"
