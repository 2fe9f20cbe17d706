"""The commands, as an operator types them."""

import json
import re
import signal
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import EXAMPLES, KEY, PROGRAM, ROOT, Api, Case, SharedDaemon, free_port, postrider, sms, wait_until

COMMANDS = ["serve", "apply", "export", "render", "listen", "tail", "status", "replay", "send"]


def fetch(url, body=None, headers=None):
    """One request to a receiver: (status, body)."""
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read()


class CommandCase(Case):
    def refused(self, *words, code=2, says=None, **more):
        """One line on stderr that says what to change; the daemon's log, if it had begun, stands before it."""
        done = postrider(*words, **more)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        lines = [line for line in done.stderr.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT\S+ info ", line)]
        self.assertEqual(len(lines), 1, done.stderr)
        if says:
            self.assertRegex(done.stderr, says)
        return done


class Overview(CommandCase):
    def test_help_lists_all(self):
        done = postrider("help")
        self.assertEqual(done.returncode, 0)
        for command in COMMANDS:
            self.assertRegex(done.stdout, rf"(?m)^  {command} ")
            explained = postrider("help", command)
            self.assertEqual(explained.returncode, 0, command)
            self.assertIn(f"usage: postrider {command}", explained.stdout)
        self.assertRegex(postrider("--version").stdout, r"^postrider \d+\.\d+\.\d+\n$")

    def test_wrong_words(self):
        self.refused("serv", says="serve")
        self.refused("serve", "--lisen", "127.0.0.1:0", says="'listen'")
        self.refused("listen", "--port", "high", says="--port")
        self.refused("status", "--key")
        self.assertEqual(postrider().returncode, 2)


class BadServe(CommandCase):
    """A wrong settings file or data folder: one line, exit 2."""

    def serve(self, *words, says=None, **more):
        folder = self.folder()
        return self.refused("serve", "--data", folder / "data", "--listen", f"127.0.0.1:{free_port()}", *words, says=says, **more)

    def test_settings_file(self):
        path = self.folder() / "settings"
        for text, says in [("listen\n", "1"), ("lisen = 127.0.0.1:8420\n", "(?s)lisen.*listen"), ("listen = nowhere\n", "listen"),
                           ("admin_key = short\n", "16")]:
            with self.subTest(text=text):
                path.write_text(text)
                done = self.refused("serve", "--config", path, "--data", self.folder() / "data", says=says)
                self.assertIn(str(path), done.stderr)
        self.serve("--config", "/nonexistent/settings", says="/nonexistent/settings")

    def test_options(self):
        self.serve("--admin-key", "short", says="16")
        self.serve("--allow-net", "127.0.0.0/99", says="127.0.0.0/99")
        self.serve("--allow-ports", "0-", says="ports")
        self.serve("--bind-address", "somewhere", says="somewhere")
        self.serve("--store", "postgresql://localhost/x", says="(?i)postgresql")
        self.refused("serve", "--data", self.folder(), "--listen", "nowhere", says="nowhere")

    def test_too_few_open_files(self):
        """With 24 of them the daemon once died of an assertion, with 64 its clients took what deliveries needed."""
        words = ["serve", "--data", self.folder() / "data", "--listen", f"127.0.0.1:{free_port()}"]
        done = subprocess.run(["prlimit", "--nofile=64:64", PROGRAM, *words], capture_output=True, text=True, timeout=10)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("LimitNOFILE", done.stderr)

    def test_data_folder(self):
        path = self.folder() / "file"
        path.write_text("in the way")
        self.refused("serve", "--data", path, "--listen", f"127.0.0.1:{free_port()}", says=str(path))
        (path.parent / "data").mkdir()
        (path.parent / "data" / "store.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
        done = postrider("serve", "--data", path.parent / "data", "--listen", f"127.0.0.1:{free_port()}", "--admin-key", KEY, timeout=10)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)

    def test_a_folder_and_a_port_in_use(self):
        served = self.daemon()
        self.refused("serve", "--data", served.folder, "--listen", f"127.0.0.1:{free_port()}", "--admin-key", KEY, says=str(served.folder))
        self.refused("serve", "--data", self.folder() / "data", "--listen", f"127.0.0.1:{served.port}", "--admin-key", KEY, says=str(served.port))

    def test_variables_and_file_are_settings_too(self):
        """The command line wins over the variable, which wins over the file."""
        folder, port = self.folder(), free_port()
        (folder / "settings").write_text(f"listen = 127.0.0.1:{free_port()}\nadmin_key = key-of-the-file-000\ndata = {folder}/data\n")
        running = self.running("serve", "--config", folder / "settings", "--listen", f"127.0.0.1:{port}", env={"POSTRIDER_ADMIN_KEY": "key-of-the-variable"})
        wait_until(lambda: running.ended or self.ready(port), running.text)
        self.assertEqual(Api(port, "key-of-the-variable").get("/v1/projects").status, 200, running.text())
        self.assertEqual(Api(port, "key-of-the-file-000").get("/v1/projects").status, 401)
        self.assertEqual(running.stop(), 0)

    def test_admin_key_is_made_once(self):
        folder, port = self.folder(), free_port()
        for life in range(2):
            running = self.running("serve", "--data", folder / "data", "--listen", f"127.0.0.1:{port}")
            wait_until(lambda: running.ended or self.ready(port), running.text)
            if life == 0:
                shown = [w for w in re.findall(r"[\w-]{16,}", running.text()) if Api(port, w).get("/v1/projects").status == 200]
                self.assertTrue(shown, running.text())
            else:
                self.assertNotIn(shown[0], running.text())
                self.assertEqual(Api(port, shown[0]).get("/v1/projects").status, 200)
            self.assertEqual(running.stop(), 0)

    def ready(self, port):
        try:
            return Api(port).get("/readyz").status == 200
        except OSError:
            return False


class WithDaemon(SharedDaemon):
    def setUp(self):
        super().setUp()
        self.env = {"POSTRIDER_URL": self.served.url, "POSTRIDER_KEY": KEY}

    def run_ok(self, *words, **more):
        done = postrider(*words, env=self.env, **more)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    # --- apply, export ---

    def test_apply_is_idempotent_and_export_comes_back(self):
        folder = self.folder()
        setup = json.loads((EXAMPLES / "setup.json").read_text())
        setup["projects"][0]["id"] = self.pid
        setup["projects"][0]["endpoints"][0]["secret"] = "whsec_" + "QUJD" * 10
        setup["organizations"] = [{"id": "4711", "endpoints": [{"id": "archive", "url": "https://archive.example.org/in"}]}]
        (folder / "setup.json").write_text(json.dumps(setup))
        first = self.run_ok("apply", folder / "setup.json")
        self.assertIn(f"endpoint {self.pid}/wiraya-push: created", first)
        self.assertIn("endpoint 4711/archive: created", first)
        again = self.run_ok("apply", folder / "setup.json")
        self.assertNotRegex(again, ": (created|changed)")
        self.assertIn("unchanged", again)

        exported = self.run_ok("export", "--project", self.pid)
        self.assertNotIn("correct horse", exported)
        self.assertNotIn("QUJDQUJD", exported)
        self.assertNotRegex(self.run_ok("apply", "-", input=exported), r": (created|changed)")
        shown = self.api.get(f"/v1/projects/{self.pid}/endpoints/wiraya-callback").json
        whole = self.run_ok("export", "--project", self.pid, "--secrets")
        self.assertIn("correct horse", whole)
        self.api.delete(f"/v1/projects/{self.pid}").expect(200)
        self.assertIn("created", self.run_ok("apply", "-", input=whole))
        back = self.api.get(f"/v1/projects/{self.pid}/endpoints/wiraya-callback").json
        for setting in ("url", "body", "auth", "headers", "tls", "retry", "batch", "preset", "name"):
            self.assertEqual(back[setting], shown[setting], setting)
        self.assertEqual(self.run_ok("export", "--project", self.pid, "--secrets"), whole)

        setup["projects"][0]["endpoints"][0]["batch"]["max_items"] = 7
        changed = self.run_ok("apply", "-", input=json.dumps(setup))
        self.assertIn(f"endpoint {self.pid}/wiraya-push: changed", changed)
        self.assertIn(f"endpoint {self.pid}/wiraya-callback: unchanged", changed)

    # secrets of which nothing may be seen: of an endpoint, of phones, of a service and of an action in one
    SECRETS = {"endpoint-s3cret", "gateway-s3cret", "kannel-s3cret", "hook-s3cret", "deep-s3cret"}

    def both_ways(self):
        """A project with one of everything, from the demo's."""
        project = json.loads((EXAMPLES / "setup.json").read_text())["projects"][1]
        project["id"] = self.pid
        project["endpoints"][0]["secret"] = "endpoint-s3cret"
        project["phones"] += [
            {"id": "gate.way-1", "name": "Gateway", "phone_type": "http", "send_paused": True, "vars": {"floor": 3},
             "config": {"url": "http://gateway.example.org/out", "content_type": "json", "body": '{"to":"{message.to_number}"}',
                        "auth": {"username": "u", "password": "gateway-s3cret"}}},
            {"id": "kannel", "phone_type": "kannel", "country": "SE",
             "config": {"url": "http://kannel.example.org:13013/cgi-bin/sendsms", "username": "u", "password": "kannel-s3cret"}}]
        project["services"][0]["config"]["secret"] = "hook-s3cret"
        project["services"] += [
            {"id": "rules", "name": "Rules", "service_type": "custom_actions", "active": False, "apply_mode": "always", "message_types": ["sms"],
             "config": {"actions": [{"type": "notify_webhook", "url": "http://hook.example.org/", "secret": "deep-s3cret"}, {"type": "stop"}]}}]
        return project

    def lines(self, shown):
        return dict(line.rsplit(": ", 1) for line in shown.splitlines())

    def test_phones_and_services_come_back_on_another_daemon(self):
        project = self.both_ways()
        first = self.lines(self.run_ok("apply", "-", input=json.dumps({"projects": [project]})))
        things = ["endpoint {}/telerivet-status", "phone {}/test-phone", "phone {}/gate.way-1", "phone {}/kannel", "service {}/autoreply", "service {}/rules"]
        for thing in things:
            self.assertEqual(first[thing.format(self.pid)], "created")
        self.assertEqual(set(self.lines(self.run_ok("apply", "-", input=json.dumps({"projects": [project]}, indent=3))).values()), {"unchanged"})

        masked = self.run_ok("export", "--project", self.pid)
        for secret in self.SECRETS:
            self.assertNotIn(secret, masked)
        self.assertEqual(set(self.lines(self.run_ok("apply", "-", input=masked)).values()), {"unchanged"})
        whole = self.run_ok("export", "--project", self.pid, "--secrets")
        for secret in self.SECRETS:
            self.assertIn(secret, whole)  # what was masked was kept

        fresh = self.daemon()
        there = {**self.env, "POSTRIDER_URL": fresh.url}
        done = postrider("apply", "-", input=masked, env=there)  # secrets it has never seen
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done)
        self.assertIn("projects[0].endpoints[0].secret", done.stderr)
        done = postrider("apply", "-", input=whole, env=there)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual({thing: self.lines(done.stdout)[thing.format(self.pid)] for thing in things}, dict.fromkeys(things, "created"))
        self.assertEqual(postrider("export", "--project", self.pid, "--secrets", env=there).stdout, whole)

    def test_apply_changes_only_what_differs(self):
        project = self.both_ways()
        self.run_ok("apply", "-", input=json.dumps({"projects": [project]}))
        project["services"][0]["config"]["url"] = "http://127.0.0.1:8424/elsewhere"
        project["phones"][0]["name"] = "Another"
        del project["phones"][2], project["services"][1]
        shown = self.lines(self.run_ok("apply", "-", input=json.dumps({"projects": [project]})))
        self.assertEqual({what for what, how in shown.items() if how == "changed"}, {f"phone {self.pid}/test-phone", f"service {self.pid}/autoreply"})
        self.assertEqual(len(shown), 5)
        self.api.get(f"/v1/projects/{self.pid}/phones/kannel").expect(200)  # nothing goes by not being named
        self.assertEqual(self.api.get(f"/v1/projects/{self.pid}/services/rules").expect(200).json["config"]["actions"][0]["secret"], "***")

    def test_secrets_are_for_the_admin(self):
        self.run_ok("apply", "-", input=json.dumps({"projects": [self.both_ways()]}))
        key = self.api.post(f"/v1/projects/{self.pid}/keys", {"name": "k"}).expect(201).json["key"]
        api = self.api.with_key(key)
        self.addCleanup(api.close)
        for path in ("phones", "phones/kannel", "services", "services/autoreply"):
            text = self.api.get(f"/v1/projects/{self.pid}/{path}?reveal=1").expect(200).body.decode()
            self.assertTrue(any(secret in text for secret in self.SECRETS), text)
            self.assertEqual(api.get(f"/v1/projects/{self.pid}/{path}?reveal=1").expect(403).error["param"], "reveal")
            for who in (api, self.api):
                text = who.get(f"/v1/projects/{self.pid}/{path}").expect(200).body.decode()
                self.assertFalse(any(secret in text for secret in self.SECRETS), text)
        done = postrider("apply", "-", input=postrider("export", "--project", self.pid, env={**self.env, "POSTRIDER_KEY": key}).stdout,
                         env={**self.env, "POSTRIDER_KEY": key})
        self.assertEqual((done.returncode, set(self.lines(done.stdout).values())), (0, {"unchanged"}), done)

    def test_put_needs_a_project_and_an_id(self):
        for path in ("phones/p", "services/s"):
            self.api.put(f"/v1/projects/nowhere/{path}", {"phone_type": "test"}).expect(404)
        for wrong in ("a%20b", "a" * 35):
            self.assertEqual(self.api.put(f"/v1/projects/{self.pid}/phones/{wrong}", {"phone_type": "test"}).expect(400).error["param"], "id")

    def test_apply_names_the_place(self):
        setup = {"projects": [{"id": self.pid, "endpoints": [{"id": "good", "url": "http://a.example/"}, {"id": "bad", "url": "nonsense"}]}]}
        done = postrider("apply", "-", input=json.dumps(setup), env=self.env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("projects[0].endpoints[1].url", done.stderr)
        for kind, index, spoil in (("services", 1, {"config": {"actions": [{"type": "notify_webhook", "url": "nonsense"}]}}), ("phones", 2, {"config": {}})):
            project = self.both_ways()
            project[kind][index].update(spoil)
            done = postrider("apply", "-", input=json.dumps({"projects": [project]}), env=self.env)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
            self.assertIn({"services": "projects[0].services[1].config.actions[0].url", "phones": "projects[0].phones[2].config.url"}[kind], done.stderr)
        done = postrider("apply", "-", input='{"project": []}', env=self.env)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("project", done.stderr)

    # --- send, status, tail, replay ---

    def test_send_one_many_and_lines(self):
        receiver = self.receiver()
        self.api.endpoint(self.pid, "e", url=receiver.url("/"))
        answer = json.loads(self.run_ok("send", "--project", self.pid, "--file", EXAMPLES / "events.json"))
        self.assertEqual(answer["accepted"], 6)
        lines = "".join(json.dumps({**sms(i), "id": f"l{i}"}) + "\n" for i in range(3))
        self.assertEqual(json.loads(self.run_ok("send", "--project", self.pid, "--quiet", input=lines)), {"accepted": 3, "duplicates": 0})
        self.assertEqual(json.loads(self.run_ok("send", "--project", self.pid, input=json.dumps({**sms(1), "id": "l1"})))["duplicates"], 1)
        receiver.wait(9)
        done = postrider("send", "--project", self.pid, input='[{"type":"send_status"}]', env=self.env)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn("events[0].message", done.stderr)

    def test_status_shows_trouble_first(self):
        receiver = self.receiver()
        self.api.endpoint(self.pid, "good", url=receiver.url("/"))
        self.api.endpoint(self.pid, "off", url=receiver.url("/"))
        self.api.endpoint(self.pid, "waits", url=f"http://127.0.0.1:{free_port()}/", retry={"delays_s": [600]})
        self.api.post(f"/v1/projects/{self.pid}/endpoints/off/disable").expect(200)
        self.api.events(self.pid, sms(1))
        self.api.wait_attempts(self.pid, 2)
        lines = [line.split() for line in self.run_ok("status", "--project", self.pid).splitlines()]
        self.assertEqual(lines[0], ["OWNER", "ENDPOINT", "STATE", "PENDING", "OLDEST"])
        self.assertEqual([line[1:4] for line in lines[1:]], [["off", "disabled", "0"], ["waits", "ready", "1"], ["good", "ready", "0"]])
        as_json = json.loads(self.run_ok("status", "--project", self.pid, "--json"))
        self.assertEqual([e["id"] for e in as_json], ["off", "waits", "good"])

    def test_tail_follows(self):
        receiver = self.receiver(lambda a: 200 if a.path == "/a" else 500)
        self.api.endpoint(self.pid, "a", url=receiver.url("/a"))
        self.api.endpoint(self.pid, "b", url=receiver.url("/b"), retry={"delays_s": [600]})
        self.api.events(self.pid, sms("m-old"))
        self.api.wait_attempts(self.pid, 2)
        tail = self.running("tail", "--project", self.pid, env=self.env)
        tail.wait_line(re.compile(r" ok +a attempt 1 code 200 [\d.]+ ms message m-old"))
        tail.wait_line(re.compile(r" retry +b attempt 1 code 500 [\d.]+ ms message m-old: .+"))
        self.api.events(self.pid, sms("m-new"))
        tail.wait_line("message m-new")

    def test_replay(self):
        answer = [500]
        receiver = self.receiver(lambda a: answer[0])
        self.api.endpoint(self.pid, "e", url=receiver.url("/"), retry={"delays_s": []})
        self.api.events(self.pid, [{**sms(i), "id": f"r{i}"} for i in range(4)])
        for i in range(4):
            self.api.wait_state(self.pid, f"r{i}", "e", "failed")
        words = ("replay", "--project", self.pid, "--endpoint", "e")
        self.assertEqual(self.run_ok(*words, "--count"), "4 events\n")
        answer[0] = 200
        shown = self.run_ok(*words, "--since", "1h")
        self.assertRegex(shown, r"(?s)4 events\n.*replay \S+ started.*state done")
        receiver.wait(8)
        for i in range(4):
            self.api.wait_state(self.pid, f"r{i}", "e", "delivered")
        self.assertEqual(self.run_ok(*words), "0 events\n")

    def test_without_key_or_daemon(self):
        done = postrider("status", env={**self.env, "POSTRIDER_KEY": "wrong-key-0000000000"})
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        done = postrider("status", env={**self.env, "POSTRIDER_URL": f"http://127.0.0.1:{free_port()}"})
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))


