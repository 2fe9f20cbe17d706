"""/v1/openapi.json against those who read it: a public validator, a client that is generated from it (openapi-typescript, compiled by tsc, run by node),
and the daemon's own answers, each of which must be what the document says (Debian's jsonschema)."""

import json
import re
import subprocess
import unittest

import jsonschema
import npm
from harness import KEY, Case, free_port, sms, wait_until

PATIENCE = 120


def run(folder, *words, **more):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


class Document(Case):
    def setUp(self):
        self.served = self.daemon()
        self.api = self.served.api(None)
        self.addCleanup(self.api.close)
        self.document = self.api.get("/v1/openapi.json").expect(200).json

    def test_is_valid(self):
        run(npm.installed("openapi"), "node", "openapi/validate.mjs", input=json.dumps(self.document))

    def test_every_call_says_what_it_is(self):
        ids = []
        for path, calls in self.document["paths"].items():
            for method, call in calls.items():
                if method == "parameters":
                    continue
                self.assertGreater(len(call["summary"]), 5, f"{method} {path}")
                ids.append(call["operationId"])
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 130)

    def test_a_generated_client(self):
        receiver = self.receiver()
        folder = npm.installed("openapi") / "openapi"
        (folder / "openapi.json").write_text(json.dumps(self.document))
        bins = folder.parent / "node_modules" / ".bin"
        run(folder, str(bins / "openapi-typescript"), "openapi.json", "-o", "api.d.ts")
        run(folder, str(bins / "tsc"), "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--skipLibCheck", "--outDir", ".", "client.mts",
            env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
        said = run(folder, "node", "client.mjs", self.served.url, KEY, receiver.url())
        self.assertEqual(json.loads(said)["calls"], 9)


class Checker:
    """Asks, and compares what comes with what the document says of that call."""

    def __init__(self, api, document):
        self.api, self.document, self.seen = api, document, set()
        self.patterns = [(re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", re.sub(r"\.", r"\\.", path)) + "$"), path) for path in document["paths"]]
        self.patterns.sort(key=lambda row: row[1].count("{"))

    def schema(self, part):
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **part, "components": self.document["components"]}

    def validate(self, value, part, what):
        try:
            jsonschema.Draft202012Validator(self.schema(part)).validate(value)
        except jsonschema.ValidationError as e:
            raise AssertionError(f"{what}: {e.json_path}: {e.message}") from None

    def call(self, method, path, body=None):
        bare = path.split("?")[0]
        template = next(t for p, t in self.patterns if p.match(bare))
        words = self.document["paths"][template][method.lower()]
        what = f"{method} {template}"
        if body is not None:
            self.validate(body, words["requestBody"]["content"]["application/json"]["schema"], what + " takes")
        answer = self.api.call(method, path, body)
        if str(answer.status) not in words["responses"]:
            raise AssertionError(f"{what}: {answer.status} {answer.body[:500]}")
        for name in re.findall(r"[?&]([a-z_]+)=", path):
            if name not in [p["name"] for p in words.get("parameters", [])]:
                raise AssertionError(f"{what} says nothing of ?{name}=")
        self.validate(answer.json, words["responses"][str(answer.status)]["content"]["application/json"]["schema"], what + " gives")
        self.seen.add(what)
        return answer.json


class Answers(Case):
    def setUp(self):
        self.served = self.daemon("--test-step-ms", "50")
        self.api = self.served.api()
        self.addCleanup(self.api.close)
        self.asked = Checker(self.api, self.api.get("/v1/openapi.json").json)
        self.p = "/v1/projects/shop"
        self.ask("PUT", self.p, {"name": "Shop", "organization_id": "acme", "notify_emails": ["a@example.org"]})

    def ask(self, method, path, body=None):
        return self.asked.call(method, path, body)

    def test_deliveries(self):
        p, receiver = self.p, self.receiver([503, 200])
        self.ask("PATCH", p, {"timezone": "Europe/Stockholm"})
        self.ask("GET", p)
        self.ask("GET", "/v1/projects")
        self.ask("GET", "/v1/organizations/acme/projects")
        self.ask("POST", p + "/keys", {"name": "web"})
        self.ask("DELETE", p + "/keys/" + self.ask("GET", p + "/keys")["data"][0]["id"])
        self.ask("POST", p + "/endpoints", {"id": "crm", "url": receiver.url(), "retry": {"delays_s": [0.1]}})
        self.ask("PUT", "/v1/organizations/acme/endpoints/all", {"url": receiver.url(), "signature": "standard_webhooks"})
        dead = {"url": f"http://127.0.0.1:{free_port()}/", "retry": {"delays_s": []}}
        e = p + "/endpoints/crm"
        self.ask("PUT", p + "/endpoints/dead", dead)
        self.ask("PATCH", e, {"name": "CRM", "batch": {"max_items": 2, "max_wait_ms": 10}})
        self.ask("POST", p + "/events", [{**sms(1), "id": "evt-1"}, {**sms(2), "id": "evt-2"}])
        self.ask("POST", p + "/events?quiet=1", {**sms(3), "id": "evt-3"})
        self.api.wait_state("shop", "evt-1", "crm", "delivered")
        self.api.wait_state("shop", "evt-1", "dead", "failed")
        for path in ("/events", "/events?message_id=1", "/events?count=1", "/events/evt-1", "/attempts", "/attempts?outcome=retry", "/attempts?endpoint_id=dead", "/dead",
                     "/endpoints", "/endpoints/crm", "/endpoints/crm/numbers", "/endpoints/crm/retries", "/overview", "/endpoint_numbers?sort=pending&sort_dir=desc"):
            self.ask("GET", p + path)
        self.ask("GET", p + "/attempts/" + self.ask("GET", p + "/attempts")["data"][0]["id"])
        self.ask("POST", e + "/test", {})
        self.ask("POST", e + "/render", {"event": {**sms(9)}})
        self.ask("POST", e + "/rotate_secret")
        self.ask("POST", e + "/replay", {"outcome": "all", "count_only": True})
        task = self.ask("POST", p + "/endpoints/dead/replay", {"event_ids": ["evt-1"]})
        self.ask("GET", p + "/endpoints/dead/replays/" + task["id"])
        self.ask("POST", p + "/draft/render", {"endpoint_id": "crm", "settings": {"method": "POST"}, "latest": 2})
        self.ask("POST", p + "/draft/send", {"settings": {"url": receiver.url()}})
        self.ask("POST", e + "/disable")
        self.ask("POST", e + "/enable")
        self.ask("POST", p + "/portal_links", {"expires_s": 600, "write": False})
        self.ask("DELETE", p + "/portal_links")
        self.ask("DELETE", e)
        for path in ("/v1/whoami", "/v1/presets", "/v1/presets/telerivet", "/v1/settings", "/v1/overview", "/v1/endpoint_numbers", "/healthz", "/readyz", "/v1/openapi.json"):
            self.ask("GET", path)
        self.ask("DELETE", p)

    def test_messaging(self):
        p = self.p
        self.ask("PUT", p + "/phones/test", {"phone_type": "test", "phone_number": "+15005550000", "country": "US", "name": "Test"})
        self.ask("GET", p + "/phones/test")
        self.ask("PATCH", p + "/phones/test", {"name": "Test phone"})
        service = self.ask("POST", p + "/services", {"name": "Ask", "service_type": "incoming_message_webhook",
                                                    "config": {"url": self.receiver().url(), "ports": None}})
        s = p + "/services/" + service["id"]
        self.ask("PATCH", s, {"priority": 2})
        self.ask("PATCH", s + "/config", {"secret": "geheim"})
        self.ask("GET", s + "/config")
        received = self.ask("POST", p + "/messages/receive", {"from_number": "+15005550012", "content": "Hi", "phone_id": "test"})
        m = self.ask("POST", p + "/messages/send", {"to_number": "+15005550012", "content": "Hi"})
        wait_until(lambda: self.ask("GET", p + "/messages/" + m["id"])["status"] == "delivered", "delivered")
        wait_until(lambda: self.ask("GET", p + "/service_logs?service_id=" + service["id"])["data"], "a line in the log")
        self.ask("POST", p + "/send_multi", {"messages": [{"to_number": "+15005550012", "content": "x"}]})
        b = self.ask("POST", p + "/send_broadcast", {"to_numbers": ["+15005550012"], "content": "x"})
        label = self.ask("POST", p + "/labels", {"name": "Urgent"})
        group = self.ask("POST", p + "/groups", {"name": "Friends"})
        contact = received["contact_id"]
        self.ask("PATCH", p + "/messages/" + m["id"], {"starred": True, "vars": {"a": 1}})
        self.ask("PUT", p + f"/labels/{label['id']}/messages/{m['id']}")
        self.ask("DELETE", p + f"/labels/{label['id']}/messages/{m['id']}")
        self.ask("PUT", p + f"/groups/{group['id']}/contacts/{contact}")
        self.ask("POST", p + "/contacts", {"phone_number": "+15005550013", "name": "Anna", "vars": {"x": "y"}})
        self.ask("POST", p + "/import_contacts", {"contacts": [{"phone_number": "+15005550014"}]})
        self.ask("PATCH", p + "/contacts/" + contact, {"name": "Eve"})
        self.ask("POST", s + "/states/" + contact, {"id": "asked", "vars": {"n": 1}})
        for path in ("/messages?direction=incoming", "/messages?count=1", "/contacts?name=Eve", "/contacts/" + contact, f"/contacts/{contact}/groups", f"/contacts/{contact}/messages",
                     f"/contacts/{contact}/states", "/groups", f"/groups/{group['id']}/contacts", "/labels", f"/labels/{label['id']}/messages", "/broadcasts", "/broadcasts/" + b["id"],
                     "/phones", "/phones/test/messages", "/routes", "/services", s.removeprefix(p), s.removeprefix(p) + "/states", s.removeprefix(p) + "/states/" + contact,
                     "/service_logs", "/messages/" + received["id"]):
            self.ask("GET", p + path)
        self.ask("DELETE", p + f"/groups/{group['id']}/contacts/{contact}")
        self.ask("DELETE", s + "/states/" + contact)
        for path in ("/labels/" + label["id"], "/groups/" + group["id"], "/contacts/" + contact, "/messages/" + m["id"], s.removeprefix(p), "/phones/test"):
            self.ask("DELETE", p + path)


if __name__ == "__main__":
    unittest.main()
