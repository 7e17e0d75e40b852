# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest: runs commands as the caller would, changes nothing, leaves nothing behind."""

import ctypes
import os
import signal
import subprocess
import tempfile
import time
import unittest

SVM_LAB = os.path.join(os.environ["LSVM_BUILD_ROOT"], "tools/svm-lab")


def guest(*command, options=(), **more):
    return subprocess.run([SVM_LAB, "guest", *options, "--", *command],
                          capture_output=True, text=True, timeout=100, **more)


PR_SET_CHILD_SUBREAPER = 36


def guest_processes():
    """Processes of guests that this test has started; others may run guests at the same time."""
    parents, guests = {}, set()
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
                parents[pid] = int(parent)
                if state != "Z" and line.read().startswith(("/usr/bin/linux.uml", SVM_LAB)):
                    guests.add(pid)
        except OSError:
            pass

    def is_ours(pid):
        while pid and pid != os.getpid():
            pid = parents.get(pid, 0)
        return pid != 0

    return set(filter(is_ours, guests))


class Guest(unittest.TestCase):
    def setUp(self):
        # What its parent left alone becomes a child of this process, and is found.
        self.assertEqual(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0)
        self.before = guest_processes()

    def tearDown(self):
        deadline = time.monotonic() + 10
        while guest_processes() - self.before and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(guest_processes() - self.before, set())

    def start(self, command):
        running = subprocess.Popen([SVM_LAB, "guest", "--", "sh", "-c", command],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(running.stdout.readline(), "up\n")
        return running

    def test_output_and_status_pass_through(self):
        done = guest("sh", "-c", "id -u; pwd; echo bad >&2; exit 7", cwd="/usr/share")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("0\n/usr/share\n", "bad\n", 7))

    def test_much_output_arrives_whole(self):
        done = guest("seq", "1", "200000")
        self.assertEqual(done.stdout, "".join(f"{i}\n" for i in range(1, 200001)))

    def test_the_kernel_has_ip_vs_and_what_the_lab_needs(self):
        done = guest("sh", "-c", "modprobe -a ip_vs ip_vs_wlc ip_vs_mh veth bridge ipip ip6_tunnel "
                     "sit ip_gre ip6_gre fou sctp nf_tables dummy && head -1 /proc/net/ip_vs")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("IP Virtual Server", done.stdout)

    def test_only_the_out_folder_of_the_host_changes(self):
        with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as other:
            done = guest("sh", "-c", f"echo a >/out/file && echo b >{other}/file && cat {other}/file "
                         "&& echo c >>/etc/issue", options=("--out", out))
            self.assertEqual((done.stdout, done.returncode), ("b\n", 0), done.stderr)
            self.assertEqual(os.listdir(other), [])
            with open(os.path.join(out, "file")) as file:
                self.assertEqual(file.read(), "a\n")
        with open("/etc/issue") as issue:
            self.assertNotIn("\nc\n", issue.read())

    def test_a_command_that_is_missing_is_said_so(self):
        done = guest("no-such-command")
        self.assertEqual(done.returncode, 127)
        self.assertIn("cannot run no-such-command", done.stderr)

    def test_a_command_ends_at_its_timeout(self):
        done = guest("sleep", "90", options=("--timeout", "4"))
        self.assertEqual(done.returncode, 124)
        self.assertIn("--timeout", done.stderr)

    def test_an_interrupt_reaches_the_command(self):
        running = self.start("trap 'echo interrupted; exit 3' INT; echo up; sleep 90 & wait")
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=30)
        self.assertEqual((output, running.returncode), ("interrupted\n", 128 + signal.SIGINT))

    def test_a_kill_leaves_no_process_behind(self):
        running = self.start("sleep 90 & echo up; wait")
        running.kill()
        running.communicate(timeout=30)

    def test_wrong_use_is_said_so(self):
        done = subprocess.run([SVM_LAB, "guest", "--memory", "much", "--", "true"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--memory", done.stderr)


if __name__ == "__main__":
    unittest.main()
