#!/usr/bin/env python3
"""What docs/telerivet.md, docs/services.md, docs/gateways.md and docs/rest.md show, done with the real daemon: the receivers hold the conversation that they are written for, the services theirs,
a real Kannel runs with the file that is shown, the calls are called, and each error is met."""

import json
import re
import socket
import subprocess
import sys
import unittest
import urllib.parse

import npm
from harness import KEY, PATIENCE, ROOT, Case, Gate, SharedDaemon, free_port, wait_until
from php import Php
from test_kannel import Kannel

PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("telerivet", "services", "gateways", "rest")}
PHONE, SENDER, SECRET = "+46700000000", "+46701234567", "s3cret"
JSON = {"Content-Type": "application/json"}


def block(page, name):
    """The fenced block behind <!-- name -->."""
    return re.search(rf"^<!-- {re.escape(name)} -->\n```[\w.]*\n(.*?)^```$", PAGES[page], re.M | re.S)[1]


def form_of(arrival):
    return dict(urllib.parse.parse_qsl(arrival.body.decode(), keep_blank_values=True))


def table(page, name):
    """The cells of the table behind <!-- name -->, a list a row."""
    text = PAGES[page].split(f"<!-- {name} -->\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()[2:]]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Conversation(SharedDaemon):
    """A project with one test phone, whom somebody writes to."""

    options = ("--test-step-ms", "10")

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.api.put(f"{self.base}/phones/PN1", {"phone_type": "test", "phone_number": PHONE, "country": "SE"}).expect(200)

    def hear(self, text):
        return self.api.post(f"{self.base}/messages/receive", {"from_number": SENDER, "phone_id": "PN1", "content": text}).expect(200).json

    def said(self):
        return [m["content"] for m in self.api.get(f"{self.base}/messages?direction=outgoing").expect(200).json["data"]]

    def hold(self, lines):
        """Lines "> in" and "< out". What is to come has come before the next one is written; in the end nothing else has."""
        answers = []
        for line in lines.strip().splitlines():
            if line.startswith("> "):
                self.hear(line[2:])
            else:
                answers.append(line[2:])
                wait_until(lambda: len(self.said()) >= len(answers), lambda: f"{answers}, but {self.said()}\n{self.logs()}")
        self.assertEqual(self.said(), answers)

    def logs(self, **query):
        return self.api.get(f"{self.base}/service_logs?{urllib.parse.urlencode(query)}").expect(200).json["data"]

    def contact(self):
        return self.api.get(f"{self.base}/contacts").expect(200).json["data"][0]

    def service(self, **service):
        return self.api.post(f"{self.base}/services", service).expect(200).json["id"]

    def webhook(self, url, **config):
        return self.service(name=url, service_type="incoming_message_webhook", config={"url": url, "secret": SECRET, **config})


class Receivers(Conversation):
    LINES = "> Hej\n< Welcome! What is your name?\n> Karin\n< Thank you, Karin.\n> again\n< Welcome! What is your name?\n"

    def check(self, url):
        self.webhook(url)
        self.api.endpoint(self.pid, "statuses", preset="telerivet", events=["send_status"], url=url, secret=SECRET)
        self.hold(self.LINES)
        self.assertEqual(self.contact()["name"], "Karin")
        self.assertEqual([entry["content"] for entry in self.logs(error=1)], [])
        wait_until(lambda: len(self.api.attempts(self.pid, endpoint_id="statuses")) >= 6, "queued and sent of three messages")
        self.assertEqual({a["code"] for a in self.api.attempts(self.pid)}, {200})
        wrong = self.api.post(f"{self.base}/services", {"name": "wrong", "service_type": "incoming_message_webhook", "priority": -1,
                                                        "config": {"url": url, "secret": "another"}}).expect(200).json["id"]
        self.hear("once more")
        entry = wait_until(lambda: self.logs(service_id=wrong), "the wrong secret is found")[0]
        self.assertEqual(entry["code"], 403)

    def program(self, *command, cwd=None, env=None, port):
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL)

        def end():
            process.terminate()
            process.wait(PATIENCE)

        self.addCleanup(end)
        wait_until(lambda: listens(port), "the receiver listens")

    def test_php(self):
        receiver = Php(self.folder(), block("telerivet", "php"))
        self.addCleanup(receiver.close)
        self.check(receiver.url())

    def test_django(self):
        folder, port = self.folder(), free_port()
        (folder / "views.py").write_text(block("telerivet", "django"))
        (folder / "site_of_the_test.py").write_text(f"""
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="of the test", MIDDLEWARE=[])
django.setup()
import views
urlpatterns = [path("webhook", views.webhook)]
class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass
make_server("127.0.0.1", {port}, get_wsgi_application(), handler_class=Quiet).serve_forever()
""")
        self.program(sys.executable, "-B", "site_of_the_test.py", cwd=folder, port=port)
        self.check(f"http://127.0.0.1:{port}/webhook")

    def test_express(self):
        cache, port = npm.installed(), free_port()
        folder = self.folder()
        (folder / "app.js").write_text(block("telerivet", "express"))
        self.program("node", "app.js", cwd=folder, env={"PATH": "/usr/bin:/usr/local/bin:/bin", "PORT": str(port), "NODE_PATH": str(cache / "node_modules")}, port=port)
        self.check(f"http://127.0.0.1:{port}/webhook")


