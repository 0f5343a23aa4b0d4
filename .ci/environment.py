"""Make the virtual environment that the Makefile's commands run in, from pinned files; and rewrite those pins.

python3 .ci/environment.py prepare [--venv .venv] [--python 3.12] [--name core] [--servers]
python3 .ci/environment.py lock

Only the standard library is used, and nothing that an old Python could not read: it is the one to say what is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
TOOLS = ROOT / ".venv-tools"
OLDEST = (3, 11)
NEWEST = (3, 13)

# The files of requirements/: for each, the arguments of `uv export` that choose its packages.
ENVIRONMENTS = {
    "core": ["--package", "remote-store", "--all-extras", "--group", "lint", "--group", "test"],
    "build": ["--only-group", "build"],
    "bootstrap": ["--only-group", "bootstrap"],
}

# Programs that tests and benchmarks start, and the Debian packages that bring them.
SERVERS = {"nginx": "nginx-light"}


class Stop(Exception):
    """The environment cannot be made; the message says what to do."""


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and every five seconds that it still is."""
    print(f"-- {what}", flush=True)
    began = time.monotonic()
    over = threading.Event()

    def tick() -> None:
        while not over.wait(5):
            print(f"   ... {time.monotonic() - began:.0f} s", flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    print(f"   done in {time.monotonic() - began:.1f} s", flush=True)


def run(*command: str | Path, **environment: str) -> str:
    """Run a command quietly; its output is shown only when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Stop(f"{output.strip()}\nfailed ({done.returncode}): {' '.join(map(str, command))}")
    return output


def install_debian(*packages: str) -> bool:
    """Install Debian packages; False where that is not allowed."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    # RUNLEVEL=1 keeps the packages from starting services of their own.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run("apt-get", "update", **quiet)
    run("apt-get", "install", "-y", "--no-install-recommends", *packages, **quiet)
    return True


def python_to_use(asked: str) -> str:
    """The interpreter of the environment: the one asked for, else this one, else a newer one on PATH."""
    if asked not in ("", "python3"):
        return asked
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise Stop(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; python3 is {sys.version.split()[0]}")


def uv_program() -> str:
    """The uv on PATH, or a pinned one in a folder of its own."""
    private = TOOLS / "bin" / "uv"
    found = shutil.which("uv") or (str(private) if private.exists() else None)
    if found:
        return found
    pins = ["--require-hashes", "-r", REQUIREMENTS / "bootstrap.txt"]
    with step(f"Installing uv into {TOOLS.name}"):
        if is_importable("pip"):
            run(sys.executable, "-m", "pip", "install", "--target", TOOLS, *pins)
        else:
            if not is_importable("ensurepip") and not install_debian("python3-venv"):
                raise Stop("python3 has neither pip nor venv: as root run `apt-get install python3-venv`")
            run(sys.executable, "-m", "venv", TOOLS)
            run(TOOLS / "bin" / "python", "-m", "pip", "install", *pins)
    return str(private)


def is_importable(module: str) -> bool:
    looked = subprocess.run([sys.executable, "-c", f"import {module}"], check=False, stderr=subprocess.DEVNULL)
    return looked.returncode == 0


def digest_of_inputs(name: str, python: str) -> str:
    """What the environment is made from; with another digest it has to be made again."""
    digest = hashlib.sha256(f"{name} {python}".encode())
    inputs = [REQUIREMENTS / f"{name}.txt", REQUIREMENTS / "build.txt", ROOT / "pyproject.toml", Path(__file__)]
    for path in inputs:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def prepare(venv: Path, asked_python: str, name: str) -> None:
    """Install the pinned packages and the project itself, unless that is done already."""
    python = python_to_use(asked_python)
    stamp = venv / ".made-from"
    digest = digest_of_inputs(name, python)
    if stamp.exists() and stamp.read_text() == digest:
        return
    uv = uv_program()
    quiet = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    pinned = ["--python", venv / "bin" / "python", "--build-constraints", REQUIREMENTS / "build.txt"]
    with step(f"Making the environment {venv.name}"):
        run(uv, "venv", "--clear", "--python", python, venv, **quiet)
    with step(f"Installing the packages of requirements/{name}.txt"):
        run(uv, "pip", "sync", *pinned, "--require-hashes", REQUIREMENTS / f"{name}.txt", **quiet)
    with step("Installing the project itself"):
        run(uv, "pip", "install", *pinned, "--no-deps", "--editable", ROOT, **quiet)
    stamp.write_text(digest)


def prepare_servers() -> None:
    """Install the servers that are missing, or name them."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    missing = sorted({package for program, package in SERVERS.items() if not shutil.which(program, path=path)})
    if not missing:
        return
    names = " ".join(missing)
    with step(f"Installing {names}"):
        if not install_debian(*missing):
            raise Stop(f"servers are missing: as root run `apt-get install {names}`")


def lock() -> None:
    """Resolve afresh and write requirements/*.txt: versions and hashes, no addresses."""
    uv = uv_program()
    with step("Resolving the dependencies"):
        run(uv, "lock", "--upgrade")
    for name, selection in ENVIRONMENTS.items():
        export = ["export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", "--no-default-groups"]
        text = run(uv, *export, *selection)
        (REQUIREMENTS / f"{name}.txt").write_text(f"# Written by `make lock`.\n{text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["prepare", "lock"])
    parser.add_argument("--venv", default=".venv")
    parser.add_argument("--python", default="")
    parser.add_argument("--name", default="core", choices=sorted(ENVIRONMENTS))
    parser.add_argument("--servers", action="store_true", help="see that the test servers are installed, too")
    asked = parser.parse_args()
    try:
        if asked.job == "lock":
            lock()
            return
        prepare(ROOT / asked.venv, asked.python, asked.name)
        if asked.servers:
            prepare_servers()
    except Stop as stop:
        sys.exit(str(stop))


if __name__ == "__main__":
    main()
