#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""svm-ems from outside: what it prints, and how it ends."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
FIGURE3 = ROOT / "examples/figure3.yaml"
MINIMAL = ROOT / "examples/minimal.yaml"


def ems(*arguments, stdout=subprocess.PIPE, **more):
    return subprocess.run([BUILD / "tools/svm-ems", *arguments], stdout=stdout, **more,
                          stderr=subprocess.PIPE, text=True)


class Ems(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        return path

    def edited(self, old, new, source=MINIMAL):
        text = source.read_text()
        self.assertIn(old, text)
        return self.write("edited.yaml", text.replace(old, new))

    def test_a_good_file_has_nothing_to_complain_about(self):
        done = ems("check", FIGURE3, MINIMAL)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout, f"{FIGURE3}: nothing to complain about\n"
                                      f"{MINIMAL}: nothing to complain about\n")
        self.assertEqual(done.stderr, "")

    def test_an_error_has_its_place_its_code_and_a_hint(self):
        path = self.edited("servers: [eps1, eps2]", "servers: [eps1, eps3]")
        line = path.read_text().split("servers: [eps1, eps3]")[0].count("\n") + 1
        done = ems("check", path)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, rf"(?m)^{path}:{line}:\d+: error: .*eps3.* \[[a-z-]+\]\n    \S")

    def test_findings_as_json(self):
        path = self.edited("servers: [eps1, eps2]", "servers: [eps1, eps3]")
        done = ems("check", "--json", path, MINIMAL, "/nonexistent")
        self.assertEqual(done.returncode, 1)
        document = json.loads(done.stdout)
        self.assertEqual(document["schema"], "lsvm-check/1")
        bad, good, lost = document["files"]
        self.assertEqual((bad["file"], bad["errors"], bad["warnings"]), (str(path), 1, 0))
        self.assertIn("eps3", bad["findings"][0]["text"])
        self.assertEqual(good, {"file": str(MINIMAL), "errors": 0, "warnings": 0, "findings": []})
        self.assertEqual(lost["file"], "/nonexistent")
        self.assertIn("/nonexistent", lost["error"])
        self.assertEqual(ems("check", "--json", path).returncode, 3)

    def test_warnings_count_only_when_asked_to(self):
        path = ROOT / "tests/golden/findings/weight-is-capacity.yaml"
        done = ems("check", path)
        self.assertIn(": warning: ", done.stdout)
        self.assertNotIn(": error: ", done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(ems("check", "--strict", path).returncode, 3)
        self.assertEqual(ems("check", "--strict", MINIMAL).returncode, 0)

    def test_a_good_file_does_not_hide_a_bad_one(self):
        bad = self.write("bad.yaml", "name: [")
        for files in ((bad, MINIMAL), (MINIMAL, bad)):
            self.assertEqual(ems("check", *files).returncode, 3)
        self.assertEqual(ems("check", bad, "/nonexistent").returncode, 1)

    def test_a_file_that_is_not_there_is_a_failure(self):
        for command in ("check", "show", "plan"):
            done = ems(command, "/nonexistent")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"^svm-ems: .*/nonexistent.*\n$")

    def test_a_file_may_come_through_a_pipe_that_is_filled_slowly(self):
        for path in ("-", "/dev/stdin"):
            for command in (("check", path), ("show", path), ("plan", path, "eds1"), ("diff", path, MINIMAL)):
                slow = subprocess.Popen(["sh", "-c", f"sleep 0.1; cat '{MINIMAL}'"], stdout=subprocess.PIPE)
                done = ems(*command, stdin=slow.stdout)
                slow.stdout.close()
                self.assertEqual((slow.wait(), done.returncode, done.stderr), (0, 0, ""), command)
        done = ems("check", "-", input="name: [")
        self.assertEqual(done.returncode, 3)
        self.assertIn("-:2:1: error: ", done.stdout)
        as_json = ems("show", "--json", MINIMAL).stdout
        self.assertEqual(ems("show", "--json", "-", input=as_json).stdout, as_json)

    def test_a_bad_file_is_not_shown(self):
        bad = self.write("bad.yaml", "name: [")
        for arguments in (("show", bad), ("plan", bad), ("diff", bad, MINIMAL), ("diff", MINIMAL, bad)):
            done = ems(*arguments)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stdout, "")
            self.assertIn("bad.yaml:", done.stderr)

    def test_show_names_what_there_is(self):
        done = ems("show", FIGURE3)
        self.assertEqual(done.returncode, 0)
        for word in ("figure3", "two-routers-private", "eps6", "192.0.2.121", "www.c1.example"):
            self.assertIn(word, done.stdout)

    def test_canonical_forms_are_stable(self):
        first = ems("show", "--yaml", FIGURE3).stdout
        self.assertEqual(ems("show", "--yaml", self.write("a.yaml", first)).stdout, first)
        first = ems("show", "--json", FIGURE3).stdout
        self.assertEqual(ems("show", "--json", self.write("a.json", first)).stdout, first)
        self.assertEqual(json.loads(first)["schema"], "lsvm-cluster/1")

    def test_plans_as_json_are_those_of_all_machines(self):
        plans = json.loads(ems("plan", "--json", FIGURE3).stdout)["plans"]
        self.assertEqual([p["machine"] for p in plans],
                         ["ems", "r1", "r2", "eds1", "eds2"] + [f"eps{i}" for i in range(1, 7)])
        one = json.loads(ems("plan", "--json", FIGURE3, "eps1").stdout)
        self.assertEqual(one, plans[5])

    def test_duty_moves_the_virtual_addresses(self):
        def addresses(machine, duty):
            text = ems("plan", "--json", "--duty", duty, FIGURE3, machine).stdout
            found = [a["address"] for a in json.loads(text)["addresses"]]
            return len([a for a in found if a.endswith("/32")])
        self.assertEqual([addresses("eds1", d) for d in ("auto", "master", "backup")], [7, 7, 0])
        self.assertEqual([addresses("eds2", d) for d in ("auto", "master", "backup")], [0, 7, 0])

    def test_one_file_of_a_plan(self):
        done = ems("plan", "--file", "/etc/svm/nginx.conf", MINIMAL, "eps1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("server_name www.example.com;", done.stdout)
        done = ems("plan", "--file", "/etc/passwd", MINIMAL, "eps1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/etc/passwd", done.stderr)

    def test_a_machine_that_is_not_there(self):
        done = ems("plan", MINIMAL, "nobody")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nobody", done.stderr)

    def test_equal_files_do_not_differ(self):
        done = ems("diff", FIGURE3, FIGURE3)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_new_server_is_added_to_the_table_of_each_director(self):
        new = self.edited("servers: [{server: eps6, dedicated: true}]", "servers: [eps6, eps5]", FIGURE3)
        done = ems("diff", FIGURE3, new)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.count("add destination 192.168.2.25:80 of tcp 192.0.2.121:80"), 2)
        self.assertIn("\neps5\n", done.stdout)
        self.assertNotIn("\neps4\n", done.stdout)
        both = json.loads(ems("diff", "--json", FIGURE3, new).stdout)
        self.assertEqual(both["schema"], "lsvm-diff/1")
        self.assertEqual(len(both["machines"]), 11)
        self.assertEqual({m["machine"] for m in both["machines"] if m["steps"]["steps"]},
                         {"eds1", "eds2", "eps5"})

    def test_what_a_change_does_to_clients_is_told(self):
        hashed = self.edited("servers: [eps1, eps2]", "scheduler: sh\n    servers: [eps1, eps2]")
        hashed = hashed.rename(hashed.with_name("old.yaml"))
        new = self.edited("servers: [eps1, eps2]", "servers: [eps1, {server: eps2, weight: 0}]", hashed)
        done = ems("diff", hashed, new)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n  impact: new\n    tcp 192.0.2.100:80: new\n", done.stdout)
        self.assertIn("[drained-refuses]\n", done.stdout)
        for machine in json.loads(ems("diff", "--json", hashed, new).stdout)["machines"]:
            self.assertEqual(machine["impact"]["schema"], "lsvm-impact/1")
            self.assertEqual(machine["impact"]["level"],
                             "new" if machine["machine"].startswith("eds") else "none")

    def test_wrong_command_lines(self):
        for arguments in ((), ("fly",), ("check",), ("show", MINIMAL, MINIMAL), ("plan", "--duty", "x", MINIMAL),
                          ("show", "--json", "--yaml", MINIMAL), ("plan", "--file", "/x", MINIMAL),
                          ("diff", MINIMAL), ("check", "--nonsense", MINIMAL)):
            done = ems(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stdout, "")
            self.assertIn("--help", done.stderr)

    def test_a_full_disk_is_not_success(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(ems("show", FIGURE3, stdout=full).returncode, 1)

    def test_import_prints_the_file_and_reports(self):
        path = ROOT / "tests/golden/import/pair.conf"
        done = ems("import", path)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout[0], "#")
        self.assertRegex(done.stderr, rf"(?m)^{path}:3: lost: router_id lb-a\n    \S")
        imported = self.write("imported.yaml", done.stdout)
        self.assertEqual(ems("plan", imported).returncode, 0)
        self.assertEqual(ems("import", "--strict", path).returncode, 3)
        self.assertEqual(json.loads(ems("import", "--json", path).stdout)["schema"], "lsvm-import/1")

    def test_import_says_what_it_cannot_read(self):
        self.assertEqual(ems("import", MINIMAL).returncode, 1)
        self.assertEqual(ems("import", "--from", "svm", MINIMAL).returncode, 2)
        self.assertEqual(ems("import", "/nowhere").returncode, 1)
        done = ems("import", "--from", "ipvsadm", ROOT / "tests/golden/import/wrong.ipvsadm")
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2", done.stderr)
        mixed = self.write("mixed.conf", "".join(
            f"virtual_server 192.0.2.{n} 80 {{\nlb_kind {kind}\nreal_server 10.0.0.1 80 {{\n}}\n}}\n"
            for n, kind in ((1, "NAT"), (2, "DR"))))
        done = ems("import", mixed)
        self.assertEqual(done.returncode, 3)
        self.assertIn("nat-mixed", done.stderr)


    def test_a_key_is_new_each_time_and_a_machine_s_follows_from_it(self):
        one, two = ems("key"), ems("key")
        self.assertEqual(one.returncode, 0)
        self.assertRegex(one.stdout, r"^svm-key-1 cluster [0-9a-f]{64}\n$")
        self.assertNotEqual(one.stdout, two.stdout)
        path = self.write("cluster.key", one.stdout)
        first, again = (ems("key", "--machine", "eps1", path) for _ in range(2))
        self.assertRegex(first.stdout, r"^svm-key-1 machine eps1 [0-9a-f]{64}\n$")
        self.assertEqual(first.stdout, again.stdout)
        self.assertNotEqual(first.stdout, ems("key", "--machine", "eps2", path).stdout)
        own = self.write("eps1.key", first.stdout)
        done = ems("key", "--machine", "eps2", own)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("'eps1' alone", done.stderr)
        self.assertEqual(ems("key", "--machine", "eps1").returncode, 2)
        self.assertEqual(ems("key", path).returncode, 2)


if __name__ == "__main__":
    unittest.main()