class MovingOver(SharedDaemon):
    """The same things by the official client and by curl, in the project `shop`."""

    def setUp(self):
        super().setUp()
        self.api.project("shop")
        self.addCleanup(self.api.delete, "/v1/projects/shop")
        self.sink = self.receiver()
        self.env = {"PATH": "/usr/bin:/usr/local/bin:/bin", "API_URL": self.served.url + "/v1", "WEBHOOK": self.sink.url("/script"),
                    "KEY": self.api.post("/v1/projects/shop/keys", {"name": "k"}).expect(201).json["key"]}

    def test_curl(self):
        done = subprocess.run(["bash", "-eu", "-c", block("telerivet", "run")], env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        form = form_of(self.sink.wait(1, "/script")[0])
        self.assertEqual((form["event"], form["from_number_e164"], form["phone_id"], form["secret"]), ("incoming_message", SENDER, "PN1", SECRET))

    def test_node_client(self):
        self.api.put("/v1/projects/shop/phones/PN1", {"phone_type": "test", "phone_number": PHONE}).expect(200)
        folder = self.folder()
        (folder / "client.js").write_text(block("telerivet", "node client"))
        done = subprocess.run(["node", "client.js"], cwd=folder, env={**self.env, "NODE_PATH": str(npm.installed() / "node_modules")}, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^SV\w+ SM\w+ queued\n$")


class Answers(Conversation):
    def answering(self, answer, media_type=JSON, **config):
        sink = self.receiver(lambda arrival: (200, media_type, answer if isinstance(answer, bytes) else json.dumps(answer).encode()))
        self.webhook(sink.url(), **config)
        return sink

    def test_variables(self):
        service = self.answering(json.loads(block("telerivet", "variables")))
        self.hear("Hej")
        service.wait(1)
        entry = wait_until(self.logs, "the answer is in the log")[0]
        self.assertFalse(entry["error"], entry)
        contact = self.contact()
        self.assertEqual((contact["name"], contact["vars"]["city"]), ("John Smith", "Umeå"))
        state = self.api.get(f"{self.base}/contacts/{contact['id']}/states").expect(200).json["data"][0]
        self.assertEqual((state["id"], state["vars"]), ("confirmed", {"step": 2}))
        message = self.api.get(f"{self.base}/messages").expect(200).json["data"][0]
        self.assertEqual((message["vars"], message["service_id"]), ({"handled": True}, None))

    def test_limits(self):
        """Twenty messages; a comma too many does not matter."""
        self.answering(b'{"messages":[' + b'{"content":"x"},' * 21 + b"],}")
        self.hear("many")
        wait_until(lambda: len(self.said()) == 20, lambda: f"20 messages, but {len(self.said())}")
        self.assertIn("at most 20", self.logs()[0]["content"])

    def test_no_answer_to_be_read_is_delivered(self):
        for body, says in ((b"<br>Warning</br>{}", "no JSON, at byte 0"), (b'{"messages":[{"content":"' + b"x" * 300000 + b'"}]}', "256 KiB|262144 bytes"),
                           (b'{"a":' * 40 + b"1" + b"}" * 40, "deep")):
            with self.subTest(says=says):
                sink = self.receiver((200, JSON, body))
                service = self.webhook(sink.url())
                self.hear("Hej")
                entry = wait_until(lambda service=service: self.logs(service_id=service), "the answer is in the log")[0]
                self.assertRegex(entry["content"], says)
                wait_until(lambda sink=sink: {a["outcome"] for a in self.api.attempts(self.pid, endpoint_id="_service." + service)} == {"ok"}, "it is delivered")
                self.assertEqual((len(sink.requests), self.said()), (1, []))
                self.api.post(f"{self.base}/services/{service}", {"active": False}).expect(200)

    def test_status_url_instead(self):
        sink = self.receiver()
        everybody = self.receiver()
        self.api.endpoint(self.pid, "all", preset="telerivet", url=everybody.url(), events=["send_status"])
        self.answering({"messages": [{"content": "a", "status_url": sink.url("/mine"), "status_secret": "a & b"}]})
        self.hear("Hej")
        forms = [form_of(r) for r in sink.wait(2, "/mine")]
        self.assertEqual([(f["status"], f["secret"]) for f in forms], [("queued", "a & b"), ("sent", "a & b")])
        self.assertEqual(everybody.requests, [])

    def test_test_numbers(self):
        self.api.project(self.pid + "-n")
        base = f"/v1/projects/{self.pid}-n"
        self.addCleanup(self.api.delete, base)
        self.api.put(f"{base}/phones/PN1", {"phone_type": "test"}).expect(200)
        rows = table("telerivet", "test numbers")
        self.assertEqual(len(rows), 5)
        for number, statuses in rows:
            with self.subTest(number=number):
                steps = re.findall(r"(\w+)(?:: ([^,]*\.))?(?:, |$)", statuses)
                to = number if number.startswith("+") else "+46709999999"
                mid = self.api.post(f"{base}/messages/send", {"to_number": to, "content": "x"}).expect(200).json["id"]
                history = lambda mid=mid: self.api.get(f"{base}/messages/{mid}").expect(200).json
                wait_until(lambda: len(history()["status_history"]) == len(steps) + 1, lambda: f"{steps}, but {history()}")
                self.assertEqual([word for word, _ in history()["status_history"]], ["queued", *(word for word, _ in steps)])
                self.assertEqual(history()["error_message"] or "", steps[-1][1])


class Errors(Conversation):
    """Each sentence of the table stands in the service log when that happens."""

    def make(self, says):
        """The URL of a webhook at which this happens, and the answer's message, if it is one."""
        status = re.match(r"HTTP (\d+)", says)
        if status:
            code = int(status[1])
            return self.receiver((code, {"Location": "https://elsewhere.example/"}, b"") if code in (301, 302) else code).url(), {}
        if says.startswith("timed out"):
            gate = Gate()
            late = self.receiver(gate)
            self.addCleanup(gate.open)
            return late.url(), {"timeout_ms": 200}
        if says.startswith("connect"):
            return f"http://127.0.0.1:{free_port()}/", {}
        if says.startswith("dns"):
            return "http://nobody.onion/", {}  # RFC 7686: no name server is asked
        if says.startswith("refused"):
            return "http://192.168.77.77:8000/", {}
        if "Content-Type" in says:
            return self.receiver((200, {"Content-Type": "text/html"}, b'{"messages":[]}')).url(), {}
        answers = {"the answer was": b"Warning: {", "messages[0]": b'{"messages":[{"content":"x","route_id":"PNnone"}]}', "variables: ": b'{"variables":{"contact.id":"x"}}'}
        return self.receiver((200, JSON, next(body for begin, body in answers.items() if says.startswith(begin)))).url(), {}

    def test_each(self):
        rows = [(cells[0].strip("`"), cells[1]) for cells in table("telerivet", "errors")]
        self.assertGreater(len(rows), 15)
        services = {}
        for number, (says, _) in enumerate(rows):
            url, config = self.make(says)
            services[says] = self.api.post(f"{self.base}/services", {"name": str(number), "service_type": "incoming_message_webhook", "apply_mode": "always",
                                                                     "config": {"url": url, "secret": SECRET, **config}}).expect(200).json["id"]
        self.hear("Hej")
        for says, service in services.items():
            with self.subTest(says=says):
                entry = wait_until(lambda service=service: self.logs(service_id=service), "an entry in the log")[0]
                self.assertIn(says, entry["content"])
                self.assertTrue(entry["error"])


class Services(Conversation):
    def check(self, name):
        self.service(**json.loads(block("services", f"service {name}")))
        self.hold(block("services", f"conversation {name}"))

    def test_rules(self):
        self.check("rules")
        self.assertEqual([e["content"] for e in self.logs(type="log_message")], [f"{SENDER} wrote: what is this?"])
        self.assertEqual([e["content"] for e in self.logs(error=1)], [])
        label = self.api.get(f"{self.base}/labels").expect(200).json["data"][0]
        self.assertEqual(label["name"], "To be read")

    def test_webhook(self):
        sink = self.receiver((200, JSON, b'{"variables": {"$foo": 42}}'))
        self.service(**json.loads(block("services", "service webhook").replace("http://127.0.0.1:9000/script", sink.url("/script"))))
        self.hold(block("services", "conversation webhook"))
        self.assertEqual([e["content"] for e in self.logs(type="log_message")], ["foo = 42"])
        self.assertEqual(form_of(sink.requests[0])["secret"], SECRET)

    def test_poll(self):
        self.check("poll")
        self.assertEqual(self.contact()["vars"], {"colour": "green", "age": "41"})

    def test_every_action_and_operation_is_described(self):
        source = (ROOT / "src" / "hub" / "rules.c").read_text().split("rows[] = {")[1].split("};")[0]
        actions = re.findall(r'\{ "(\w+)",', source)
        shown = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in PAGES["services"].split("| action |")[1].split("\n\n")[0].splitlines()[2:])))
        self.assertEqual(shown, set(actions))
        source = (ROOT / "src" / "hub" / "condition.c").read_text().split("ops[] = {")[1].split("};")[0]
        shown = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in PAGES["services"].split("| `op` |")[1].split("\n\n")[0].splitlines()[2:])))
        self.assertEqual(shown, set(re.findall(r'\{ "(\w+)",', source)))

    def test_variables_are_known(self):
        """None of the table's names is noted as unknown."""
        names = [name for row in table("services", "variables") for name in re.findall(r"`([\w.$]+)`", row[0])]
        self.assertGreater(len(names), 20)
        self.service(name="all", service_type="custom_actions",
                     config={"actions": [{"type": "log_message", "text": " ".join(f"[[{name}]]" for name in names)}]})
        self.hear("one two three")
        entries = wait_until(self.logs, "the log message")
        self.assertEqual([e["content"] for e in entries if e["error"]], [])


