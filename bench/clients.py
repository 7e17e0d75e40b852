#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What clients see when directors and servers go and come: svm-eds run beside keepalived, in one guest, in
turn, with the same cluster, intervals, checks and moments. As root where there is an ip_vs.

For each event: the longest time without an answer, how long until the other director had the addresses
(or the server had no new clients), and which of the connections that were held were lost. A director's
farewell and its return are events of their own. LSVM_FULL=1: adverts each second too, and five rounds.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import lsvm
import peer

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
TOOLS = pathlib.Path(os.environ["LSVM_BUILD_ROOT"], "tools")
FULL = os.environ.get("LSVM_FULL") == "1"
ROUNDS = 5 if FULL else 3
ADVERTS_MS = (1000, 100, 10) if FULL else (100, 10)
HELD = 20
WAYS = [("power-off", "power-on"), ("pull-cable", "plug-cable"), ("kill-agent", "start-agent"),
        ("stop-agent", "start-agent")]


def cluster(folder, adverts_ms, check):
    draft = lsvm.load(ROOT / "examples/availability.yaml").draft()
    draft.remove("/partitions/0/scheduler_flags")
    draft.set("/partitions/0/scheduler", "wlc")
    draft.set("/redundancy/connections", "sync")
    draft.set("/redundancy/advert_interval_ms", adverts_ms)
    draft.set("/defaults/checks", [{"kind": check, "interval_ms": 1000, "timeout_ms": 1000, "fall": 1,
                                    "rise": 1}])
    path = pathlib.Path(folder, "cluster.yaml")
    path.write_text(draft.freeze().to_yaml())
    return path


def rehearse(folder, path, script, agent):
    faults = pathlib.Path(folder, "script.faults")
    faults.write_text("\n".join(script) + "\n")
    command = [TOOLS / "svm-lab", "run", "--no-guest", "--json", "--faults", faults]
    if agent == "keepalived":
        peer.write(path, folder)
        command += ["--director-agent", peer.command(TOOLS, folder)]
    done = subprocess.run([*command, path], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"{agent}: {done.stderr}")
    return json.loads(done.stdout)["steps"]


def directors(folder, adverts_ms, agent):
    script = ["client rate 100", f"client hold {HELD} every 500ms", "client timeout 3s"]
    for go, come in WAYS:
        script += [f"after 1s: {go} eds1", "expect master eds2 within 15s",
                   f"after 1s: {come} eds1", "expect master eds1 within 15s"]
    steps = rehearse(folder, cluster(folder, adverts_ms, "tcp"), script + ["after 1s: end"], agent)
    for (act, expectation) in zip(steps[0::2], steps[1::2]):
        word = act["text"].split()[0]
        if word in ("power-on", "plug-cable", "start-agent"):
            word = f"return after {dict((c, g) for g, c in WAYS)[word]}" if word != "start-agent" \
                else "return of the agent"
        yield word, act, expectation


def servers(folder, agent):
    for check, word, script in (
            ("tcp", "power-off", ["after 1300ms: power-off eps1"]),
            ("http", "wedge", ["after 1300ms: wedge eps1 nginx"])):
        script = ["client rate 100", "client timeout 3s", *script, "expect server eps1 out within 15s",
                  "after 3s: end"]
        steps = rehearse(folder, cluster(folder, 100, check), script, agent)
        yield f"{word} of a server, {check} check at 1 s", steps[0], steps[1]


def measure(figures, source, agent):
    for word, act, expectation in source:
        took = expectation["done_ms"] - act["at_ms"] if expectation["met"] else float("inf")
        client = act["client"]
        figures.setdefault(word, {}).setdefault(agent, []).append(
            (client["outage_ms"], took, client["held_lost"], client["failed"]))


def show(title, figures):
    print(f"\n{title}\n{'':44}{'longest without answer':>26}{'until it took over':>26}"
          f"{'held lost':>14}{'failed':>12}")
    print(f"{'':44}" + f"{'ours / keepalived, ms':>26}" * 2 + f"{'of ' + str(HELD):>14}{'':>12}")
    for word, by_agent in figures.items():
        cells = []
        for column in range(4):
            ours, theirs = (statistics.median(f[column] for f in by_agent[a])
                            for a in ("ours", "keepalived"))
            cells.append(f"{ours:.0f} / {theirs:.0f}" + (f" = {ours / theirs:.2f}" if column < 2 and theirs
                                                          else ""))
        print(f"{word:44}{cells[0]:>26}{cells[1]:>26}{cells[2]:>14}{cells[3]:>12}", flush=True)


def main():
    subprocess.run(["modprobe", "-a", "ip_vs", "ip_vs_wlc"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        for adverts_ms in ADVERTS_MS:
            figures = {}
            for _ in range(ROUNDS):
                for agent in ("ours", "keepalived"):
                    measure(figures, directors(folder, adverts_ms, agent), agent)
            show(f"directors, adverts each {adverts_ms} ms, connections: sync", figures)
        figures = {}
        for _ in range(ROUNDS):
            for agent in ("ours", "keepalived"):
                measure(figures, servers(folder, agent), agent)
        show("servers", figures)


if __name__ == "__main__":
    main()
