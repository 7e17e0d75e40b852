#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which real server the kernel will choose for a client, without a kernel, as sched.c does it."""
import sys

import lsvm


def ask(service, client):
    try:
        server = lsvm.predict(service, client, 40000)
    except (lsvm.StateError, lsvm.ArgumentError):
        # rr and wrr take turns; a service by mark or of the other family wants to know what is
        # called.
        return "nobody can tell"
    return server.address if server else "nobody"


def main():
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} CLUSTER-FILE DIRECTOR CLIENT")
    plan = lsvm.compile(lsvm.load(sys.argv[1]), sys.argv[2], lsvm.Duty.MASTER)
    for service in plan.ipvs.services if plan.ipvs else ():
        print(f"{service}: {ask(service, sys.argv[3])}")


if __name__ == "__main__":
    try:
        main()
    except lsvm.Error as error:
        sys.exit(str(error))