class HttpGateway(Conversation):
    def test_order(self):
        sink = self.receiver((200, JSON, b'{"messages": [{"id": "x-1"}]}'))
        phone = json.loads(block("gateways", "phone http").replace("http://127.0.0.1:9000", sink.url()[:-1]))
        self.api.put(f"{self.base}/phones/gw", phone).expect(200)
        mid = self.api.post(f"{self.base}/messages/send", {"to_number": "+46701111111", "content": 'Hello "you"', "route_id": "gw"}).expect(200).json["id"]
        arrival = sink.wait(1, "/sms")[0]
        self.assertEqual(arrival.json, json.loads(block("gateways", "request http").replace("SM…", mid)))
        self.assertEqual(arrival.headers["X-Api-Key"], "gateway-key")
        message = lambda: self.api.get(f"{self.base}/messages/{mid}").expect(200).json
        wait_until(lambda: message()["status"] == "sent", lambda: str(message()))
        self.assertEqual(message()["external_id"], "x-1")
        self.assertNotIn("gateway-key", json.dumps(self.api.get(f"{self.base}/phones/gw").expect(200).json) + json.dumps(self.api.attempts(self.pid)))
        self.api.events(self.pid, json.loads(block("gateways", "events http").replace("SM…", mid)))
        self.assertEqual(message()["status"], "delivered")
        incoming = self.api.get(f"{self.base}/messages?direction=incoming").expect(200).json["data"]
        self.assertEqual([(m["id"], m["phone_id"]) for m in incoming], [("gw-77", "gw")])
        self.assertIn("+46701111111", {c["phone_number"] for c in self.api.get(f"{self.base}/contacts").expect(200).json["data"]})


