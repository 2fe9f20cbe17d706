"""The examples of docs/webcom.md, docs/telerivet.md and docs/presets.md: events become the bodies shown, the receivers answer as shown, no preset or pipe
is forgotten."""

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
TELERIVET = (golden.TOP / "docs" / "telerivet.md").read_text()
PRESETS = (golden.TOP / "docs" / "presets.md").read_text()


def block(name, page=WEBCOM):
    """The fenced block behind <!-- name -->."""
    return re.search(rf"^<!-- {name} -->\n```\w*\n(.*?)^```$", page, re.M | re.S)[1]


def ask_php(script, body, content_type):
    """Status and body of what the script answers to a POST."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "index.php").write_text(script)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(["php", "-S", f"127.0.0.1:{port}", "-t", folder], stderr=subprocess.PIPE, text=True)
        try:
            assert "started" in server.stderr.readline()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/", body, {"Content-Type": content_type})
            answer = connection.getresponse()
            said = answer.status, answer.read()
            connection.close()
            return said
        finally:
            server.terminate()
            server.communicate(timeout=20)


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
        status, answer = ask_php(block("php"), block("body webcom-status"), "text/xml; charset=utf-8")
        acked = xml.etree.ElementTree.fromstring(answer)
        self.assertEqual(status, 200)
        self.assertEqual([element.text for element in acked], ["1001", "1002", "1003"])
        self.assertEqual({element.tag for element in acked}, {"id_sms"})

    def test_answer_is_of_the_example(self):
        ids = [element.text for element in xml.etree.ElementTree.fromstring(block("answer").encode())]
        self.assertEqual(ids, ["1001", "1003"])

    def test_words(self):
        words = set(json.loads((golden.TOP / "presets" / "webcom-status.json").read_text())["status_map"].values())
        table = re.search(r"^\| status \|.*?\n\n", WEBCOM, re.M | re.S)[0]
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", table, re.M)), words)


class Telerivet(unittest.TestCase):
    FORM = "application/x-www-form-urlencoded"

    def body(self, number):
        return block(f"body {number}", TELERIVET).rstrip("\n")

    def test_bodies(self):
        with tempfile.TemporaryDirectory() as folder:
            endpoint, events = pathlib.Path(folder, "endpoint.json"), pathlib.Path(folder, "events.json")
            endpoint.write_text(block("settings", TELERIVET))
            events.write_text(block("events", TELERIVET))
            code, out, err = golden.render(["--endpoint", endpoint, "--event", events, "--project", "PJ1"])
        self.assertEqual(code, 0, err)
        got = list(golden.requests(out))
        self.assertEqual([body.decode() for _, _, body in got], [self.body(0), self.body(1)])
        self.assertEqual({headers["Content-Type"] for _, headers, _ in got}, {self.FORM})

    def test_tree(self):
        _, answer = ask_php("<?php echo json_encode($_POST);", self.body(0), self.FORM)
        self.assertEqual(json.loads(answer), json.loads(block("tree 0", TELERIVET)))

    def test_php_receiver(self):
        script = block("php", TELERIVET)
        status, answer = ask_php(script, self.body(0), self.FORM)
        self.assertEqual((status, json.loads(answer)), (200, {"messages": [{"content": "Thank you, Karin."}],
                                                              "variables": {"contact.name": "Karin", "state.id": None}}))
        self.assertEqual(ask_php(script, self.body(1), self.FORM), (200, b""))
        self.assertEqual(ask_php(script, self.body(0).replace("s3cret", "other"), self.FORM)[0], 403)

    def test_python_receiver(self):
        scope = {}
        exec(compile(block("python", TELERIVET), "docs/telerivet.md", "exec"), scope)  # pylint: disable=exec-used
        self.assertEqual(scope["receive"](self.body(0).encode()), (200, ("incoming_message", "SM1", "Åsa & Co")))
        self.assertEqual(scope["receive"](self.body(1).encode()), (200, ("send_status", "SM2", None)))
        self.assertEqual(scope["receive"](self.body(1).replace("s3cret", "other").encode()), (403, None))

    def test_facts_are_the_presets(self):
        preset = json.loads((golden.TOP / "presets" / "telerivet.json").read_text())
        words = re.findall(r"`(\w+)`", re.search(r"<!-- statuses -->(.*?)\.", TELERIVET, re.S)[1])
        self.assertEqual(set(words), set(preset["status_map"].values()))
        self.assertEqual(re.findall(r"^\| `(\w+)` \| .* \| the (?:message|broadcast|contact)", TELERIVET, re.M), preset["events"])
        self.assertIn(", ".join(map(str, preset["ports"])) + ", as Telerivet has it", TELERIVET)
        hours = [f"{delay // 60}" for delay in preset["retry"]["delays_s"] if delay < 3600] + [f"{delay // 3600}" for delay in preset["retry"]["delays_s"] if delay >= 3600]
        sentence = re.search(r"means after (.*?) minutes, (.*?) hours", TELERIVET)
        self.assertEqual(re.findall(r"\d+", sentence[1]) + re.findall(r"\d+", sentence[2]), hours)
        ours = {ours: theirs for group, theirs in re.findall(r"([\w, ]+) → `(\w+)`", TELERIVET.replace("\n", " ")) for ours in group.replace(" ", "").split(",")}
        self.assertEqual({k: v for k, v in preset["status_map"].items() if k != v}, ours)


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
