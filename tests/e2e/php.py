"""A receiver in PHP, by PHP's own web server: the script that a customer would put there, and what it wrote down for the test.

The script keeps things with `note($what)`, which is a JSON line in a file of the test's."""

import json
import subprocess
import threading
from pathlib import Path

from harness import PATIENCE, free_port, wait_until

NOTE = """<?php
function note($what) {
    file_put_contents(__DIR__ . '/notes', json_encode($what, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION) . "\\n", FILE_APPEND | LOCK_EX);
}
"""


class Php:
    """`php -S` on a folder of the test's, with one script that answers whatever is asked."""

    def __init__(self, folder, script):
        self.folder, self.port = Path(folder), free_port()
        (self.folder / "note.php").write_text(NOTE)
        (self.folder / "index.php").write_text(script)
        self.process = subprocess.Popen(["php", "-d", "max_input_vars=10000", "-S", f"127.0.0.1:{self.port}", str(self.folder / "index.php")],
                                        cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.started = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.started.wait(PATIENCE) or self.process.poll() is not None:
            raise AssertionError("php did not start:\n" + "\n".join(self.lines))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if "started" in line:
                self.started.set()
        self.started.set()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def notes(self):
        """What the script noted, one after the other; a line that is being written is not one yet."""
        path = self.folder / "notes"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait(self, count):
        """All notes, once there are so many."""
        return wait_until(lambda: self.notes if len(self.notes) >= count else None,
                          lambda: f"{count} notes, but {self.notes}\n" + "\n".join(self.lines[-20:]))

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()