class Render(CommandCase):
    def test_same_bytes_as_sent(self):
        """What render shows is what a receiver gets."""
        served, receiver = self.daemon(), self.receiver()
        api = served.api()
        self.addCleanup(api.close)
        api.project("demo", organization_id="4711")
        endpoint = json.loads((EXAMPLES / "wiraya-batch.json").read_text())
        endpoint.update(url=receiver.url("/push?p={PRID}&c={CID}"), headers={"X-Sent": "{SENT_DATETIME}"}, batch={"max_items": 1})
        path = self.folder() / "endpoint.json"
        path.write_text(json.dumps(endpoint))
        api.endpoint("demo", "demo", **endpoint)
        api.events("demo", json.loads((EXAMPLES / "three-events.json").read_text()))
        shown = postrider("render", "--endpoint", path, "--event", EXAMPLES / "three-events.json", "--project", "demo", "--organization", "4711")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        requests = {}
        for request in shown.stdout.split("\n--------\n"):
            head, body = request.split("\n\n", 1)
            headers = dict(line.split(": ", 1) for line in head.split("\n")[1:])
            requests[headers["webhook-id"]] = (head.split("\n")[0], headers, body)
        for got in receiver.wait(3):
            first, headers, body = requests.pop(got.headers["webhook-id"])
            self.assertEqual(first, f"POST {receiver.url()[:-1]}{got.target}")
            self.assertEqual(got.body.decode(), body)
            for name in ("Content-Type", "User-Agent", "X-Sent", "Host", "Content-Length"):
                self.assertEqual(got.headers[name], headers[name])
        self.assertEqual(requests, {})

    def test_wrong_input(self):
        folder = self.folder()
        (folder / "e.json").write_text('{"preset": "wiraya-push", "url": "http://a.example/", "body": "[{STAUTS}]"}')
        self.refused("render", "--endpoint", folder / "e.json", "--event", EXAMPLES / "three-events.json", says=r"e\.json.*body.*STATUS")
        self.refused("render", "--endpoint", "/nonexistent", "--event", EXAMPLES / "three-events.json", says="/nonexistent")


