"""A real SMS gateway behind postrider: Debian's Kannel (bearerbox, smsbox) with two message centres, its own `fakesmsc`, which delivers all
it gets, and a generic HTTP one that this test answers, for what is refused and what comes to nothing."""

import base64
import contextlib
import socket
import subprocess
import unittest
import urllib.parse

from harness import PATIENCE, Case, free_port, wait_until

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
FAKE_NUMBER, SCRIPT_NUMBER = "46701", "46702"


class Centre:
    """The generic HTTP message centre: takes what Kannel sends and answers by the recipient's number; reports later what it is told to."""

    def __init__(self, case, port):
        self.port = port  # where Kannel hears reports and messages
        self.receiver = case.receiver(self.take)
        self.sent = {}  # recipient -> the arguments of each call

    def take(self, arrival):
        query = urllib.parse.urlsplit(arrival.target).query
        call = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, encoding="latin-1"))
        call["text"] = call["text"].encode("latin-1").decode("utf-16-be" if call["coding"] == "2" else "utf-8")
        self.sent.setdefault(call["to"], []).append(call)
        return (200, {}, b"REFUSED: no such subscriber") if call["to"].endswith("0016") else (200, {}, b"OK id=mc-" + call["to"].lstrip("+").encode())

    def tell(self, **arguments):
        """Calls Kannel, as a message centre does; returns its answer."""
        import http.client

        query = urllib.parse.urlencode({"username": "mc", "password": "mcpass", **arguments})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/?{query}")
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def report(self, to, mask):
        return self.tell(**{"from": to, "to": SCRIPT_NUMBER, "text": "", "dlr-mid": "mc-" + to.lstrip("+"), "dlr-mask": mask})


