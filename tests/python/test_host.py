#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Simulated hosts from Python: applying, reconciling, what others put there, whole clusters."""
import gc
import pathlib
import threading
import unittest

import lsvm

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
FIGURE3 = EXAMPLES / "figure3.yaml"
FOREIGN = """{"schema": "lsvm-ipvs/1", "services": [{"protocol": "tcp", "address": "203.0.113.9",
"port": 25, "scheduler": "rr", "destinations": []}]}"""


class Reconciling(unittest.TestCase):
    def setUp(self):
        self.cluster = lsvm.load(FIGURE3)
        self.table = lsvm.compile(self.cluster, "eds1").ipvs
        self.host = lsvm.Host.simulated("eds1")

    def test_the_second_time_nothing_is_left_to_do(self):
        self.assertGreater(self.host.reconcile(self.table), 0)
        before = self.host.write_count
        self.assertEqual(self.host.reconcile(self.table), 0)
        self.assertEqual(self.host.write_count, before)
        self.assertEqual(self.host.snapshot().to_ipvsadm(), self.table.to_ipvsadm())

    def test_zero_info_and_flush(self):
        self.host.reconcile(self.table)
        self.host.zero(self.host.snapshot().services[0])
        self.host.zero()
        self.assertEqual(self.host.ipvs_info()[0], (1, 2, 1))
        self.host.flush()
        self.assertEqual(len(self.host.snapshot().services), 0)
        with self.assertRaises(lsvm.Error):
            self.host.zero(self.table.services[0])

    def test_what_others_put_there_stays(self):
        foreign = lsvm.IpvsTable.from_json(FOREIGN)
        self.host.reconcile(foreign)
        self.host.reconcile(self.table)
        self.host.reconcile(lsvm.IpvsTable.empty(), owned=self.table)
        self.assertEqual([str(s) for s in self.host.snapshot().services],
                         [str(s) for s in foreign.services])

    def test_what_is_no_longer_wanted_goes_when_it_was_ours(self):
        self.host.reconcile(self.table)
        draft = self.cluster.draft()
        draft.remove_server("A", "eps2")
        fewer = lsvm.compile(draft.freeze(), "eds1").ipvs
        self.host.reconcile(fewer, owned=self.table)
        self.assertEqual(self.host.snapshot().to_ipvsadm(), fewer.to_ipvsadm())

    def test_a_snapshot_outlives_its_host(self):
        self.host.reconcile(self.table)
        snapshot = self.host.snapshot()
        del self.host
        gc.collect()
        self.assertEqual(len(snapshot.services), 7)