class Listen(CommandCase):
    def listen(self, *words):
        running = self.running("listen", "--port", "0", *words)
        return running, running.wait_line("listening on ").removeprefix("listening on ")

    def test_shows_what_arrives(self):
        running, url = self.listen()
        self.assertEqual(fetch(url + "push?contact=9%201", b'{"batch":[{"id":1},{"id":2}]}', {"Content-Type": "application/json"})[0], 200)
        running.wait_line(re.compile(r"^#1 .* POST /push · 29 bytes · answered 200$"))
        running.wait_line("query   contact = 9 1")
        running.wait_line('"id": 2')
        self.assertEqual(running.stop(signal.SIGINT), 0)
        self.assertIn("1 requests, 0 of them answered with a failure", running.text())

    def test_status_fail_delay_reply_count(self):
        _, url = self.listen("--status", "503")
        self.assertEqual(fetch(url, b"x")[0], 503)
        running, url = self.listen("--fail", "1", "--count", "3")
        self.assertEqual([fetch(url, b"x")[0] for _ in range(3)], [500] * 3)
        self.assertEqual(running.process.wait(30), 0)
        path = self.folder() / "reply.json"
        path.write_text('{"ok":true}')
        running, url = self.listen("--delay", "300ms", "--reply", path)
        self.assertEqual(fetch(url, b"x"), (200, b'{"ok":true}'))
        running.wait_line("after 300 ms")
        _, url = self.listen("--fail", "0.5")
        self.assertEqual({fetch(url, b"x")[0] for _ in range(64)}, {200, 500})

    def test_tls_with_a_pin(self):
        """The pin that it prints is what an endpoint's tls.verify takes."""
        running, url = self.listen("--tls", "--json")
        pin = running.wait_line("pin:")
        served = self.daemon()
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "right", preset="wiraya-callback", url=url + "right", tls={"verify": pin})
        api.endpoint("p", "wrong", preset="wiraya-callback", url=url + "wrong", tls={"verify": "pin:" + "0" * 64}, retry={"delays_s": []})
        api.endpoint("p", "self-signed", preset="wiraya-callback", url=url + "self")
        api.events("p", {**sms(1), "id": "t"})
        api.wait_state("p", "t", "right", "delivered")
        api.wait_state("p", "t", "self-signed", "delivered")
        api.wait_state("p", "t", "wrong", "failed")
        paths = sorted(json.loads(line)["path"] for line in running.lines if line.startswith("{"))
        self.assertEqual(paths, ["/right", "/self"])

    def test_checks_signatures(self):
        secret = "whsec_" + "QUJD" * 10
        running, url = self.listen("--json", "--secret", secret)
        served = self.daemon()
        api = served.api()
        self.addCleanup(api.close)
        api.project("p")
        api.endpoint("p", "good", preset="standard-webhooks", url=url + "good", secret=secret)
        api.endpoint("p", "bad", preset="standard-webhooks", url=url + "bad", secret="whsec_" + "REVG" * 10)
        api.events("p", sms(1))
        for path, wanted in (("/good", "ok"), ("/bad", "bad")):
            self.assertEqual(json.loads(running.wait_line(f'"path":"{path}"'))["signature"], wanted)

    def test_a_port_in_use(self):
        _, url = self.listen()
        self.refused("listen", "--port", url.rstrip("/").rsplit(":", 1)[1])


