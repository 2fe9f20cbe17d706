"""What an operator does over the years: backup and restore, a reload by SIGHUP, `doctor`."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import unittest

from aiosmtpd.controller import Controller

from harness import KEY, PROGRAM, Api, Case, Certificate, Daemon, Gate, Receiver, free_port, postrider, sms, wait_until
from test_reliability import Poster


class Backup(Case):
    """Copies are made while events pour in; what was accepted before a copy's mark is delivered from it."""

    def begin(self, *options):
        self.gate = Gate()
        self.sink = self.receiver(lambda arrival: self.gate(arrival) if arrival.path == "/held" else 200)
        served = self.daemon(*options)
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        for name in ("open", "held"):
            api.endpoint("p", name, preset="wiraya-push", url=self.sink.url("/" + name), body='{"id":"{EVENT_ID}"}', batch={"max_items": 1})
        return served, api

    def delivered(self, path):
        return {r.json["id"] for r in self.sink.at(path)}

    def backup(self, served, file, *words):
        done = postrider("backup", "--data", served.folder, *words, file)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def test_under_load_killed_and_restored_elsewhere(self):
        served, api = self.begin()
        posters = [Poster(served, [[f"{t}-{b}-{i}" for i in range(10)] for b in range(400)]) for t in range(2)]
        for p in posters:
            p.start()
        file = self.folder() / "copy.db"
        self.sink.wait(300, "/open")
        before = {i for p in posters for i in list(p.accepted)}
        shown = self.backup(served, file)
        self.sink.wait(len(self.sink.at("/open")) + 50, "/open")
        served.kill()
        for p in posters:
            p.join()
        self.assertRegex(shown, r"a backup of \d{4}-\d\d-\d\dT\S+ by postrider \d+\.\d+\.\d+, schema \d+\n")
        self.assertIn("sound: structure and the checksum of every row", shown)
        self.assertEqual(sorted(os.listdir(file.parent)), ["copy.db"])  # no file beside it is left, nor needed
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertGreater(len(before), 200)

        self.gate.open()
        elsewhere = Daemon()
        self.addCleanup(elsewhere.close)
        done = postrider("restore", file, "--data", elsewhere.folder)
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout, r"at the next start: \d+ deliveries that waited then go on")
        with self.sink.changed:
            self.sink.requests.clear()  # what arrives from now on comes from the copy
        elsewhere.start()
        # /held had answered nothing, so all that was accepted before the copy has to come; it may hold more
        self.sink.wait_for(lambda: before <= {r.json["id"] for r in self.sink.requests if r.path == "/held"},
                           lambda: f"{len(before - self.delivered('/held'))} of {len(before)} events")
        again = elsewhere.api()
        self.addCleanup(again.close)
        for event in sorted(before)[::97]:
            again.wait_state("p", event, "open", "delivered")

    def test_it_is_checked_and_refused_when_damaged(self):
        served, api = self.begin()
        self.gate.open()
        api.events("p", [{**sms(i), "id": f"e{i}"} for i in range(50)])
        self.sink.wait(50, "/open")
        served.stop()
        file = self.folder() / "copy.db"
        self.backup(served, file)
        done = postrider("backup", "--data", served.folder, file)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done)
        self.assertIn("--force", done.stderr)
        self.backup(served, file, "--force")
        self.assertIn("sound", postrider("backup", "--check", file).stdout)

        rotten = file.with_name("rotten.db")
        rotten.write_bytes(file.read_bytes())
        with sqlite3.connect(rotten) as db:
            db.execute("UPDATE log SET body = CAST(substr(body, 1, 20) || x'55' || substr(body, 22) AS BLOB) WHERE seq = 3")
        db.close()
        done = postrider("backup", "--check", rotten)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("damaged: 1 rows, first the log row 3", done.stdout)
        data = bytearray(file.read_bytes())
        data[8192 * 2:8192 * 3] = os.urandom(8192)
        rotten.write_bytes(data)
        for words in (("backup", "--check", rotten), ("restore", rotten, "--data", self.folder() / "new")):
            done = postrider(*words)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done)
        done = postrider("restore", served.folder / "store.db", "--data", self.folder() / "new")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no backup", done.stderr)
        done = postrider("backup", "--data", self.folder(), self.folder() / "x")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(postrider("backup").returncode, 2)
        self.assertEqual(postrider("restore", file).returncode, 2)

    def test_restore_leaves_alone_what_is_in_use_or_there(self):
        served, api = self.begin()
        self.gate.open()
        api.events("p", {**sms(1), "id": "before"})
        api.wait_state("p", "before", "open", "delivered")
        file = self.folder() / "copy.db"
        self.backup(served, file)
        done = postrider("restore", "--force", file, "--data", served.folder)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done)
        self.assertIn("another postrider uses this data folder", done.stderr)
        api.events("p", {**sms(2), "id": "after"})
        api.wait_state("p", "after", "open", "delivered")
        served.stop()
        done = postrider("restore", file, "--data", served.folder)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("has a store already", done.stderr)
        done = postrider("restore", "--force", file, "--data", served.folder)
        self.assertEqual(done.returncode, 0, done)
        [kept] = served.folder.glob("replaced-*")
        self.assertIn(str(kept), done.stdout)
        api.close()
        served.start()
        self.assertEqual(api.get("/v1/projects/p/events/before").status, 200)
        self.assertEqual(api.get("/v1/projects/p/events/after").status, 404)
        served.stop()
        # the old one is whole, with what came after the backup
        with sqlite3.connect(f"file:{kept}/store.db?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            self.assertGreater(db.execute("SELECT max(seq) FROM log").fetchone()[0], 2)
        db.close()

    def test_a_restore_that_was_ended_is_done_again(self):
        served, api = self.begin()
        served.stop()
        file = self.folder() / "copy.db"
        self.backup(served, file)
        (served.folder / "store.db").rename(served.folder / "store.db.restored")
        done = postrider("serve", "--data", served.folder, "--listen", f"127.0.0.1:{free_port()}", "--admin-key", KEY)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("run `postrider restore` with --force again", done.stderr)
        self.assertEqual(postrider("restore", "--force", file, "--data", served.folder).returncode, 0)
        api.close()
        served.start()
        self.assertEqual(api.get("/v1/projects/p").status, 200)


    def test_what_a_killed_restore_left_is_in_no_other_one(self):
        served, api = self.begin()
        self.gate.open()
        older, newer = self.folder() / "older.db", self.folder() / "newer.db"
        self.backup(served, older)
        api.events("p", [{**sms(i), "id": f"e{i}"} for i in range(500)])
        self.backup(served, newer)
        target = self.folder()
        self.leave_half(older, target)
        self.assertGreater((target / "store.db.part-journal").stat().st_size, 0)
        done = postrider("restore", newer, "--data", target)
        self.assertEqual(done.returncode, 0, done)
        for file in (newer, target / "store.db"):
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                self.assertGreaterEqual(db.execute("SELECT count(*) FROM log").fetchone()[0], 500)
            db.close()
        self.assertEqual(sorted(os.listdir(target)), ["lock", "store.db"])

    @staticmethod
    def leave_half(file, folder):
        """The copy of a backup in the midst of a change, and its journal, as a kill would leave them."""
        work = folder / "work"
        work.write_bytes(file.read_bytes())
        db = sqlite3.connect(work, isolation_level=None)
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        for table in ("backup", "search", "dead", "doc"):
            db.execute(f"DROP TABLE {table}")
        db.execute("CREATE TABLE filler AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT randomblob(1000) FROM n")
        for name in ("", "-journal"):
            (folder / f"store.db.part{name}").write_bytes((folder / f"work{name}").read_bytes())
        db.execute("ROLLBACK")
        db.close()
        work.unlink()


class Reload(Case):
    """SIGHUP: what can change does, what cannot is named, and a wrong file changes nothing."""

    def setUp(self):
        self.file = self.folder() / "settings"
        self.write("log_level = info")
        self.served = self.daemon("--config", self.file, "--allow-ports", "1-65535", allow=False)
        self.api = self.served.api()
        self.addCleanup(self.api.close)

    def write(self, *lines):
        self.file.write_text("\n".join(lines) + "\n")

    def hup(self, says):
        """Sends it and waits for the log to say so; returns what was added to the log."""
        before = len(self.served.log)
        self.served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: says in self.served.log[before:], lambda: f"{says!r} in the log: {self.served.log[before:]}")
        return self.served.log[before:]

    def test_a_refused_address_is_opened(self):
        receiver = self.receiver()
        self.api.project("p")
        self.api.endpoint("p", "e", preset="wiraya-push", url=receiver.url("/e"), retry={"delays_s": [0.1] * 60, "jitter": 0})
        self.api.events("p", {**sms(1), "id": "a"})
        [attempt, *_] = self.api.wait_attempts("p", 1)
        self.assertIn("is refused: it is in the loopback range", attempt["reason"])
        self.write("allow_net = 127.0.0.0/8")
        log = self.hup("settings reloaded")
        self.assertIn(f"setting changed setting=allow_net where={self.file}:1", log)
        receiver.wait(1, "/e")
        self.api.wait_state("p", "a", "e", "delivered")
        self.write("log_level = info")  # and closed again, although a connection is open and its address known
        self.hup("settings reloaded")
        self.api.events("p", {**sms(2), "id": "b"})
        wait_until(lambda: "loopback" in (self.api.attempts("p")[0]["reason"] or ""), lambda: self.api.attempts("p"))
        self.assertEqual(len(receiver.at("/e")), 1)

    def test_log_level_and_what_needs_a_restart(self):
        self.write("log_level = warn", "shards = 2", "connections = 500")
        log = self.hup("setting=shards")
        self.assertIn(f"needs a restart\" setting=shards where={self.file}:2".replace('"', ""), log.replace('"', ""))
        self.assertIn("setting=connections", log)
        self.write("log_level = info", "shards = 2", "connections = 500")
        log = self.hup("settings reloaded")
        self.assertIn("setting=shards", log)  # again: it still waits
        shown = {row["name"]: row for row in self.api.get("/v1/settings").expect(200).json["data"]}
        self.assertEqual((shown["log_level"]["value"], shown["log_level"]["from"]), ("info", f"{self.file}:1"))
        self.assertEqual((shown["shards"]["value"], shown["shards"]["reload"]), (1, False))

    def test_a_wrong_file_changes_nothing(self):
        self.write("log_level = error", "retention_days = often")
        log = self.hup("settings not reloaded")
        self.assertIn(f"where={self.file}:2", log)
        self.assertIn("write one from 1 to 3660", log)
        self.write("log_level = error", "smtp_host = mail.example.org")
        self.assertIn("give smtp_from too", self.hup("settings not reloaded"))
        self.write("allow_net = 10.0.0.0/99")
        self.assertIn("10.0.0.0/99", self.hup("settings not reloaded"))
        self.write("log_level = info", "metrics_open = no")
        self.hup("settings reloaded")  # which a level of error would have hidden
        self.assertEqual(self.api.with_key(None).get("/metrics").status, 401)

    def test_a_new_admin_key(self):
        key = self.file.with_name("key")
        key.write_text("the-first-admin-key\n")
        port = free_port()
        self.write(f"admin_key_file = {key}", f"listen = 127.0.0.1:{port}", f"data = {self.folder()}/data")
        running = self.running("serve", "--config", self.file)
        running.wait_line("postrider listens on")
        old, new = Api(port, "the-first-admin-key"), Api(port, "the-second-admin-key")
        self.addCleanup(old.close)
        self.addCleanup(new.close)
        self.assertEqual((old.get("/v1/projects").status, new.get("/v1/projects").status), (200, 401))
        key.write_text("the-second-admin-key\n")
        running.process.send_signal(signal.SIGHUP)
        running.wait_line("settings reloaded")
        self.assertEqual((old.get("/v1/projects").status, new.get("/v1/projects").status), (401, 200))

    def test_systemd_is_told(self):
        path = self.folder() / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(30)
            words = ["serve", "--data", self.folder() / "data", "--listen", f"127.0.0.1:{free_port()}", "--admin-key", KEY]
            process = subprocess.Popen([PROGRAM, *map(str, words)], env={**os.environ, "NOTIFY_SOCKET": str(path)}, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            seen = []
            while "READY=1" not in seen:
                seen += notify.recv(4096).decode().split("\n")
            process.send_signal(signal.SIGHUP)
            seen = []
            while "READY=1" not in seen:
                seen += notify.recv(4096).decode().split("\n")
        self.assertIn("RELOADING=1", seen)
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in seen), seen)

    def test_mail_goes_to_another_server(self):
        """A name that is none is told by the log of the mailer; a fresh server takes what waited."""
        taken = []

        class Keep:
            async def handle_DATA(self, server, session, envelope):
                taken.append(envelope)
                return "250 kept"

        nowhere, port = free_port(), free_port()
        self.write("allow_net = 127.0.0.0/8", "smtp_host = 127.0.0.1", f"smtp_port = {nowhere}", "smtp_tls = none", "smtp_from = p@example.org")
        self.hup("settings reloaded")
        receiver = self.receiver(500)
        self.api.project("m", notify_emails=["ops@example.org"])
        self.api.endpoint("m", "e", preset="wiraya-push", url=receiver.url("/e"), retry={"delays_s": [600]})
        self.api.events("m", {**sms(1), "id": "m"})
        wait_until(lambda: "mails cannot be sent" in self.served.log, lambda: self.served.log)
        controller = Controller(Keep(), hostname="127.0.0.1", port=port)
        controller.start()
        self.addCleanup(controller.stop)
        self.write("allow_net = 127.0.0.0/8", "smtp_host = 127.0.0.1", f"smtp_port = {port}", "smtp_tls = none", "smtp_from = p@example.org")
        self.hup("settings reloaded")
        wait_until(lambda: taken, lambda: self.served.log)
        self.assertEqual(taken[0].rcpt_tos, ["ops@example.org"])


