# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster in virtual time, from Python."""
import pathlib
import unittest

import lsvm

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAIR = ROOT / "tests" / "scenario" / "pair.yaml"


class Labs(unittest.TestCase):
    def setUp(self):
        self.cluster = lsvm.load(PAIR)
        self.lab = lsvm.Lab(self.cluster, seed=3)

    def test_the_other_director_takes_over(self):
        lab = self.lab
        self.assertEqual(lab.master(), "")
        lab.advance(5000)
        self.assertEqual(lab.now_us, 5000000)
        self.assertEqual(lab.master("www"), "eds1")
        self.assertIsNone(lab.master("nowhere"))
        lab.do("power-off eds1")
        self.assertIsNone(lab.agent_status("eds1"))
        lab.do("expect master eds2 within 5s")
        self.assertEqual(lab.failover_count, 1)
        self.assertEqual(lab.agent_status("eds2")["schema"], "lsvm-agent-status/1")
        self.assertGreater(lab.step_count, 100)

    def test_requests_are_counted_with_what_became_of_them(self):
        lab = self.lab
        lab.run("advance 5s\nrequests 10 every 10ms\nadvance 1s\n")
        self.assertEqual((lab.request_count, lab.failed_count), (10, 0))
        lab.run("server eps1 refuse\nserver eps2 refuse\nserver eps3 refuse\n"
                "requests 3 every 10ms\nadvance 1s\n")
        self.assertEqual(lab.status["requests"]["refused"], 3)
        self.assertEqual(lab.failed_count, 3)

    def test_what_is_not_as_expected_is_an_error_with_its_line(self):
        with self.assertRaisesRegex(lsvm.Conflict, "line 3: at 5.000000 s eds1 holds www"):
            self.lab.run("# first\nadvance 5s\nexpect master eds2\n")
        with self.assertRaisesRegex(lsvm.NotFound, "no machine 'eds9'"):
            self.lab.do("power-off eds9")

    def test_events_have_times_and_machines(self):
        self.lab.advance(5000)
        events = self.lab.events
        self.assertEqual(events, sorted(events, key=lambda event: event.time_us))
        self.assertTrue([e for e in events if e.machine == "eds1" and e.kind == "state" and
                         "master" in e.text], events)
        lines = list(self.lab.log())
        self.assertEqual(len(lines), len(events))
        self.assertEqual(list(self.lab.log()), [])

    def test_another_cluster_comes_into_force(self):
        draft = lsvm.Draft(self.cluster)
        draft.set("/partitions/web/scheduler", "sh")
        self.lab.advance(5000)
        self.lab.reload(draft.freeze())
        self.lab.advance(5000)
        self.lab.do("expect settled")

    def test_one_seed_is_one_story(self):
        first, again = (lsvm.explore(self.cluster, 11) for _ in range(2))
        self.assertEqual(first, again)
        self.assertIsNone(first.broken)
        self.assertGreater(first.step_count, 1000)


if __name__ == "__main__":
    unittest.main()
