#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other programs' configurations from Python."""
import gc
import pathlib
import unittest

import lsvm

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/import"


class Importing(unittest.TestCase):
    def test_keepalived_becomes_a_cluster(self):
        result = lsvm.import_keepalived((GOLDEN / "pair.conf").read_text())
        cluster = result.cluster
        self.assertEqual([p.name for p in cluster.partitions], ["pool1"])
        self.assertEqual(result.json["schema"], "lsvm-import/1")
        self.assertIn("192.0.2.100", result.yaml)
        self.assertEqual([f.code for f in result.findings], ["no-ems"])
        del result
        gc.collect()
        self.assertIn("192.0.2.100", lsvm.compile(cluster, "director2").ipvs.to_ipvsadm())

    def test_the_report_is_sorted_by_kind(self):
        result = lsvm.import_keepalived((GOLDEN / "traps.conf").read_bytes())
        lists = result.lost, result.changed, result.dangers, result.invented
        self.assertTrue(all(lists))
        self.assertEqual(sum(map(len, lists)), len(result.notes))
        note = next(n for n in result.lost if n.source == "inhibit_on_failure")
        self.assertEqual((note.line, note.last_line), (27, 27))
        self.assertTrue(str(note).startswith("27: lost: inhibit_on_failure: "))

    def test_the_other_sources(self):
        table = (GOLDEN / "table.ipvsadm").read_text()
        self.assertIsNotNone(lsvm.import_ipvsadm(table).cluster)
        self.assertIsNotNone(lsvm.import_ldirectord((GOLDEN / "plain.cf").read_text()).cluster)
        self.assertEqual(lsvm.guess_import(table), lsvm.ImportSource.IPVSADM)
        self.assertEqual(lsvm.guess_import(""), lsvm.ImportSource.UNKNOWN)
        with self.assertRaisesRegex(lsvm.Error, "line 2"):
            lsvm.import_ipvsadm((GOLDEN / "wrong.ipvsadm").read_text())

    def test_a_file_with_errors_is_no_cluster(self):
        result = lsvm.import_keepalived(
            "virtual_server 192.0.2.1 80 {\nlb_kind NAT\nreal_server 10.0.0.1 80 {\n}\n}\n"
            "virtual_server 192.0.2.2 80 {\nlb_kind DR\nreal_server 10.0.0.1 80 {\n}\n}\n")
        self.assertIsNone(result.cluster)
        self.assertIn("nat-mixed", [f.code for f in result.findings])


if __name__ == "__main__":
    unittest.main()
