# SPDX-License-Identifier: LGPL-2.1-or-later
"""Planted faults: they happen as on real machines, and the client's book tells the truth of them."""

import json
import unittest

import lsvm
from common import LabTest, ROOT, own_name, svm_lab

MINIMAL = ROOT / "examples/minimal.yaml"


class Faults(LabTest):
    def rehearse(self, script, *options, expected):
        path = self.folder / "script.faults"
        path.write_text(script)
        done = svm_lab("run", "--faults", path, "--json", *options)
        self.assertEqual(done.returncode, expected, done.stderr + done.stdout)
        self.assertNotEqual(done.stdout, "", done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["schema"], "lsvm-lab-faults/1")
        return report

    def test_what_dies_with_a_server_is_told_from_what_fails_for_no_reason(self):
        # Nobody checks the servers here: the table stays as it is, whoever is dead. The default
        # scheduler would send few to one that does not accept what it has.
        draft = lsvm.load(MINIMAL).draft()
        draft.set("/partitions/0/scheduler", "rr")
        cluster = self.folder / "rr.yaml"
        cluster.write_text(draft.freeze().to_yaml())
        report = self.rehearse("""
            client rate 100
            client hold 20 every 100ms
            client timeout 3s
            at 1s: power-off eps2
            after 3s: power-on eps2
            after 500ms: wedge eps1
            after 500ms: unwedge eps1
            after 1s: expect no lost connections
            expect no failed requests""", cluster, expected=1)
        requests, held = report["requests"], report["held"]
        off, _, wedge, _, lost, failed = report["steps"]
        self.assertEqual(requests["asked"],
                         requests["answered"] + requests["failed"])
        # Half of the new connections went to the dead server, which never accepted them.
        self.assertGreater(off["client"]["failed"], 20)
        never = [f for f in report["failures"] if not f["accepted"]]
        self.assertGreater(len(never), 20)
        self.assertEqual([f for f in never if f["in_flight_on"]], [])
        self.assertFalse(failed["met"])
        # Its connections died with it: the machine that came back does not know them.
        self.assertTrue(lost["met"], lost)
        dead = held["servers"]["eps2"]
        self.assertGreater(dead, 5)
        self.assertEqual((held["count"], held["lost"], held["lost_with_server"], held["silent"]),
                         (20, dead, dead, 0))
        # What the wedged server held was answered when it went on.
        self.assertGreater(wedge["client"]["held_stalled"], 4)
        self.assertGreater(wedge["client"]["held_worst_stall_ms"], 400)
        self.assertEqual([f for f in report["failures"] if f["in_flight_on"] == "eps1"], [])
        self.assertGreater(report["servers"]["eps1"], 0)
        self.assertGreater(report["servers"]["eps2"], 0)

    def test_a_stopped_service_and_a_bad_network_are_seen(self):
        report = self.rehearse("""
            client rate 100
            client timeout 5s
            at 500ms: loss front 10%
            after 1s: heal front
            after 500ms: delay outside 20ms
            after 1s: heal outside
            after 500ms: stop-service eps1 nginx
            after 500ms: start-service eps1
            after 1500ms: expect slowest below 5s
            expect outage below 1s
            expect no late requests""", MINIMAL, expected=1)
        loss, healed, delay, healed_too, _, _, slowest, outage, late = report["steps"]
        self.assertGreater(loss["client"]["late"], 0)
        self.assertLess(healed["client"]["late"], loss["client"]["late"])
        self.assertGreater(delay["client"]["slowest_ms"], 80)
        self.assertTrue(slowest["met"] and outage["met"])
        self.assertFalse(late["met"])
        refused = [f for f in report["failures"] if f["why"] == "refused"]
        self.assertGreater(len(refused), 0)

    def test_a_machine_that_was_off_has_its_disk_and_nothing_else(self):
        name = own_name("power")
        self.up(MINIMAL, name)

        def fault(*step):
            return svm_lab("fault", "--lab", name, *step)

        self.inside(name, "eds1", "sh", "-c", "echo kept >/var/lib/mark; echo gone >/run/mark; "
                    "sleep 1000 & ip link set eth0 mtu 1400")
        mac = self.inside(name, "eds1", "cat", "/sys/class/net/eth0/address")
        self.assertEqual(self.ask(name, "--requests", "4")["targets"][0]["failures"], 0)
        self.assertNotEqual(self.inside(name, "eds1", "ipvsadm", "-Lnc").count("\n"), 2)

        self.assertEqual(fault("power-off", "eds1").returncode, 0)
        done = svm_lab("exec", "--lab", name, "eds1", "--", "true")
        self.assertEqual((done.returncode, done.stderr), (1, "svm-lab: eds1 is switched off\n"))
        self.assertEqual(self.ask(name, "--requests", "1")["targets"][0]["failures"], 1)
        again = fault("power-off", "eds1")
        self.assertEqual((again.returncode, again.stderr),
                         (1, "svm-lab: eds1 is switched off\n"))

        on = fault("power-on", "eds1")
        self.assertEqual(on.returncode, 0, on.stderr)
        self.assertEqual(self.inside(name, "eds1", "cat", "/var/lib/mark"), "kept\n")
        self.assertNotEqual(svm_lab("exec", "--lab", name, "eds1", "--", "cat",
                                    "/run/mark").returncode, 0)
        self.assertEqual(self.inside(name, "eds1", "cat", "/sys/class/net/eth0/mtu"), "1500\n")
        self.assertEqual(self.inside(name, "eds1", "cat", "/sys/class/net/eth0/address"), mac)
        self.assertEqual(self.inside(name, "eds1", "ipvsadm", "-Lnc").count("\n"), 2)
        self.assertEqual(self.ask(name, "--requests", "4")["targets"][0]["failures"], 0)

        self.assertEqual(fault("pull-cable", "eps1", "eth0").returncode, 0)
        self.assertIn("NO-CARRIER", self.inside(name, "eps1", "ip", "link", "show", "eth0"))
        self.assertEqual(fault("plug-cable", "eps1").returncode, 0)
        self.assertNotIn("NO-CARRIER", self.inside(name, "eps1", "ip", "link", "show", "eth0"))
        unknown = fault("power-off", "eds7")
        self.assertEqual((unknown.returncode, unknown.stderr),
                         (2, "svm-lab: the cluster has no machine 'eds7'\n"))


if __name__ == "__main__":
    unittest.main()
