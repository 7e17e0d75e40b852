#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units of systemd: what they start is there, and what they rely on is so."""
import configparser
import os
import pathlib
import shutil
import subprocess
import unittest

BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#",
                                       delimiters="=")
    parser.optionxform = str
    parser.read(BUILD / "systemd" / f"{name}.service")
    return parser


class Units(unittest.TestCase):
    def test_they_start_what_is_there(self):
        for name in ("svm-eds", "svm-eps"):
            with self.subTest(name):
                command = unit(name)["Service"]["ExecStart"].split()
                self.assertTrue(command[0].endswith(f"/bin/{name}"), command)
                page = subprocess.run([BUILD / "tools" / name, command[1], "--help"],
                                      capture_output=True, text=True)
                self.assertEqual(page.returncode, 0, page.stderr)
                for option in ("--machine", "--key", "--metrics"):
                    self.assertIn(option, page.stdout)

    def test_readiness_watchdog_and_reload(self):
        for name in ("svm-eds", "svm-eps"):
            with self.subTest(name):
                service = unit(name)["Service"]
                self.assertEqual(service["Type"], "notify")
                self.assertGreater(int(service["WatchdogSec"]), 0)
                self.assertIn("-HUP", service["ExecReload"])

    def test_an_end_leaves_running_what_must_go_on(self):
        self.assertEqual(unit("svm-eds")["Service"]["KillMode"], "mixed")
        # nginx is a child of svm-eps.
        self.assertEqual(unit("svm-eps")["Service"]["KillMode"], "process")

    def test_the_manager_understands_them(self):
        analyze = shutil.which("systemd-analyze")
        if not analyze:
            return
        for name in ("svm-eds", "svm-eps"):
            done = subprocess.run([analyze, "verify", "--man=no", BUILD / "systemd" / f"{name}.service"],
                                  capture_output=True, text=True)
            lines = [l for l in done.stderr.splitlines()
                     if f"{name}.service" in l and "is not executable" not in l]
            self.assertEqual(lines, [])


if __name__ == "__main__":
    unittest.main()
