"""Dafny as this folder uses it: running the verifier on a file, and compiling the oracle."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE / "build"
DEBIANS = (Path("/usr/lib/dafny"), Path("/usr/lib/boogie"))
"""Where Debian keeps Dafny's programs and libraries."""
PACKAGES = ("dafny", "mono-mcs", "z3", "nodejs", "node-bignumber")
"""Debian packages that bring the verifier and what runs the oracle."""
NOISE = re.compile(
    r"^(Legal parameters are:|\s+\w+ \([\w ]+\)(?: \(default: .*\))?|.*unknown parameter 'model_compress'.*|)$"
)
"""What z3 says about an option that Dafny 2.3 gives it; harmless."""


class Missing(Exception):
    """A program that the proofs need is not installed."""


def program(name: str) -> str:
    """Return where a program is, or say what to install."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is missing; as root: apt-get install --no-install-recommends {' '.join(PACKAGES)}")
    return found


def dafny(*arguments: str | Path, seconds: float = 900, folder: Path = HERE) -> tuple[int, str]:
    """Run Dafny in a folder and return its exit status and what it said, without the noise."""
    command = [*verifier(), "/nologo", *map(str, arguments)]
    for _ in range(3):
        done = subprocess.run(  # noqa: S603 - fixed arguments
            command, check=False, capture_output=True, text=True, timeout=seconds, cwd=folder
        )
        said = done.stdout + done.stderr
        if "at Microsoft." not in said:  # the prover's process sometimes breaks off; another one does not
            break
    return done.returncode, "\n".join(line for line in said.splitlines() if not NOISE.match(line))


def verifier() -> list[str]:
    """Return the command that starts Dafny: a copy that mono compiled ahead of time, which saves a third of a run."""
    script = program("dafny")
    exe = DEBIANS[0] / "Dafny.exe"
    mono = shutil.which("mono")
    if mono is None or not exe.exists():
        return [script]
    target = BUILT / f"dafny-{hashlib.sha256(exe.read_bytes()).hexdigest()[:16]}"
    if not target.exists():
        BUILT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
            copy = Path(scratch, "dafny")
            for folder in DEBIANS:
                shutil.copytree(folder, copy, dirs_exist_ok=True)
            libraries = sorted(map(str, copy.glob("*.dll")))
            made = [mono, "--aot", str(copy / "Dafny.exe"), *libraries]
            subprocess.run(made, check=False, capture_output=True)  # noqa: S603  what it cannot compile runs as it is
            with suppress(OSError):  # another process has made it by now
                os.rename(copy, target)  # noqa: PTH104  in one step
    return [mono, str(target / "Dafny.exe")]


def modules() -> list[Path]:
    """Return the files of the model."""
    return sorted(HERE.glob("*.dfy"))


def oracle() -> Path:
    """Return the model compiled to JavaScript, made anew if it or the compiler's caller changed."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*modules(), Path(__file__)])).hexdigest()[:16]
    target = BUILT / f"oracle-{digest}.js"
    if target.exists():
        return target
    BUILT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
        made = Path(scratch) / "oracle.js"
        # Verifying is the business of verify.py. Dafny ends with status 3 when it writes code and does not run it.
        options = ["/noVerify", "/compile:0", "/spillTargetCode:3", "/compileTarget:js", "/out:oracle"]
        status, said = dafny(*options, HERE / "Oracle.dfy", folder=made.parent)
        if status not in (0, 3) or not made.exists():
            raise RuntimeError(f"Dafny did not compile the oracle:\n{said}")
        made.replace(target)
    for old in BUILT.glob("oracle-*.js"):
        if old != target:
            old.unlink(missing_ok=True)
    return target
