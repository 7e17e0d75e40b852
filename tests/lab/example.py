# SPDX-License-Identifier: LGPL-2.1-or-later
"""svm-lab run on one example: every request is answered by the right partition, replies go the way
that the forwarding says, and every server of every partition works."""

import json
import sys
import unittest

from common import LabTest, ROOT, svm_lab

EXAMPLE = ROOT / "examples" / sys.argv.pop(1)
REQUESTS = 20


class Example(LabTest):
    def test_every_request_is_answered_by_its_partition(self):
        done = svm_lab("run", "--json", "--requests", REQUESTS, EXAMPLE)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        report = json.loads(done.stdout)
        self.assertEqual(report["schema"], "lsvm-lab-run/1")
        self.assertTrue(report["good"])
        self.assertTrue(report["targets"])
        for target in report["targets"]:
            self.assertEqual((target["requests"], target["failures"]), (REQUESTS, 0), target)
            self.assertEqual(sum(target["servers"].values()), REQUESTS, target)
        self.check_shares(report)
        self.check_ways(report)

    def check_shares(self, report):
        text = EXAMPLE.read_text()
        worked = {}
        for target in report["targets"]:
            for server, count in target["servers"].items():
                key = target["partition"], server
                worked[key] = worked.get(key, 0) + count
        if "persistence" not in text:
            self.assertTrue(all(worked.values()), worked)

    def check_ways(self, report):
        requests = sum(target["requests"] for target in report["targets"])
        directors = [m for m in report["machines"] if m["role"] == "director"]
        client = next(m for m in report["machines"] if m["role"] == "client")
        passed = sum(d["ipvs"]["request_packets"] for d in directors)
        replies = sum(d["ipvs"]["reply_packets"] for d in directors)
        received = sum(d["received_bytes"] for d in directors)
        self.assertGreaterEqual(passed, requests)
        if any(t["forwarding"] == "nat" for t in report["targets"]):
            self.assertGreater(replies, 0)
            return
        self.assertEqual(replies, 0)
        if all("domain" in t for t in report["targets"]):
            # Pages are much larger than requests: had they passed a director, it would show.
            self.assertLess(received, client["received_bytes"] / 2)


if __name__ == "__main__":
    unittest.main()
