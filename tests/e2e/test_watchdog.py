"""What systemd hears: ready, signs of life, a sentence, more time for a start that gets on, stopping. The other side of NOTIFY_SOCKET is
here, so all of it is seen as systemd sees it. That a hanging loop or store ends the signs of life is in tests/unit/node/test_alive.c."""

import os
import re
import select
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from harness import KEY, PATIENCE, PROGRAM, Api, Case, free_port, postrider, sms, wait_until

WATCHDOG_US = 400_000


class Supervised:
    """The daemon with the test in systemd's place."""

    def __init__(self, folder, *options, **env):
        self.folder, self.port = Path(folder), free_port()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.folder / f"notify{self.port}"))
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([PROGRAM, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}", *options],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, "NOTIFY_SOCKET": self.socket.getsockname(), **env})

    def hear(self, seconds):
        """The lines of the next message, None when there is none for so long."""
        if select.select([self.socket], [], [], seconds)[0]:
            return self.socket.recv(4096).decode().split("\n")
        return None

    def wait(self, wanted):
        """Hears until a line matches; all lines that came, that one last."""
        heard, deadline = [], time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            for line in self.hear(left) or []:
                heard.append(line)
                if re.fullmatch(wanted, line):
                    return heard
        raise AssertionError(f"{wanted} was not heard, only {heard}:\n{(self.folder / 'log').read_text()[-3000:]}")

    def drain(self):
        while self.hear(0):
            pass

    def state(self):
        return Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.log.close()
        self.socket.close()


class Watchdog(Case):
    def supervised(self, *options, folder=None, **env):
        made = Supervised(folder or self.folder(), *options, **env)
        self.addCleanup(made.end)
        return made

    def test_signs_of_life_a_sentence_and_the_end(self):
        daemon = self.supervised("--admin-key", KEY, "--stop-s", "7", WATCHDOG_USEC=str(WATCHDOG_US))
        daemon.wait("READY=1")
        daemon.wait("WATCHDOG=1")
        api = Api(daemon.port)
        self.addCleanup(api.close)
        api.project("p")
        begun = time.monotonic()
        for _ in range(8):
            daemon.wait("WATCHDOG=1")
        self.assertLess(time.monotonic() - begun, 8 * WATCHDOG_US / 1e6, "four times as often as they are due")
        daemon.wait(rf"STATUS=serves 127\.0\.0\.1:{daemon.port}: 1 projects, 0 endpoints; 0 events taken since the start")
        daemon.process.terminate()
        self.assertIn("STOPPING=1", daemon.wait("EXTEND_TIMEOUT_USEC=17000000"))
        self.assertEqual(daemon.process.wait(PATIENCE), 0)

    def test_a_frozen_daemon_is_silent(self):
        daemon = self.supervised("--admin-key", KEY, WATCHDOG_USEC=str(WATCHDOG_US))
        daemon.wait("WATCHDOG=1")
        daemon.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: daemon.state() == "T", "the process stands still")
        daemon.drain()
        self.assertIsNone(daemon.hear(2 * WATCHDOG_US / 1e6))
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait("WATCHDOG=1")

    def test_no_signs_of_life_when_they_are_for_another(self):
        daemon = self.supervised("--admin-key", KEY, WATCHDOG_USEC=str(WATCHDOG_US), WATCHDOG_PID="1")
        self.assertNotIn("WATCHDOG=1", daemon.wait("STATUS=serves .*"))
        self.assertIsNone(daemon.hear(2 * WATCHDOG_US / 1e6))

    def test_a_long_start_asks_for_more_time(self):
        """What nobody took before the power went is read again, and that is said."""
        folder = self.folder()
        first = self.supervised("--admin-key", KEY, "--allow-net", "127.0.0.0/8", folder=folder)
        first.wait("READY=1")
        api = Api(first.port)
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "nobody", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": [3600]}, window=1)
        for part in range(5):
            api.events("p", [sms(f"{part}-{i}") for i in range(1000)])
        first.process.kill()
        first.process.wait()
        second = self.supervised("--admin-key", KEY, folder=folder)
        heard = second.wait("READY=1")
        self.assertIn("EXTEND_TIMEOUT_USEC=60000000", heard)
        self.assertIn("STATUS=recovers: 4096 rows read so far", heard)


class AdminKeyFile(Case):
    """As systemd's LoadCredential= gives it."""

    def test_its_first_line_is_the_key(self):
        folder = self.folder()
        (folder / "admin_key").write_text(KEY + "\n")
        daemon = Supervised(folder, POSTRIDER_ADMIN_KEY_FILE=str(folder / "admin_key"))
        self.addCleanup(daemon.end)
        daemon.wait("READY=1")
        for key, status in [(KEY, 200), (KEY + "x", 401)]:
            api = Api(daemon.port, key)
            self.addCleanup(api.close)
            api.get("/v1/projects").expect(status)
        self.assertNotIn(KEY, (folder / "log").read_text())

    def test_refused(self):
        folder = self.folder()
        (folder / "empty").write_text("\n")
        (folder / "short").write_text("short\n")
        for words, says in [(["--admin-key-file", folder / "none"], "--admin-key-file: cannot read .*none"),
                            (["--admin-key-file", folder / "empty"], "--admin-key-file: the first line .* is empty"),
                            (["--admin-key-file", folder / "short"], "--admin-key-file: .*16"),
                            (["--admin-key-file", folder / "short", "--admin-key", KEY], "admin_key is given as well")]:
            with self.subTest(says):
                done = postrider("serve", "--data", folder / "data", "--listen", f"127.0.0.1:{free_port()}", *words)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, says)


if __name__ == "__main__":
    unittest.main()
