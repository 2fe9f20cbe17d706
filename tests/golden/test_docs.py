"""The examples of docs/webcom.md and docs/presets.md: events become the bodies shown, the PHP receiver answers as shown, no preset or pipe is forgotten."""

import http.client
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import golden

WEBCOM = (golden.TOP / "docs" / "webcom.md").read_text()
PRESETS = (golden.TOP / "docs" / "presets.md").read_text()


def block(name):
    """The fenced block behind <!-- name -->."""
    return re.search(rf"^<!-- {name} -->\n```\w*\n(.*?)^```$", WEBCOM, re.M | re.S)[1]


def body_of(preset, events):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(events)
        file.flush()
        code, out, err = golden.render(["--preset", preset, "--event", file.name, "--time", golden.NOW])
    assert code == 0, err
    return list(golden.requests(out))[0][2].decode()


class Webcom(unittest.TestCase):
    def test_bodies(self):
        for preset in ("webcom-status", "webcom-status-json"):
            with self.subTest(preset=preset):
                self.assertEqual(body_of(preset, block("events")).rstrip("\n"), block(f"body {preset}").rstrip("\n"))

    def test_settings_compile(self):
        settings = re.search(r'^```json\n(\{"preset".*?)^```$', WEBCOM, re.M | re.S)[1]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(settings)
            file.flush()
            event = str(golden.HERE / "events" / "status.json")
            code, out, err = golden.render(["--endpoint", file.name, "--event", event, "--time", golden.NOW])
        self.assertEqual(code, 0, err)
        self.assertIn(b'time="2019-01-10 15:00:04"', out)  # Kyiv, in winter

    def test_php_receiver(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "index.php").write_text(block("php"))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            server = subprocess.Popen(["php", "-S", f"127.0.0.1:{port}", "-t", folder], stderr=subprocess.PIPE, text=True)
            try:
                self.assertIn("started", server.stderr.readline())
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("POST", "/", block("body webcom-status"), {"Content-Type": "text/xml; charset=utf-8"})
                answer = connection.getresponse()
                acked = xml.etree.ElementTree.fromstring(answer.read())
                self.assertEqual(answer.status, 200)
                connection.close()
            finally:
                server.terminate()
                server.communicate(timeout=20)
        self.assertEqual([element.text for element in acked], ["1001", "1002", "1003"])
        self.assertEqual({element.tag for element in acked}, {"id_sms"})

    def test_answer_is_of_the_example(self):
        ids = [element.text for element in xml.etree.ElementTree.fromstring(block("answer").encode())]
        self.assertEqual(ids, ["1001", "1003"])

    def test_words(self):
        words = set(json.loads((golden.TOP / "presets" / "webcom-status.json").read_text())["status_map"].values())
        table = re.search(r"^\| status \|.*?\n\n", WEBCOM, re.M | re.S)[0]
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", table, re.M)), words)


class Presets(unittest.TestCase):
    def test_every_preset_is_in_the_table(self):
        self.assertEqual(re.findall(r"^\| `([\w-]+)` \|.*\|.*\|.*\|.*\|$", PRESETS.split("## What is")[0], re.M), golden.presets())

    def test_what_is_doubtful_is_what_the_files_say(self):
        for preset, doubts in re.findall(r"^- `([\w-]+)`: (.*)$", PRESETS, re.M):
            about = json.loads((golden.TOP / "presets" / f"{preset}.json").read_text())["about"]
            self.assertTrue(about.endswith(doubts), preset)

    def test_every_pipe_is_there(self):
        table = PRESETS.split("<!-- pipes -->")[1].split("\n\n")[0]
        shown = set(re.findall(r"`(\w+)[:`]", "".join(line.split("|")[1] for line in table.strip().splitlines()[2:])))
        source = (golden.TOP / "src" / "dialect" / "template_pipe.c").read_text().split("pipes[] = {")[1].split("};")[0]
        self.assertEqual(shown, set(re.findall(r'\{ "(\w+)",', source)))

    def test_examples_of_pipes_compile(self):
        examples = [text.replace("\\|", "|") for text in re.findall(r"`(\{[\w.]+\\\|.*?\})` \|$", PRESETS, re.M)]
        self.assertGreater(len(examples), 10)
        settings = {"url": "https://receiver.example/", "content_type": "form", "maps": {"code": {"delivered": 1}},
                    "fields": {str(number): text for number, text in enumerate(examples)}}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(settings, file)
            file.flush()
            code, _, err = golden.render(["--endpoint", file.name, "--event", str(golden.HERE / "events" / "status.json")])
        self.assertEqual(code, 0, err)


if __name__ == "__main__":
    unittest.main()
