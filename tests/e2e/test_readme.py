"""The quick tour as a new user would go through it (tour.py), the calls of docs/api.md, and what can be said of all documents: JSON must be JSON, and every file
that is linked to must be there. The blocks of the other pages: test_docs.py."""

import json
import os
import re
import subprocess
import unittest

from harness import KEY, PATIENCE, PROGRAM, ROOT, Case
from tour import STEP, Tour

class QuickTour(Case):
    PAGE = ROOT / "docs" / "tour.md"

    def test_the_tour(self):
        steps = Tour(self, self.PAGE.read_text(), os.environ).walk()
        self.assertGreater(len(steps), 8)

    def test_all_its_shell_blocks_are_run(self):
        text = self.PAGE.read_text()
        self.assertEqual(text.count("```sh\n"), len([s for s in STEP.findall(text) if s[0] == "run"]))


class ApiPage(Case):
    def test_its_calls_are_answered(self):
        """The calls of docs/api.md, in order, against a daemon; none may be refused."""
        text = (ROOT / "docs" / "api.md").read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        served, receiver = self.daemon(), self.receiver()
        script = "".join(blocks).replace("curl -s ", "curl -sf ")
        script = re.sub(r"^postrider serve.*\n", "", script, flags=re.M)  # runs already
        script, streams = re.subn(r"^prc -N (.*?) +#.*$", r"prc --max-time 1 -N \1 || [ $? = 28 ]", script, flags=re.M)  # goes on for ever
        for said, meant in {"http://127.0.0.1:8420": served.url, "http://127.0.0.1:9000": receiver.url()[:-1], "my-admin-key-0123456789": KEY}.items():
            self.assertIn(said, script)
            script = script.replace(said, meant)
        done = subprocess.run(["bash", "-O", "expand_aliases", "-eu", "-c", "exec 2>&1\n" + script.replace("\nprc", "\necho;prc")], cwd=self.folder(),
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, script + done.stdout)
        self.assertGreater(done.stdout.count("{"), 5)
        self.assertEqual(done.stdout.count("event: hello"), streams)


class Documents(Case):
    FILES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

    def test_json_is_json(self):
        for path in self.FILES:
            for block in re.findall(r"^```json\n(.*?)^```$", path.read_text(), re.M | re.S):
                with self.subTest(path=path.name, block=block[:60]):
                    json.loads(block if block.lstrip()[:1] in "{[" else "{" + block + "}")
        for path in sorted((ROOT / "examples").glob("*.json")):
            with self.subTest(path=path.name):
                json.loads(path.read_text())

    def test_links_lead_somewhere(self):
        for path in self.FILES:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", path.read_text()):
                with self.subTest(path=path.name, link=link):
                    self.assertTrue((path.parent / link).exists())

    def test_wirayas_metrics_are_all_described(self):
        """Each metric of the program's own table stands in docs/wiraya.md."""
        text = (ROOT / "docs" / "wiraya.md").read_text()
        source = (ROOT / "src" / "dialect" / "metric.c").read_text()
        names = re.findall(r'^\t\{ "([A-Z_]+)", (?:true|false)', source, re.M)
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertIn("{" + name + "}", text)

    def test_render_of_every_example(self):
        """The examples are settings and events that the program takes."""
        for endpoint in [p for p in sorted((ROOT / "examples").glob("*.json")) if "url" in json.loads(p.read_text())]:
            for events in [p for p in sorted((ROOT / "examples").glob("*.json")) if isinstance(json.loads(p.read_text()), list)]:
                with self.subTest(endpoint=endpoint.name, events=events.name):
                    done = subprocess.run([PROGRAM, "render", "--endpoint", endpoint, "--event", events], capture_output=True, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
