#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script of faults that cannot be carried out is refused with its line before anything starts."""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

SVM_LAB = os.environ["LSVM_BUILD_ROOT"] + "/tools/svm-lab"
MINIMAL = os.environ["LSVM_SOURCE_ROOT"] + "/examples/minimal.yaml"

# What is wrong, in which line, and what is said of it.
WRONG = [
    ("power-off eds9", 1, "no machine 'eds9'"),
    ("power-off client", 1, "no machine 'client'"),
    ("# first\n\nat 1s: explode eds1", 3, "'explode' is no step"),
    ("at 2s: power-off eds1\nat 1s: power-on eds1", 2, "time goes backwards"),
    ("power-off eds1\npower-off eds1", 2, "eds1 is switched off at this point"),
    ("power-on eds1", 1, "eds1 is switched on at this point"),
    ("power-off eps1\npull-cable eps1", 2, "switched off"),
    ("kill-agent eds1\nstop-agent eds1", 2, "does not run at this point"),
    ("start-agent eds1", 1, "runs already at this point"),
    ("kill-agent r1", 1, "runs no agent"),
    ("wedge eds1", 1, "eds1 is no server"),
    ("pull-cable eds1 eth7", 1, "no interface 'eth7'"),
    ("pull-cable eds1 eth0 eth1", 1, "write: pull-cable MACHINE [INTERFACE]"),
    ("loss nowhere 3%", 1, "no network 'nowhere'"),
    ("loss front 300%", 1, "0% to 100%"),
    ("loss front 3", 1, "0% to 100%"),
    ("delay front soon", 1, "is no time"),
    ("delay front 2h", 1, "is no time"),
    ("delay front 61min", 1, "60min at most"),
    ("at noon: end", 1, "is no time"),
    ("at 3s power-off eds1", 1, "write: at TIME: STEP"),
    ("expect", 1, "write: expect master"),
    ("expect master eps1", 1, "no director 'eps1'"),
    ("expect server eds1 out", 1, "no server 'eds1'"),
    ("expect server eps1 away", 1, "write: expect master"),
    ("expect server eps1 out within", 1, "write: expect master"),
    ("expect outage below nan", 1, "is no time"),
    ("end\npower-off eds1", 2, "nothing can come after"),
    ("power-off eds1\nclient rate 3", 2, "stands before all steps"),
    ("client rate 100000", 1, "client rate 0..10000"),
    ("client hold 3 every 1ms", 1, "10ms or more"),
    ("client colour blue", 1, "the client takes one of"),
    ("power-off " + "x" * 600, 1, "longer than"),
    ("a b c d e f g h i j k l m", 1, "more than 12 words"),
    ("end\n" * 0 + "# nothing", None, "no step is in it"),
    ("wait-settled 1s\n" * 1001, 1001, "more than 1000 steps"),
]


class Faults(unittest.TestCase):
    def run_script(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.faults")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            done = subprocess.run([SVM_LAB, "run", "--faults", path, MINIMAL],
                                  capture_output=True, text=True, timeout=60)
        return path, done

    def test_what_is_wrong_is_told_with_its_line(self):
        begun = time.monotonic()
        for text, line, said in WRONG:
            with self.subTest(text[:60]):
                path, done = self.run_script(text)
                where = f"svm-lab: {path}:{line}: " if line else f"svm-lab: {path}: "
                self.assertTrue(done.stderr.startswith(where), done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertLess((time.monotonic() - begun) / len(WRONG), 2, "a guest was started")

    def test_bytes_that_are_no_text_are_refused(self):
        _, done = self.run_script(bytes(range(1, 256)) * 3)
        self.assertEqual(done.returncode, 3)
        self.assertNotEqual(done.stderr, "")

    def test_a_script_that_is_missing_is_said_so(self):
        done = subprocess.run([SVM_LAB, "run", "--faults", "/nowhere/x", MINIMAL],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (3, "svm-lab: /nowhere/x: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
