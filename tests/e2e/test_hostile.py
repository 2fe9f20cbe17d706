"""Attacks on what strangers reach: a customer with a link or a key, his receiver, his messages. Each was tried by hand first; what broke stays here."""

import base64
import hashlib
import hmac
import json
import socket
import unittest
from urllib.parse import quote

import console
from harness import KEY, PATIENCE, SharedDaemon, sms, wait_until

SECRET = "whsec_" + base64.b64encode(b"hostile-secret-AbCdEfGh!").decode()


class Looking(SharedDaemon):
    """A link that may only look, against the endpoint's secret."""

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.api.endpoint(self.pid, "crm", url="http://127.0.0.1:9/", signature="standard_webhooks", secret=SECRET)
        self.by_link = self.linked(write=False)

    def linked(self, **wanted):
        token = self.api.post(f"{self.base}/portal_links", wanted).expect(201).json["token"]
        api = self.api.with_key(token)
        self.addCleanup(api.close)
        return api

    def test_templates_do_not_spell_it(self):
        """{SECRET} through pipes is no text that a mask knows."""
        wanted = {"endpoint_id": "crm", "settings": {"headers": {"X-Up": "{SECRET|upper}", "X-Low": "{SECRET|lower}", "X-Plain": "{SECRET}"}}}
        for api in (self.by_link, self.linked(write=True)):
            shown = api.post(f"{self.base}/draft/render", wanted).expect(200).json["requests"][0]["request"]["headers"]
            self.assertEqual({shown[name] for name in ("X-Up", "X-Low", "X-Plain")}, {"***"})

    def test_it_signs_nothing_of_his(self):
        """A request of the caller's making, signed for the receiver, would be a forged webhook."""
        def is_signed(request):
            head = request["headers"]
            text = f"{head['webhook-id']}.{head['webhook-timestamp']}.{request['body']}"
            key = base64.b64decode(SECRET.removeprefix("whsec_"))
            return head["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()

        def requests_of(api):
            drafted = api.post(f"{self.base}/draft/render", {"endpoint_id": "crm", "events": [sms("forged")]}).expect(200).json
            tried = api.post(f"{self.base}/endpoints/crm/render", {"event": sms("forged")}).expect(200).json
            return [drafted["requests"][0]["request"], tried["request"]]

        self.assertEqual([is_signed(r) for r in requests_of(self.by_link)], [False, False])
        self.assertEqual([is_signed(r) for r in requests_of(self.linked(write=True))], [True, True])


class Neighbours(SharedDaemon):
    def test_where_an_answer_to_both_leads(self):
        """A batch of an organization's: what its answer says may be about the other project, in dead letters as in attempts."""
        receiver = self.receiver((302, {"Location": "/login?id=theirs"}, b""))
        other = self.api.project(self.pid + "-2", organization_id="77")
        settings = {"url": receiver.url("/"), "batch": {"max_items": 2, "max_wait_ms": 30000}, "retry": {"delays_s": []}}
        self.api.put("/v1/organizations/77/endpoints/all", settings).expect(201)
        for pid in (self.pid, other):
            self.api.events(pid, {**sms(pid), "id": "e"})
        letter = wait_until(lambda: self.api.get(f"/v1/projects/{self.pid}/dead").expect(200).json["data"], "the dead letter")[0]
        self.assertEqual((letter["event_id"], letter["code"], receiver.wait()[0].body.count(b"send_status")), ("e", 302, 2))
        self.assertIn("redirects are never followed", letter["reason"])
        self.assertNotIn("theirs", letter["reason"])


class Drafts(SharedDaemon):
    def render(self, body, events, **settings):
        wanted = {"settings": {"url": "http://x.example/", "content_type": "json", "body": body, **settings}, "events": events}
        return self.api.post(f"/v1/projects/{self.pid}/draft/render", wanted)

    def test_a_text_full_of_a_secret(self):
        """Masking takes time in proportion to the text, not to its square: the other secret is not looked for at each place of the first."""
        body = "[" + ",".join(["{message.content}"] * 25) + "]"
        answer = self.render(body, [sms(1, content="a" * 20000)], secret="aaaa", auth={"username": "u", "password": "zzzz"}).expect(200)
        self.assertNotIn("aaaa", answer.json["requests"][0]["request"]["body"])

    def test_more_than_a_screen_holds(self):
        body = "[" + ",".join(["{message.content}"] * 40) + "]"
        answer = self.render(body, [{**sms(i, content="x" * 20000), "id": f"e{i}"} for i in range(20)]).expect(422)
        self.assertEqual(answer.error["code"], "too_large")
        self.assertIn("take fewer events", answer.error["message"])


class Stream(SharedDaemon):
    def test_head_has_no_body(self):
        """Not even the end of an empty one: what follows on the connection would be read as part of the next answer."""
        head = f"Host: x\r\nAuthorization: Bearer {KEY}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.served.port), PATIENCE) as s:
            s.sendall(f"HEAD /v1/projects/{self.pid}/stream HTTP/1.1\r\n{head}GET /healthz HTTP/1.1\r\nConnection: close\r\n{head}".encode())
            text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        first, second = text.split("HTTP/1.1 200 OK\r\n")[1:]
        self.assertIn("Content-Type: text/event-stream", first)
        self.assertTrue(first.endswith("\r\n\r\n") and first.count("\r\n\r\n") == 1, text)
        self.assertTrue(second.endswith("}"), text)


MARKUP = '"><img src=x onerror="window.hostile=1"><script>window.hostile=1</script>'
SCRIPT = "javascript:window.hostile=1//"
NAMES = json.loads('{"__proto__": "{\\"polluted\\":1}", "constructor": "x", "toString": "y"}')


class Browser(SharedDaemon):
    def make(self, path, body):
        return self.api.post(f"/v1/projects/a/{path}", body).expect(200).json["id"]

    def endpoints(self):
        bad = self.receiver((503, {"Location": SCRIPT, "X-<img src=x onerror=hostile=1>": "y", "Set-Cookie": "hostile=1"}, (MARKUP + SCRIPT).encode()))
        good = self.receiver((200, {"Content-Type": "application/json"}, b'{"__proto__": {"polluted": 1}}'))
        self.api.endpoint("a", "proto", url=good.url("/" + quote(MARKUP)), name=SCRIPT)
        self.api.endpoint("a", "constructor", url=bad.url("/"), name=MARKUP, retry={"delays_s": []}, headers={"X-A": MARKUP, "toString": "x"},
                          content_type="json", body=json.dumps({"a": MARKUP, "__proto__": {"polluted": 1}}))
        self.api.put("/v1/organizations/acme/endpoints/org", {"url": bad.url("/"), "name": MARKUP}).expect(201)

    def objects(self):
        """Everything of the messaging side that has a name, by page."""
        for name in (MARKUP, SCRIPT, "__proto__"):
            self.make("groups", {"name": name})
            self.make("labels", {"name": name})
        phone = self.make("phones", {"name": MARKUP, "phone_type": "test", "phone_number": "+46700000000", "country": "SE"})
        contact = self.make("contacts", {"name": MARKUP, "phone_number": "46700000001", "vars": NAMES})
        reply = {"service_type": "custom_actions", "config": {"actions": [{"type": "log_message", "text": MARKUP}]}}
        service = self.make("services", {"name": MARKUP, **reply})
        came = self.make("messages/receive", {"content": MARKUP + SCRIPT, "from_number": "46700000001", "phone_id": phone})
        went = self.make("messages/send", {"content": MARKUP, "to_number": "46700000002", "vars": NAMES})
        broadcast = self.make("send_broadcast", {"content": MARKUP, "title": MARKUP, "to_numbers": ["46700000001"]})
        return [f"/messages/a/{came}", f"/messages/a/{went}", f"/contacts/a/{contact}", f"/services/a/{service}", f"/phones/a/{phone}",
                f"/broadcasts/a/{broadcast}"]

    def test_what_strangers_put_everywhere(self):
        self.api.project("a", name=MARKUP, organization_id="acme")
        self.endpoints()
        routes = self.objects()
        ids = ['e"><img/src=x/onerror=hostile=1>', "..", "__proto__", "#/a?b=1%00"]
        self.api.events("a", [{**sms(id, content=SCRIPT, error_message=MARKUP, vars=NAMES), "id": id} for id in ids])
        self.api.wait_attempts("a", len(ids), endpoint_id="constructor")
        attempts = self.api.attempts("a", endpoint_id="constructor")[:1] + self.api.attempts("a", endpoint_id="proto")[:1]
        routes += [f"/attempts/a/{one['id']}" for one in attempts] + [f"/events/a/{quote(id, safe='')}" for id in ids]
        routes += ["/endpoints", "/endpoints/a/proto", "/endpoints/a/constructor", "/endpoints/@acme/org", "/events", "/dead", "/messages", "/contacts", "/groups",
                   "/labels", "/services", "/service-logs", "/phones", "/broadcasts", "/keys", "/projects", "/settings", "/overview"]
        markup = quote(MARKUP, safe="")
        routes += [f"/endpoints/a/{markup}", f"/endpoints/{markup}/x", "/endpoints/@../x", "/endpoints/a/..", f"/attempts/a/{quote(SCRIPT, safe='')}",
                   f"/nowhere{markup}", "/__proto__", "/overview?__proto__=1&constructor=2", "/events/a/%zz"]
        seen = console.browse("hostile", {"url": self.served.url, "key": KEY, "routes": routes})["seen"]
        self.assertEqual(seen, len(routes))


if __name__ == "__main__":
    unittest.main()