class Kannel:
    """bearerbox and smsbox on ports and in a folder of their own."""

    def __init__(self, case, mo_url):
        self.case, self.folder = case, case.folder()
        self.admin, self.box, self.fake, self.sendsms, self.centre_port = (free_port() for _ in range(5))
        self.centre = Centre(case, self.centre_port)
        self.processes = []
        self.conf = self.folder / "kannel.conf"
        self.conf.write_text(f"""
group = core
admin-port = {self.admin}
admin-password = adminpass
admin-interface = 127.0.0.1
smsbox-port = {self.box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1

group = smsc
smsc = fake
smsc-id = fake
allowed-smsc-id = fake
port = {self.fake}
connect-allow-ip = 127.0.0.1

group = smsc
smsc = http
smsc-id = script
allowed-smsc-id = script
system-type = generic
port = {self.centre_port}
connect-allow-ip = 127.0.0.1
smsc-username = mc
smsc-password = mcpass
send-url = "{self.centre.receiver.url('/send')}?to=%p&from=%P&text=%b&coding=%c"
status-success-regex = "^OK"
status-permfail-regex = "^REFUSED"
generic-foreign-id-regex = "id=(.+)$"

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {self.box}
sendsms-port = {self.sendsms}
sendsms-interface = 127.0.0.1
reply-couldnotfetch = ""
mo-recode = true
http-request-retry = 5
http-queue-delay = 1

group = sendsms-user
username = pr
password = prpass
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
assume-plain-text = true
get-url = "{mo_url}?id=%I&from=%p&to=%P&text=%b&ts=%T&smsc=%i&charset=%C"
""")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms"

    def _run(self, name, *words):
        with open(self.folder / f"{name}.log", "ab") as log:
            # fakesmsc ends at the end of its input, so it has one that stays open
            process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.processes.append(process)
        self.case.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _listens(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def start(self):
        self._run("bearerbox", "bearerbox", "-v", "1", str(self.conf))
        for port in (self.box, self.fake, self.centre_port):
            wait_until(lambda port=port: self._listens(port), lambda: f"bearerbox listens on {port}: {self.log('bearerbox')[-3000:]}")
        return self.start_smsbox()

    def start_smsbox(self):
        self.smsbox = self._run("smsbox", "smsbox", "-v", "0", str(self.conf))
        wait_until(lambda: self._listens(self.sendsms), lambda: f"smsbox listens: {self.log('smsbox')[-3000:]}")
        return self

    def stop_smsbox(self):
        self._end(self.smsbox)

    def fakesmsc(self, *messages):
        """Sends these messages once each, then shows what it is sent; its log is `fakesmsc`."""
        self._run("fakesmsc", FAKESMSC, "-H", "127.0.0.1", "-r", str(self.fake), "-i", "0.01", "-m", str(len(messages)), *messages)

    def wait_shown(self, text):
        wait_until(lambda: text in self.log("fakesmsc"), lambda: f"fakesmsc got {text!r}: {self.log('fakesmsc')[-3000:]}")


class WithKannel(Case):
    def setUp(self):
        self.served = self.daemon()
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.api.project("k")
        self.key = self.api.post("/v1/projects/k/keys", {"name": "kannel"}).expect(201).json["key"]
        self.statuses = self.receiver()
        self.api.endpoint("k", "statuses", preset="telerivet", url=self.statuses.url("/status"), ports=None, events=["send_status"])
        self.kannel = Kannel(self, f"http://{self.key}:@127.0.0.1:{self.served.port}/ingest/kannel/k/mo")

    def phone(self, number, smsc, **config):
        config = {"url": self.kannel.url, "username": "pr", "password": "prpass", "smsc": smsc, "retry": {"delays_s": [0.5]}, **config}
        return self.api.post("/v1/projects/k/phones", {"phone_type": "kannel", "name": smsc, "phone_number": number, "country": "SE",
                                                       "config": config}).expect(200).json["id"]

    def send(self, phone, to, content, **more):
        return self.api.post("/v1/projects/k/messages/send", {"route_id": phone, "to_number": to, "content": content, **more}).expect(200).json["id"]

    def message(self, mid):
        return self.api.get(f"/v1/projects/k/messages/{mid}").expect(200).json

    def wait_status(self, mid, status):
        return wait_until(lambda: (m := self.message(mid)) and m["status"] == status and m,
                          lambda: f"{mid} is {status}, but {self.message(mid)}\n{self.kannel.log('smsbox')[-3000:]}")

    def told(self, mid):
        """The statuses that the project's endpoint was told of one message, in order."""
        forms = [dict(urllib.parse.parse_qsl(r.body.decode())) for r in self.statuses.at("/status")]
        return [f["status"] for f in forms if f["id"] == mid]


class Conversation(WithKannel):
    """A message in, the service's webhook, its reply out, and what becomes of it."""

    def test_conversation(self):
        webhook = self.receiver(lambda arrival: (200, {"Content-Type": "application/json"},
                                                 b'{"messages":[{"content":"Tack f\\u00f6r det! ' + b"\\u2603" + b'"}],"variables":{"contact.vars.seen":true}}'))
        self.phone(FAKE_NUMBER, "fake")
        self.api.post("/v1/projects/k/services", {"name": "hook", "service_type": "incoming_message_webhook", "active": True,
                                                  "config": {"url": webhook.url("/in"), "secret": "s3cret"}}).expect(200)
        self.kannel.start()
        self.kannel.fakesmsc(f"+46709111111 {FAKE_NUMBER} ucs2 {urllib.parse.quote('hej på dig'.encode('utf-16-be'))}")
        form = dict(urllib.parse.parse_qsl(webhook.wait(1, "/in")[0].body.decode()))
        self.assertEqual(form["event"], "incoming_message")
        self.assertEqual(form["secret"], "s3cret")
        self.assertEqual(form["content"], "hej på dig")
        self.assertEqual(form["from_number"], "+46709111111")
        self.assertEqual(form["from_number_e164"], "+46709111111")
        self.assertEqual(form["phone[phone_type]"], "kannel")
        self.kannel.wait_shown("46709111111")
        out = wait_until(lambda: [m for m in self.api.get("/v1/projects/k/messages?direction=outgoing").expect(200).json["data"]
                                  if m["status"] == "delivered"], "the reply is delivered")[0]
        self.assertEqual(out["content"], "Tack för det! ☃")
        self.assertEqual(out["num_parts"], 1)
        wait_until(lambda: self.told(out["id"])[-1:] == ["delivered"], lambda: f"delivered is told, but {self.told(out['id'])}")
        self.assertIn(self.told(out["id"]), (["queued", "sent", "delivered"], ["queued", "delivered"]))
        self.assertNotIn("prpass", self.served.log)
        self.assertEqual(len(self.api.get("/v1/projects/k/messages?direction=incoming").expect(200).json["data"]), 1)


class Statuses(WithKannel):
    """The reports of the message centre that this test answers: 8 accepted, 1 delivered, 2 not delivered, 16 rejected."""

    def setUp(self):
        super().setUp()
        self.centre = self.kannel.centre
        self.script = self.phone(SCRIPT_NUMBER, "script")
        self.kannel.start()

    def accepted(self, to, content="hej"):
        mid = self.send(self.script, to, content)
        message = self.wait_status(mid, "sent")
        wait_until(lambda: self.message(mid).get("external_id"), "the report 8 brings the centre's id")
        return mid, message

    def test_delivered_and_late(self):
        mid, _ = self.accepted("+46709000001")
        self.assertEqual(self.message(mid)["external_id"], "mc-46709000001")
        self.assertEqual(self.centre.report("+46709000001", 1)[0], 202)
        self.wait_status(mid, "delivered")
        wait_until(lambda: self.told(mid) == ["sent", "delivered"], lambda: f"told {self.told(mid)}")

    def test_not_delivered(self):
        mid, _ = self.accepted("+46709000002")
        self.centre.report("+46709000002", 2)
        message = self.wait_status(mid, "not_delivered")
        self.assertEqual(message["error_code"], "2")
        self.assertTrue(message["error_message"])

    def test_rejected(self):
        mid = self.send(self.script, "+46709000016", "hej")
        message = self.wait_status(mid, "failed")
        self.assertEqual(message["error_code"], "16")
        self.assertTrue(message["error_message"])

    def test_texts(self):
        for to, content, coding in (("+46709000101", "Åsa & Ölle? 100% {ID} €[x]", "0"), ("+46709000102", "Привет 🙂", "2")):
            self.accepted(to, content)
            sent = self.centre.sent[to][0]
            self.assertEqual((sent["text"], sent["coding"], sent["from"]), (content, coding, SCRIPT_NUMBER))
        mid, message = self.accepted("+46709000103", "lång " * 60)
        self.assertEqual(message["num_parts"], 2)

    def test_gateway_is_away(self):
        self.kannel.stop_smsbox()
        mid = self.send(self.script, "+46709000201", "hej")
        message = self.wait_status(mid, "failed_queued")
        self.assertEqual(message["error_code"], "connect")
        self.assertTrue(message["error_message"])
        self.kannel.start_smsbox()
        self.wait_status(mid, "sent")
        self.assertIn("+46709000201", self.centre.sent)

    def test_wrong_password(self):
        wrong = self.phone("46703", "script", password="not it")
        mid = self.send(wrong, "+46709000301", "hej")
        message = self.wait_status(mid, "failed_queued")
        self.assertEqual(message["error_code"], "403")
        self.assertIn("Authorization failed", message["error_message"])
        self.assertEqual(self.api.post(f"/v1/projects/k/phones/{wrong}", {"config": {"password": "prpass"}}).expect(200).json["config"]["password"], "***")
        self.wait_status(mid, "sent")

    def test_ussd(self):
        mid = self.send(self.script, "*100#", "", message_type="ussd")
        self.assertEqual(self.wait_status(mid, "failed")["error_code"], "unsupported")


class Refused(Case):
    """What Kannel is answered when something is wrong. It logs the answer; nothing is left half done."""

    def setUp(self):
        self.served = self.daemon()
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.api.project("k")
        self.api.project("other")
        self.key = self.api.post("/v1/projects/k/keys", {"name": "kannel"}).expect(201).json["key"]
        self.api.post("/v1/projects/k/phones", {"phone_type": "kannel", "phone_number": "+46701",
                                                "config": {"url": "http://127.0.0.1:9/", "username": "u", "password": "p"}}).expect(200)

    def call(self, path, key=None, **arguments):
        basic = base64.b64encode(f"{key or self.key}:".encode()).decode()
        return self.api.get(f"{path}?{urllib.parse.urlencode(arguments)}", headers={"Authorization": f"Basic {basic}"})

    def count(self):
        return self.api.get("/v1/projects/k/messages?count=1").expect(200).json["count"]

    def test_messages(self):
        good = {"id": "1", "from": "+46709", "to": "46701", "text": "å", "ts": "1547125204", "charset": "UTF-8"}
        answer = self.call("/ingest/kannel/k/mo", **good).expect(200)
        self.assertEqual(answer.body, b"")
        self.call("/ingest/kannel/k/mo", **good).expect(200)
        self.assertEqual(self.count(), 1)
        self.assertEqual(self.call("/ingest/kannel/k/mo", **{**good, "to": "1"}).expect(404).error["param"], "to")
        self.assertEqual(self.call("/ingest/kannel/k/mo", **{**good, "charset": "KOI8-R"}).expect(400).error["param"], "charset")
        self.call("/ingest/kannel/k/mo", key="wrong-key-0123456789", **good).expect(401)
        self.assertIn(self.call("/ingest/kannel/other/mo", **good).status, (403, 404))
        self.assertEqual(self.count(), 1)

    def test_utf16(self):
        text = urllib.parse.quote("Жå🙂".encode("utf-16-be"))
        self.api.get(f"/ingest/kannel/k/mo?id=2&from=1&to=46701&charset=UTF-16BE&text={text}").expect(200)
        self.assertEqual(self.api.get("/v1/projects/k/messages").expect(200).json["data"][0]["content"], "Жå🙂")

    def test_reports(self):
        for arguments in ({}, {"mid": "SMx", "sig": "0" * 32, "type": "1"}, {"mid": "SMx", "type": "1"}):
            self.assertEqual(self.call("/ingest/kannel/k/dlr", **arguments).expect(403).error["param"], "sig")


if __name__ == "__main__":
    unittest.main()
