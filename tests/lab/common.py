# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of svm-lab share: starting it, and what it may leave behind, which is nothing."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
SVM_LAB = str(BUILD / "tools/svm-lab")


def svm_lab(*arguments, timeout=280):
    return subprocess.run([SVM_LAB, *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout)


def guest_processes():
    """Those of this build's guests and of its svm-lab that run; dead ones do not count."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            folder = pathlib.Path("/proc", pid)
            alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            line = (folder / "cmdline").read_text()
            ours = line.startswith(SVM_LAB) or (line.startswith("/usr/bin/linux.uml") and
                                                str(BUILD) in (folder / "environ").read_text())
            if alive and ours:
                found.add(int(pid))
    return found


def host_state():
    """What a lab could change on this machine if it were careless."""
    state = {}
    for path in ("/etc/hosts", "/etc/hostname", "/etc/nginx/nginx.conf", "/proc/net/route"):
        with contextlib.suppress(OSError):
            state[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    for folder in ("/etc/svm", "/srv", "/srv/svm", "/var/lib/svm", "/run/svm", "/run/netns", "/out",
                   "/lib/modules", "/sys/class/net"):
        with contextlib.suppress(OSError):
            state[folder] = sorted(os.listdir(folder))
    return state


def own_name(name):
    """A lab's name that nobody else on this machine uses."""
    return f"{name}-{os.getpid()}"


class LabTest(unittest.TestCase):
    """Checks before and after each test that the machine is as it was."""

    maxDiff = None

    def setUp(self):
        self.before = guest_processes(), host_state()
        self.addCleanup(self.check_nothing_is_left)  # the last one
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())
                                   if hasattr(self, "enterContext") else self.make_folder())

    def make_folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def check_nothing_is_left(self):
        deadline = time.monotonic() + 5
        left = guest_processes() - self.before[0]
        while left and time.monotonic() < deadline:  # one that is killed may take a moment to die
            time.sleep(0.05)
            left &= guest_processes()
        self.assertEqual(left, set(), "processes are left")
        self.assertEqual(host_state(), self.before[1])

    def up(self, path, name):
        done = svm_lab("up", "--lab", name, path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(svm_lab, "down", "--lab", name)

    def ask(self, name, *options):
        done = svm_lab("ask", "--lab", name, "--json", *options)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def inside(self, name, machine, *command):
        done = svm_lab("exec", "--lab", name, machine, "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