class DocumentedKannel(Kannel):
    """Kannel with the file of docs/gateways.md, on free ports."""

    def __init__(self, case, key, port):
        super().__init__(case, "http://unused/")
        text = block("gateways", "kannel.conf")
        for said, meant in {"13000": self.admin, "13001": self.box, "13100": self.fake, "13013": self.sendsms, "KEY:@127.0.0.1:8420": f"{key}:@127.0.0.1:{port}"}.items():
            assert said in text, said
            text = text.replace(said, str(meant))
        self.conf.write_text(text)

    def start(self):
        self._run("bearerbox", "bearerbox", "-v", "1", str(self.conf))
        for port in (self.box, self.fake):
            wait_until(lambda port=port: self._listens(port), lambda: f"bearerbox listens on {port}: {self.log('bearerbox')[-3000:]}")
        return self.start_smsbox()


class KannelAsShown(Case):
    def test_in_and_out(self):
        served = self.daemon()
        api = served.api()
        self.addCleanup(api.close)
        api.project("shop")
        key = api.post("/v1/projects/shop/keys", {"name": "kannel"}).expect(201).json["key"]
        kannel = DocumentedKannel(self, key, served.port)
        phone = json.loads(block("gateways", "phone kannel").replace("13013", str(kannel.sendsms)))
        api.put("/v1/projects/shop/phones/kannel", phone).expect(200)
        api.post("/v1/projects/shop/services", {"service_type": "custom_actions", "config": {"actions": [{"type": "send_reply", "content": "Tack: [[content]]"}]}}).expect(200)
        kannel.start()
        kannel.fakesmsc(f"0709111111 {phone['phone_number']} text hej")
        outgoing = lambda: api.get("/v1/projects/shop/messages?direction=outgoing").expect(200).json["data"]
        wait_until(lambda: [m for m in outgoing() if m["status"] == "delivered"], lambda: f"the reply is delivered: {outgoing()}\n{kannel.log('smsbox')[-2000:]}")
        self.assertEqual(outgoing()[0]["content"], "Tack: hej")


