# SPDX-License-Identifier: LGPL-2.1-or-later
"""Established connections survive the master director's every way to go and its return, and a click on
a server that dies is answered by another. LSVM_FULL=1: 200 connections, each way three times."""

import json
import os
import random
import unittest

import lsvm
from common import LabTest, ROOT, svm_lab

FULL = os.environ.get("LSVM_FULL") == "1"
HELD = 200 if FULL else 40
ROUNDS = 3 if FULL else 1
# How it goes, how it comes back.
WAYS = [("power-off", "power-on"), ("pull-cable", "plug-cable"), ("kill-agent", "start-agent"),
        ("stop-agent", "start-agent")]


class Survive(LabTest):
    def cluster(self, *changes):
        draft = lsvm.load(ROOT / "examples/availability.yaml").draft()
        for path, value in changes:
            if value is None:
                draft.remove(path)
            else:
                draft.set(path, value)
        path = self.folder / "cluster.yaml"
        path.write_text(draft.freeze().to_yaml())
        return path

    def rehearse(self, script, cluster):
        path = self.folder / "script.faults"
        path.write_text("\n".join(script) + "\n")
        done = svm_lab("run", "--json", "--faults", path, cluster, timeout=290)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        report = json.loads(done.stdout)
        # All that is needed to see what happened.
        self.story = path.read_text() + json.dumps(report, indent=1) + done.stderr
        return report

    def survives(self, cluster, ways):
        script = ["client rate 20", f"client hold {HELD} every 1s"]
        for go, come in ways:
            script += [f"after 1s: {go} eds1", "expect master eds2 within 10s",
                       f"after 1s: {come} eds1", "expect master eds1 within 20s"]
        report = self.rehearse(script + ["after 1s: expect no lost connections"], cluster)
        for step in report["steps"]:
            self.assertTrue(step["reached"] and step["met"], self.story)
        held = report["held"]
        self.assertEqual((held["count"], held["lost"], held["silent"]), (HELD, 0, 0), self.story)

    def test_no_established_connection_is_lost_when_the_kernels_keep_the_directors_in_step(self):
        cluster = self.cluster(("/redundancy/connections", "sync"),
                               ("/partitions/0/scheduler_flags", None),
                               ("/partitions/0/scheduler", "wlc"))
        self.survives(cluster, WAYS * ROUNDS)

    def test_no_established_connection_is_lost_when_the_directors_choose_alike(self):
        self.survives(self.cluster(), (WAYS if FULL else WAYS[:3:2]) * ROUNDS)

    def test_a_click_on_a_server_that_dies_is_answered_by_another(self):
        chance = random.Random(2026)
        script = ["client rate 40"]
        for _ in range(4 * ROUNDS if FULL else 2):
            server = chance.choice(["eps1", "eps2", "eps3"])
            script += [f"after {chance.randrange(500, 1500)}ms: power-off {server}",
                       f"expect server {server} out within 5s",
                       f"after {chance.randrange(500, 1000)}ms: power-on {server}",
                       f"expect server {server} in within 20s"]
        # SYNs are sent again after one second, after three, and after seven.
        script += ["after 4s: expect no failed requests", "expect slowest below 6900ms"]
        report = self.rehearse(script, self.cluster())
        for step in report["steps"]:
            self.assertTrue(step["reached"] and step["met"], self.story)
        self.assertGreater(report["requests"]["asked"], 200)
        self.assertEqual([f for f in report["failures"] if not f["accepted"]], [], self.story)


if __name__ == "__main__":
    unittest.main()
