"""The two Wiraya interfaces, sent by the real daemon to a real receiver: first the examples of Wiraya's own pages to the letter, then every
metric for each of the four kinds of communication, then the presets' rules."""

import json
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from harness import EXAMPLES, ROOT, Certificate, SharedDaemon, sms
from php import Php

NUMERIC = {"ID", "CID", "RID", "PRID", "SMS_PARTS", "SENT_UNIXTIME", "DONE_UNIXTIME", "CALL_LENGTH"}
METRICS = ["TYPE", "ID", "CID", "RID", "PRID", "RECIPIENT", "SENDER", "STATUS", "CONTENT", "SMS_PARTS", "SENT_UNIXTIME", "SENT_DATETIME",
           "SENT_DATEISO", "DONE_UNIXTIME", "DONE_DATETIME", "DONE_DATEISO", "RECIPIENT_STATUS", "1", "2", "3", "99", "CAMPAIGN_NAME", "CALL_LENGTH",
           "KEY_CHOICES", "BULK", "IDENTIFIER", "PREFIX"]

DELIVERED = sms(1000007, from_number="ACME", to_number="46710000123", content="Hello", num_parts=1, time_created=1547125199, time_sent=1547125200,
                time_done=1547125204, recipient_id="991", recipient_status="EXISTS", fields=["Anna", "Svensson", "8f14e45f"], campaign_name="Spring")


