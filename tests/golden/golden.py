"""What the golden tests and scripts/golden share: for every preset and every file of events that it takes, what `postrider render` prints."""

import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
NOW = "1547125500"
# Which file of events holds which types; a preset is shown those that it asks for.
EVENTS = {
    "status": {"send_status"},
    "incoming": {"incoming_message"},
    "others": {"send_broadcast", "contact_update", "message_metadata"},
}


def presets():
    return sorted(path.stem for path in (TOP / "presets").glob("*.json"))


def cases():
    """(preset, events) pairs."""
    for preset in presets():
        wanted = set(json.loads((TOP / "presets" / f"{preset}.json").read_text())["events"])
        for events, types in EVENTS.items():
            if wanted & types:
                yield preset, events


def command(preset, events):
    endpoint = HERE / "endpoints" / f"{preset}.json"
    target = ["--endpoint", str(endpoint)] if endpoint.exists() else ["--preset", preset, "--url", "https://receiver.example/hook"]
    return target + ["--event", str(HERE / "events" / f"{events}.json"), "--project", "PJ1", "--organization", "OR1", "--time", NOW]


def render(arguments):
    """Exit code, standard output and standard error of `postrider render`."""
    done = subprocess.run([os.environ["RENDER"], *arguments], capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def expected_path(preset, events):
    return HERE / "expected" / f"{preset}.{events}.txt"


def without_version(text):
    """The program's version is no part of a dialect."""
    version = (TOP / "VERSION").read_text().strip().encode()
    return text.replace(b"postrider/" + version, b"postrider/VERSION")


def requests(text):
    """(head line, headers, body) of every request in what render printed."""
    for block in text.split(b"\n--------\n"):
        head, _, body = block.partition(b"\n\n")
        first, *headers = head.decode().split("\n")
        yield first, dict(line.split(": ", 1) for line in headers), body
