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

# What an orchestrator is tested beside.
HOST = ["--package", "remote-store", "--extra", "s3", "--extra", "lake", "--extra", "pydantic", "--group", "hosts"]

# The files of requirements/: for each, the arguments of `uv export` that choose its packages.
ENVIRONMENTS = {
    "core": ["--package", "remote-store", "--all-extras", "--group", "lint", "--group", "test"],
    # Airflow and Prefect exclude each other; Dagster lives with either.
    "dagster-airflow": [*HOST, "--package", "dagster-remote-store", "--package", "airflow-provider-remote-store"],
    "prefect": [*HOST, "--package", "prefect-remote-store"],
    "build": ["--only-group", "build"],
    "bootstrap": ["--only-group", "bootstrap"],
}

# Servers that come from npm, each pinned in a folder of requirements/ by a lock file without addresses.
NODE_SERVERS = ("azurite",)

# The distributions of this repository that an environment holds beside the core.
MEMBERS = {"dagster-airflow": ["dagster", "airflow"], "prefect": ["prefect"]}

# Programs and files that tests, proofs and benchmarks need, and the Debian packages that bring them.
SERVERS = {
    "nginx": "nginx-light",
    "sshd": "openssh-server",
    "sftp": "openssh-client",
    "/usr/lib/postgresql/*/bin/initdb": "postgresql",
    "mariadbd": "mariadb-server",
    "node": "nodejs",
    "npm": "npm",
    "dafny": "dafny",
    "z3": "z3",
    "/usr/share/nodejs/bignumber.js": "node-bignumber",
    "mcs": "mono-mcs",
}


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
    inputs = [REQUIREMENTS / f"{name}.txt", REQUIREMENTS / "build.txt", Path(__file__)]
    for path in [*inputs, *(folder / "pyproject.toml" for folder in distributions(name))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def distributions(name: str) -> list[Path]:
    """Return the folders whose packages the environment imports from where they stand."""
    return [ROOT, *(ROOT / "integrations" / member for member in MEMBERS.get(name, ()))]


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
        # Compiled once here, and not in each of the processes that tests start where Python may not write it.
        run(uv, "pip", "sync", *pinned, "--compile-bytecode", "--require-hashes", REQUIREMENTS / f"{name}.txt", **quiet)
    with step("Installing the project itself"):
        editable = [word for folder in distributions(name) for word in ("--editable", folder)]
        run(uv, "pip", "install", *pinned, "--no-deps", *editable, **quiet)
    stamp.write_text(digest)


def is_installed(program: str) -> bool:
    """Whether a program is on PATH or beside it, or a file of this pattern exists."""
    if program.startswith("/"):
        return any(Path("/").glob(program[1:]))
    return bool(shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])))


def prepare_servers() -> None:
    """Install the servers that are missing, or name them."""
    missing = sorted({package for program, package in SERVERS.items() if not is_installed(program)})
    if missing:
        names = " ".join(missing)
        with step(f"Installing {names}"):
            if not install_debian(*missing):
                raise Stop(f"servers are missing: as root run `apt-get install {names}`")
    for name in NODE_SERVERS:
        prepare_node_server(name)


def prepare_node_server(name: str) -> None:
    """Install the pinned packages of a server that node runs into a folder that git ignores, unless they are there."""
    folder = REQUIREMENTS / name
    stamp = folder / "node_modules" / ".made-from"
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    with step(f"Installing the npm packages of {name}"):
        try:
            run("npm", "ci", "--prefix", folder, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
        except Stop as failed:
            line = str(failed).strip().splitlines()[-1]
            raise Stop(f"the test server {name} could not be installed from npm: {line}") from failed
    stamp.write_text(digest)


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
