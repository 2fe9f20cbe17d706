"""Portal links as a customer meets them: what they open, that they open nothing else, and how they end."""

import json
import re
import subprocess
import unittest

from harness import KEY, PATIENCE, ROOT, Case, SharedDaemon, sms, wait_until


def event(id, **message):
    """Of one SMS, with an id of its own."""
    return {**sms(id, **message), "id": id}


class Portal(SharedDaemon):
    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.other = self.pid + "o"
        self.api.project(self.other, name="OTHERNAME")
        self.sink = self.receiver()
        for pid in (self.pid, self.other):
            self.api.endpoint(pid, "crm", url=self.sink.url("/" + pid), content_type="json", body='{"id":"{EVENT_ID}"}',
                              auth={"username": "u", "password": "SECRETWORD"})
            self.api.events(pid, [{"type": "send_status", "id": f"ev-{pid}", "message": {"id": f"m-{pid}", "status": "sent"}}])
            self.api.wait_state(pid, f"ev-{pid}", "crm", "delivered")

    def link(self, **wanted):
        return self.api.post(f"{self.base}/portal_links", wanted).expect(201).json

    def by_link(self, **wanted):
        api = self.api.with_key(self.link(**wanted)["token"])
        self.addCleanup(api.close)
        return api

    def test_what_is_answered(self):
        made = self.link(expires_s=600, write=True)
        self.assertEqual(made["url"], f"{self.served.url}/#link={made['token']}")
        self.assertRegex(made["token"], r"^prl_[A-Za-z0-9_-]+$")
        who = self.api.with_key(made["token"]).get("/v1/whoami").expect(200).json
        self.assertEqual((who["role"], who["project"], who["portal"]),
                         ("portal", self.pid, {"time_expires": made["time_expires"], "write": True}))
        self.assertLessEqual(made["time_expires"] - who["time"], 600)

    def test_every_call_of_the_description(self):
        """All that can be asked with GET: of the own project it works, of another one it is not there; no secret is shown anywhere."""
        api = self.by_link()
        paths = [p for p, item in self.api.get("/v1/openapi.json").json["paths"].items() if p.startswith("/v1/") and "get" in item]
        paths = [p for p in paths if not p.endswith("/stream")]
        seen = 0
        for path in paths:
            for pid in (self.pid, self.other):
                asked = path.replace("{pid}", pid).replace("{eid}", "crm").replace("{id}", f"ev-{pid}").replace("{oid}", "acme")
                answer = api.get(asked)
                text = answer.body.decode()
                self.assertNotIn("SECRETWORD", text, asked)
                self.assertNotIn("OTHERNAME", text, asked)
                if "{pid}" in path and pid == self.other:
                    self.assertEqual((answer.status, answer.error["code"]), (404, "not_found"), asked)
                    continue
                self.assertNotIn(f"m-{self.other}", text, asked)
                seen += answer.status == 200
        self.assertGreater(seen, 15)

    def test_looking_changes_nothing(self):
        api = self.by_link()
        before = self.api.get(f"{self.base}/endpoints/crm").json
        for method, path, body in (("POST", "/events", [event("x")]), ("PATCH", "/endpoints/crm", {"name": "x"}), ("DELETE", "/endpoints/crm", None),
                                   ("POST", "/endpoints/crm/disable", None), ("POST", "/endpoints/crm/rotate_secret", None),
                                   ("POST", "/endpoints/crm/test", None), ("POST", "/endpoints/crm/replay", {}), ("POST", "/contacts", {}),
                                   ("POST", "/messages/send", {}), ("POST", "/draft/send", {}), ("POST", "/keys", None), ("POST", "/portal_links", None)):
            answer = api.call(method, self.base + path, body).expect(403)
            self.assertEqual(answer.error["code"], "forbidden", path)
        after = self.api.get(f"{self.base}/endpoints/crm").json
        self.assertEqual((after["name"], after["active"], after["time_updated"]), (before["name"], before["active"], before["time_updated"]))
        api.post(f"{self.base}/draft/render", {"endpoint_id": "crm"}).expect(200)

    def test_writing(self):
        api = self.by_link(write=True)
        api.patch(f"{self.base}/endpoints/crm", {"name": "Mine"}).expect(200)
        api.events(self.pid, [event("by-link")])
        self.api.wait_state(self.pid, "by-link", "crm", "delivered")
        for method, path in (("GET", "/keys"), ("POST", "/keys"), ("POST", "/portal_links"), ("DELETE", "/portal_links"), ("PATCH", ""), ("DELETE", ""),
                             ("GET", "/endpoints/crm?reveal=1")):
            self.assertEqual(api.call(method, self.base + path, {} if method != "GET" else None).expect(403).error["code"], "forbidden", path)

    def test_ended_links(self):
        first, second = self.by_link(), self.by_link(write=True)
        first.get(self.base).expect(200)
        self.api.delete(f"{self.base}/portal_links").expect(200)
        for api in (first, second):
            answer = api.get(self.base).expect(401)
            self.assertEqual(answer.error["code"], "unauthorized")
            self.assertNotIn(self.pid, answer.body.decode())
        self.by_link().get(self.base).expect(200)


class Lasting(Case):
    def test_links_outlive_a_restart_and_so_does_their_end(self):
        served = self.daemon()
        api = served.api()
        api.project("p")
        ended = api.post("/v1/projects/p/portal_links").expect(201).json["token"]
        api.delete("/v1/projects/p/portal_links").expect(200)
        lasting = api.post("/v1/projects/p/portal_links").expect(201).json["token"]
        served.kill()
        served.start()
        served.api(lasting).get("/v1/projects/p").expect(200)
        served.api(ended).get("/v1/projects/p").expect(401)

    def test_of_another_daemon(self):
        first, second = self.daemon(), self.daemon()
        for served in (first, second):
            served.api().project("p")
        token = first.api().post("/v1/projects/p/portal_links").expect(201).json["token"]
        second.api(token).get("/v1/projects/p").expect(401)
        wait_until(lambda: first.api(token).get("/v1/projects/p").status == 200, "it is good where it was made")


class Page(Case):
    def test_the_calls_of_docs_portal(self):
        text = (ROOT / "docs" / "portal.md").read_text()
        script = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)).replace("curl -s ", "curl -sf ")
        options = re.search(r"^postrider serve --data /tmp/postrider --admin-key my-admin-key-0123456789 (.*)\n", script, re.M)
        served = self.daemon(*options[1].split())
        script = re.sub(r"^postrider serve.*\n", "", script, flags=re.M)
        for said, meant in {"http://127.0.0.1:8420": served.url, "my-admin-key-0123456789": KEY}.items():
            self.assertIn(said, script)
            script = script.replace(said, meant)
        done = subprocess.run(["bash", "-O", "expand_aliases", "-eu", "-c", script.replace("\nprc", "\necho;prc")], cwd=self.folder(),
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, script + done.stdout + done.stderr)
        made = json.loads([line for line in done.stdout.splitlines() if '"token"' in line][0])
        shown = json.loads(re.search(r"^```json\n(.*?)^```$", text, re.M | re.S)[1])
        self.assertEqual(set(made), set(shown))
        self.assertIn("frame-ancestors https://app.example.org", served.api(None).get("/").headers["Content-Security-Policy"])


if __name__ == "__main__":
    unittest.main()
