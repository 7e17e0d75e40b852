#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""svm-eds run on a real kernel: its control socket, checks, log and manager, and checks that go through the
director. The scripts say in a guest which facts hold."""
import os
import subprocess
import unittest

BUILD = os.environ["LSVM_BUILD_ROOT"]
ROOT = os.environ["LSVM_SOURCE_ROOT"]


class Control(unittest.TestCase):
    def held(self, facts, script, *arguments):
        done = subprocess.run(
            [f"{BUILD}/tools/svm-lab", "guest", "--timeout", "250", "--",
             f"{ROOT}/tests/lab/{script}", f"{BUILD}/tools", *arguments],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("fact: "), facts, done.stdout)
        self.assertTrue(done.stdout.endswith("all held\n"))

    def test_an_agent_is_asked_and_told(self):
        self.held(9, "control-guest.sh", f"{ROOT}/tests/lab")

    def test_checks_go_through_a_master(self):
        self.held(3, "through-guest.sh")


if __name__ == "__main__":
    unittest.main()