class Doctor(Case):
    """What is wrong is provoked, seen, and told with its cure; what is right is told as well."""

    def doctor(self, *words, code=None, before=(), env=None):
        listen = () if "--listen" in words else ("--listen", f"127.0.0.1:{free_port()}")
        command = [*before, PROGRAM, "doctor", "--json", *listen, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
        if code is not None:
            self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)["checks"]

    def one(self, checks, name, level):
        found = [c for c in checks if c["check"] == name and c["level"] == level]
        self.assertEqual(len(found), 1, checks)
        self.assertEqual(found[0]["cure"] is None, level == "ok")
        return found[0]["seen"]

    def data(self):
        path = self.folder() / "data"
        path.mkdir(0o700)
        return path

    def test_beside_a_daemon_and_without(self):
        served = self.daemon()
        words = ("--data", served.folder, "--listen", f"127.0.0.1:{served.port}")
        checks = self.doctor(*words)
        self.assertRegex(self.one(checks, "listen", "ok"), r"postrider \S+ works at 127")
        self.assertIn("its structure is whole", self.one(checks, "store", "ok"))
        self.assertIn("can be written; an fsync takes", self.one(checks, "folder", "ok"))
        api = served.api()  # it has not been in the way of the daemon
        api.project("p")
        api.close()
        served.stop()
        self.assertIn("is free", self.one(self.doctor(*words), "listen", "ok"))
        shown = postrider("doctor", *words)
        self.assertRegex(shown.stdout, r"(?m)^OK    store        schema \d+, ")
        self.assertRegex(shown.stdout, r"\d+ fine, \d+ to look at, \d+ to mend\n$")

    def test_settings(self):
        file = self.folder() / "settings"
        file.write_text("lisen = 127.0.0.1:1\n")
        self.assertIn(f"{file}:1", self.one(self.doctor("--config", file, code=2), "settings", "fail"))

    def test_folder(self):
        self.assertIn("/nowhere", self.one(self.doctor("--admin-key-file", "/nowhere", code=1), "settings", "fail"))
        self.assertIn("no list of origins", self.one(self.doctor("--portal-frame-ancestors", "*", code=1), "settings", "fail"))
        self.one(self.doctor("--data", self.folder() / "not-yet"), "folder", "warn")
        data = self.data()
        data.chmod(0o755)
        self.assertIn("open to others", self.one(self.doctor("--data", data), "folder", "warn"))
        if os.getuid() == 0:
            data.parent.chmod(0o755)
            nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
            checks = self.doctor("--data", data, before=nobody, code=1)
            self.assertIn("cannot be written: Permission denied", self.one(checks, "folder", "fail"))

    def test_a_full_disk_in_memory(self):
        if os.getuid() != 0:
            self.skipTest("needs root, to mount a small disk")
        data = self.data()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", data], capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", str(data)])
        (data / "filler").write_bytes(b"x" * (1 << 20))
        checks = self.doctor("--data", data, code=1)
        self.assertIn("No space left", self.one(checks, "folder", "fail"))
        self.assertIn("MB are free", self.one(checks, "disk", "fail"))
        self.assertIn("tmpfs", self.one(checks, "disk", "warn"))

    def test_store(self):
        data = self.data()
        (data / "store.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
        self.one(self.doctor("--data", data, code=1), "store", "fail")
        served = self.daemon()
        served.stop()
        with sqlite3.connect(served.folder / "store.db") as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        self.assertIn("newer postrider", self.one(self.doctor("--data", served.folder, code=1), "store", "fail"))

    def test_address(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            threading.Thread(target=lambda: [taken.accept()[0].close() for _ in range(2)], daemon=True).start()
            checks = self.doctor("--data", self.data(), "--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=1)
        self.assertIn("not by a postrider", self.one(checks, "listen", "fail"))
        checks = self.doctor("--data", self.data(), "--listen", f"0.0.0.0:{free_port()}", "--public-url", "https://hooks.example.org")
        self.assertIn("unencrypted", self.one(checks, "listen", "warn"))
        checks = self.doctor("--data", self.data(), "--listen", "192.0.2.1:80", code=1)
        self.assertEqual([c["level"] for c in checks if c["check"] == "listen"], ["fail", "warn", "warn"])

    def test_guard_and_names(self):
        checks = self.doctor("--data", self.data(), "--allow-net", "0.0.0.0/0", "--dns-servers", f"127.0.0.1:{free_port()}", code=1)
        self.assertIn("0.0.0.0/0", self.one(checks, "guard", "warn"))
        self.assertIn("no name server answers", self.one(checks, "names", "fail"))

    def test_a_name_server_that_knows_no_name(self):
        """NXDOMAIN is an answer."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
            names.bind(("127.0.0.1", 0))

            def answer():
                while True:
                    try:
                        question, peer = names.recvfrom(4096)
                    except OSError:
                        return
                    names.sendto(question[:2] + b"\x81\x83" + question[4:6] + b"\0" * 6 + question[12:], peer)

            threading.Thread(target=answer, daemon=True).start()
            checks = self.doctor("--data", self.data(), "--dns-servers", f"127.0.0.1:{names.getsockname()[1]}")
        self.assertIn("a name server answers", self.one(checks, "names", "ok"))

    def test_mail(self):
        mail = ("--smtp-host", "127.0.0.1", "--smtp-from", "p@example.org", "--smtp-tls", "none")
        checks = self.doctor("--data", self.data(), *mail, "--smtp-port", str(free_port()), code=1)
        self.assertIn("the mail server 127.0.0.1", self.one(checks, "mail", "fail"))
        taken = []

        class Keep:
            async def handle_DATA(self, server, session, envelope):
                taken.append(envelope)
                return "250 kept"

        port = free_port()
        controller = Controller(Keep(), hostname="127.0.0.1", port=port)
        controller.start()
        self.addCleanup(controller.stop)
        words = ("--data", self.data(), *mail, "--smtp-port", str(port))
        self.one(self.doctor(*words), "mail", "ok")
        self.assertEqual(taken, [])
        self.assertIn("took a mail", self.one(self.doctor(*words, "--mail-to", "ops@example.org"), "mail", "ok"))
        self.assertEqual(taken[0].rcpt_tos, ["ops@example.org"])

    def test_certificate(self):
        folder = self.folder()
        for name, days, level, says in (("good", 90, "ok", "is valid"), ("soon", 5, "warn", "ends in"), ("old", -1, "fail", "has expired")):
            made = Certificate(folder, name, host="127.0.0.1", days=days)
            checks = self.doctor("--data", self.data(), "--tls-cert", made.cert, "--tls-key", made.key)
            self.assertIn(says, self.one(checks, "certificate", level))
        other = Certificate(folder, "other", host="127.0.0.1")
        checks = self.doctor("--data", self.data(), "--tls-cert", made.cert, "--tls-key", other.key, code=1)
        self.assertIn("is no key of", self.one(checks, "certificate", "fail"))

    def test_limits(self):
        checks = self.doctor("--data", self.data(), before=("prlimit", "--nofile=64:64"), code=1)
        self.assertIn("64 may be open", self.one(checks, "files", "fail"))
        self.assertIn("the settings allow", self.one(self.doctor("--data", self.data(), "--memory", "900G"), "memory", "warn"))


if __name__ == "__main__":
    unittest.main()
