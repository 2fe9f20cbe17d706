"""Nested forms as PHP reads them (parse_str), flat ones as Python does: the tree that comes out is the tree that went in."""

import json
import subprocess
import unittest
import urllib.parse

import golden

PHP = 'parse_str(stream_get_contents(STDIN), $all); echo json_encode($all, JSON_THROW_ON_ERROR);'
BESIDE = {"incoming_message": ["contact", "state", "phone"], "send_status": ["contact"], "message_metadata": ["contact"]}
OBJECT = {"send_broadcast": "broadcast", "contact_update": "contact"}


def php(body):
    done = subprocess.run(["php", "-d", "max_input_vars=10000", "-r", PHP], input=body, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def as_sent(value):
    """A value as http_build_query writes it and parse_str reads it back; None: left out."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        members = {name: as_sent(inner) for name, inner in value.items()}
        return {name: inner for name, inner in members.items() if inner is not None} or None
    if isinstance(value, list):
        elements = [as_sent(inner) for inner in value]
        return elements or None
    return value


def expected(event, secret):
    kind = event["type"]
    name = OBJECT.get(kind, "message")
    tree = {"event": kind, "project_id": "PJ1", **as_sent(event[name])}
    if name == "message":
        tree.setdefault("message_type", "sms")
        tree.setdefault("direction", "incoming" if kind == "incoming_message" else "outgoing")
    if "update_type" in event:
        tree["update_type"] = event["update_type"]
    for beside in BESIDE.get(kind, []):
        if beside in event:
            tree[beside] = as_sent(event[beside])
    tree["secret"] = secret
    return tree


# The words that telerivet's status map changes in the events of these tests.
WORDS = {"expired": "not_delivered", "opted_out": "failed"}


class Nested(unittest.TestCase):
    def check(self, events):
        sent = json.loads((golden.HERE / "events" / f"{events}.json").read_text())
        code, out, err = golden.render(golden.command("telerivet", events))
        self.assertEqual(code, 0, err)
        got = list(golden.requests(out))
        self.assertEqual(len(got), len(sent))
        for event, (_, headers, body) in zip(sent, got):
            tree = expected(event, "s3cret & co")
            if "status" in tree:
                tree["status"] = WORDS.get(tree["status"], tree["status"])
            with self.subTest(event=event["id"]):
                self.assertEqual(headers["Content-Type"], "application/x-www-form-urlencoded")
                self.assertEqual(php(body), tree)
                names = [name for name, _ in urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)]
                self.assertEqual(names[0], "event")
                self.assertEqual(names[-1], "secret")
                self.assertEqual(len(names), len(set(names)))

    def test_statuses(self):
        self.check("status")

    def test_messages(self):
        self.check("incoming")

    def test_others(self):
        self.check("others")


class Flat(unittest.TestCase):
    def test_every_flat_preset_is_read_back(self):
        seen = 0
        for preset, events in golden.cases():
            settings = json.loads((golden.TOP / "presets" / f"{preset}.json").read_text())
            if "fields" not in settings:
                continue
            for first, _, body in golden.requests(golden.render(golden.command(preset, events))[1]):
                text = body.decode() if settings["method"] == "POST" else urllib.parse.urlsplit(first.split(" ")[1]).query
                with self.subTest(preset=preset, text=text):
                    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=True)
                    order = list(settings["fields"])
                    self.assertEqual([name for name, _ in pairs], [name for name in order if name in dict(pairs)])
                    self.assertEqual(php(text.encode()), dict(pairs))
                    seen += 1
        self.assertGreater(seen, 30)

    def test_content_survives(self):
        sent = json.loads((golden.HERE / "events" / "incoming.json").read_text())[0]["message"]["content"]
        for _, _, body in list(golden.requests(golden.render(golden.command("twilio-sms", "incoming"))[1]))[:1]:
            self.assertEqual(dict(urllib.parse.parse_qsl(body.decode()))["Body"], sent)


if __name__ == "__main__":
    unittest.main()