class Seed(SharedDaemon):
    """What the pages show, byte for byte."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receiver = cls.shared_receiver()

    def setUp(self):
        super().setUp()
        self.path = "/" + self.pid

    def push(self, *events, **settings):
        """The requests that the events become at an endpoint of the push preset."""
        settings.setdefault("url", self.receiver.url(self.path))
        self.api.endpoint(self.pid, "push", preset=settings.pop("preset", "wiraya-push"), **settings)
        self.api.events(self.pid, list(events))
        return self.receiver.wait(1, self.path)[-1]

    def test_get_url(self):
        got = self.push(DELIVERED, method="GET", url=self.receiver.url(self.path + "?contact={RID}&id={ID}&to={RECIPIENT}&status={STATUS}"))
        self.assertEqual(got.method, "GET")
        self.assertEqual(got.target, self.path + "?contact=991&id=1000007&to=46710000123&status=DELIVERED")
        self.assertEqual(got.body, b"")
        self.assertIsNone(got.headers["Content-Type"])

    def test_json_body(self):
        got = self.push(DELIVERED, body='{"id":{ID},"UUID":"{3}","unixtime":{DONE_UNIXTIME},"recipient status":"{RECIPIENT_STATUS}"}')
        self.assertEqual(got.method, "POST")
        self.assertEqual(got.body, b'{"id":1000007,"UUID":"8f14e45f","unixtime":1547125204,"recipient status":"EXISTS"}')
        self.assertEqual(got.headers["Content-Type"], "application/json; charset=utf-8")

    def test_batch_of_three(self):
        """The page's payload; only its blanks are gone."""
        endpoint = json.loads((EXAMPLES / "wiraya-batch.json").read_text())
        events = json.loads((EXAMPLES / "three-events.json").read_text())
        endpoint["batch"]["max_items"] = 3
        got = self.push(*events, **{**endpoint, "url": self.receiver.url(self.path)})
        self.assertEqual(got.body, b'{"batch":['
                         b'{"id":1000007,"to":"46710000123","when":"2019-01-10T13:00:00Z"},'
                         b'{"id":1000088,"to":"46710000456","when":"2019-01-10T13:00:04Z"},'
                         b'{"id":1000105,"to":"46710000789","when":"2019-01-10T13:00:11Z"}]}')

    def test_batch_of_one_is_an_array_too(self):
        got = self.push(DELIVERED, body='{"id":{ID}}', batch={"max_items": 50, "max_wait_ms": 50})
        self.assertEqual(got.body, b'{"batch":[{"id":1000007}]}')

    def test_xml_body(self):
        event = sms(1000007, content='a<b> & "c"', to_number="46710000123")
        got = self.push(event, content_type="xml", body='<?xml version="1.0"?><sms id="{ID}" to="{RECIPIENT}">{CONTENT}</sms>')
        self.assertEqual(got.headers["Content-Type"], "application/xml; charset=utf-8")
        self.assertTrue(got.body.startswith(b'<?xml version="1.0"'))
        root = ElementTree.fromstring(got.body)
        self.assertEqual((root.tag, root.attrib, root.text), ("sms", {"id": "1000007", "to": "46710000123"}, 'a<b> & "c"'))

    def test_xml_batch(self):
        events = [sms(i, content=f"]]> & {i}") for i in (1, 2, 3)]
        got = self.push(*events, content_type="xml", body='<?xml version="1.0"?><sms id="{ID}"><![CDATA[{CONTENT}]]></sms>', batch={"max_items": 3})
        self.assertEqual(got.body.count(b"<?xml"), 1)
        root = ElementTree.fromstring(got.body)
        self.assertEqual(root.tag, "batch")
        self.assertEqual([(i.get("id"), i.text) for i in root], [(str(i), f"]]> & {i}") for i in (1, 2, 3)])

    def test_default_body(self):
        """Without a body of its own the preset has one."""
        got = self.push(DELIVERED)
        self.assertEqual(got.json, {"id": 1000007, "type": "OUTGOING_SMS", "to": "46710000123", "status": "DELIVERED", "when": "2019-01-10T13:00:00Z"})

    def test_values_stay_in_their_place(self):
        """What the event carries can't break out of JSON, a URL or a header."""
        nasty = 'x","evil":true,"y":"\r\nX-Evil: 1\u00e5\U0001f600\\ &?#/'
        got = self.push(sms("1}{2", content=nasty, recipient_id="a/b?c&d=\u00e5"), url=self.receiver.url(self.path + "?r={RID}&c={CONTENT}"),
                        body='{"id":{ID},"text":"{CONTENT}"}')
        self.assertEqual(got.json, {"id": "1}{2", "text": nasty})
        self.assertRegex(got.target, re.escape(self.path + "?r=a%2Fb%3Fc%26d%3D%C3%A5&c=") + r"[A-Za-z0-9._~%-]+$")
        self.assertIsNone(got.headers["X-Evil"])

    def test_custom_headers_and_basic_auth(self):
        got = self.push(DELIVERED, headers={"X-Tenant": "42", "X-Message": "{ID}"}, auth={"username": "Åsa", "password": "p:w"})
        self.assertEqual((got.headers["X-Tenant"], got.headers["X-Message"]), ("42", "1000007"))
        self.assertEqual(got.headers["Authorization"], "Basic w4VzYTpwOnc=")
        self.assertRegex(got.headers["User-Agent"], r"^postrider/\d+\.\d+")
        self.assertEqual(got.headers["webhook-attempt"], "1")

    def test_batches_agree_in_url(self):
        """Events whose URLs differ can't share a request."""
        events = [sms(i, recipient_id=str(i % 2)) for i in range(6)]
        self.push(*events, url=self.receiver.url(self.path + "?r={RID}"), body='{"id":{ID}}', batch={"max_items": 3, "max_wait_ms": 60000})
        got = self.receiver.wait(2, self.path)
        self.assertEqual(sorted((r.target.split("=")[1], [i["id"] for i in r.json["batch"]]) for r in got), [("0", [0, 2, 4]), ("1", [1, 3, 5])])


