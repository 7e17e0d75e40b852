# SPDX-License-Identifier: LGPL-2.1-or-later
"""The article's test of availability, as the example has it: directors and servers go and come, and no
request fails but those that a dead server had accepted."""

import json
import unittest

from common import LabTest, ROOT, svm_lab


class Availability(LabTest):
    def test_no_request_fails_while_the_master_and_a_server_are_switched_off_and_on(self):
        done = svm_lab("run", "--json", "--faults", ROOT / "examples/availability.faults",
                       ROOT / "examples/availability.yaml")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        report = json.loads(done.stdout)
        requests, held = report["requests"], report["held"]
        self.assertTrue(report["good"] and all(s["met"] for s in report["steps"]), report)
        self.assertGreater(requests["asked"], 300)
        self.assertEqual(requests["asked"], requests["answered"] + requests["failed"])
        self.assertEqual(requests["failed"], requests["in_flight"], report["failures"])
        for failure in report["failures"]:
            self.assertTrue(failure["accepted"])
            self.assertEqual(failure["in_flight_on"], "eps1")
        # Those of the dead server die with it, and no others.
        self.assertEqual((held["count"], held["silent"]), (20, 0))
        self.assertEqual(held["lost"], held["lost_with_server"])
        self.assertLess(held["lost"], 20)
        off = next(s for s in report["steps"] if s["text"] == "power-off eds1")
        self.assertEqual(off["client"]["held_lost"], 0)


if __name__ == "__main__":
    unittest.main()
