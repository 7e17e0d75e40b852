#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A changed weight among 3,000 services: how long from the signal until the kernel has it, svm-eds run
beside keepalived, in one guest, in turn. As root where there is an ip_vs.

Both run alone on a director without checks and without VRRP; each looks at the same kernel in a network
namespace of its own. Printed are medians, and the ratio.
"""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOOLS = pathlib.Path(os.environ["LSVM_BUILD_ROOT"], "tools")
VIPS, PORTS, ROUNDS, PATIENCE_S = 30, 100, 7, 120
VIP = "10.1.9.1"  # the one whose weight changes


def vips():
    return [f"10.1.1.{i + 1}" for i in range(VIPS)]


def cluster_file(weight):
    listed = ", ".join(f"{{address: {vip}, services: [{{ports: 8000-{8000 + PORTS - 1}}}]}}" for vip in vips())
    return f"""name: reload
networks:
  - {{name: outside, subnets: 10.9.0.0/24, outside: true}}
  - {{name: front, subnets: 10.1.0.0/16}}
routers:
  - {{name: r1, interfaces: [{{network: outside, addresses: 10.9.0.1}}, {{network: front, addresses: 10.1.0.1}}]}}
directors: [{{name: eds1, interfaces: [{{network: front, addresses: 10.1.0.2}}]}}]
servers:
  - {{name: eps1, interfaces: [{{network: front, addresses: 10.1.0.11}}]}}
  - {{name: eps2, interfaces: [{{network: front, addresses: 10.1.0.12}}]}}
defaults: {{checks: []}}
partitions:
  - {{name: many, servers: [eps1, eps2], vips: [{listed}]}}
  - name: one
    servers: [{{server: eps1, weight: {weight}}}, eps2]
    vips: [{{address: {VIP}, services: [{{ports: 80}}]}}]
"""


def keepalived_file(weight):
    text = ["global_defs {\n router_id eds1\n}"]

    def service(vip, port, first):
        text.append(f"virtual_server {vip} {port} {{\n delay_loop 60\n lvs_sched wlc\n lvs_method DR\n"
                    f" protocol TCP\n real_server 10.1.0.11 {port} {{\n  weight {first}\n }}\n"
                    f" real_server 10.1.0.12 {port} {{\n  weight 1\n }}\n}}")

    for vip in vips():
        for port in range(8000, 8000 + PORTS):
            service(vip, port, 1)
    service(VIP, 80, weight)
    return "\n".join(text) + "\n"


def state():
    """How many services there are, and the weight that changes."""
    services, weight, ours = 0, None, False
    key = "".join(f"{int(b):02X}" for b in VIP.split(".")) + ":0050"
    for line in pathlib.Path("/proc/net/ip_vs").read_text().splitlines():
        if line.startswith("TCP"):
            services += 1
            ours = key in line
        elif ours and "0A01000B" in line:
            weight = int(line.split()[3])
    return services, weight


def wait_for(wanted, process):
    end = time.monotonic() + PATIENCE_S
    while state() != wanted:
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"the table is {state()}, not {wanted}")
        time.sleep(0.005)


def measure(which):
    """In a namespace of its own: milliseconds of each reload."""
    for command in ("ip link set lo up", "ip link add eth0 type dummy", "ip address add 10.1.0.2/16 dev eth0",
                    "ip link set eth0 up"):
        subprocess.run(command.split(), check=True)
    write = cluster_file if which == "svm-eds" else keepalived_file
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "file.yaml")
        path.write_text(write(1))
        command = ([TOOLS / "svm-eds", "run", path, "--machine", "eds1", "--control", f"{folder}/eds.sock"]
                   if which == "svm-eds" else
                   ["keepalived", "-n", "-l", "-C", "-f", path, "-p", f"{folder}/pid", "-c", f"{folder}/checkers"])
        with open(f"{folder}/log", "w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        services, times = VIPS * PORTS + 1, []
        wait_for((services, 1), process)
        for number in range(ROUNDS):
            weight = 2 + number % 2
            pathlib.Path(folder, "next").write_text(write(weight))
            os.replace(f"{folder}/next", path)
            time.sleep(1)
            begin = time.monotonic()
            process.send_signal(signal.SIGHUP)
            wait_for((services, weight), process)
            times.append((time.monotonic() - begin) * 1000)
        process.terminate()
        process.wait()
    print(json.dumps(times))


def main():
    subprocess.run(["modprobe", "-a", "ip_vs", "ip_vs_wlc", "dummy"], check=True)
    medians = {}
    for which in ("svm-eds", "keepalived"):
        done = subprocess.run(["unshare", "-n", sys.executable, __file__, which], stdout=subprocess.PIPE,
                              text=True, check=True)
        times = json.loads(done.stdout)
        medians[which] = statistics.median(times)
        print(f"{which:10} one weight of {VIPS * PORTS + 1} services changed: median {medians[which]:.0f} ms "
              f"[{min(times):.0f}..{max(times):.0f}] of {ROUNDS}")
    print(f"ratio {medians['svm-eds'] / medians['keepalived']:.2f}")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