class Page(SharedDaemon):
    """The examples of docs/wiraya.md; in the operator's, certificates stand in the place of the dots."""

    text = (ROOT / "docs" / "wiraya.md").read_text()

    def block(self, name):
        return re.search(rf"^<!-- {name} -->\n```\w*\n(.*?)^```$", self.text, re.M | re.S)[1]

    def test_what_arrives(self):
        sink = self.receiver()
        url = sink.url("/receiver.php")
        self.api.endpoint(self.pid, "get", preset="wiraya-push", method="GET", url=url + "?contact={RID}&id={ID}&to={RECIPIENT}&status={STATUS}")
        self.api.endpoint(self.pid, "post", preset="wiraya-push", url=url,
                          body='{"id":{ID},"UUID":"{3}","unixtime":{DONE_UNIXTIME},"recipient status":"{RECIPIENT_STATUS}"}')
        self.api.events(self.pid, DELIVERED)
        got = {r.method: r for r in sink.wait(2)}
        self.assertEqual("GET " + got["GET"].target, self.block("get").strip())
        post = got["POST"]
        self.assertEqual(f"POST {post.target}\nContent-Type: {post.headers['Content-Type']}\n\n{post.body.decode()}", self.block("post").rstrip())

    def test_batch_and_php(self):
        php = Php(self.folder(), "<?php require 'note.php'; note(file_get_contents('php://input')); ?>" + self.block("php"))
        self.addCleanup(php.close)
        endpoint, events = (json.loads((EXAMPLES / f"{name}.json").read_text()) for name in ("wiraya-batch", "three-events"))
        endpoint["batch"]["max_items"] = 3
        self.api.endpoint(self.pid, "batch", **{**endpoint, "url": php.url("/receiver.php")})
        self.api.events(self.pid, events)
        self.assertEqual(json.loads(php.wait(1)[0]), json.loads(self.block("batch")))
        self.assertEqual([(a["outcome"], a["code"]) for a in self.api.wait_attempts(self.pid, 1)], [("ok", 204)])

    def test_the_example(self):
        folder = self.shared_folder()
        certificate, client = Certificate(folder, "page", "127.0.0.1"), Certificate(folder, "client")
        receiver = self.receiver(tls=certificate.server_context())
        text = (ROOT / "docs" / "wiraya.md").read_text().split("## For the operator")[1]
        settings = json.loads(re.search(r"```json\n(.*?)```", text, re.S)[1])
        settings["tls"].update(client_cert=client.pem, client_key=client.key_pem)
        settings["url"] = receiver.url("/receiver.php?contact={RID}")
        settings["batch"]["max_wait_ms"] = 50
        self.api.endpoint(self.pid, "page", **settings)
        self.api.events(self.pid, DELIVERED)
        (got,) = receiver.wait(1)
        self.assertEqual(got.target, "/receiver.php?contact=991")
        self.assertEqual(got.body, b'{"batch":[{"id":1000007,"UUID":"8f14e45f","unixtime":1547125204,"recipient status":"EXISTS"}]}')
        self.assertEqual((got.headers["X-Tenant"], got.headers["Authorization"]), ("42", "Basic YWNtZTpjb3JyZWN0IGhvcnNl"))

    def test_the_pin_of_the_page(self):
        """The command line that the page gives for a pin."""
        certificate = Certificate(self.folder(), "pinned", "another.example")
        command = re.search(r"^openssl x509 .*$", (ROOT / "docs" / "wiraya.md").read_text(), re.M)[0].replace("receiver.pem", str(certificate.cert))
        shown = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout
        receiver = self.receiver(tls=certificate.server_context())
        self.api.endpoint(self.pid, "pinned", preset="wiraya-callback", url=receiver.url("/"), tls={"verify": "pin:" + re.search(r"[0-9a-f]{64}", shown)[0]})
        self.api.events(self.pid, DELIVERED)
        receiver.wait(1)


