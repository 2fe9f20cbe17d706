"""Receivers, clients and the browser's driver from npm: installed once, by the lock file, into a folder beside the build (or $NODE_CACHE). Several tests may ask at a time."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

NODE = Path(__file__).resolve().parent / "node"
PATIENCE = 180


def _install(cache):
    lock, done = NODE / "package-lock.json", cache / "installed-lock.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE / name, cache / name)
    npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=cache, capture_output=True, text=True, timeout=PATIENCE,
                         check=False)
    if npm.returncode != 0:
        raise RuntimeError("npm cannot install the libraries (it needs the npm registry once):\n" + npm.stderr)
    shutil.copy(lock, done)


def _copy(name, cache):
    """A script, or a folder of them; whoever runs the old one meanwhile keeps it."""
    source = NODE / name
    files = [source] if source.is_file() else [f for f in source.rglob("*") if f.is_file()]
    for file in files:
        to = cache / file.relative_to(NODE)
        to.parent.mkdir(parents=True, exist_ok=True)
        fresh = to.with_name(to.name + ".new")
        shutil.copy(file, fresh)
        fresh.replace(to)


def installed(*scripts):
    """The folder with the libraries and these of our scripts, or folders of scripts, beside them."""
    cache = Path(os.environ.get("NODE_CACHE") or Path(os.environ["POSTRIDER"]).resolve().parent / "node-receivers")
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        _install(cache)
        for name in scripts:
            _copy(name, cache)
    return cache
