"""A page of the documentation as a reader would go through it, from top to bottom:

    <!-- run -->                 the block is run, in one shell whose variables stay
    <!-- run NAME -->            it is started in a terminal of its own and goes on, as NAME; until it says that it listens
    <!-- run NAME 13001 -->      the same, but until this port takes connections
    <!-- file PATH -->           the block is a file of the folder in which all this happens
    <!-- shows -->               what the last run one printed
    <!-- shows NAME -->          what is to be seen in that terminal, now or soon

In what is shown `…` stands for anything, also over several lines. Ports are the only thing that is replaced, by free ones: those that stand in a URL of
this machine or behind a word for a port."""

import re
import socket
import subprocess

from harness import PATIENCE, PROGRAM, ROOT, Running, free_port, wait_until

STEP = re.compile(r"^<!-- (run|shows|file)(?: ([\w./-]+))?(?: (\d+))? -->\n```[\w.]*\n(.*?)^```$", re.M | re.S)
PORT = re.compile(r"(127\.0\.0\.1:|127\.0\.0\.1\", |--port |port = |port=|-r |-t )(\d{4,5})\b")
LISTENS = re.compile("listen(s|ing) on ")


def pattern(shown):
    """A regular expression for a block in which … stands for anything."""
    return re.compile(r".*?".join(re.escape(part) for part in re.split(r"\n?…\n?|…", shown.strip("\n"))), re.S)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Shell:
    """The terminal that stays usable: each block has the variables and aliases of those before it."""

    def __init__(self, folder, env):
        self.folder, self.env, self.state = folder, env, folder / ".state"
        self.state.write_text("")

    def run(self, block):
        keep = "{ declare -p api; export -p; alias -p; } >.state 2>/dev/null || { export -p; alias -p; } >.state\n"
        script = f"set -eu\nshopt -s expand_aliases\n. ./.state\n{block}\n{keep}"
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"ended with {done.returncode}:\n{block}\n{done.stdout}{done.stderr}")
        return done.stdout


class Tour:
    """Walks through the text of a page; in the end every terminal that was opened has ended well."""

    def __init__(self, case, text, env):
        self.case, self.text = case, text
        self.folder = case.folder()
        self.ports, self.terminals, self.last, self.examples_stay = {}, {}, "", False
        programs = self.folder / "build"
        programs.mkdir()
        (programs / "postrider").symlink_to(PROGRAM)
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self.env = {**env, "PATH": f"{programs}:{env['PATH']}"}
        self.shell = Shell(self.folder, self.env)

    def walk(self):
        steps = STEP.findall(self.text)
        for what, name, port, block in steps:
            if what == "run":  # a file of the examples has ports, too, and stays what it is
                named = re.findall(r"\bexamples/[\w-]+\.json", block)
                self.examples_stay = any("http" in (ROOT / path).read_text() for path in named)
            getattr(self, "_" + what)(name, port, self._own_ports(block))
        for name, terminal in self.terminals.items():
            self.case.assertIn(terminal.stop(), (0, -15), f"{name}:\n{terminal.text()}")
        return steps

    def _own(self, port):
        if port not in self.ports:
            self.ports[port] = str(free_port())
        return self.ports[port]

    def _own_ports(self, block):
        if self.examples_stay:
            return block
        return PORT.sub(lambda found: found[1] + self._own(found[2]), block)

    def _file(self, name, _, block):
        (self.folder / name).write_text(block)

    def _run(self, name, port, block):
        if not name:
            url = f"export POSTRIDER_URL=http://127.0.0.1:{self._own('8420')}\n"
            self.last = self.shell.run(url + block)
            return
        if " serve " in block:
            block = block.strip() + f" --listen 127.0.0.1:{self._own('8420')}"
        self.terminals[name] = terminal = Running(block.strip(), cwd=self.folder, env=self.env, stdin=subprocess.PIPE)
        self.case.addCleanup(terminal.stop)
        if port:
            wait_until(lambda: listens(int(self._own(port))), lambda: f"{name} takes connections:\n{terminal.text()}")
        else:
            terminal.wait_line(LISTENS)

    def _shows(self, name, _, block):
        wanted = pattern(block)
        if name:
            terminal = self.terminals[name]
            wait_until(lambda: wanted.search(terminal.text()), lambda: f"{name} shows\n{block}\nbut\n{terminal.text()}")
        else:
            self.case.assertRegex(self.last, wanted)
