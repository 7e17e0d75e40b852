#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands of svm-eds and svm-eps that look and change nothing, from outside."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
MINIMAL = ROOT / "examples/minimal.yaml"
FIGURE3 = ROOT / "examples/figure3.yaml"


def run(tool, *arguments, **keywords):
    return subprocess.run([BUILD / "tools" / tool, *arguments], capture_output=True, text=True,
                          **keywords)


def eds(*arguments):
    return run("svm-eds", *arguments)


class Connections(unittest.TestCase):
    def test_a_machine_without_connections_lists_none(self):
        done = eds("connections", "--simulate")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_json_says_how_many_there_are(self):
        done = eds("connections", "--simulate", "--json", "--client", "10.9.0.0/16", "--limit", "5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), {
            "schema": "lsvm-connections/1", "seen": 0, "matched": 0, "connections": []})

    def test_a_wrong_filter_is_said_so(self):
        for arguments, status, word in ((("--client", "x"), 1, '"x" is no client'),
                                        (("--vip", "192.0.2.1:99999"), 1, "virtual address"),
                                        (("--server", "[::1"), 1, "server"),
                                        (("--limit", "0"), 2, "--limit")):
            done = eds("connections", "--simulate", *arguments)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            self.assertIn(word, done.stderr)


def predict(*arguments):
    return eds("predict", "--client", "10.9.0.2", "--vip", "192.0.2.100:80", *arguments)


class Predict(unittest.TestCase):
    def edited(self, scheduler):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "cluster.yaml"
        path.write_text(MINIMAL.read_text().replace(
            "  - name: web\n", f"  - name: web\n    scheduler: {scheduler}\n"))
        return path

    def test_a_cluster_file_does_without_a_kernel(self):
        for machine in ((), ("--machine", "eds2")):
            done = predict("--json", *machine, self.edited("sh"))
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            self.assertEqual(found["schema"], "lsvm-prediction/1")
            self.assertEqual(found["service"], "tcp 192.0.2.100:80")
            self.assertEqual(found["outcome"], "served")
            self.assertIn(found["server"]["address"], ("192.0.2.21", "192.0.2.22"))
        self.assertRegex(predict(self.edited("sh")).stdout,
                         r"^tcp 192.0.2.100:80, scheduler sh: 192.0.2.2[12]:80 \(direct\)\nserved: ")

    def test_clients_differ_by_their_addresses(self):
        path = self.edited("sh")
        servers = {json.loads(eds("predict", "--client", f"10.9.0.{i}", "--vip", "192.0.2.100:80",
                                  "--json", path).stdout)["server"]["address"] for i in range(1, 9)}
        self.assertEqual(servers, {"192.0.2.21", "192.0.2.22"})

    def test_what_depends_on_history_cannot_be_told(self):
        found = json.loads(predict("--json", self.edited("rr")).stdout)
        self.assertEqual((found["outcome"], found["server"]), ("any", None))
        self.assertIn("cannot be told", predict(self.edited("rr")).stdout)

    def test_what_cannot_be_asked_is_said_so(self):
        for arguments, status, word in (
                (("predict",), 2, "--client"),
                (("predict", "--client", "10.9.0.2"), 2, "--vip"),
                (("predict", "--client", "10.9.0.2", "--vip", "192.0.2.100", MINIMAL), 1, "virtual"),
                (("predict", "--client", "10.9.0.2", "--vip", "[2001:db8::1]:80", MINIMAL), 1, "family"),
                (("predict", "--client", "10.9.0.2", "--vip", "192.0.2.99:80", MINIMAL), 1, "no service"),
                (("predict", "--client", "10.9.0.2", "--vip", "192.0.2.100:80", "--protocol", "x"), 2, "tcp"),
                (("predict", "--client", "10.9.0.2", "--vip", "192.0.2.100:80", "--machine", "eps1",
                  MINIMAL), 1, "director"),
                (("predict", "--client", "10.9.0.2", "--vip", "192.0.2.100:80", "--simulate"), 1,
                 "no service")):
            done = eds(*arguments)
            self.assertEqual((done.returncode, done.stdout), (status, ""), arguments)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
