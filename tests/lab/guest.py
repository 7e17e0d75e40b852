# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest: runs commands as the caller would, changes nothing, leaves nothing behind."""

import os
import signal
import subprocess
import unittest

from common import LabTest, SVM_LAB, svm_lab


def guest(*command, options=(), **more):
    return subprocess.run([SVM_LAB, "guest", *options, "--", *command],
                          capture_output=True, text=True, timeout=100, **more)


class Guest(LabTest):
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
        out, other = self.folder / "out", self.folder / "other"
        out.mkdir()
        other.mkdir()
        done = guest("sh", "-c", f"echo a >/out/file && echo b >{other}/file && cat {other}/file "
                     "&& echo c >>/etc/issue", options=("--out", out))
        self.assertEqual((done.stdout, done.returncode), ("b\n", 0), done.stderr)
        self.assertEqual(os.listdir(other), [])
        self.assertEqual((out / "file").read_text(), "a\n")

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
        done = svm_lab("guest", "--memory", "much", "--", "true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--memory", done.stderr)


if __name__ == "__main__":
    unittest.main()
