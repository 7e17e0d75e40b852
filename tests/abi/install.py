#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installed libsvm is used as any other library: pkg-config, shared and static, C and C++.

Installs into a temporary folder. Nothing installed may carry a name that Debian's machine-learning
LIBSVM owns.
"""
import os
import pathlib
import sys
import tempfile

from common import BUILD, CC, CXX, ROOT, STRICT, run, source

PROGRAM = """
#include <libsvm/libsvm.h>
#include <string.h>
int main(void)
{
	struct lsvm_ctx *ctx;
	int err = lsvm_ctx_new(&ctx);
	if (err < 0)
		return 1;
	lsvm_ctx_unref(ctx);
	return strcmp(lsvm_version(), VERSION) != 0 || !lsvm_feature("sim");
}
"""
THEIRS = {"svm.h", "libsvm.so", "libsvm.a", "svm.py", "svmutil.py", "svm-train", "svm-predict",
          "svm-scale"}


def find(root, pattern):
    found = list(root.rglob(pattern))
    assert len(found) == 1, (pattern, found)
    return found[0]


def main():
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder) / "stage"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", stage)
        names = {p.name for p in stage.rglob("*")}
        assert not names & THEIRS, names & THEIRS
        pc = find(stage, "libsvm.pc")
        library = find(stage, "liblsvm.so.0")
        assert "SONAME" in run("objdump", "-p", library)
        assert "liblsvm.so.0" in run("objdump", "-p", library).split("SONAME")[1].split()[0]

        env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), PKG_CONFIG_SYSROOT_DIR=str(stage))

        def flags(*wanted):
            # The system's own folders get the sysroot put before them too; they are not in it.
            words = run("pkg-config", *wanted, "libsvm", env=env).split()
            kept = [w for w in words if not w.startswith(("-I", "-L")) or
                    pathlib.Path(w[2:]).is_dir()]
            assert kept, words
            return kept

        version = run("pkg-config", "--modversion", "libsvm", env=env).strip()
        define = f'-DVERSION="{version}"'
        path = source(folder, "program.c", PROGRAM)
        shared, static = pathlib.Path(folder) / "shared", pathlib.Path(folder) / "static"
        run(CC, "-std=c99", *STRICT, define, path, "-o", shared, *flags("--cflags", "--libs"))
        run(shared, env=dict(os.environ, LD_LIBRARY_PATH=str(library.parent)))
        assert "liblsvm.so.0" in run("objdump", "-p", shared)
        words = ["-l:liblsvm.a" if w == "-llsvm" else w
                 for w in flags("--cflags", "--libs", "--static")]
        run(CC, "-std=c99", *STRICT, define, path, "-o", static, *words)
        assert "liblsvm" not in run("objdump", "-p", static)
        run(static)
        cxx = pathlib.Path(folder) / "cxx"
        run(CXX, "-x", "c++", "-std=c++17", *STRICT, define, path, "-o", cxx,
            *flags("--cflags", "--libs"))
        run(cxx, env=dict(os.environ, LD_LIBRARY_PATH=str(library.parent)))
        package = find(stage, "_functions.py").parent
        ours = {p.name for p in (ROOT / "bindings/python/lsvm").glob("*.py")}
        assert {p.name for p in package.glob("*.py")} == ours, ours
        text = run(sys.executable, "-c", "import lsvm; print(lsvm.version(), lsvm.__file__)",
                   env=dict(os.environ, PYTHONPATH=str(package.parent), LSVM_LIBRARY=str(library)))
        assert text.split() == [version, str(package / "__init__.py")], text
    print(f"libsvm {version}: shared, static, C++ and Python programs run")


if __name__ == "__main__":
    main()