class Applying(unittest.TestCase):
    def test_a_dry_run_tells_the_steps_and_takes_none(self):
        plan = lsvm.compile(lsvm.load(FIGURE3), "eps1")
        host = lsvm.Host.simulated("eps1")
        wanted = host.apply(plan, dry_run=True)
        self.assertGreater(len(wanted), 0)
        self.assertEqual(host.write_count, 0)
        seen = []
        taken = host.apply(plan, progress=lambda *a: seen.append(a))
        self.assertEqual(taken, wanted)
        self.assertEqual([s[0] for s in seen], list(range(1, len(wanted) + 1)))
        self.assertEqual({s[1] for s in seen}, {len(wanted)})
        self.assertEqual(host.apply(plan), [])

    def test_another_machine_is_refused_unless_forced(self):
        cluster, host = lsvm.load(FIGURE3), lsvm.Host.simulated("eds1")
        host.apply(lsvm.compile(cluster, "eds1"))
        other = lsvm.compile(cluster, "eds2")
        for call in (host.apply, host.steps, host.impact, lambda plan: next(host.applying(plan))):
            with self.assertRaisesRegex(lsvm.Conflict, "eds1.*eds2"):
                call(other)
        self.assertTrue(host.steps(other, force=True))
        steps = host.apply(other, force=True)
        self.assertTrue(any(s.text.startswith("delete address") or
                            s.text.startswith("remove address") for s in steps), steps)
        self.assertEqual(host.apply(other), [])

    def test_stopping_in_between_goes_on_from_there(self):
        plan = lsvm.compile(lsvm.load(FIGURE3), "eds1")
        host = lsvm.Host.simulated("eds1")
        total = len(host.steps(plan))
        next(iter(host.applying(plan)))
        gc.collect()
        left = len(host.steps(plan))
        self.assertLess(left, total)
        self.assertEqual(len(host.apply(plan)), left)
        self.assertEqual(host.snapshot().to_ipvsadm(), plan.ipvs.to_ipvsadm())

    def test_every_machine_of_every_example_is_applied_and_taken_back(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            cluster = lsvm.load(path)
            for machine in cluster.machines:
                with self.subTest(path.name, machine=machine.name):
                    plan = lsvm.compile(cluster, machine.name)
                    host = lsvm.Host.simulated(machine.name)
                    host.apply(plan)
                    self.assertEqual(host.steps(plan), [])
                    host.apply(None)
                    self.assertEqual(host.steps(None), [])
                    self.assertEqual(host.snapshot().services, [])

    def test_from_one_cluster_to_the_next_only_the_difference_is_done(self):
        before = lsvm.load(FIGURE3)
        host = lsvm.Host.simulated("eds1")
        host.apply(lsvm.compile(before, "eds1"))
        draft = before.draft()
        draft.add_server("C", "eps5")
        steps = host.apply(lsvm.compile(draft.freeze(), "eds1"))
        self.assertEqual([s.kind for s in steps], [lsvm.StepKind.IPVS])
        self.assertIn("192.168.2.25", str(steps[0]))

    def test_a_cluster_of_hosts_in_threads(self):
        cluster, failures = lsvm.load(FIGURE3), []

        def work(name):
            try:
                plan, host = lsvm.compile(cluster, name), lsvm.Host.simulated(name)
                host.apply(plan)
                if host.steps(plan):
                    failures.append(name)
            except Exception as error:  # a thread's exception would be lost
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(m.name,)) for m in cluster.machines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Hosts(unittest.TestCase):
    def test_status_and_what_was_applied_last(self):
        host = lsvm.Host.simulated("eds1")
        with self.assertRaises(lsvm.NotFound):
            host.applied()
        plan = lsvm.compile(lsvm.load(FIGURE3), "eds1")
        host.apply(plan)
        self.assertEqual(host.applied().to_json(), plan.to_json())
        status = host.status()
        self.assertEqual(status["schema"], "lsvm-status/1")
        host.apply(None)
        with self.assertRaises(lsvm.NotFound):
            host.applied()

    def test_a_simulated_machine_has_no_neighbours(self):
        self.assertRegex(lsvm.Host.simulated("eds1").neighbours()["schema"], r"^lsvm-\w+/1$")

    def test_a_card_is_plugged_in_once(self):
        host = lsvm.Host.simulated("eds1")
        host.simulate_interface("eth0")
        with self.assertRaises(lsvm.Exists):
            host.simulate_interface("eth0")

    def test_names_and_kinds(self):
        host = lsvm.Host.simulated("eds1")
        self.assertEqual(host.name, "eds1")
        self.assertTrue(host.is_simulated)
        self.assertEqual(host.write_count, 0)
        self.assertEqual(host.snapshot().services, [])


class Seeing(unittest.TestCase):
    def test_a_simulated_machine_has_no_connections(self):
        self.assertEqual(lsvm.Host.simulated("eds1").connections(client="10.9.0.0/16"), [])

    def test_a_wrong_filter_is_an_error(self):
        with self.assertRaises(lsvm.ArgumentError):
            lsvm.Host.simulated("eds1").connections(vip="192.0.2.1:0")

    def test_what_keeps_traffic_away_is_told(self):
        cluster, host = lsvm.load(FIGURE3), lsvm.Host.simulated("eps1")
        before = {r.cause for r in host.explain_server(cluster)}
        self.assertLessEqual({lsvm.Cause.VIP_MISSING, lsvm.Cause.ARP_IGNORE}, before)
        host.apply(lsvm.compile(cluster, "eps1"))
        self.assertEqual(host.explain_server(), [])
        self.assertEqual({r.cause for r in host.explain_server(cluster)}, {lsvm.Cause.NOT_LISTENING})

    def test_who_would_answer_is_foretold(self):
        host = lsvm.Host.simulated("eds1")
        draft = lsvm.load(FIGURE3).draft()
        draft.set("/partitions/A/scheduler", "sh")
        table = lsvm.compile(draft.freeze(), "eds1").ipvs
        host.reconcile(table)
        service = table.services[0]
        for last in range(2, 40):
            found = host.predict(f"10.9.0.{last}", f"{service.address}:{service.port}")
            self.assertEqual(found["outcome"], "served")
            self.assertEqual(found["server"]["address"],
                             lsvm.predict(service, f"10.9.0.{last}").address)
        self.assertEqual(host.explain_destination("192.168.2.250")[0].cause, lsvm.Cause.NO_SERVICE)
        with self.assertRaises(lsvm.NotFound):
            host.predict("10.9.0.2", "192.0.2.250:80")


if __name__ == "__main__":
    unittest.main()
