#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Schedulers from Python: who gets the next client."""
import collections
import pathlib
import unittest

import lsvm

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def service(scheduler="wrr"):
    draft = lsvm.load(EXAMPLES / "figure3.yaml").draft()
    draft.set("/partitions/A/scheduler", scheduler)
    return lsvm.compile(draft.freeze(), "eds1").ipvs.services[0]


class Schedulers(unittest.TestCase):
    def test_weights_are_shares(self):
        scheduler = lsvm.Scheduler(service("wrr"))
        chosen = collections.Counter(
            scheduler.connect("10.9.0.2", 1000 + i).destination for i in range(400))
        self.assertEqual(sorted(chosen.values()), [100, 100, 200])
        self.assertEqual([d.active_count for d in scheduler.destinations], [100, 100, 200])

    def test_peek_changes_nothing_and_says_what_connect_does(self):
        scheduler = lsvm.Scheduler(service("rr"))
        for i in range(10):
            peeked = scheduler.peek("10.9.0.2", i + 1).destination
            self.assertEqual(scheduler.connect("10.9.0.2", i + 1).destination, peeked)

    def test_a_destination_comes_and_goes(self):
        scheduler = lsvm.Scheduler(service("rr"))
        number = scheduler.add("192.168.2.25", 80, weight=1)
        self.assertEqual(scheduler.find("192.168.2.25", 80), number)
        self.assertIn(number, [scheduler.connect("10.9.0.2", i + 1).destination for i in range(4)])
        scheduler.remove(number)
        with self.assertRaises(lsvm.NotFound):
            scheduler.find("192.168.2.25", 80)

    def test_connections_end(self):
        scheduler = lsvm.Scheduler(service("lc"))
        decision = scheduler.connect("10.9.0.2", 1)
        self.assertEqual(decision.outcome, lsvm.SchedOutcome.SERVED)
        self.assertEqual(scheduler.destination_of(decision.connection), decision.destination)
        scheduler.set_active(decision.connection, False)
        self.assertEqual(scheduler.destinations[decision.destination].inactive_count, 1)
        scheduler.close(decision.connection)
        with self.assertRaises(lsvm.NotFound):
            scheduler.close(decision.connection)

    def test_hashes_are_predicted_from_the_table(self):
        hashed = service("mh")
        first = lsvm.predict(hashed, "10.9.0.2")
        self.assertEqual(lsvm.predict(hashed, "10.9.0.2"), first)
        self.assertTrue(first.address.startswith("192.168.2."))
        with self.assertRaises(lsvm.StateError):
            lsvm.predict(service("rr"), "10.9.0.2")

    def test_a_service_without_destinations_serves_nobody(self):
        table = lsvm.IpvsTable.from_json(
            '{"schema": "lsvm-ipvs/1", "services": [{"protocol": "tcp", "address": "192.0.2.1", '
            '"port": 80, "scheduler": "wlc", "destinations": []}]}')
        decision = lsvm.Scheduler(table.services[0]).connect("10.9.0.2", 1)
        self.assertEqual(decision, lsvm.sched.Decision(lsvm.SchedOutcome.NO_DESTINATION, None, None))
        self.assertIsNone(lsvm.predict(table.services[0], "10.9.0.2"))


if __name__ == "__main__":
    unittest.main()
