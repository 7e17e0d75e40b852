# SPDX-License-Identifier: LGPL-2.1-or-later
"""lsvm.Control: asking an agent, here played by a thread."""
import json
import os
import socket
import tempfile
import threading
import unittest

import lsvm


class Player(threading.Thread):
    """Answers each line of one caller with the lines that belong to its command, then goes."""

    def __init__(self, path, lines):
        super().__init__(daemon=True)
        self.lines, self.heard = lines, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.start()

    def run(self):
        caller, _ = self.socket.accept()
        with caller, caller.makefile("rw") as text:
            for line in text:
                self.heard.append(json.loads(line))
                text.write("".join(self.lines[self.heard[-1]["command"]]))
                text.flush()
                if self.heard[-1].get("follow"):
                    return


class Control(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "eds.sock")

    def play(self, **lines):
        player = Player(self.path, lines)
        self.addCleanup(player.socket.close)
        return player

    def test_what_is_asked_is_answered_and_errors_are_raised(self):
        player = self.play(status=['{"ok":true,"status":{"events":7}}\n'],
                           drain=['{"ok":false,"error":"not-found","text":"there is no eps9"}\n'])
        with lsvm.Control(self.path) as control:
            self.assertGreaterEqual(control.fileno(), 0)
            self.assertEqual(control.ask("status")["status"], {"events": 7})
            with self.assertRaisesRegex(lsvm.NotFound, "no eps9"):
                control.ask("drain", server="eps9")
        self.assertEqual(player.heard[1], {"command": "drain", "server": "eps9"})
        with self.assertRaises(ValueError):
            control.ask("status")

    def test_events_are_followed_until_the_agent_ends(self):
        self.play(events=['{"ok":true,"follow":true}\n', '{"kind":"started","number":1}\n',
                          '{"kind":"drained","number":2}\n'])
        kinds = [event["kind"] for event in lsvm.Control(self.path).follow(since=0)]
        self.assertEqual(kinds, ["started", "drained"])

    def test_who_is_too_slow_is_told_so(self):
        self.play(events=['{"ok":true,"follow":true}\n',
                          '{"ok":false,"error":"limit","text":"more slowly than they come"}\n'])
        with self.assertRaisesRegex(lsvm.LimitError, "more slowly"):
            list(lsvm.Control(self.path).follow())

    def test_nobody_there_and_nonsense_there(self):
        with self.assertRaisesRegex(lsvm.NotFound, "no agent answers"):
            lsvm.Control(self.path)
        self.play(status=["hello\n"])
        with self.assertRaisesRegex(lsvm.ProtocolError, "no agent"):
            lsvm.Control(self.path).ask("status")

    def test_an_agent_that_says_nothing_has_a_deadline(self):
        self.play(status=[])
        with self.assertRaises(lsvm.TimedOut):
            lsvm.Control(self.path, timeout_ms=50).ask("status")


if __name__ == "__main__":
    unittest.main()
