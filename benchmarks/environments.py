"""The environments that peers live in: `.venv-bench-NAME`, made by uv from pinned files.

`python -m benchmarks.environments lock` resolves the pins afresh.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "benchmarks" / "requirements"

# Peers that cannot share one environment: each pins its own botocore, and the package of our name is another one.
PEERS = {
    "s3fs": ["s3fs>=2025.9", "fsspec>=2025.9"],  # without a floor a resolver may fall back to a very old s3fs
    "files": ["smart-open[s3]>=7", "cloudpathlib[s3]>=0.20"],
    "published": ["remote-store[s3]==0.33.0"],
    "azure": ["remote-store[azure]==0.33.0", "adlfs>=2025.8", "fsspec>=2025.9"],
    "sql": ["remote-store[sql]==0.33.0"],
    "sftp": ["remote-store[sftp]==0.33.0", "fsspec>=2025.9"],
}


class Missing(Exception):
    """An environment cannot be made; the message says why."""


def python_of(name: str) -> Path:
    """The interpreter of an environment, made if it is not there or its pins changed. `ours` is this one."""
    if name == "ours":
        return Path(sys.executable)
    folder = ROOT / f".venv-bench-{name}"
    python = folder / "bin" / "python"
    pins = PINS / f"{name}.txt"
    stamp = folder / ".made-from"
    made_from = hashlib.sha256(f"{sys.version} {pins.read_text()}".encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == made_from):
        print(f"-- Making the environment {folder.name}", flush=True)
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "sync", "--python", str(python), "--require-hashes", str(pins))
        stamp.write_text(made_from)
    return python


def lock() -> None:
    """Write the pins: versions and hashes, no addresses."""
    bare = ["--no-header", "--no-annotate", "--quiet"]
    for name, wanted in PEERS.items():
        target = ["--universal", "--python-version", "3.11", "--generate-hashes", "--output-file"]
        _uv("pip", "compile", "-", *bare, *target, str(PINS / f"{name}.txt"), given="\n".join(wanted))


def _uv(*arguments: str, given: str = "") -> None:
    private = ROOT / ".venv-tools" / "bin" / "uv"
    program = shutil.which("uv") or (str(private) if private.exists() else None)
    if program is None:
        raise Missing("uv is missing; `make bench` brings it")
    quiet = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    done = subprocess.run(
        [program, *arguments], check=False, input=given, env={**os.environ, **quiet}, capture_output=True, text=True
    )
    if done.returncode:
        raise Missing(done.stderr.strip()[-300:])


if __name__ == "__main__":
    if sys.argv[1:] != ["lock"]:
        sys.exit(__doc__)
    lock()
