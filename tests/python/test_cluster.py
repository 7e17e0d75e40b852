#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clusters from Python: loading, findings, drafts, differences, lifetimes, threads."""
import copy
import gc
import pathlib
import pickle
import threading
import unittest

import lsvm

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
FIGURE3 = EXAMPLES / "figure3.yaml"


class Misuse(unittest.TestCase):
    def test_what_owns_cannot_be_copied(self):
        cluster = lsvm.load(FIGURE3)
        plan, host = lsvm.compile(cluster, "eds1"), lsvm.Host.simulated("eds1")
        for owning in (cluster, cluster.draft(), plan, plan.ipvs, host, host.impact(plan),
                       lsvm.Scheduler(plan.ipvs.services[0]), lsvm.import_ipvsadm("")):
            for how in (copy.copy, copy.deepcopy, pickle.dumps):
                with self.subTest(type(owning).__name__, how=how.__name__):
                    with self.assertRaisesRegex(TypeError, type(owning).__name__):
                        how(owning)

    def test_a_copy_of_what_is_borrowed_keeps_the_owner(self):
        cluster = lsvm.load(FIGURE3)
        machine = copy.copy(cluster.machine("eds1"))
        del cluster
        gc.collect()
        self.assertEqual(machine.name, "eds1")

    def test_numbers_must_fit(self):
        draft = lsvm.load(FIGURE3).draft()
        for wrong, error in ((-1, ValueError), (2**32 + 1, ValueError), ("x", TypeError),
                             (1.5, TypeError), (None, TypeError)):
            with self.assertRaisesRegex(error, "weight"):
                draft.add_server("C", "eps5", weight=wrong)
        draft.add_server("C", "eps5", weight=2)
        with self.assertRaisesRegex(ValueError, "limit"):
            lsvm.Host.simulated("eds1").connections(limit=-1)

    def test_none_and_other_things_are_not_objects(self):
        cluster, host = lsvm.load(FIGURE3), lsvm.Host.simulated("eds1")
        for call, word in ((lambda: lsvm.compile(None, "eds1"), "cluster"),
                           (lambda: lsvm.compile(cluster, None), "machine"),
                           (lambda: cluster.diff(None), "other"),
                           (lambda: cluster.machine(None), "name"),
                           (lambda: cluster.draft().add_domain(None, "x.example"), "vip"),
                           (lambda: host.apply(cluster), "plan"),
                           (lambda: host.reconcile(None), "wanted"),
                           (lambda: lsvm.impact(None, None), "present"),
                           (lambda: lsvm.Scheduler(None), "service"),
                           (lambda: lsvm.Host.simulated(None), "name"),
                           (lambda: lsvm.load(None), "PathLike"),
                           (lambda: lsvm.Draft(0), "cluster"),
                           (lambda: lsvm.Plan.from_json(5), "document")):
            with self.assertRaisesRegex(TypeError, word):
                call()

    def test_a_nul_in_a_path_is_refused(self):
        with self.assertRaisesRegex(ValueError, "NUL"):
            lsvm.load(f"{FIGURE3}\0.json")

    def test_equal_clusters_are_equal(self):
        one, two = lsvm.load(FIGURE3), lsvm.load(FIGURE3)
        self.assertEqual(one, two)
        self.assertEqual(len({one, two}), 1)
        draft = one.draft()
        draft.add_server("C", "eps5")
        self.assertNotEqual(one, draft.freeze())
        self.assertNotEqual(one, None)
        self.assertEqual(lsvm.compile(one, "eds1"), lsvm.compile(two, "eds1"))

    def test_objects_say_what_they_are(self):
        cluster, host = lsvm.load(FIGURE3), lsvm.Host.simulated("eds1")
        plan = lsvm.compile(cluster, "eds1")
        service = plan.ipvs.services[0]
        for thing, word in ((cluster, "figure3"), (cluster.partition("A"), "A"),
                            (cluster.partition("A").vips[0], "Vip"), (plan, "director eds1"),
                            (host, "eds1, simulated"), (plan.ipvs, "services"),
                            (service, "192.0.2.1"), (service.destinations[0], "weight"),
                            (host.impact(plan), "Impact none")):
            self.assertRegex(repr(thing), f"^<.*{word}.*>$")
        self.assertEqual(lsvm.__version__, lsvm.version())


