# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real servers of each kind: checked, stopped, checked, started again, with the causes.

They listen on 127.0.0.1, at ports that were free, and keep everything in a folder of their own; those
that refuse root run as nobody.
"""

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import pwd
import queue
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
import unittest

WATCH = os.environ["LSVM_CHECKS_WATCH"]
WAIT_S = 60
ROOT = os.geteuid() == 0


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def as_nobody():
    """For Popen: root becomes nobody; others stay what they are."""
    if not ROOT:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Watch:
    """The program that checks, and what it says of each target."""

    def __init__(self, descriptors=None):
        self.said, self.lock = {}, threading.Lock()
        # prlimit rather than preexec_fn, which does not go together with threads
        limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
        self.process = subprocess.Popen([*limit, WATCH], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def queue(self, name):
        with self.lock:
            return self.said.setdefault(name, queue.Queue())

    def read(self):
        for line in self.process.stdout:
            name, what = line.rstrip("\n").split(" ", 1)
            self.queue(name).put(what)

    def add(self, name, kind, port=0, **keys):
        self.queue(name)
        self.process.stdin.write(json.dumps({"name": name, "kind": kind, "port": port, **keys}) + "\n")
        self.process.stdin.flush()

    def next(self, name):
        try:
            return self.queue(name).get(timeout=WAIT_S)
        except queue.Empty:
            return f"nothing for {WAIT_S} s"

    def until(self, name, wanted):
        """What it said until, at last, it said that."""
        said = []
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            said.append(self.next(name))
            if said[-1] == wanted:
                return said
        raise AssertionError(f"{name}: {said} has no {wanted!r}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(WAIT_S)
        self.reader.join()
        self.process.stdout.close()
        return self.process.returncode


class RealServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="svm-checks-"))
        cls.addClassCleanup(shutil.rmtree, cls.keys, ignore_errors=True)
        for name in ("trusted", "stranger"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3",
                            "-subj", "/CN=www.example.com", "-addext",
                            "subjectAltName=DNS:www.example.com", "-keyout", cls.keys / f"{name}.key",
                            "-out", cls.keys / f"{name}.crt"], check=True, capture_output=True)
        os.environ["SSL_CERT_FILE"] = str(cls.keys / "trusted.crt")  # whom the checks trust
        cls.watch = Watch()

    @classmethod
    def tearDownClass(cls):
        if cls.watch.close() != 0:
            raise AssertionError("checks_watch did not end well")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="svm-checks-"))
        self.folder.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *argv, **more):
        """A server; ended when the test is over."""
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd=self.folder, **more)
        self.addCleanup(self.stop, process)
        return process

    @staticmethod
    def stop(process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @staticmethod
    def listening(port):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            time.sleep(0.02)

    def name(self, more=""):
        return self.id().rsplit(".", 1)[-1] + more

    def say(self, wanted, more="", name=None):
        said = self.watch.next(name or self.name(more))
        if said != wanted:
            log = self.folder / "log"
            self.fail(f"{said!r} is not {wanted!r}\n{log.read_text() if log.exists() else ''}")

    def become_up(self, more=""):
        """Whatever it is while a server starts, in the end it is up."""
        self.watch.until(self.name(more), "up")

    def rehearse(self, start, kind, port, down="down connect refused, 2 of 2", how=signal.SIGTERM,
                 **keys):
        """Down, up, stopped, up again."""
        self.watch.add(self.name(), kind, port, **keys)
        self.say(down)
        process = start()
        self.become_up()
        self.stop(process, how)
        self.watch.until(self.name(), down)  # some say that they go, before
        process = start()
        self.become_up()
        return process

    # ---- web ----

    def nginx(self, port, tls_port, key="trusted"):
        (self.folder / "www").mkdir(exist_ok=True)
        (self.folder / "www/index.html").write_text("all is well\n" * 9000)
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; pid {self.folder}/pid; error_log {self.folder}/log; worker_processes 1;
            {'user root;' if ROOT else ''}
            events {{ }}
            http {{
                access_log off; client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
                fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4;
                scgi_temp_path {self.folder}/t5; root {self.folder}/www; gzip on;
                server {{
                    listen 127.0.0.1:{port};
                    listen 127.0.0.1:{tls_port} ssl;
                    server_name www.example.com;
                    ssl_certificate {self.keys}/{key}.crt; ssl_certificate_key {self.keys}/{key}.key;
                    location = /sick {{ return 503; }}
                    location = /host {{ return 200 "$host $http_x_why $ssl_server_name"; }}
                }}
            }}""")
        return self.start("nginx", "-p", self.folder, "-c", self.folder / "nginx.conf")

    def test_nginx_over_http(self):
        port, tls = free_port(), free_port()
        self.rehearse(lambda: self.nginx(port, tls), "http", port, body="well\n")
        good = hashlib.sha256(b"a.example me ").hexdigest()
        for more, keys, cause in (
                ("sick", {"path": "/sick"}, "http status 503, wanted 200 to 399"),
                ("none", {"path": "/none", "statuses": [404]}, None),
                ("text", {"body": "all is lost"}, "body lacks 'all is lost'"),
                ("head", {"method": "HEAD", "statuses": [200]}, None),
                ("host", {"path": "/host", "body": "a.example "}, None),
                ("digest", {"path": "/host", "headers": {"X-Why": "me"}, "digest": "sha256:" + good}, None),
                ("other", {"path": "/host", "digest": "sha256:" + good},
                 "body has digest sha256:" + hashlib.sha256(b"a.example  ").hexdigest()[:8] +
                 f"..., wanted sha256:{good[:8]}...")):
            self.watch.add(self.name(more), "http", port, domain="a.example", **keys)
            self.say(f"down {cause}, 2 of 2" if cause else "up", more)

    def test_nginx_over_tls(self):
        port, tls = free_port(), free_port()
        soon = "warning its certificate (CN=www.example.com) expires in 2 days"
        self.watch.add(self.name(), "https", tls, domain="www.example.com", body="well\n",
                       verify_certificate=True)
        self.say("down connect refused, 2 of 2")
        process = self.nginx(port, tls)
        self.assertIn(soon, self.watch.until(self.name(), "up"))
        for more, keys, cause in (
                ("sni", {"path": "/host", "host": "a.example", "server_name": "www.example.com",
                         "body": "a.example  www.example.com"}, None),
                ("name", {"server_name": "other.example", "verify_certificate": True},
                 "certificate not trusted: "),
                ("plain", {"host": "www.example.com", "statuses": [404]},
                 "http status 200, wanted 404")):
            self.watch.add(self.name(more), "https", tls, **keys)
            said = self.watch.next(self.name(more))
            if said == soon:
                said = self.watch.next(self.name(more))
            self.assertTrue(said.startswith(f"down {cause}" if cause else "up"), said)
        self.stop(process)
        self.watch.until(self.name(), "down connect refused, 2 of 2")
        self.nginx(port, tls, "stranger")
        self.listening(tls)
        self.watch.add(self.name("stranger"), "https", tls, host="www.example.com",
                       verify_certificate=True)
        said = self.watch.next(self.name("stranger"))
        self.assertTrue(said.startswith("down certificate not trusted: self-signed certificate"), said)
        self.watch.add(self.name("any"), "https", tls, host="www.example.com")
        self.watch.until(self.name("any"), "up")

    # ---- names ----

    def dnsmasq(self, port):
        return self.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                          f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces",
                          f"--pid-file={self.folder}/pid", "--address=/www.example.com/10.0.0.7",
                          "--txt-record=txt.example.com,two,parts", "--local=/example.com/",
                          *(["--user=root"] if ROOT else []))

    def test_dnsmasq(self):
        port = free_port()
        ask = {"query": "www.example.com", "expect": "10.0.0.7"}
        self.watch.add(self.name("tcp"), "dns", port, tcp=True, **ask)
        self.watch.add(self.name("txt"), "dns", port, query="txt.example.com", record="TXT",
                       expect="twoparts")
        self.rehearse(lambda: self.dnsmasq(port), "dns", port, "down port unreachable, 2 of 2", **ask)
        self.become_up("tcp")
        self.become_up("txt")
        self.watch.add(self.name("none"), "dns", port, query="no.example.com")
        self.say("down dns answers 3 (name does not exist), 2 of 2", "none")
        self.watch.add(self.name("other"), "dns", port, query="www.example.com", expect="10.0.0.8")
        self.say("down dns has other A records, not '10.0.0.8', 2 of 2", "other")
        self.watch.add(self.name("refused"), "dns", port, query="www.example.org")
        self.say("down dns answers 5 (refused), 2 of 2", "refused")

    # ---- mail ----

    def test_smtp(self):
        port = free_port()
        self.rehearse(lambda: self.start("/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l",
                                         f"127.0.0.1:{port}"), "smtp", port)
        log = self.folder / "log"
        self.assertNotIn("Error", log.read_text())

    # ---- directory ----

    def slapd(self, port):
        data = self.folder / "ldap"
        if not data.exists():
            data.mkdir()
            (self.folder / "slapd.conf").write_text(
                "include /etc/ldap/schema/core.schema\n"
                f"pidfile {self.folder}/pid\nargsfile {self.folder}/args\n"
                f"database ldif\nsuffix o=test\ndirectory {data}\n")
            (self.folder / "ldif").write_text("dn: o=test\nobjectClass: organization\no: test\n")
            subprocess.run(["slapadd", "-f", self.folder / "slapd.conf", "-l", self.folder / "ldif"],
                           check=True, capture_output=True)
        return self.start("slapd", "-d", "0", "-f", self.folder / "slapd.conf", "-h",
                          f"ldap://127.0.0.1:{port}/")

    def test_slapd(self):
        port = free_port()
        self.rehearse(lambda: self.slapd(port), "ldap", port)
        self.watch.add(self.name("entry"), "ldap", port, base_dn="o=test")
        self.say("up", "entry")
        self.watch.add(self.name("none"), "ldap", port, base_dn="cn=none,o=test")
        self.say("down ldap search answers 32 (no such object), 2 of 2", "none")

    # ---- databases ----

    def postgres(self, port):
        binary = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data = self.folder / "pg"
        if not data.exists():
            subprocess.run([f"{binary}/initdb", "-D", data, "-U", "postgres", "--auth=trust",
                            "--no-sync"], check=True, capture_output=True, cwd=self.folder,
                           **as_nobody())
            (data / "pg_hba.conf").write_text("host all asked 127.0.0.1/32 scram-sha-256\n"
                                              "host all all 127.0.0.1/32 trust\n")
        return self.start(f"{binary}/postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1",
                          "-k", "", "-F", **as_nobody())

    def test_postgresql(self):
        port = free_port()
        self.watch.add(self.name("asked"), "postgresql", port, user="asked")
        process = self.rehearse(lambda: self.postgres(port), "postgresql", port, how=signal.SIGINT,
                                user="postgres", database="postgres")
        self.become_up("asked")
        self.watch.add(self.name("user"), "postgresql", port, user="nobody")
        self.say('down postgresql says 28000: role "nobody" does not exist, 2 of 2', "user")
        self.watch.add(self.name("base"), "postgresql", port, database="none")
        self.say('down postgresql says 3D000: database "none" does not exist, 2 of 2', "base")
        with socket.create_connection(("127.0.0.1", port)) as session:
            body = struct.pack("!I", 0x30000) + b"user\0postgres\0database\0postgres\0\0"
            session.sendall(struct.pack("!I", len(body) + 4) + body)
            self.assertTrue(session.recv(1000))
            process.send_signal(signal.SIGTERM)  # waits for this session to end
            self.say("down postgresql says 57P03: the database system is shutting down, 2 of 2")
        self.stop(process)
        self.assertNotIn("reset by peer", (self.folder / "log").read_text())

    def mariadb(self, port):
        data, private = self.folder / "my", as_nobody()
        if not data.exists():
            subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}",
                            "--auth-root-authentication-method=normal", "--skip-test-db",
                            *([f"--user={pwd.getpwuid(private['user']).pw_name}"] if private else [])],
                           check=True, capture_output=True, cwd=self.folder)
            (self.folder / "init.sql").write_text("CREATE USER IF NOT EXISTS check_me;\n")
        return self.start("mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}",
                          f"--socket={self.folder}/my.sock", "--bind-address=127.0.0.1",
                          f"--init-file={self.folder}/init.sql", "--max-connect-errors=3",
                          "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M",
                          "--skip-name-resolve", f"--pid-file={self.folder}/pid", **private)

    def test_mariadb(self):
        port = free_port()
        self.watch.add(self.name("anybody"), "mysql", port)
        self.rehearse(lambda: self.mariadb(port), "mysql", port, how=signal.SIGKILL, user="check_me")
        self.become_up("anybody")
        self.watch.add(self.name("base"), "mysql", port, user="check_me", database="none")
        self.say("down mysql says 1044: Access denied for user 'check_me'@'%' to database 'none', 2 "
                 "of 2", "base")
        self.watch.add(self.name("user"), "mysql", port, user="nobody")
        self.say("down mysql says 1045: Access denied for user 'nobody'@'127.0.0.1' (using password:.."
                 "., 2 of 2", "user")
        time.sleep(1)  # ten probes of each
        counted = self.ask_mysql(f"{self.folder}/my.sock",
                                 "SHOW GLOBAL STATUS WHERE Variable_name IN "
                                 "('Aborted_clients', 'Aborted_connects_preauth')")
        self.assertEqual(counted, {"Aborted_clients": "0", "Aborted_connects_preauth": "0"})

    @staticmethod
    def ask_mysql(path, query):
        """Rows of two columns as a dictionary."""
        def packet():
            head = b""
            while len(head) < 4:
                head += link.recv(4 - len(head))
            size, body = int.from_bytes(head[:3], "little"), b""
            while len(body) < size:
                body += link.recv(size - len(body))
            return body

        with socket.socket(socket.AF_UNIX) as link:
            link.connect(path)
            packet()
            login = struct.pack("<IIB23x", 0x8201, 1 << 24, 33) + b"root\0\0"
            link.sendall(struct.pack("<I", len(login) | 1 << 24) + login)
            assert packet()[0] == 0
            link.sendall(struct.pack("<I", len(query) + 1) + b"\3" + query.encode())
            for _ in range(1 + 2):
                packet()
            assert packet()[0] == 0xfe
            rows = {}
            while True:
                row = packet()
                if row[0] == 0xfe:
                    return rows
                size = row[0]
                rows[row[1:1 + size].decode()] = row[2 + size:].decode()

    def redis(self, port, *options):
        """Debian's redis-tools has the server too, by the name of a tool."""
        real = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        return self.start("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                          *options, executable=real)

    def test_redis(self):
        port, locked, lonely = free_port(), free_port(), free_port()
        self.rehearse(lambda: self.redis(port), "redis", port)
        self.redis(locked, "--requirepass", "secret")
        self.redis(lonely, "--replicaof", f"127.0.0.1 {free_port()}", "--replica-serve-stale-data", "no")
        for more, where, wanted in (
                ("locked", locked, "up"),
                ("lonely", lonely, "down redis says '-MASTERDOWN Link with MASTER is down and "
                 "replica-serve-stale...', 2 of 2")):
            self.listening(where)
            self.watch.add(self.name(more), "redis", where)
            self.say(wanted, more)

    # ---- whatever speaks ----

    def serve(self, port, answer):
        """A TCP server: answer(connection)."""
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

        server = Server(("127.0.0.1", port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()

        def end():
            server.shutdown()
            server.server_close()
            thread.join()
        self.addCleanup(end)
        return server

    def test_send_and_expect(self):
        port = free_port()
        self.watch.add(self.name(), "script", port, send="STATE\\r\\n", expect="ready\\n")
        self.say("down connect refused, 2 of 2")
        state = [b"ready\n"]
        self.serve(port, lambda link: link.sendall(state[0] if link.recv(100) == b"STATE\r\n" else b"?"))
        self.say("up")
        state[0] = b"busy\n"
        self.say("down the expected text did not come, but 'busy?', 2 of 2")
        state[0] = b"ready\n"
        self.say("up")

    def test_an_agent(self):
        port = free_port()
        line = [b"up 40%\n"]
        self.serve(port, lambda link: link.sendall(line[0]))
        self.watch.add(self.name(), "agent", port)
        self.say("up")
        self.say("percent 40")
        line[0] = b"drain\n"
        self.say("percent 0")
        line[0] = b"down#disk full\n"
        self.say("down the server says 'down': disk full, 2 of 2")

    def test_a_program(self):
        mark = self.folder / "well"
        script = self.folder / "check"
        script.write_text(f"#!/bin/sh\n[ -e {mark} ] && exit 0\necho \"$1 $2 is not well\"\nexit 3\n")
        script.chmod(0o755)
        self.watch.add(self.name(), "external", 81, command=[str(script), "{address}", "{port}"])
        self.say("down the program's exit status is 3: 127.0.0.1 81 is not well, 2 of 2")
        mark.write_text("")
        self.say("up")
        mark.unlink()
        self.say("down the program's exit status is 3: 127.0.0.1 81 is not well, 2 of 2")
        self.watch.add(self.name("slow"), "external", 81, command=["/bin/sleep", "60"], timeout_ms=200)
        self.say("down no end of the program after 200 ms, 2 of 2", "slow")

    def test_udp(self):
        port = free_port(socket.SOCK_DGRAM)
        self.watch.add(self.name("quiet"), "udp", port, timeout_ms=100)
        self.watch.add(self.name(), "udp", port, send="hello", expect="hello")
        self.say("down port unreachable, 2 of 2")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", port))
            server.settimeout(WAIT_S)
            while self.watch.queue(self.name()).empty():
                data, peer = server.recvfrom(100)
                if data:
                    server.sendto(data, peer)
            self.say("up")
            self.watch.until(self.name("quiet"), "up")
        self.watch.until(self.name(), "down port unreachable, 2 of 2")
        self.watch.until(self.name("quiet"), "down port unreachable, 2 of 2")

    def test_ping(self):
        self.watch.add(self.name(), "ping", address="127.0.0.1")
        self.watch.add(self.name("six"), "ping", address="::1")
        for more in ("", "six"):
            said = self.watch.next(self.name(more))
            if said.startswith("warning not probed: not permitted") and not ROOT:
                continue
            if more and said.startswith("down no route"):
                continue  # a machine without IPv6
            self.assertEqual(said, "up", more)

    # ---- nobody should answer so ----

    def test_bad_peers_cost_a_timeout_and_have_a_cause(self):
        def forever(head, again, pause=0.0):
            def answer(link):
                link.sendall(head)
                while True:
                    link.sendall(again)
                    time.sleep(pause)
            return answer

        peers = {
            "gigabytes": (forever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), {"body": "OK"},
                          "down the first MiB of the body lacks 'OK', 2 of 2"),
            "headers": (forever(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000), {},
                        "down more than 65536 bytes and no end of the http headers, 2 of 2"),
            "slow": (forever(b"", b"H", 0.1), {"timeout_ms": 400}, "down no http status after 400 ms, 2 of 2"),
            "mute": (lambda link: link.recv(100000) and time.sleep(5), {"timeout_ms": 300},
                     "down no http status after 300 ms, 2 of 2"),
            "garbage": (lambda link: link.sendall(bytes(range(256)) * 8), {},
                        "down no http answer: '??????????', 2 of 2"),
            "closed": (lambda link: None, {}, None),
        }
        for more, (answer, keys, _) in peers.items():
            port = free_port()
            self.serve(port, answer)
            self.watch.add(self.name(more), "http", port, **keys)
        for more, (_, _, cause) in peers.items():
            if cause:
                self.say(cause, more)
            else:
                self.assertTrue(self.watch.next(self.name(more)).startswith("down connection "))

    def test_a_machine_without_descriptors_holds_nothing_against_servers(self):
        silent = socket.socket()  # accepts no one: connections hang until their time is over
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        silent.listen(200)
        poor = Watch(descriptors=40)
        self.addCleanup(poor.close)
        names = [f"n{i}" for i in range(100)]
        for name in names:
            poor.add(name, "redis", silent.getsockname()[1], timeout_ms=900, interval_ms=1000 + len(name),
                     fall=1000, send=name)
        warned = 0
        end = time.monotonic() + WAIT_S
        while not warned and time.monotonic() < end:
            for name in names:
                while not poor.queue(name).empty():
                    said = poor.next(name)
                    self.assertEqual(said, "warning not probed: this machine is out of descriptors, "
                                     "ports or memory")
                    warned += 1
            time.sleep(0.1)
        self.assertGreater(warned, 0)

    def test_bad_tls_has_a_cause(self):
        port, slow = free_port(), free_port()
        self.serve(port, lambda link: link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        self.serve(slow, lambda link: link.recv(100000) and time.sleep(5))
        self.watch.add(self.name(), "https", port)
        self.watch.add(self.name("slow"), "https", slow, timeout_ms=300)
        said = self.watch.next(self.name())
        self.assertTrue(said.startswith("down TLS handshake failed: "), said)
        self.say("down connect timed out after 300 ms, 2 of 2", "slow")


if __name__ == "__main__":
    unittest.main(verbosity=2)
