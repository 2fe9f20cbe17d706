"""The README as a new user would go through it: every block marked `<!-- run … -->` is run in order, every block marked `<!-- shows … -->` must be
what is seen then. `run NAME` goes on running under that name, `shows NAME` is about its output; without a name it is the last run one. In what is shown, `…`
stands for anything, also over several lines. Only the three ports are replaced by free ones.

The other documents' JSON blocks and shell words are looked at too: JSON must be JSON, and every file that is linked to must be there."""

import json
import re
import subprocess
import unittest

from harness import KEY, PATIENCE, PROGRAM, ROOT, Case, Running, free_port, wait_until

STEP = re.compile(r"^<!-- (run|shows)(?: (\w+))? -->\n```\w*\n(.*?)^```$", re.M | re.S)


def pattern(shown):
    """A regular expression for a block in which … stands for anything."""
    return re.compile(r".*?".join(re.escape(part) for part in re.split(r"\n?…\n?|…", shown.strip("\n"))), re.S)


class Shell:
    """The terminal that stays usable: each block has the variables of those before it."""

    def __init__(self, folder):
        self.folder, self.state = folder, folder / ".state"
        self.state.write_text("")

    def run(self, block):
        script = f"set -eu\n. ./.state\n{block}\n{{ declare -p api; export -p; }} >.state 2>/dev/null || export -p >.state\n"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise AssertionError(f"ended with {done.returncode}:\n{block}\n{done.stdout}{done.stderr}")
        return done.stdout


class Readme(Case):
    def test_the_tour(self):
        folder = self.folder()
        (folder / "build").mkdir()
        (folder / "build" / "postrider").symlink_to(PROGRAM)
        (folder / "examples").symlink_to(ROOT / "examples")
        text = (ROOT / "README.md").read_text()
        ports = {port: str(free_port()) for port in ("8420", "8421", "8424")}
        steps = STEP.findall(text)
        self.assertGreater(len(steps), 8)
        shell, taken, last = Shell(folder), {}, ""
        for what, name, block in steps:
            if what == "run":
                named = re.findall(r"\bexamples/[\w-]+\.json", block)
                own_ports = any("http" in (ROOT / path).read_text() for path in named)
            for port, free in ports.items():
                if not own_ports:
                    block = block.replace(port, free)
            if what == "run" and name:
                if " serve " in block:
                    block = block.strip() + f" --listen 127.0.0.1:{ports['8420']}"
                taken[name] = Running(block.strip(), cwd=folder)
                self.addCleanup(taken[name].stop)
                taken[name].wait_line(re.compile("listen(s|ing) on "))
            elif what == "run":
                last = shell.run(f"export POSTRIDER_URL=http://127.0.0.1:{ports['8420']}\n{block}")
            elif name:
                wanted = pattern(block)
                wait_until(lambda: wanted.search(taken[name].text()), lambda: f"{name} shows\n{block}\nbut\n{taken[name].text()}")
            else:
                self.assertRegex(last, pattern(block))
        for name, terminal in taken.items():
            self.assertEqual(terminal.stop(), 0, terminal.text())

    def test_all_shell_blocks_of_the_tour_are_run(self):
        tour = (ROOT / "README.md").read_text().split("## A quick tour")[1].split("\n## ")[0]
        self.assertEqual(tour.count("```sh\n"), len([s for s in STEP.findall(tour) if s[0] == "run"]))


class ApiPage(Case):
    def test_its_calls_are_answered(self):
        """The calls of docs/api.md, in order, against a daemon; none may be refused."""
        text = (ROOT / "docs" / "api.md").read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        served, receiver = self.daemon(), self.receiver()
        script = "".join(blocks).replace("curl -s ", "curl -sf ")
        script = re.sub(r"^postrider serve.*\n", "", script, flags=re.M)  # runs already
        for said, meant in {"http://127.0.0.1:8420": served.url, "http://127.0.0.1:9000": receiver.url()[:-1], "my-admin-key-0123456789": KEY}.items():
            self.assertIn(said, script)
            script = script.replace(said, meant)
        done = subprocess.run(["bash", "-O", "expand_aliases", "-eu", "-c", "exec 2>&1\n" + script.replace("\nprc", "\necho;prc")], cwd=self.folder(),
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, script + done.stdout)
        self.assertGreater(done.stdout.count("{"), 5)


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
