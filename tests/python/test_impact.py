#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a change does, from Python."""
import unittest

import lsvm

TABLE = """-A -t 192.0.2.100:80 -s {scheduler}
-a -t 192.0.2.100:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.100:80 -r 10.0.0.2:80 -g -w {weight}
"""


def table(scheduler="sh", weight=1):
    return lsvm.IpvsTable.from_ipvsadm(TABLE.format(scheduler=scheduler, weight=weight))


class Impacts(unittest.TestCase):
    def test_nothing_changes_nothing(self):
        impact = lsvm.impact(table(), table())
        self.assertEqual((impact.level, impact.services), (lsvm.ImpactLevel.NONE, []))
        self.assertEqual(str(impact), "impact: none\n")
        impact.check(lsvm.ImpactLevel.NONE)

    def test_a_drained_server_of_sh_refuses_its_clients(self):
        impact = lsvm.impact(table(), table(weight=0))
        self.assertEqual(impact.level, lsvm.ImpactLevel.NEW)
        self.assertIn(impact.services[0]["clients"]["refused"], range(1900, 2200))
        self.assertEqual([n["code"] for n in impact.services[0]["notes"]], ["drained-refuses"])
        impact.check(lsvm.ImpactLevel.NEW)
        with self.assertRaisesRegex(lsvm.Conflict, "fallback"):
            impact.check(lsvm.ImpactLevel.NONE)

    def test_connections_that_were_counted_are_foretold(self):
        present = lsvm.IpvsTable.from_json(
            '{"schema": "lsvm-ipvs/1", "services": [{"protocol": "tcp", "address": "192.0.2.100",'
            '"port": 80, "scheduler": "sh", "destinations": [{"address": "10.0.0.9", "port": 80,'
            '"forwarding": "direct", "weight": 1, "active_count": 7}]}]}')
        for flags, fate in ((lsvm.ImpactFlag.NODEST_EXPIRES, "reset"), (0, "dropped")):
            impact = lsvm.impact(present, table(), owned=present, flags=flags)
            self.assertEqual(impact.level, lsvm.ImpactLevel.ESTABLISHED)
            self.assertEqual(impact.services[0]["connections"][fate], 7)

    def test_a_host_tells_it_before_a_plan_is_applied(self):
        self.assertEqual(lsvm.Host.simulated("eds1").impact(None).level, lsvm.ImpactLevel.NONE)


if __name__ == "__main__":
    unittest.main()
