#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans from Python: what a machine must hold, and steps between plans."""
import pathlib
import unittest

import lsvm

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
FIGURE3 = EXAMPLES / "figure3.yaml"


class Plans(unittest.TestCase):
    def test_the_same_file_gives_the_same_plan(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(path.name):
                first, second = lsvm.load(path), lsvm.load(path)
                for machine in first.machines:
                    plan = lsvm.compile(first, machine.name)
                    self.assertEqual(plan.to_json(),
                                     lsvm.compile(second, machine.name).to_json())
                    self.assertEqual(lsvm.Plan.from_json(plan.to_json()).to_json(),
                                     plan.to_json())

    def test_a_director_has_a_table_and_the_master_the_vips(self):
        cluster = lsvm.load(FIGURE3)
        master = lsvm.compile(cluster, "eds1", lsvm.Duty.MASTER)
        backup = lsvm.compile(cluster, "eds1", lsvm.Duty.BACKUP)
        self.assertEqual(master.role, lsvm.Role.DIRECTOR)
        self.assertEqual(master.duty, lsvm.Duty.MASTER)
        self.assertEqual(len(master.ipvs.services), 7)
        self.assertEqual(master.ipvs.to_json(), backup.ipvs.to_json())
        vips = {v.address for p in cluster.partitions for v in p.vips}
        self.assertLessEqual(vips, {a.prefix.split("/")[0] for a in master.addresses})
        self.assertFalse(vips & {a.prefix.split("/")[0] for a in backup.addresses})

    def test_a_server_has_its_web_server_and_its_vips_on_lo(self):
        plan = lsvm.compile(lsvm.load(FIGURE3), "eps1")
        self.assertIsNone(plan.ipvs)
        self.assertEqual({a.interface for a in plan.addresses if a.prefix.endswith("/32")}, {"lo"})
        self.assertEqual([a.prefix for a in plan.addresses if a.interface == "eth0"], ["192.168.2.21/24"])
        self.assertTrue(any("server_name" in f.content for f in plan.files))
        self.assertTrue(all(f.path.startswith("/") and f.mode for f in plan.files))
        self.assertTrue(str(plan))

    def test_steps_lead_from_nothing_to_the_plan_and_none_from_itself(self):
        plan = lsvm.compile(lsvm.load(FIGURE3), "eds1")
        steps = plan.steps_from()
        kinds = [s.kind for s in steps]
        self.assertIn(lsvm.StepKind.IPVS, kinds)
        self.assertIn(lsvm.StepKind.ADDRESS_ADD, kinds)
        self.assertLess(len(kinds) - 1 - kinds[::-1].index(lsvm.StepKind.IPVS),
                        kinds.index(lsvm.StepKind.ADDRESS_ADD),
                        "a VIP comes when the table behind it is ready")
        self.assertEqual(plan.steps_from(plan), [])

    def test_machines_that_are_not_there(self):
        with self.assertRaises(lsvm.NotFound) as caught:
            lsvm.compile(lsvm.load(FIGURE3), "nobody")
        self.assertIn("nobody", str(caught.exception))

    def test_what_is_no_plan_is_refused(self):
        for bad in ("", "{}", "null", '{"schema":"lsvm-plan/2"}'):
            with self.subTest(bad), self.assertRaises(lsvm.Error):
                lsvm.Plan.from_json(bad)


if __name__ == "__main__":
    unittest.main()
