#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every example, in C and in Python, from the same cluster files: the same text from both."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
FIGURE3 = EXAMPLES / "figure3.yaml"
PROGRAMS = {}  # name -> C program, from the command line


class Examples(unittest.TestCase):
    def both(self, name, *arguments, status=0):
        """Runs the pair, compares all they print, and gives it back."""
        arguments = [str(a) for a in arguments]
        c = subprocess.run([PROGRAMS[name], *arguments], capture_output=True, text=True)
        python = subprocess.run([sys.executable, EXAMPLES / f"{name}.py", *arguments],
                                capture_output=True, text=True)
        self.assertEqual(c.returncode, status, c.stdout + c.stderr)
        self.assertEqual(python.returncode, status, python.stdout + python.stderr)
        self.assertEqual(c.stdout, python.stdout)
        if status == 0:
            self.assertEqual(c.stderr + python.stderr, "")
        return c.stdout

    def test_there_is_a_pair_for_every_example(self):
        self.assertEqual({p.stem for p in EXAMPLES.glob("*.py")}, set(PROGRAMS))
        self.assertEqual({p.stem for p in EXAMPLES.glob("*.c")}, set(PROGRAMS))

    def test_every_cluster_file_loads_without_a_finding(self):
        self.assertGreaterEqual(len(FILES), 8)
        for path in FILES:
            with self.subTest(path.name):
                text = self.both("load", path)
                self.assertTrue(text.startswith("cluster "), text)

    def test_figure3_has_its_23_domains_on_7_vips(self):
        text = self.both("load", FIGURE3)
        self.assertEqual(len(re.findall(r"^    domain ", text, flags=re.M)), 23)
        self.assertEqual(len(re.findall(r"^  VIP ", text, flags=re.M)), 7)
        self.assertEqual(len(re.findall(r"^server ", text, flags=re.M)), 6)

    def test_a_lab_survives_its_master_s_power(self):
        text = self.both("lab", EXAMPLES / "minimal.yaml")
        self.assertIn("master eds1 after 2 failovers, 0 of 50 requests failed\n", text)

    def test_a_faulty_file_gives_its_findings_with_their_lines(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.yaml"
            text = FIGURE3.read_text()
            wrong = text.replace("eps2, {server: eps3, weight: 2}", "eps9, {server: eps3, weight: 70000}")
            self.assertNotEqual(wrong, text)
            path.write_text(wrong)
            out = self.both("load", path, status=3)
        line = next(i for i, l in enumerate(wrong.splitlines(), 1) if "eps9" in l)
        found = re.findall(rf"^{re.escape(str(path))}:{line}:\d+: error: .*\[[a-z-]+\]$", out,
                           flags=re.M)
        self.assertEqual(len(found), 2, out)

    def test_a_file_that_is_not_there_is_an_error(self):
        self.both("load", "/nonexistent.yaml", status=1)

    def test_a_server_more_is_one_change_of_the_cluster_and_one_destination_per_service(self):
        text = self.both("edit", FIGURE3, "C", "eps5", "eds1")
        lines = text.splitlines()
        self.assertTrue(lines[0].startswith("/partitions/"), text)
        steps = [l for l in lines if l.startswith("eds1: ")]
        self.assertEqual(len(steps), 1, text)
        self.assertIn("192.168.2.25", steps[0])

    def test_an_edit_that_cannot_be_is_refused(self):
        for arguments in (("C", "nobody", "eds1"), ("Z", "eps5", "eds1"), ("C", "eps5", "eds9")):
            with self.subTest(arguments):
                self.both("edit", FIGURE3, *arguments, status=1)

    def test_plans_have_tables_and_web_servers(self):
        director = self.both("plan", FIGURE3, "eds1")
        self.assertEqual(len(re.findall(r"^-A -t ", director, flags=re.M)), 7)
        server = self.both("plan", FIGURE3, "eps1")
        self.assertIn("server_name", server)
        self.assertNotIn("-A -t", server)
        self.both("plan", FIGURE3, "nobody", status=1)

    def test_a_second_reconcile_changes_nothing(self):
        for path in FILES:
            with self.subTest(path.name):
                first, second, *table = self.both("reconcile", path, "eds1").splitlines()
                self.assertRegex(first, r"^round 1: [1-9]\d* changes$")
                self.assertEqual(second, "round 2: 0 changes")
                # The plan's files may have lines of iptables too, which start with "-A svm".
                wanted = [l for l in self.both("plan", path, "eds1").splitlines()
                          if re.match("-[Aa] (?!svm )", l)]
                self.assertEqual(table, wanted)

    def test_what_was_applied_is_taken_back_whole(self):
        for path in FILES:
            for machine in ("eds1", "eps1"):
                with self.subTest(path.name, machine=machine):
                    text = self.both("apply", path, machine)
                    counts = [int(n) for n in re.findall(r"^(\d+) steps$", text, flags=re.M)]
                    self.assertEqual(len(counts), 3, text)
                    self.assertGreater(counts[0], 0)
                    self.assertEqual(counts[1], 0)
                    self.assertGreater(counts[2], 0)

    def test_an_agent_keeps_a_plan(self):
        text = self.both("agent", FIGURE3, "eds1", "eps3")
        for line in (r"applied eds1: holds its plan: \d+ steps", r"repaired eds1: .*add service.*",
                     r"drained eps3: .*", r"enabled eps3: .*", "duty: master", "stopped eds1: .*"):
            self.assertRegex(text, rf"(?m)^{line}$")

    def test_a_configuration_of_another_program_becomes_a_cluster_file(self):
        imports = ROOT / "tests" / "golden" / "import"
        for name in ("pair.conf", "plain.cf", "table.ipvsadm"):
            with self.subTest(name):
                text = self.both("import", imports / name)
                self.assertIn("\npartitions:\n", text)
                self.assertRegex(text, r"(?m)^line \d+: invented: ")
        self.both("import", imports / "wrong.ipvsadm", status=1)
        self.both("import", "/nonexistent", status=1)

    def test_a_server_less_hurts_whom_it_served(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "less.yaml"
            text = (EXAMPLES / "minimal.yaml").read_text()
            path.write_text(text.replace("[eps1, eps2]", "[eps1]"))
            self.assertNotEqual(path.read_text(), text)
            for after, start in ((EXAMPLES / "minimal.yaml", "hurts: none\n"),
                                 (path, "hurts: ")):
                out = self.both("impact", EXAMPLES / "minimal.yaml", after, "eds1")
                self.assertTrue(out.startswith(start), out)
        self.assertIn("192.0.2.22:80", out)
        self.both("impact", FIGURE3, FIGURE3, "nobody", status=1)

    def test_a_client_is_told_its_server(self):
        lines = self.both("sched", EXAMPLES / "minimal.yaml", "eds1", "10.9.0.7").splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^tcp 192\.0\.2\.100:80: 192\.0\.2\.2[12]$")
        for path in FILES:
            with self.subTest(path.name):
                self.both("sched", path, "eds1", "10.9.0.7")

    def test_an_agent_for_a_machine_or_server_that_is_not_there_is_an_error(self):
        self.both("agent", FIGURE3, "eds9", "eps3", status=1)
        self.both("agent", FIGURE3, "eds1", "eps9", status=1)


if __name__ == "__main__":
    programs = [a for a in sys.argv[1:] if not a.startswith("-")]
    PROGRAMS.update({pathlib.Path(p).name.replace("example-", "", 1): p for p in programs})
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[1:] if a.startswith("-")])