class Rest(Case):
    def test_its_calls_are_answered(self):
        """The calls of docs/rest.md, in order; none may be refused."""
        blocks = re.findall(r"^```sh\n(.*?)^```$", PAGES["rest"], re.M | re.S)
        served = self.daemon()
        script = "".join(blocks).replace("curl -s ", "curl -sf ")
        script = re.sub(r"^postrider serve.*\n", "", script, flags=re.M)  # runs already
        for said, meant in {"http://127.0.0.1:8420": served.url, "my-admin-key-0123456789": KEY}.items():
            self.assertIn(said, script)
            script = script.replace(said, meant)
        done = subprocess.run(["bash", "-O", "expand_aliases", "-eu", "-o", "pipefail", "-c", "exec 2>&1\n" + script.replace("\nprc", "\necho;prc")], cwd=self.folder(),
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, script + done.stdout)
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        self.assertGreater(len(answers), 15)
        self.assertIn({"count": 1}, answers)

    def test_every_call_is_described(self):
        """Each of the routes of the messaging side stands on the page."""
        api = self.daemon().api()
        self.addCleanup(api.close)
        page = re.sub(r"\{\w+\}", "{}", PAGES["rest"])
        elsewhere = re.compile(r"/(endpoints|events|attempts|keys|dead|draft|overview|endpoint_numbers|stream|portal_links)\b")
        own = (ROOT / "docs" / "api.md").read_text()
        paths = api.get("/v1/openapi.json").expect(200).json["paths"]
        self.assertGreater(len(paths), 60)
        for path, calls in paths.items():
            refused = {call["summary"] for name, call in calls.items() if name in ("get", "post")} == {"Not here"}
            if not path.startswith("/v1/projects/{pid}/") or refused:
                continue
            with self.subTest(path=path):
                if elsewhere.search(path):
                    self.assertIn("/" + path.split("/")[4], own)
                else:
                    self.assertRegex(page, "…" + re.escape(re.sub(r"\{\w+\}", "{}", path.removeprefix("/v1/projects/{pid}"))) + "[`?]")


if __name__ == "__main__":
    unittest.main()
