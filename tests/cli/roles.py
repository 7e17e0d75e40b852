#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""svm-eds and svm-eps from outside, on a machine in memory: what they print, how they end."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
MINIMAL = ROOT / "examples/minimal.yaml"
TOOLS = ("svm-eds", "svm-eps")
MACHINE = {"svm-eds": "eds1", "svm-eps": "eps1"}


def run(tool, *arguments, **keywords):
    return subprocess.run([BUILD / "tools" / tool, *arguments], capture_output=True, text=True,
                          **keywords)


def simulate(tool, command, *arguments):
    return run(tool, command, "--simulate", "--machine", MACHINE[tool], *arguments)


class Roles(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        return path

    def ends(self, done, status, word=""):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(word, done.stderr)

    def test_a_wrong_command_line_is_told_and_nothing_is_done(self):
        for tool in TOOLS:
            for arguments, word in (
                    ((), "command"),
                    (("nonsense",), "nonsense"),
                    (("--nonsense",), "--nonsense"),
                    (("apply",), "--plan"),
                    (("apply", "--simulate"), "--plan"),
                    (("apply", "--nonsense", MINIMAL), "--nonsense"),
                    (("apply", "--machine"), "--machine"),
                    (("apply", MINIMAL, MINIMAL), "too many"),
                    (("apply", "--plan", "p.json", MINIMAL), "--plan"),
                    (("apply", "--plan", "p.json", "--machine", "eds1"), "--machine"),
                    (("status", "x"), "too many"),
                    (("reset", "--plan", "p.json"), "--plan")):
                with self.subTest(tool=tool, arguments=arguments):
                    done = run(tool, *arguments)
                    self.ends(done, 2, word)
                    self.assertEqual(done.stdout, "")
                    self.assertTrue(done.stderr.startswith(f"{tool}: "))
                    self.assertIn("--help", done.stderr)
        self.ends(run("svm-eds", "apply", "--duty", "lazy", MINIMAL), 2, "lazy")
        self.ends(run("svm-eps", "apply", "--duty", "auto", MINIMAL), 2, "--duty")

    def test_help_and_version(self):
        for tool in TOOLS:
            done = run(tool, "--help")
            self.ends(done, 0)
            for command in ("apply", "diff", "status", "reset"):
                self.assertRegex(done.stdout, rf"(?m)^  {tool} {command}\b")
                self.assertIn("--json", run(tool, command, "--help").stdout)
            self.assertRegex(run(tool, "--version").stdout, rf"^{tool} \d+\.\d+\.\d+\n$")

    def test_apply_prints_its_steps(self):
        for tool in TOOLS:
            done = simulate(tool, "apply", MINIMAL)
            self.ends(done, 0)
            self.assertRegex(done.stdout, r"(?m)^add address 192\.0\.2\.100/32 ")
            self.assertRegex(done.stdout, r"\n\d+ steps done\n$")
            steps = done.stdout.splitlines()[:-1]
            for dry in (("apply", "--dry-run"), ("diff",)):
                done = simulate(tool, *dry, MINIMAL)
                self.ends(done, 0)
                told, _, impact = done.stdout.partition("\n\n")
                self.assertEqual(told.splitlines(), steps)
                self.assertEqual(impact.startswith("impact: none\n  1 service begins to serve\n"),
                                 tool == "svm-eds", impact)

    def test_json_is_the_librarys(self):
        for tool in TOOLS:
            for command, schema in (("apply", "steps"), ("diff", "steps"), ("status", "status"),
                                    ("reset", "steps")):
                arguments = (MINIMAL,) if command in ("apply", "diff") else ()
                done = simulate(tool, command, "--json", *arguments)
                self.ends(done, 0)
                self.assertEqual(json.loads(done.stdout)["schema"], f"lsvm-{schema}/1")

    def test_the_impact_is_told_and_limited(self):
        for arguments in (("diff",), ("apply", "--dry-run")):
            done = simulate("svm-eds", *arguments, "--json", MINIMAL)
            self.ends(done, 0)
            impact = json.loads(done.stdout)["impact"]
            self.assertEqual((impact["schema"], impact["level"]), ("lsvm-impact/1", "none"))
            self.assertEqual(impact["services"][0]["clients"]["gained"], 4096)
        for level in ("none", "new", "established"):
            done = simulate("svm-eds", "apply", "--max-impact", level, MINIMAL)
            self.ends(done, 0)
            self.assertRegex(done.stdout, r"\n\d+ steps done\n$")
        self.ends(simulate("svm-eds", "apply", "--max-impact", "some", MINIMAL), 2, "some")
        self.ends(simulate("svm-eps", "apply", "--max-impact", "none", MINIMAL), 2, "--max-impact")

    def test_a_plan_does_as_well_as_a_cluster_file(self):
        for tool in TOOLS:
            plan = run("svm-ems", "plan", "--json", MINIMAL, MACHINE[tool])
            self.ends(plan, 0)
            path = self.write("plan.json", plan.stdout)
            done = run(tool, "apply", "--simulate", "--plan", path)
            self.ends(done, 0)
            self.assertEqual(done.stdout, simulate(tool, "apply", MINIMAL).stdout)
            broken = self.write("broken.json", plan.stdout[:-20])
            self.ends(run(tool, "apply", "--simulate", "--plan", broken), 1, f"{tool}: ")
            self.ends(run(tool, "apply", "--simulate", "--plan", "/nonexistent"), 1, "/nonexistent")

    def test_duty_decides_who_holds_the_vips(self):
        address = "add address 192.0.2.100/32"
        for machine, duty, holds in (("eds1", "auto", True), ("eds2", "auto", False),
                                     ("eds2", "master", True), ("eds1", "backup", False)):
            done = run("svm-eds", "diff", "--simulate", "--machine", machine, "--duty", duty, MINIMAL)
            self.ends(done, 0)
            self.assertEqual(address in done.stdout, holds, (machine, duty))
            self.assertIn("service tcp 192.0.2.100:80", done.stdout)

    def test_the_wrong_tool_and_an_unknown_machine_are_refused(self):
        self.ends(run("svm-eds", "diff", "--simulate", "--machine", "eps1", MINIMAL), 1, "director")
        self.ends(run("svm-eps", "diff", "--simulate", "--machine", "eds1", MINIMAL), 1, "server")
        self.ends(run("svm-eps", "diff", "--simulate", "--machine", "eps9", MINIMAL), 1, "eps9")

    def test_a_host_name_that_no_machine_has_is_told_with_those_there_are(self):
        for tool, names in (("svm-eds", "eds1, eds2"), ("svm-eps", "eps1, eps2")):
            for machine in ((), ("--machine", "nobody")):
                done = run(tool, "diff", "--simulate", *machine, MINIMAL)
                self.ends(done, 1, "--machine")
                self.assertTrue(done.stderr.endswith(f": {names}\n"), done.stderr)
                self.assertEqual("host name" in done.stderr, not machine)

    def test_to_become_another_machine_can_be_forced(self):
        for tool in TOOLS:
            for command in ("apply", "diff"):
                self.ends(simulate(tool, command, "--force", MINIMAL), 0)
            self.ends(simulate(tool, "reset", "--force"), 2, "--force")

    def test_findings_are_printed_and_nothing_is_done(self):
        path = self.write("bad.yaml", MINIMAL.read_text().replace("[eps1, eps2]", "[eps1, eps3]"))
        for tool in TOOLS:
            done = simulate(tool, "apply", path)
            self.ends(done, 3)
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, rf"(?m)^{re.escape(str(path))}:\d+:\d+: error: .* \[[a-z-]+\]$")
            self.ends(simulate(tool, "apply", "/nonexistent.yaml"), 1, "/nonexistent.yaml")

    def test_status_and_reset_of_an_empty_machine(self):
        for tool in TOOLS:
            done = simulate(tool, "status")
            self.ends(done, 0)
            self.assertIn("nothing is applied", done.stdout)
            self.assertEqual("PACKETS-IN" in done.stdout, tool == "svm-eds")
            self.assertFalse(json.loads(simulate(tool, "status", "--json").stdout)["applied"])
            done = simulate(tool, "reset")
            self.ends(done, 0)
            self.assertEqual(done.stdout, "nothing to do\n")

    def test_a_closed_output_is_a_failure(self):
        for tool in TOOLS:
            with open("/dev/full", "w") as full:
                done = subprocess.run([BUILD / "tools" / tool, "--help"], stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
