# SPDX-License-Identifier: LGPL-2.1-or-later
"""A keepalived.conf for each director of a cluster, which does what the cluster file says: the peer in
the benchmarks. It knows what they need (VRRP, direct routing and NAT, TCP and HTTP checks), no more."""

import json
import pathlib

import lsvm

ALGORITHMS = {"direct": "DR", "nat": "NAT", "tunnel": "TUN"}


def seconds(ms):
    return f"{ms / 1000:g}"


def check_block(check, port, domain):
    interval = check.get("interval_ms", 1000)
    lines = [f"connect_port {port}", f"connect_timeout {seconds(check.get('timeout_ms', 1000))}",
             f"retry {check.get('fall', 3) - 1}", f"delay_before_retry {seconds(interval)}"]
    if check["kind"] == "http":
        return ["HTTP_GET {", "url {", f"path {check.get('path', '/')}", f"virtualhost {domain}",
                "status_code 200", "}", *lines, "}"]
    return ["TCP_CHECK {", *lines, "}"]


def server_blocks(cluster, service, vip, partition):
    checks = service.get("checks") or partition.get("checks") or cluster.get("defaults", {}).get("checks", [])
    domain = next((d if isinstance(d, str) else d["name"] for d in vip.get("domains", [])), "")
    addresses = {s["name"]: s["interfaces"][0]["addresses"][0] for s in cluster["servers"]}
    for port in range(service["ports"][0], service["ports"][-1] + 1):
        yield f"virtual_server {vip['address']} {port} {{"
        yield f"delay_loop {seconds(checks[0].get('interval_ms', 1000)) if checks else 60}"
        yield f"lvs_sched {partition.get('scheduler', 'wlc')}"
        yield f"lvs_method {ALGORITHMS[partition.get('forwarding', 'direct')]}"
        yield "protocol TCP"
        for member in partition["servers"]:
            name = member if isinstance(member, str) else member["server"]
            weight = 1 if isinstance(member, str) else member.get("weight", 1)
            yield f"real_server {addresses[name]} {port} {{"
            yield f"weight {weight}"
            for check in checks:
                yield from check_block(check, port, domain)
            yield "}"
        yield "}"


def instance(cluster, director, index):
    redundancy = cluster.get("redundancy", {})
    interface = director["interfaces"][0].get("name", "eth0")
    sync = redundancy.get("connections") == "sync"
    yield "global_defs {"
    yield f"router_id {director['name']}"
    yield "vrrp_version 3"
    yield "script_user root"
    if sync:
        yield f"lvs_sync_daemon {interface} cluster"
    yield "}"
    yield "vrrp_instance cluster {"
    yield f"state {'MASTER' if index == 0 else 'BACKUP'}"
    yield f"interface {interface}"
    yield f"virtual_router_id {redundancy.get('router_id', 51)}"
    yield f"priority {director.get('priority', 100 - 10 * index)}"
    yield f"advert_int {seconds(redundancy.get('advert_interval_ms', 1000))}"
    if redundancy.get("preempt_delay_ms"):
        yield f"preempt_delay {seconds(redundancy['preempt_delay_ms'])}"
    yield "virtual_ipaddress {"
    for partition in cluster["partitions"]:
        for vip in partition["vips"]:
            yield f"{vip['address']}/32 dev {interface}"
    yield "}"
    yield "}"


def ports_of(service):
    ports = service.get("ports", 80)
    ports = ports[0] if isinstance(ports, list) else ports
    first, _, last = str(ports).partition("-")
    return [int(first), int(last or first)]


def write(path, folder):
    """The files FOLDER/DIRECTOR.conf."""
    cluster = json.loads(lsvm.load(path).to_json())
    for index, director in enumerate(cluster["directors"]):
        lines = list(instance(cluster, director, index))
        for partition in cluster["partitions"]:
            for vip in partition["vips"]:
                for service in vip.get("services") or [{"ports": 80}]:
                    service = dict(service, ports=ports_of(service))
                    lines += server_blocks(cluster, service, vip, partition)
        pathlib.Path(folder, director["name"] + ".conf").write_text("\n".join(lines) + "\n")


def command(tools, folder):
    """What runs on a director instead of svm-eds run. The plan brings its routes and settings. Children
    of one that was killed would keep the new one from starting."""
    return ("for f in /run/v.pid /run/c.pid; do [ -e $f ] && kill -9 $(cat $f); done; rm -f /run/?.pid; "
            f"{tools}/svm-eds apply $SVM_CLUSTER --machine $SVM_MACHINE --duty backup && ipvsadm -C && "
            "{ ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup; "
            f"exec keepalived -n -l -f {folder}/$SVM_MACHINE.conf "
            "-p /run/k.pid -r /run/v.pid -c /run/c.pid; }")