class Metrics(SharedDaemon):
    """Every metric of both pages, for each of the four kinds of communication, through both presets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certificate = Certificate(cls.shared_folder(), "receiver", "127.0.0.1")
        cls.sinks = {"wiraya-push": cls.shared_receiver(), "wiraya-callback": cls.shared_receiver(tls=certificate.server_context())}

    def metrics(self, event):
        """What each metric is for the event, by both presets; they must agree."""
        body = "{" + ",".join(f'"{m}":{{{m}}}' for m in METRICS) + "}"
        seen = []
        for preset, sink in self.sinks.items():
            self.api.endpoint(self.pid, preset, preset=preset, url=sink.url("/" + self.pid), body=body)
        self.api.events(self.pid, event)
        for sink in self.sinks.values():
            seen.append(sink.wait(1, "/" + self.pid)[0].json)
        self.assertEqual(*seen)
        return seen[0]

    def check(self, event, **expected):
        names = {"FIRST": "1", "SECOND": "2", "THIRD": "3", "LAST": "99"}
        wanted = {m: None for m in METRICS}
        wanted.update({"CID": 77, "PRID": self.pid})
        wanted.update({names.get(k, k): v for k, v in expected.items()})
        self.assertEqual(self.metrics(event), wanted)

    def test_outgoing_sms(self):
        event = sms(1000007, "not_delivered", from_number="ACME", to_number="46710000123", content="Hello", num_parts=2, time_created=1547125199,
                    time_sent=1547125200, time_done=1547125204, recipient_id="991", recipient_status="LANDLINENUMBER",
                    fields=[f"f{i}" for i in range(1, 100)], campaign_name="Spring", duration=5, key_choices=[1], bulk="no", identifier="no", prefix="no")
        self.check(event, TYPE="OUTGOING_SMS", ID=1000007, RID=991, RECIPIENT="46710000123", SENDER="ACME", STATUS="NOT_DELIVERED", CONTENT="Hello",
                   SMS_PARTS=2, SENT_UNIXTIME=1547125200, SENT_DATETIME="2019-01-10 13:00:00", SENT_DATEISO="2019-01-10T13:00:00Z",
                   DONE_UNIXTIME=1547125204, DONE_DATETIME="2019-01-10 13:00:04", DONE_DATEISO="2019-01-10T13:00:04Z",
                   RECIPIENT_STATUS="LANDLINENUMBER", FIRST="f1", SECOND="f2", THIRD="f3", LAST="f99", CAMPAIGN_NAME="Spring")

    def test_incoming_sms(self):
        event = {"type": "incoming_message", "contact": {"id": "55"},
                 "message": {"id": "1000008", "message_type": "sms", "from_number": "46710000123", "to_number": "71000", "content": "JOIN",
                             "time_created": 1547125200, "bulk": "ACME JOIN", "identifier": "ACME", "prefix": "A", "num_parts": 1}}
        self.check(event, TYPE="INCOMING_SMS", ID=1000008, RID=55, RECIPIENT="71000", SENDER="46710000123", CONTENT="JOIN", SENT_UNIXTIME=1547125200,
                   SENT_DATETIME="2019-01-10 13:00:00", SENT_DATEISO="2019-01-10T13:00:00Z", BULK="ACME JOIN", IDENTIFIER="ACME", PREFIX="A")

    def test_outgoing_call(self):
        event = {"type": "send_status",
                 "message": {"id": "1000009", "message_type": "call", "status": "not_reached", "from_number": "46101", "to_number": "46710000123",
                             "time_sent": 1547125200, "time_done": 1547125262, "duration": 61.8, "key_choices": ["1", "#", 5], "fields": ["Anna"],
                             "campaign_name": "Spring", "num_parts": 1, "recipient_status": "EXISTS"}}
        self.check(event, TYPE="OUTGOING_CALL", ID=1000009, RECIPIENT="46710000123", SENDER="46101", STATUS="NOTREACHED", SENT_UNIXTIME=1547125200,
                   SENT_DATETIME="2019-01-10 13:00:00", SENT_DATEISO="2019-01-10T13:00:00Z", DONE_UNIXTIME=1547125262,
                   DONE_DATETIME="2019-01-10 13:01:02", DONE_DATEISO="2019-01-10T13:01:02Z", FIRST="Anna", CAMPAIGN_NAME="Spring", CALL_LENGTH=61,
                   KEY_CHOICES="1,#,5")

    def test_incoming_call(self):
        event = {"type": "incoming_message",
                 "message": {"id": "1000010", "message_type": "call", "from_number": "46710000123", "to_number": "46101", "time_created": 1547125200,
                             "time_done": 1547125230, "duration": 30}}
        self.check(event, TYPE="INCOMING_CALL", ID=1000010, RECIPIENT="46101", SENDER="46710000123", SENT_UNIXTIME=1547125200,
                   SENT_DATETIME="2019-01-10 13:00:00", SENT_DATEISO="2019-01-10T13:00:00Z", DONE_UNIXTIME=1547125230,
                   DONE_DATETIME="2019-01-10 13:00:30", DONE_DATEISO="2019-01-10T13:00:30Z")

    def test_unanswered_call_has_no_length(self):
        event = {"type": "send_status", "message": {"id": "1", "message_type": "call", "status": "next_attempt", "duration": -1}}
        self.check(event, TYPE="OUTGOING_CALL", ID=1, STATUS="NEXTATTEMPT")


class Rules(SharedDaemon):
    """Status words, which events leave, and what the presets refuse."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink = cls.shared_receiver()

    def words(self, kind, statuses):
        """The word that each status becomes; None when nothing is sent for it."""
        self.api.endpoint(self.pid, "push", preset="wiraya-push", url=self.sink.url("/" + self.pid), body='{"id":"{ID}","word":"{STATUS}"}')
        events = []
        for status in statuses:
            event = sms(f"{status}", status.removeprefix("simulated "), message_type=kind)
            if status.startswith("simulated "):
                event["message"]["simulated"] = True
            events.append(event)
        self.api.events(self.pid, events + [sms("the end", "delivered", message_type=kind)])
        ended = lambda: any(r.json["id"] == "the end" for r in self.sink.at("/" + self.pid))
        self.sink.wait_for(ended, "the end")
        wanted = {s for s, w in statuses.items() if w}
        self.sink.wait_for(lambda: wanted <= {r.json["id"] for r in self.sink.at("/" + self.pid)}, lambda: f"{wanted}, only {self.sink.at('/' + self.pid)}")
        found = {r.json["id"]: r.json["word"] for r in self.sink.at("/" + self.pid)}
        found.pop("the end")
        self.assertEqual(found, {s: w for s, w in statuses.items() if w})

    def test_sms_words(self):
        self.words("sms", {"queued": None, "sent": None, "delivered": "DELIVERED", "read": "DELIVERED", "partly_delivered": "DELIVERED",
                           "not_delivered": "NOT_DELIVERED", "expired": "NOT_DELIVERED", "failed": "FAILURE", "failed_queued": None,
                           "cancelled": "FAILURE", "incorrect_number": "NOT_DELIVERED", "opted_out": "OPTOUT", "not_whitelisted": "NOT_WHITELISTED",
                           "spam": "SPAM", "unknown": "UNKNOWN", "something_else": "UNKNOWN", "simulated delivered": "TEST"})

    def test_call_words(self):
        self.words("call", {"queued": None, "sent": None, "delivered": "DELIVERED", "not_delivered": "NOTREACHED", "expired": "NOTREACHED",
                            "failed": "NOTREACHED", "failed_queued": "NEXTATTEMPT", "cancelled": "NOTREACHED", "next_attempt": "NEXTATTEMPT",
                            "not_reached": "NOTREACHED", "incorrect_number": "INCORRECTNUMBER", "opted_out": "OPTOUT", "spam": "SPAM",
                            "unknown": "NOTREACHED", "something_else": "NOTREACHED", "simulated failed": "TEST"})

    def refused(self, param, says=None, **settings):
        answer = self.api.put(f"/v1/projects/{self.pid}/endpoints/e", {"preset": "wiraya-push", "url": "https://push.example.org/", **settings})
        self.assertIn(answer.status, (400, 422), answer)
        self.assertEqual(answer.error["param"], param)
        if says:
            self.assertRegex(answer.error["message"], says)
        return answer.error

    def test_callback_refuses_http(self):
        self.refused("url", "https", preset="wiraya-callback", url="http://push.example.org/")

    def test_get_takes_no_batch(self):
        self.refused("batch.max_items", "GET", method="GET", batch={"max_items": 2})

    def test_unknown_metric_is_named_with_its_place(self):
        error = self.refused("body", "STAUTS", body='{"id":{ID},"status":"{STAUTS}"}')
        self.assertRegex(error["message"], "STATUS")  # the cure
        self.assertRegex(error["message"], r"\b2\d\b")  # the position

    def test_broken_templates(self):
        self.refused("body", body='{"id":{ID}')
        self.refused("body", body="<a>{ID}</b>", content_type="xml")
        self.refused("body", body="<{TYPE}/>", content_type="xml")
        self.refused("url", url="https://{RID}.example.org/")
        self.refused("headers.X-A", headers={"X-A": "a\r\nX-B: b"})

    def test_old_tls_is_refused(self):
        self.refused("tls.min_version", tls={"min_version": "1.1"})

    def test_other_literal_braces_are_text(self):
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=self.sink.url("/" + self.pid), body='{"a":{"b":{ID},"c":"{x} {} {100}"}}')
        self.api.events(self.pid, sms(5))
        self.assertEqual(self.sink.wait(1, "/" + self.pid)[0].json, {"a": {"b": 5, "c": "{x} {} {100}"}})

    def test_only_sms_and_calls_leave(self):
        self.api.endpoint(self.pid, "e", preset="wiraya-push", url=self.sink.url("/" + self.pid), body='{"id":{ID}}')
        self.api.events(self.pid, [sms(1, message_type="chat"), {"type": "message_metadata", "message": {"id": "2"}, "update_type": "star"},
                                   {"type": "contact_update", "contact": {"id": "3"}, "update_type": "add"}, sms(4, "queued"), sms(5)])
        self.sink.wait(1, "/" + self.pid)
        self.api.wait_attempts(self.pid, 1)
        self.assertEqual([r.json["id"] for r in self.sink.at("/" + self.pid)], [5])


if __name__ == "__main__":
    unittest.main()
