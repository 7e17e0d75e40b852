#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a cluster file and prints what is in it, or all that is wrong with it, as load.c does."""
import sys

import lsvm


def print_findings(findings, path):
    for f in findings:
        print(f"{path}:{f.line}:{f.column}: {f.severity.word}: {f.text} [{f.code}]")


def print_vip(vip):
    print(f"  VIP {vip.name} {vip.address}")
    for service in vip.services:
        print(f"    service {service.name}: {service.protocol.word} port {service.port}, "
              f"{service.forwarding.word}, {service.scheduler}")
    for domain in vip.domains:
        print(f"    domain {domain.name} in {domain.home}")


def print_cluster(cluster):
    print(f"cluster {cluster.name}, {cluster.topology.word}")
    for machine in cluster.machines:
        print(machine.role.word, machine.name)
    for partition in cluster.partitions:
        print("partition", partition.name)
        for server in partition.servers:
            print("  server", server.machine.name, "weight", server.weight)
        for vip in partition.vips:
            print_vip(vip)


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE")
    try:
        cluster = lsvm.load(sys.argv[1])
    except lsvm.ConfigError as error:
        print_findings(error.findings, sys.argv[1])
        return 3
    except lsvm.Error as error:
        print(error, file=sys.stderr)
        return 1
    print_findings(cluster.findings, sys.argv[1])
    print_cluster(cluster)
    return 0


if __name__ == "__main__":
    sys.exit(main())
