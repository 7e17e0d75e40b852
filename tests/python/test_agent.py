# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents from Python, on simulated machines."""
import pathlib
import unittest

import lsvm

FIGURE3 = pathlib.Path(__file__).resolve().parents[2] / "examples" / "figure3.yaml"


class Agents(unittest.TestCase):
    def setUp(self):
        self.cluster = lsvm.load(FIGURE3)

    def start(self, machine):
        self.host = lsvm.Host.simulated(machine)
        agent = lsvm.Agent(self.host, self.cluster, machine)
        agent.start()
        return agent

    def wait(self, agent, tenths):
        found = []
        for _ in range(tenths):
            self.host.simulate_pass(100)
            agent.dispatch()
            found += agent.events()
        return found

    def test_a_director_becomes_master_and_says_so(self):
        agent = self.start("eds1")
        self.assertEqual(agent.duty, lsvm.Duty.BACKUP)
        self.assertEqual(agent.fileno(), -1)
        events = self.wait(agent, 50)
        self.assertEqual(agent.duty, lsvm.Duty.MASTER)
        self.assertTrue([e for e in events if e.kind == lsvm.EventKind.STATE and
                         "backup -> master" in e.text], events)
        self.assertEqual([e.number for e in events], list(range(1, len(events) + 1)))
        self.assertIn("eds1", repr(agent))

    def test_the_status_is_a_document(self):
        agent = self.start("eds1")
        status = agent.status
        self.assertEqual(status["schema"], "lsvm-agent-status/1")
        self.assertEqual(status["machine"], "eds1")
        self.assertTrue(status["plan"]["applied"])

    def test_a_server_keeps_its_plan_and_has_no_duty(self):
        agent = self.start("eps1")
        self.assertEqual(agent.duty, lsvm.Duty.UNKNOWN)
        self.assertNotIn("duty", agent.status)
        with self.assertRaises(lsvm.Unsupported):
            agent.drain("eps2")

    def test_a_server_is_drained_by_name(self):
        agent = self.start("eds1")
        agent.drain("eps3", "A")
        weights = {d.address: d.weight for s in self.host.snapshot().services
                   for d in s.destinations if s.address == "192.0.2.101"}
        self.assertEqual(weights["192.168.2.23"], 0)
        agent.enable("eps3")
        with self.assertRaisesRegex(lsvm.NotFound, "eps3"):
            agent.drain("eps9")

    def test_a_reload_and_an_orderly_end(self):
        agent = self.start("eds1")
        self.wait(agent, 50)
        agent.reload(self.cluster)
        self.assertTrue([e for e in agent.events() if e.kind == lsvm.EventKind.RELOADED])
        self.wait(agent, 10)
        agent.stop()
        self.assertTrue(agent.is_finished)
        self.assertEqual([e.kind for e in agent.events()][-1], lsvm.EventKind.STOPPED)

    def test_what_cannot_be_is_refused(self):
        host = lsvm.Host.simulated("eds1")
        with self.assertRaises(lsvm.NotFound):
            lsvm.Agent(host, self.cluster, "nobody")
        with self.assertRaises(TypeError):
            lsvm.Agent(host, None, "eds1")
        agent = lsvm.Agent(host, self.cluster, "eds1")
        with self.assertRaises(lsvm.StateError):
            agent.dispatch()


if __name__ == "__main__":
    unittest.main()
