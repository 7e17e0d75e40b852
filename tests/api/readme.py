#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What README.md shows works as it stands there: its programs, its cluster file, its commands."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LSVM_BUILD_ROOT", ROOT / "build"))
TEXT = (ROOT / "README.md").read_text()


def block(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.S | re.M)
    assert len(found) == 1, (language, len(found))
    return found[0]


class Readme(unittest.TestCase):
    def run_ok(self, *command, **options):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              cwd=options.pop("cwd", ROOT), **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def test_the_c_program(self):
        source, program = self.path / "program.c", self.path / "program"
        source.write_text(block("c"))
        self.run_ok(os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", "-std=c99",
                    f"-I{ROOT / 'include'}", source, "-o", program, f"-L{BUILD / 'lib'}",
                    "-llsvm", f"-Wl,-rpath,{BUILD / 'lib'}")
        self.assertRegex(self.run_ok(program), r"^[1-9]\d* changes$")

    def test_the_python_program(self):
        out = self.run_ok(sys.executable, "-c", block("python"))
        self.assertIn("192.168.2.25", out)
        self.assertIn("-A -t 192.0.2.121:80", out)

    def test_the_cluster_file_and_the_commands(self):
        mine, new = self.path / "my.yaml", self.path / "new.yaml"
        mine.write_text(block("yaml"))
        new.write_text(block("yaml").replace("[eps1, eps2]", "[eps1]"))
        lines = re.findall(r"^    build/tools/(svm-ems .*?)(?: +#.*)?$", TEXT, flags=re.M)
        self.assertGreaterEqual(len(lines), 4)
        for line in lines:
            with self.subTest(line):
                tool, *words = line.split()
                self.run_ok(BUILD / "tools" / tool, *words, cwd=self.path)

    def test_the_commands_for_real_machines_on_simulated_ones(self):
        (self.path / "my.yaml").write_text(block("yaml"))
        lines = re.findall(r"^    (svm-e[dp]s .*?)(?: +#.*)?$", TEXT, flags=re.M)
        self.assertGreaterEqual(len(lines), 5)
        for line in lines:
            with self.subTest(line):
                tool, command, *words = line.split()
                if command in ("run", "events", "drain"):
                    # An agent, and what asks one: tests/lab starts them; here are their words.
                    text = self.run_ok(BUILD / "tools" / tool, command, "--help")
                    for option in (w for w in words if w.startswith("--")):
                        self.assertIn(option, text)
                    continue
                self.run_ok(BUILD / "tools" / tool, command, *words, "--simulate",
                            cwd=self.path)

    def test_keys(self):
        lines = re.findall(r"^    (svm-ems key .*?)(?: +#.*)?$", TEXT, flags=re.M)
        self.assertEqual(len(lines), 1)
        self.run_ok("sh", "-c", f"PATH={BUILD / 'tools'}:$PATH; " + lines[0], cwd=self.path)
        self.assertTrue((self.path / "cluster.key").read_text().startswith("svm-key-1"))

    def test_every_file_that_it_links_to_is_there(self):
        for target in re.findall(r"\]\(([^)#]+)\)", TEXT + (ROOT / "CONTRIBUTING.md").read_text()):
            with self.subTest(target):
                self.assertTrue((ROOT / target).exists())


if __name__ == "__main__":
    unittest.main()
