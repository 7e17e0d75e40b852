#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands of svm-eds and svm-eps that look and change nothing, from outside."""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios
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
        for arguments, status, word in ((("--client", "x"), 2, '"x" is no client'),
                                        (("--vip", "192.0.2.1:99999"), 2, "virtual address"),
                                        (("--server", "[::1"), 2, "server"),
                                        (("--state", "foo"), 2, "ESTABLISHED, SYN_SENT"),
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


class Explain(unittest.TestCase):
    def test_an_empty_director_lacks_what_the_plan_says(self):
        arguments = ("explain", "--simulate", "--machine", "eds1", "eps1", MINIMAL)
        done = eds(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^error: service tcp 192.0.2.100:80 .* \[service-missing\]\n    \S")
        found = json.loads(eds(*arguments, "--json").stdout)
        self.assertEqual((found["schema"], found["machine"], found["role"], found["server"]),
                         ("lsvm-causes/1", "eds1", "director", "eps1"))
        self.assertEqual([c["cause"] for c in found["causes"]], ["service-missing"])

    def test_an_empty_server_lacks_what_the_plan_says(self):
        done = run("svm-eps", "explain", "--simulate", "--machine", "eps1", "--json", MINIMAL)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {c["cause"] for c in json.loads(done.stdout)["causes"]}
        self.assertLessEqual({"vip-missing", "arp-ignore", "arp-announce", "no-way-back",
                              "not-running", "not-listening"}, found)

    def test_what_cannot_be_explained_is_said_so(self):
        for tool, arguments, status, word in (
                ("svm-eds", (), 2, "SERVER"),
                ("svm-eds", ("--simulate", "eps1"), 1, "cluster"),
                ("svm-eds", ("--simulate", "--machine", "eds1", "eps9", MINIMAL), 1, "eps9"),
                ("svm-eps", ("--simulate",), 1, "nothing is applied"),
                ("svm-eps", ("--simulate", "--machine", "eds1", MINIMAL), 1, "not a server")):
            done = run(tool, "explain", *arguments)
            self.assertEqual((done.returncode, done.stdout), (status, ""), arguments)
            self.assertIn(word, done.stderr)


class Top(unittest.TestCase):
    def on_terminal(self, *arguments, keys=None, size=(10, 100)):
        """What svm-eds top writes to a terminal, and its status; keys: a signal to send."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        process = subprocess.Popen([BUILD / "tools/svm-eds", "top", "--simulate", *arguments],
                                   stdin=slave, stdout=slave, stderr=subprocess.PIPE)
        os.close(slave)
        seen = b""
        while b"SERVICE" not in seen:
            seen += os.read(master, 4096)
        if keys:
            process.send_signal(keys)
        try:
            while True:
                seen += os.read(master, 4096)
        except OSError:
            pass
        os.close(master)
        return seen.decode(), process.wait(timeout=10), process.stderr.read()

    def test_without_a_terminal_it_looks_once(self):
        done = eds("top", "--simulate")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^SERVICE +SCHED +WEIGHT +ACTIVE +INACTIVE +CONNS .*\n$")
        self.assertNotIn("\033", done.stdout)
        self.assertEqual(json.loads(eds("top", "--simulate", "--json").stdout)["schema"], "lsvm-ipvs/1")

    def test_looks_are_counted(self):
        done = eds("top", "--simulate", "--count", "2", "--interval", "1")
        self.assertEqual(done.stdout.count("SERVICE"), 2)

    def test_the_terminal_is_given_back(self):
        for signal_, arguments in ((signal.SIGINT, ()), (signal.SIGTERM, ()), (None, ("--count", "1"))):
            text, status, errors = self.on_terminal(*arguments, keys=signal_)
            self.assertEqual((status, errors), (0, b""))
            self.assertTrue(text.startswith("\033[?1049h\033[?25l"))
            self.assertTrue(text.endswith("\033[?25h\033[?1049l"))

    def test_lines_are_as_wide_as_the_terminal(self):
        text, _, _ = self.on_terminal("--count", "1", size=(10, 60))
        for line in re.sub(r"\033\[[?0-9]*[a-zA-Z]", "", text).split("\r\n"):
            self.assertLessEqual(len(line), 60)

    def test_wrong_use_is_said_so(self):
        for arguments, word in ((("--sort", "luck"), "luck"), (("--interval", "0"), "--interval"),
                                (("--count", "x"), "--count"), (("x",), "too many")):
            done = eds("top", "--simulate", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
