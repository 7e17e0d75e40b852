# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab that stands: the kernel's table is the plan's, a server joins while clients ask, machines can
be entered, and an end leaves nothing."""

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import unittest

import lsvm
from common import SVM_LAB, LabTest, ROOT, guest_processes, own_name, svm_lab

FIGURE3 = ROOT / "examples/figure3.yaml"
MINIMAL = ROOT / "examples/minimal.yaml"


def table_lines(text):
    """As `ipvsadm -Sn` prints them; the kernel's order is that of its hash."""
    return sorted(line.strip() for line in text.splitlines() if line.strip())


class Standing(LabTest):
    def check_tables(self, path, name):
        cluster = lsvm.load(path)
        for machine in cluster.machines:
            if machine.role != lsvm.Role.DIRECTOR:
                continue
            wanted = lsvm.compile(cluster, machine.name).ipvs.to_ipvsadm()
            self.assertEqual(table_lines(self.inside(name, machine.name, "ipvsadm", "-Sn")),
                             table_lines(wanted))

    def test_the_kernels_table_is_the_plans(self):
        for example in ("services", "tunnel", "ipv6"):
            with self.subTest(example):
                path = ROOT / f"examples/{example}.yaml"
                name = own_name(example)
                self.up(path, name)
                self.check_tables(path, name)
                self.assertEqual(svm_lab("down", "--lab", name).returncode, 0)

    def keep_asking(self, name, done):
        answers = []
        while not done.is_set():
            answers += self.ask(name, "--partition", "C", "--requests", "100", "--parallel",
                                "4")["targets"]
        return answers

    def test_a_server_joins_while_clients_ask(self):
        name = own_name("join")
        # wlc would give a new server all new connections until it has as many as the others.
        draft = lsvm.load(FIGURE3).draft()
        draft.set("/partitions/2/scheduler", "wrr")
        first = self.folder / "first.yaml"
        first.write_text(draft.freeze().to_yaml())
        self.up(first, name)
        self.check_tables(first, name)
        draft.add_server("C", "eps5")
        more = self.folder / "more.yaml"
        more.write_text(draft.freeze().to_yaml())

        done = threading.Event()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            # Two clients in turn, so that there is always one that asks.
            asking = [pool.submit(self.keep_asking, name, done) for _ in range(2)]
            try:
                time.sleep(1)
                change = svm_lab("apply", "--lab", name, more)
                time.sleep(1)
            finally:
                done.set()
            answers = [answer for client in asking for answer in client.result()]
        self.assertEqual(change.returncode, 0, change.stderr)
        self.assertEqual([a for a in answers if a["failures"]], [])
        self.assertNotIn("eps5", answers[0]["servers"])
        self.assertGreater(answers[-1]["servers"]["eps5"], 0)

        self.check_tables(more, name)
        after, = self.ask(name, "--partition", "C", "--requests", "200")["targets"]
        self.assertEqual(after["failures"], 0)
        self.assertAlmostEqual(after["servers"]["eps5"] / 200, 1 / 2, delta=0.05)
        others = self.ask(name, "--requests", "4")
        self.assertTrue(others["good"], others)

        # The same again changes nothing.
        for machine in ("eds1", "eps5"):
            tool = SVM_LAB.replace("svm-lab", "svm-eds" if machine == "eds1" else "svm-eps")
            steps = self.inside(name, machine, tool, "apply", "--dry-run", "--machine", machine,
                                "--json", "/etc/svm/cluster.json")
            self.assertEqual(json.loads(steps)["steps"], [])

    def test_machines_can_be_entered_and_see_their_own_files(self):
        name = own_name("enter")
        self.up(ROOT / "examples/minimal.yaml", name)
        self.assertEqual(self.inside(name, "eps1", "hostname"), "eps1\n")
        self.inside(name, "eps1", "sh", "-c", "echo mine >/etc/mine")
        done = svm_lab("exec", "--lab", name, "eps2", "--", "cat", "/etc/mine")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertFalse(os.path.exists("/etc/mine"))
        done = svm_lab("exec", "--lab", name, "eps9", "--", "true")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no machine 'eps9'", done.stderr)
        self.assertIn("director   eds1", svm_lab("status", "--lab", name).stdout)
        status = json.loads(svm_lab("status", "--lab", name, "--json").stdout)
        self.assertEqual(status["schema"], "lsvm-lab-status/1")
        self.assertIn({"name": "eps1", "role": "server", "interfaces": [
            {"name": "eth0", "network": "front", "addresses": ["192.0.2.21"]}]}, status["machines"])
        done = svm_lab("apply", "--lab", name, "--json", ROOT / "examples/minimal.yaml")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, status), done.stderr)
        done = svm_lab("up", "--lab", name, FIGURE3)
        self.assertEqual(done.returncode, 1)
        self.assertIn("up already", done.stderr)
        done = svm_lab("apply", "--lab", name, FIGURE3)
        self.assertEqual(done.returncode, 1)
        self.assertIn("other networks or machines", done.stderr)
        done = svm_lab("down", "--lab", name, "--json")
        self.assertEqual(json.loads(done.stdout), {"schema": "lsvm-lab-down/1", "lab": name})
        done = svm_lab("status", "--lab", name)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no lab is up", done.stderr)


