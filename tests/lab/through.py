# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that go through the director, on the kernel's IPVS: they are answered whatever the way of
forwarding, on the director that has the virtual address too, and see what straight ones cannot."""

import json
import queue
import subprocess
import threading
import time
import unittest

import lsvm
from common import BUILD, LabTest, ROOT, SVM_LAB, own_name, svm_lab

EXAMPLES = ROOT / "examples"
SVM_EDS = BUILD / "tools/svm-eds"
CHECKS_WATCH = BUILD / "tests/lab/checks-watch"
WAIT_S = 60


class Through(LabTest):
    def stand(self, example, probe):
        """The example with checks through its first director, which has an agent: its events."""
        draft = lsvm.load(EXAMPLES / example).draft()
        draft.set("/redundancy", {"kind": "vrrp", "advert_interval_ms": 100})
        for index, _ in enumerate(json.loads(draft.freeze().to_json())["partitions"]):
            draft.set(f"/partitions/{index}/checks", [probe])
        cluster = self.folder / "cluster.yaml"
        cluster.write_text(draft.freeze().to_yaml())
        self.lab = own_name("through")
        done = svm_lab("up", "--lab", self.lab, cluster)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(svm_lab, "down", "--lab", self.lab)
        # The guest sees the files of the host as they were.
        agent = subprocess.Popen([SVM_LAB, "exec", "--lab", self.lab, "eds1", "--", str(SVM_EDS), "run",
                                  str(cluster), "--machine", "eds1"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(agent.stdout.close)
        self.addCleanup(agent.wait, 30)
        self.addCleanup(agent.terminate)
        self.events, self.seen = queue.Queue(), []
        threading.Thread(target=self.read, args=(agent.stdout,), daemon=True).start()

    def read(self, stream):
        try:
            for line in stream:
                self.events.put(line.rstrip())
        except ValueError:
            pass  # closed

    def await_event(self, *words):
        """The next event that has all these words; those that say that a server is down are kept."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                line = self.events.get(timeout=1)
            except queue.Empty:
                continue
            self.seen.append(line)
            if all(word in line for word in words):
                return line
        self.fail(f"no event with {words}:\n" + "\n".join(self.seen))

    def run_on(self, machine, *command):
        done = svm_lab("exec", "--lab", self.lab, machine, "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def no_server_was_down(self):
        while not self.events.empty():
            self.seen.append(self.events.get())
        self.assertFalse([line for line in self.seen if "server-down" in line])

    def probes_answered(self):
        """How many connections of the services for probes came to an end."""
        ended, marked = 0, False
        for line in self.run_on("eds1", "ipvsadm", "-Ln").splitlines():
            words = line.split()
            if words and words[0] in ("TCP", "UDP", "SCTP", "FWM"):
                marked = words[0] == "FWM"
            elif marked and words and words[0] == "->" and words[-1].isdigit():
                ended += int(words[-1])
        return ended

    def rehearse(self, example):
        """As a backup and as the master, every server answers."""
        self.stand(example, {"kind": "tcp", "route": "through", "interval_ms": 200})
        self.await_event("state", "master")
        self.run_on("eds1", "sleep", "2")  # ten turns of each
        self.no_server_was_down()
        self.assertGreater(self.probes_answered(), 10)

    def test_a_server_without_the_virtual_address_is_out_until_it_has_it_again(self):
        self.stand("minimal.yaml", {"kind": "http", "route": "through", "interval_ms": 200})
        self.await_event("state", "master")
        self.run_on("eds1", "sleep", "1")
        self.no_server_was_down()
        place = self.run_on("eps2", "sh", "-c", "ip -o addr show to 192.0.2.100").split()
        self.run_on("eps2", "ip", "addr", "del", place[3], "dev", place[1])
        down = self.await_event("server-down", "eps2")
        self.assertIn("connect ", down)
        self.assertIn("192.0.2.100:80", down)
        self.assertNotIn("192.0.2.22:80", self.run_on("eds1", "ipvsadm", "-Ln"))
        self.run_on("eps2", "ip", "addr", "add", place[3], "dev", place[1])
        self.await_event("server-up", "eps2")
        self.assertIn("192.0.2.22:80", self.run_on("eds1", "ipvsadm", "-Ln"))
        self.silence_is_no_life()

    def silence_is_no_life(self):
        """A udp check without an answer to expect: the kernel knows who is nowhere."""
        lines = "".join(json.dumps({"name": name, "kind": "udp", "address": address, "port": 53,
                                    "interval_ms": 500}) + "\n"
                        for name, address in (("nowhere", "192.0.2.99"), ("refused", "192.0.2.21")))
        watch = subprocess.Popen([SVM_LAB, "exec", "--lab", self.lab, "eds2", "--", "sh", "-c",
                                  f"(printf %s '{lines}'; sleep 60) | {CHECKS_WATCH}"],
                                 text=True, stdout=subprocess.PIPE)
        with watch:
            said = []
            while sum("down" in line for line in said) < 2:
                said.append(watch.stdout.readline().rstrip())
                self.assertNotEqual(said[-1], "", said)
            watch.terminate()
        self.assertIn("nowhere down no route to it, 2 of 2", said)
        self.assertIn("refused down port unreachable, 2 of 2", said)

    def test_ipv6(self):
        self.rehearse("ipv6.yaml")

    def test_tunnels(self):
        self.rehearse("tunnel.yaml")

    def test_nat(self):
        self.rehearse("nat.yaml")


if __name__ == "__main__":
    unittest.main(verbosity=2)
