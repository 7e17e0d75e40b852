#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys from Python."""
import unittest

import lsvm


class Keys(unittest.TestCase):
    def test_a_machine_s_key_follows_from_the_cluster_s(self):
        key, other = lsvm.generate_key(), lsvm.generate_key()
        self.assertNotEqual(key, other)
        self.assertEqual(lsvm.derive_key(key, "eps1"), lsvm.derive_key(key, "eps1"))
        self.assertNotEqual(lsvm.derive_key(key, "eps1"), lsvm.derive_key(key, "eps2"))
        self.assertNotEqual(lsvm.derive_key(key, "eps1"), lsvm.derive_key(other, "eps1"))

    def test_what_cannot_be_is_refused(self):
        own = lsvm.derive_key(lsvm.generate_key(), "eps1")
        with self.assertRaises(lsvm.PermissionDenied):
            lsvm.derive_key(own, "eps2")
        with self.assertRaises(lsvm.ParseError):
            lsvm.derive_key("svm-key-1 cluster 00", "eps1")


if __name__ == "__main__":
    unittest.main()