class Names(LabTest):
    def start(self, name):
        return subprocess.Popen([SVM_LAB, "up", "--lab", name, MINIMAL], stderr=subprocess.PIPE,
                                text=True)

    def test_looking_does_not_disturb_a_lab_that_starts(self):
        name = own_name("look")
        self.addCleanup(svm_lab, "down", "--lab", name)
        with self.start(name) as starting:
            looks = []
            while starting.poll() is None:
                looks.append(svm_lab("status", "--lab", name))
                time.sleep(0.1)
            said = starting.stderr.read()
        self.assertEqual(starting.returncode, 0, said)
        self.assertTrue(any("is starting" in look.stderr for look in looks), looks)
        self.assertIn("director   eds1", svm_lab("status", "--lab", name).stdout)

    def test_of_several_that_start_at_once_one_does(self):
        name = own_name("race")
        self.addCleanup(svm_lab, "down", "--lab", name)
        several = [self.start(name) for _ in range(4)]
        said = [one.communicate(timeout=120)[1] for one in several]
        self.assertEqual(sorted(one.returncode for one in several), [0, 1, 1, 1], said)
        for one, text in zip(several, said):
            self.assertEqual("already" in text, one.returncode == 1, text)
        self.assertIn("director   eds1", svm_lab("status", "--lab", name).stdout)

    def test_a_dead_owners_folder_is_taken_over(self):
        name = own_name("dead")
        before = guest_processes()
        self.up(MINIMAL, name)
        for pid in guest_processes() - before:
            with contextlib.suppress(OSError):  # the guest dies with its keeper
                if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(SVM_LAB):
                    os.kill(pid, signal.SIGKILL)
        while guest_processes() - before:
            time.sleep(0.05)
        self.assertIn("no lab is up", svm_lab("status", "--lab", name).stderr)
        self.up(MINIMAL, name)
        self.assertIn("director   eds1", svm_lab("status", "--lab", name).stdout)

    def test_who_asks_for_another_lab_is_told_those_that_are_up(self):
        name = own_name("other")
        self.up(MINIMAL, name)
        for command in ("status",), ("ask",), ("exec", "eds1", "--", "true"), ("down",):
            words = list(command)
            words[1:1] = ["--lab", own_name("none")]
            done = svm_lab(*words)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn(f"--lab {name}", done.stderr)

    def test_complaints_from_within_have_the_name_of_what_was_called(self):
        name = own_name("words")
        self.up(FIGURE3, name)
        done = svm_lab("ask", "--lab", name, "--partition", "zz")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("svm-lab: the lab has no partition 'zz'; there is A, B, C", done.stderr)
        for option in "--requests", "--parallel", "--seconds":
            done = svm_lab("ask", "--lab", name, option, "99999999")
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith("svm-lab: "), done.stderr)
            self.assertNotIn("svm-lab-inside", done.stderr)

    def test_long_names_keep_the_columns(self):
        draft = lsvm.load(MINIMAL).draft()
        draft.set("/partitions/0/vips/0/services", [{"ports": 8080, "application": "http"}])
        path = self.folder / "long.yaml"
        path.write_text(draft.freeze().to_yaml().replace("www.example.com",
                                                         f"{'l' * 40}.example.com"))
        done = svm_lab("run", "--requests", "1", path)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        head, row = done.stdout.splitlines()[2:4]
        self.assertEqual(row[head.index("requests"):].split()[:2], ["1", "0"])
        self.assertEqual(head.index("requests") + len("requests"), row.index(" 1 ") + 2)
        self.assertIn("1 domain, 0 other services: 1 request in", done.stdout)

    def test_what_is_not_asked_stands_in_the_table_with_the_reason(self):
        draft = lsvm.load(MINIMAL).draft()
        draft.set("/partitions/0/vips/0/services", [{"ports": 80}, {"ports": 443}])
        draft.set("/partitions/0/vips/1", {"address": "192.0.2.101", "services": [{"ports": 80}]})
        path = self.folder / "some.yaml"
        path.write_text(draft.freeze().to_yaml())
        done = svm_lab("run", "--requests", "2", path)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertIn("not asked: the domain has no tls", done.stdout)
        self.assertIn("not asked: the VIP has no domain", done.stdout)
        self.assertIn("1 domain, 0 other services: 2 requests", done.stdout)
        self.assertIn("2 more not asked", done.stdout)

        draft = lsvm.load(MINIMAL).draft()
        draft.set("/partitions/0/vips/0/services", [{"ports": 80}])
        draft.remove_domain("www.example.com")
        path.write_text(draft.freeze().to_yaml())
        done = svm_lab("run", "--json", path)
        self.assertEqual(done.returncode, 1, done.stderr)
        report = json.loads(done.stdout)
        self.assertFalse(report["good"])
        self.assertIn("no domain", report["targets"][0]["not_asked"])
        self.assertIn("Nothing was asked", svm_lab("run", path).stdout)

    def test_a_lab_has_a_name(self):
        for name in "", "a/b", "x" * 200:
            done = svm_lab("up", "--lab", name, MINIMAL)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot be the name of a lab", done.stderr)


class Ends(LabTest):
    def test_an_interrupt_ends_a_run_and_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                running = subprocess.Popen([SVM_LAB, "run", "--requests", "100000", FIGURE3],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                           start_new_session=True)
                time.sleep(6)
                self.assertIsNone(running.poll())
                running.send_signal(number)
                self.assertEqual(running.wait(timeout=30), 128 + number)

    def test_findings_are_shown_and_nothing_starts(self):
        bad = self.folder / "bad.yaml"
        bad.write_text("name: bad\nnetworks: [{name: a, subnet: 10.0.0.0/8}]\n")
        done = svm_lab("run", bad)
        self.assertEqual(done.returncode, 3)
        self.assertIn("bad.yaml:2:", done.stderr)

    def test_a_file_that_is_missing_is_said_so(self):
        done = svm_lab("run", self.folder / "none.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("none.yaml", done.stderr)


if __name__ == "__main__":
    unittest.main()
