#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configurations of other programs, imported: cluster file and report, byte for byte.

For each tests/golden/import/NAME.conf, NAME.cf, NAME.ipvsadm:
    NAME.SUFFIX.expected  exit status, standard output, standard error

UPDATE=1 writes the files instead of comparing them. The samples that Debian's keepalived comes
with are imported where they lie: each becomes a cluster file that loads, no line of a virtual
server or an instance is lost without a word, and every file compiles.
"""
import difflib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
GOLDEN = ROOT / "tests/golden/import"
SAMPLES = pathlib.Path("/usr/share/doc/keepalived/samples")
SUFFIXES = (".conf", ".cf", ".ipvsadm")


def ems(*arguments):
    return subprocess.run([BUILD / "tools/svm-ems", *arguments], capture_output=True, text=True,
                          cwd=GOLDEN)


def compare(path):
    expected = path.with_name(path.name + ".expected")
    empty = ["--from", "keepalived"] if path.stat().st_size == 0 else []
    done = ems("import", *empty, path.name)
    have = f"exit status {done.returncode}\n\n{done.stdout}\n{done.stderr}"
    if os.environ.get("UPDATE"):
        expected.write_text(have)
        return True
    want = expected.read_text() if expected.exists() else ""
    sys.stdout.writelines(list(difflib.unified_diff(
        want.splitlines(True), have.splitlines(True), expected.name, "what is said now", n=2))[:60])
    return have == want


def compiles(yaml):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(yaml)
        file.flush()
        return ems("plan", file.name).returncode == 0


def spoken_of(path, notes, yaml):
    """Addresses and schedulers of virtual servers stand in the file, or their line in the report."""
    lines = {n for note in notes if "line" in note for n in range(note["line"], note["last_line"] + 1)}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        words = line.split("!")[0].split("#")[0].split()
        if len(words) < 2 or number in lines:
            continue
        if words[0] in ("virtual_server", "real_server") and words[1] not in ("group", "fwmark"):
            if words[1] not in yaml:
                return f"{path.name}:{number}: {words[1]} is lost without a word"
        if words[0] == "lb_algo" and f"scheduler: {words[1]}" not in yaml:
            return f"{path.name}:{number}: {words[1]} is lost without a word"
    return None


def import_sample(path):
    done = ems("import", "--json", "--from", "keepalived", path)
    if done.returncode != 0:
        return f"{path.name}: status {done.returncode}\n{done.stderr}"
    document = json.loads(done.stdout)
    if not document["loads"]:
        return f"{path.name}: the cluster file has errors"
    if not compiles(document["yaml"]):
        return f"{path.name}: the cluster file does not compile"
    return spoken_of(path, document["notes"], document["yaml"])


def samples():
    """Where the package was installed without documentation there are none, and dpkg says so."""
    found = sorted(SAMPLES.glob("keepalived.conf.*"))
    if found:
        return found
    listed = subprocess.run(["dpkg", "-L", "keepalived"], capture_output=True, text=True).stdout
    excludes = "".join(p.read_text() for p in pathlib.Path("/etc/dpkg/dpkg.cfg.d").glob("*"))
    if str(SAMPLES) in listed and "path-exclude" in excludes:
        return []
    sys.exit(f"{SAMPLES} has no samples; install the packages of tests/packages.txt")


def main():
    own = sorted(p for p in GOLDEN.iterdir() if p.suffix in SUFFIXES)
    failed = sum(not compare(path) for path in own)
    real = samples()
    for path in real:
        complaint = import_sample(path)
        if complaint:
            print(complaint)
            failed += 1
    print(f"{len(own)} own configurations, {len(real)} of the package, {failed} wrong")
    return 1 if failed or not own else 0


if __name__ == "__main__":
    sys.exit(main())