class Loading(unittest.TestCase):
    def test_path_and_bytes_give_the_same_cluster(self):
        self.assertEqual(lsvm.load(FIGURE3).to_json(), lsvm.load(FIGURE3.read_bytes()).to_json())

    def test_json_and_yaml_lead_back_to_the_same(self):
        cluster = lsvm.load(FIGURE3)
        self.assertEqual(cluster.json["schema"], "lsvm-cluster/1")
        again = lsvm.load(cluster.to_json().encode(), lsvm.Format.JSON)
        self.assertEqual(again.to_yaml(), cluster.to_yaml())
        self.assertEqual(lsvm.load(cluster.to_yaml().encode()).to_json(), cluster.to_json())

    def test_what_is_in_the_cluster(self):
        cluster = lsvm.load(FIGURE3)
        self.assertEqual(cluster.name, "figure3")
        self.assertEqual(cluster.topology, lsvm.Topology.TWO_ROUTERS_PRIVATE)
        self.assertEqual([p.name for p in cluster.partitions], ["A", "B", "C"])
        a = cluster.partition("A")
        self.assertEqual([(s.machine.name, s.weight) for s in a.servers],
                         [("eps1", 1), ("eps2", 1), ("eps3", 2)])
        self.assertEqual(a.servers[0].machine, cluster.machine("eps1"))
        self.assertEqual(cluster.machine("eds1").role, lsvm.Role.DIRECTOR)
        domains = [d.name for p in cluster.partitions for v in p.vips for d in v.domains]
        self.assertEqual(len(set(domains)), 23)
        service = a.vips[0].services[0]
        self.assertEqual((service.protocol, service.port), (lsvm.Protocol.TCP, 80))
        self.assertEqual(service.forwarding.word, "direct")

    def test_a_domain_leads_to_its_vip_and_partition(self):
        cluster = lsvm.load(FIGURE3)
        domain = cluster.domain("www.c1.example")
        self.assertEqual(domain.vip.partition.name, "C")
        self.assertEqual((domain.aliases, domain.quota_mib), ([], 0))
        self.assertIn(domain, domain.vip.domains)

    def test_a_name_that_is_not_there_is_a_key_error(self):
        cluster = lsvm.load(FIGURE3)
        for find in (cluster.machine, cluster.partition, cluster.domain):
            with self.assertRaises(KeyError):
                find("nobody")
        with self.assertRaises(ValueError):
            cluster.machine("eds1\0")

    def test_all_findings_come_at_once(self):
        text = FIGURE3.read_text().replace("[{server: eps1, dedicated: true}, eps2,",
                                           "[{server: epsX}, {server: eps2, weight: 99999},")
        with self.assertRaises(lsvm.ConfigError) as caught:
            lsvm.load(text.encode())
        findings = caught.exception.findings
        self.assertGreaterEqual(len(findings), 2)
        self.assertEqual(caught.exception.code, lsvm.Err.FINDINGS)
        for finding in findings:
            self.assertEqual(finding.severity, lsvm.Severity.ERROR)
            self.assertIn("epsX", text.splitlines()[finding.line - 1])
            self.assertIn(finding.code, lsvm.finding_codes())
            self.assertTrue(finding.text and finding.hint and finding.column)
            self.assertIn(finding.text, str(caught.exception))

    def test_bytes_that_are_no_cluster_file_are_refused(self):
        for bad in (b"", b"\0\1\2", b"{", b"[1, 2]", b"name: \xff\xfe"):
            with self.subTest(bad), self.assertRaises(lsvm.Error):
                lsvm.load(bad)

    def test_a_file_that_is_not_there_is_an_error_with_its_name(self):
        with self.assertRaises(lsvm.Error) as caught:
            lsvm.load("/nonexistent/cluster.yaml")
        self.assertIn("/nonexistent/cluster.yaml", str(caught.exception))


class Drafts(unittest.TestCase):
    def test_a_server_is_added_and_taken_out_again(self):
        before = lsvm.load(FIGURE3)
        draft = before.draft()
        draft.add_server("C", "eps5", weight=3)
        after = draft.freeze()
        self.assertEqual([(s.machine.name, s.weight) for s in after.partition("C").servers][-1],
                         ("eps5", 3))
        self.assertEqual(len(before.partition("C").servers), 1)
        changes = before.diff(after)
        self.assertEqual(len(changes), 1)
        self.assertIn("servers", changes[0].path)
        draft.remove_server("C", "eps5")
        self.assertEqual(before.diff(draft.freeze()), [])

    def test_a_server_moves(self):
        draft = lsvm.load(FIGURE3).draft()
        draft.move_server("eps2", "A", "B")
        after = draft.freeze()
        self.assertNotIn("eps2", [s.machine.name for s in after.partition("A").servers])
        self.assertIn("eps2", [s.machine.name for s in after.partition("B").servers])

    def test_a_domain_comes_and_goes(self):
        before = lsvm.load(FIGURE3)
        draft = before.draft()
        vip = before.partition("C").vips[0]
        draft.add_domain(vip.name, "new.example")
        after = draft.freeze()
        self.assertIn("new.example", [d.name for d in after.partition("C").vips[0].domains])
        draft.remove_domain("new.example")
        self.assertEqual(draft.freeze().to_json(), before.to_json())

    def test_what_cannot_be_is_refused_and_changes_nothing(self):
        before = lsvm.load(FIGURE3)
        draft = before.draft()
        for edit in (lambda: draft.add_server("Z", "eps1"), lambda: draft.remove_server("A", "eps6"),
                     lambda: draft.remove_domain("nobody.example"),
                     lambda: draft.remove("/no/such/path"), lambda: draft.set("", None)):
            with self.assertRaises(lsvm.Error):
                edit()
        self.assertEqual(draft.json["name"], "figure3")
        self.assertEqual(draft.freeze().to_json(), before.to_json())

    def test_a_draft_with_a_fault_freezes_to_findings(self):
        draft = lsvm.load(FIGURE3).draft()
        draft.set("/partitions/0/servers/0/weight", 70000)
        with self.assertRaises(lsvm.ConfigError) as caught:
            draft.freeze()
        self.assertIn("/partitions/0/servers/0", caught.exception.findings[0].path)


class Lifetimes(unittest.TestCase):
    def test_children_keep_their_cluster(self):
        domain = lsvm.load(FIGURE3).partitions[0].vips[0].domains[0]
        draft = lsvm.load(FIGURE3).draft()
        gc.collect()
        self.assertIn("example", domain.name)
        self.assertEqual(draft.freeze().name, "figure3")

    def test_threads_load_and_read_at_once(self):
        shared, failures = lsvm.load(FIGURE3), []

        def work():
            try:
                for _ in range(20):
                    own = lsvm.load(FIGURE3)
                    if own.to_json() != shared.to_json():
                        failures.append("different")
                    try:
                        own.draft().add_server("Z", "eps1")
                    except lsvm.Error as error:
                        if "Z" not in str(error):
                            failures.append(str(error))
            except Exception as error:  # a thread's exception would be lost
                failures.append(repr(error))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
