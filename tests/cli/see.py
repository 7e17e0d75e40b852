#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands of svm-eds and svm-eps that look and change nothing, from outside."""
import json
import os
import pathlib
import subprocess
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


if __name__ == "__main__":
    unittest.main()
