#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plans make other programs read is accepted by them.

Every nginx configuration by nginx itself: it tries to bind, so each endpoint becomes one of
this machine's loopback. Every set of nft rules is loaded, twice, into a network namespace of
its own; those for iptables-legacy are tried where the kernel has it, and in the lab.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["LSVM_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["LSVM_BUILD_ROOT"])
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True,
                          env=dict(os.environ, PATH=PATH), **more)


def plans():
    inputs = sorted((ROOT / "examples").glob("*.yaml"))
    inputs += sorted(p for p in (ROOT / "tests/golden/plan").glob("*.yaml")
                     if p.name != "nothing.yaml")
    for path in inputs:
        done = run(BUILD / "tools/svm-ems", "plan", "--json", path)
        if done.returncode != 0:
            sys.exit(done.stderr)
        for plan in json.loads(done.stdout)["plans"]:
            for file in plan.get("files", []):
                yield f"{path.name}, {plan['machine']}, {file['path']}", file


class Loopback:
    """Each endpoint becomes one on this machine that nobody else has."""

    def __init__(self):
        self.known = {}

    def __call__(self, match):
        address, port = match.group(1), match.group(2)
        if address in ("0.0.0.0", "[::]", "*"):
            raise AssertionError(f"{address}:{port} would clash with other web servers")
        number = self.known.setdefault((address, port), len(self.known))
        if address.startswith("["):
            return f"listen [::1]:{30000 + number}"
        return f"listen 127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}:28080"


def certificate(folder):
    done = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test",
               "-keyout", folder / "key", "-out", folder / "crt", "-days", "2")
    if done.returncode != 0:
        sys.exit(done.stderr)


def try_nginx(folder, text):
    text = re.sub(r"listen (\[[^]]*\]|[0-9.*]+):(\d+)", Loopback(), text)
    text = text.replace("/run/svm/", f"{folder}/")
    text = re.sub(r"ssl_certificate \S+;", f"ssl_certificate {folder}/crt;", text)
    text = re.sub(r"ssl_certificate_key \S+;", f"ssl_certificate_key {folder}/key;", text)
    (folder / "nginx.conf").write_text(text)
    done = run("nginx", "-e", folder / "log", "-c", folder / "nginx.conf", "-t")
    bad = done.returncode != 0 or "[warn] conflicting" in done.stderr
    # Names are hashed as they should be, without a word from nginx about sizes.
    bad = bad or "server_names_hash" in done.stderr
    return done.stderr if bad else None


def try_nft(folder, text):
    path = folder / "rules.nft"
    path.write_text(text)
    script = f"nft -c -f {path} && nft -f {path} && nft -f {path} && nft list ruleset"
    done = run("unshare", "-n" if os.geteuid() == 0 else "-rn", "sh", "-c", script)
    if done.returncode != 0:
        return done.stderr
    marks = text.count("meta mark set")
    return None if done.stdout.count("meta mark set") == marks else done.stdout


def try_legacy(folder, text):
    """Parsed as far as the kernel lets: with its modules, all of it."""
    path = folder / "rules.legacy"
    path.write_text(text)
    command = "ip6tables-legacy-restore" if "::" in text else "iptables-legacy-restore"
    done = run("unshare", "-n" if os.geteuid() == 0 else "-rn", command, "--noflush", "--test", path)
    # A kernel without ip_tables is no fault of the rules.
    if done.returncode == 0 or "can't initialize" in done.stderr:
        return None
    return done.stderr


def try_file(folder, name, text):
    if name == "nginx.conf":
        return try_nginx(folder, text)
    return try_nft(folder, text) if name.endswith(".nft") else try_legacy(folder, text)


def main():
    tried = {"nginx.conf": 0, "marks4.nft": 0, "marks6.nft": 0, "marks4.legacy": 0,
             "marks6.legacy": 0}
    failed = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lsvm-accepted-"))
    try:
        certificate(folder)
        for where, file in plans():
            name = pathlib.Path(file["path"]).name
            if name not in tried:
                continue
            tried[name] += 1
            complaint = try_file(folder, name, file["content"])
            if complaint:
                print(f"{where}:\n{complaint}")
                failed += 1
    finally:
        shutil.rmtree(folder)
    print(", ".join(f"{count} {name}" for name, count in tried.items()), f"- {failed} refused")
    return 1 if failed or not all(tried.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