class Demo(CommandCase):
    def test_it_ends_well(self):
        """What `make demo` runs after building."""
        done = subprocess.run(["/usr/bin/python3", ROOT / "scripts" / "demo"], env={"PATH": "/usr/bin:/bin", "POSTRIDER": PROGRAM}, capture_output=True,
                              text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"events accepted +7\n")
        self.assertRegex(done.stdout, r"messages received +2\n")
        self.assertRegex(done.stdout, r"deliveries +24\n")
        self.assertRegex(done.stdout, r"wiraya-push +6 events in 2 requests")
        self.assertRegex(done.stdout, r"wiraya-callback +6 events in 6 requests")
        self.assertRegex(done.stdout, r"webcom-status +4 events in 3 requests")  # the receiver takes half of what it sees
        self.assertRegex(done.stdout, r"telerivet-service +2 events in 2 requests")
        self.assertRegex(done.stdout, r"telerivet-status +6 events in 6 requests")  # queued, sent, delivered, of both replies
        self.assertEqual(len(re.findall(r"(?m)^reply +delivered +to \+15005550012: ", done.stdout)), 2)
        self.assertRegex(done.stdout, r'its variables +\{"answered": true\} +of contact \+15005550012')
        self.assertRegex(done.stdout, r"console's address +http://127\.0\.0\.1:\d+/ ")
        self.assertIn('"to": "46710000123"', done.stdout)


if __name__ == "__main__":
    unittest.main()
