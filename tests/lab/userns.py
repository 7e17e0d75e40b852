#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A director without root: userns-guest.sh in a guest says which facts hold."""
import os
import subprocess
import unittest

BUILD = os.environ["LSVM_BUILD_ROOT"]
ROOT = os.environ["LSVM_SOURCE_ROOT"]
FACTS = 5


class UserNamespace(unittest.TestCase):
    def test_every_fact_holds_in_the_guest(self):
        done = subprocess.run(
            [f"{BUILD}/tools/svm-lab", "guest", "--timeout", "120", "--",
             f"{ROOT}/tests/lab/userns-guest.sh", f"{BUILD}/tools", f"{ROOT}/examples"],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("fact: "), FACTS, done.stdout)
        self.assertTrue(done.stdout.endswith("all held\n"))


if __name__ == "__main__":
    unittest.main()
