#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loading, types, enums, errors: what the rest of the package stands on."""
import ctypes
import os
import pathlib
import subprocess
import sys
import unittest

import lsvm
from lsvm import _library, enums, errors
from lsvm._functions import FUNCTIONS
from lsvm._objects import Context


class Loading(unittest.TestCase):
    def test_the_library_is_the_one_that_was_named(self):
        lsvm.version()
        named = os.path.realpath(os.environ["LSVM_LIBRARY"])
        self.assertIn(named, pathlib.Path("/proc/self/maps").read_text())

    def test_a_library_that_is_not_there_is_an_import_error_that_says_what_to_do(self):
        done = subprocess.run([sys.executable, "-c", "import lsvm; lsvm.version()"],
                              env=dict(os.environ, LSVM_LIBRARY="/nonexistent/liblsvm.so.0"),
                              capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ImportError: cannot load liblsvm", done.stderr)
        self.assertIn("LSVM_LIBRARY", done.stderr)

    def test_every_function_has_ctypes_types(self):
        for name in FUNCTIONS:
            with self.subTest(name):
                function = getattr(_library.library(), name)
                self.assertEqual(len(function.argtypes), len(FUNCTIONS[name][1]))

    def test_what_is_not_in_the_table_is_no_attribute(self):
        with self.assertRaises(AttributeError):
            _library.library().printf

    def test_handles_of_different_objects_do_not_mix(self):
        findings = _library.handle("lsvm_findings")()
        with self.assertRaises(ctypes.ArgumentError):
            _library.library().lsvm_ctx_unref(findings)

    def test_version_and_features(self):
        self.assertRegex(lsvm.version(), r"^\d+\.\d+\.\d+$")
        self.assertTrue(lsvm.feature("sim"))
        self.assertFalse(lsvm.feature("no such part"))


class Enums(unittest.TestCase):
    def test_words_go_both_ways(self):
        for name in enums.__all__:
            cls = getattr(enums, name)
            if name == "Err":
                continue
            with self.subTest(name):
                words = set()
                for value in cls:
                    if value:
                        self.assertEqual(cls.parse(value.word), value)
                        words.add(value.word)
                        self.assertNotEqual(value.word, "unknown")
                self.assertEqual(len(words), len([v for v in cls if v]))
                with self.assertRaises(ValueError):
                    cls.parse("no-such-word")

    def test_the_words_are_the_cluster_files(self):
        self.assertEqual(lsvm.Forwarding.DIRECT.word, "direct")
        self.assertEqual(lsvm.Role.parse("director"), lsvm.Role.DIRECTOR)
        self.assertEqual(lsvm.Err.NOT_FOUND.word, "not-found")


class Errors(unittest.TestCase):
    def test_every_code_has_its_exception(self):
        classes = [errors.error_class(code) for code in enums.Err if code]
        self.assertEqual(len(set(classes)), len(classes))
        for cls in classes:
            self.assertTrue(issubclass(cls, lsvm.Error))

    def test_a_result_becomes_an_exception_with_code_and_text(self):
        context = Context()
        self.assertEqual(context.check(7), 7)
        with self.assertRaises(lsvm.NotFound) as caught:
            context.check(lsvm.Err.NOT_FOUND)
        self.assertEqual(caught.exception.code, lsvm.Err.NOT_FOUND)
        self.assertEqual(str(caught.exception), "not-found")

    def test_a_code_from_the_future_is_still_an_error(self):
        with self.assertRaises(lsvm.Error):
            Context().check(-999)


if __name__ == "__main__":
    unittest.main()
