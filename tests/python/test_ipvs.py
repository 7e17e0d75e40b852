#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""IPVS tables from Python: JSON both ways, reading, differences."""
import gc
import json
import pathlib
import unittest

import lsvm

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def table(machine="eds1", name="figure3.yaml"):
    return lsvm.compile(lsvm.load(EXAMPLES / name), machine).ipvs


class Tables(unittest.TestCase):
    def test_json_leads_back_to_the_same_table(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(path.name):
                text = table(name=path.name).to_json()
                self.assertEqual(json.loads(text)["schema"], "lsvm-ipvs/1")
                self.assertEqual(lsvm.IpvsTable.from_json(text).to_json(), text)

    def test_ipvsadm_leads_back_to_the_same_table(self):
        for path in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(path.name):
                there = table(name=path.name)
                again = lsvm.IpvsTable.from_ipvsadm(there.to_ipvsadm())
                self.assertEqual(again.to_ipvsadm(), there.to_ipvsadm())
        with self.assertRaisesRegex(lsvm.ParseError, "line 2: .*'-L'"):
            lsvm.IpvsTable.from_ipvsadm("-C\n-L -n\n")

    def test_what_is_no_table_is_refused(self):
        for bad in ("", "{}", "[]", '{"schema":"lsvm-ipvs/1","services":7}', "\0"):
            with self.subTest(bad), self.assertRaises(lsvm.Error):
                lsvm.IpvsTable.from_json(bad)

    def test_services_and_destinations_are_read(self):
        services = table().services
        self.assertEqual(len(services), 7)
        for service in services:
            self.assertEqual(service.protocol, lsvm.Protocol.TCP)
            self.assertEqual((service.port, service.family, service.fwmark), (80, 4, 0))
            self.assertIn(service.address, str(service))
            self.assertEqual(service.scheduler, "wlc")
            self.assertGreater(len(service.destinations), 0)
            for destination in service.destinations:
                self.assertTrue(destination.address.startswith("192.168.2."))
                self.assertEqual(destination.forwarding, lsvm.Forwarding.DIRECT)
                self.assertEqual(destination.counter(lsvm.IpvsCounter.CONNECTIONS), 0)
        weights = {d.address: d.weight for d in services[0].destinations}
        self.assertEqual(weights["192.168.2.23"], 2)

    def test_timeouts_and_sync_daemons_of_a_table_without(self):
        self.assertEqual(table().timeouts_s, (0, 0, 0))
        self.assertIsNone(table().sync(True))

    def test_parts_keep_their_table(self):
        destination = table().services[0].destinations[0]
        gc.collect()
        self.assertTrue(destination.address)

    def test_differences_are_lines_and_equal_tables_have_none(self):
        empty, full = lsvm.IpvsTable.empty(), table()
        self.assertEqual(empty.services, [])
        self.assertEqual(full.changes_to(lsvm.IpvsTable.from_json(full.to_json())), [])
        added = empty.changes_to(full)
        destinations = sum(len(s.destinations) for s in full.services)
        self.assertEqual(len(added), len(full.services) + destinations)
        self.assertTrue(all(line.startswith("add ") for line in added), added)

    def test_ipvsadm_text_has_a_line_for_each_service_and_destination(self):
        full = table()
        lines = full.to_ipvsadm().splitlines()
        self.assertEqual(len([l for l in lines if l.startswith("-A ")]), len(full.services))
        self.assertEqual(len([l for l in lines if l.startswith("-a ")]),
                         sum(len(s.destinations) for s in full.services))


if __name__ == "__main__":
    unittest.main()
