"""Make the virtual environment that the Makefile's commands run in, from pinned files; and rewrite those pins.

python3 .ci/environment.py prepare [--venv .venv] [--python 3.12] [--name core] [--servers]
python3 .ci/environment.py lock

Needs nothing but the standard library, and runs on old Pythons far enough to say what is missing.
"""

import argparse
import contextlib
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(ROOT, "requirements")
TOOLS = os.path.join(ROOT, ".venv-tools")
OLDEST = (3, 11)

# Environments that can be asked for: the arguments of `uv export` that describe each.
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
def step(what):
    """Say what is being done, and that it still is, every five seconds."""
    print("-- " + what, flush=True)
    began = time.monotonic()
    over = threading.Event()

    def tick():
        while not over.wait(5):
            print("   ... %d s" % (time.monotonic() - began), flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    if time.monotonic() - began > 2:
        print("   done in %.1f s" % (time.monotonic() - began), flush=True)


def run(command, **environment):
    """Run a command quietly; its output is shown only when it fails."""
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=dict(os.environ, **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Stop("%s\nfailed (%d): %s" % (output.strip(), done.returncode, " ".join(command)))
    return output


def as_root(*command):
    """Install Debian packages where that is allowed; False where it is not."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    # RUNLEVEL=1 keeps the packages from starting services of their own.
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run(["apt-get", "update"], **quiet)
    run(["apt-get", "install", "-y", "--no-install-recommends"] + list(command), **quiet)
    return True


def python_to_use(asked):
    """The interpreter of the environment: the one asked for, else this one, else a newer one on PATH."""
    if asked not in ("", "python3"):
        return asked
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(14, OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found:
            return found
    raise Stop("Python %d.%d or newer is needed; python3 is %s" % (OLDEST + (sys.version.split()[0],)))


def uv_program():
    """uv from PATH, or a pinned one in a folder of its own."""
    private = os.path.join(TOOLS, "bin", "uv")
    for found in (shutil.which("uv"), private):
        if found and os.path.exists(found):
            return found
    pins = ["--require-hashes", "-r", os.path.join(REQUIREMENTS, "bootstrap.txt")]
    with step("Installing uv into " + os.path.relpath(TOOLS, ROOT)):
        if has("pip"):
            run([sys.executable, "-m", "pip", "install", "-q", "--target", TOOLS] + pins)
        else:
            if not has("ensurepip") and not as_root("python3-venv"):
                raise Stop("python3 has neither pip nor venv: run `apt-get install python3-venv` as root, or install uv")
            run([sys.executable, "-m", "venv", TOOLS])
            run([os.path.join(TOOLS, "bin", "python"), "-m", "pip", "install", "-q"] + pins)
    return private


def has(module):
    return subprocess.run([sys.executable, "-c", "import " + module], check=False, stderr=subprocess.DEVNULL).returncode == 0


def members():
    """Distributions of this repository, the core first."""
    return [ROOT] + sorted(os.path.dirname(path) for path in glob.glob(os.path.join(ROOT, "integrations", "*", "pyproject.toml")))


def inputs_digest(name, python):
    """What the environment is made from; another digest means it has to be made again."""
    digest = hashlib.sha256(("%s %s" % (name, python)).encode())
    files = [os.path.join(REQUIREMENTS, name + ".txt"), os.path.join(REQUIREMENTS, "build.txt"), os.path.abspath(__file__)]
    for path in files + [os.path.join(folder, "pyproject.toml") for folder in members()]:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def prepare(venv, python, name):
    """Install the pinned packages and the project itself, unless that is done already."""
    python = python_to_use(python)
    stamp = os.path.join(venv, ".made-from")
    digest = inputs_digest(name, python)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == digest:
                return
        os.remove(stamp)
    uv = uv_program()
    target = os.path.join(venv, "bin", "python")
    here = os.path.relpath(venv, ROOT)
    offline = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    with step("Making the environment %s" % here):
        run([uv, "venv", "--clear", "--python", python, venv], **offline)
    pinned = ["--build-constraints", os.path.join(REQUIREMENTS, "build.txt")]
    with step("Installing the packages of requirements/%s.txt" % name):
        run([uv, "pip", "sync", "--python", target, "--require-hashes", os.path.join(REQUIREMENTS, name + ".txt")] + pinned, **offline)
    own = [ROOT]  # the integrations join with the environments that hold their hosts
    with step("Installing the project, editable"):
        editable = [argument for folder in own for argument in ("--editable", folder)]
        run([uv, "pip", "install", "--python", target, "--no-deps"] + pinned + editable, **offline)
    with open(stamp, "w") as file:
        file.write(digest)


def prepare_servers():
    """Install the servers that are missing, or name them."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"])
    missing = sorted({package for program, package in SERVERS.items() if not shutil.which(program, path=path)})
    if not missing:
        return
    with step("Installing " + " ".join(missing)):
        if not as_root(*missing):
            raise Stop("missing servers: run `apt-get install %s` as root" % " ".join(missing))


def lock():
    """Resolve afresh and write requirements/*.txt: hashes, no addresses."""
    uv = uv_program()
    os.makedirs(REQUIREMENTS, exist_ok=True)
    with step("Resolving"):
        run([uv, "lock", "--upgrade"])
    for name, selection in sorted(ENVIRONMENTS.items()):
        with step("Writing requirements/%s.txt" % name):
            text = run(
                [uv, "export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", "--no-default-groups"] + selection
            )
            with open(os.path.join(REQUIREMENTS, name + ".txt"), "w") as file:
                file.write("# Written by `make lock`.\n" + text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["prepare", "lock"])
    parser.add_argument("--venv", default=".venv")
    parser.add_argument("--python", default="")
    parser.add_argument("--name", default="core", choices=sorted(ENVIRONMENTS))
    parser.add_argument("--servers", action="store_true")
    asked = parser.parse_args()
    try:
        if asked.job == "lock":
            lock()
            return
        prepare(os.path.join(ROOT, asked.venv), asked.python, asked.name)
        if asked.servers:
            prepare_servers()
    except Stop as stop:
        sys.exit(str(stop))


if __name__ == "__main__":
    main()
