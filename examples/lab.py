#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A director dies and comes back, in virtual time; see lab.c."""
import sys

import lsvm

SCRIPT = """\
expect master eds1 within 5s
requests 50 every 500ms
advance 2s
power-off eds1
expect master eds2 within 5s
power-on eds1
expect master eds1 within 30s
expect quiet within 2m
expect no failed requests
"""

if len(sys.argv) != 2:
    sys.exit(f"usage: {sys.argv[0]} CLUSTER.yaml")
lab = lsvm.Lab(lsvm.load(sys.argv[1]), seed=1)
try:
    lab.run(SCRIPT)
finally:
    for line in lab.log():
        print(line)
print(f"master {lab.master()} after {lab.failover_count} failovers, "
      f"{lab.failed_count} of {lab.request_count} requests failed")
