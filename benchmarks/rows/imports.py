"""What starting costs: whole Python processes in turns, each less the bare Python of its environment in that round."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.environments import Missing, python_of
from benchmarks.figures import OURS, Figure, at_most
from benchmarks.ground import SOURCE
from benchmarks.s3_ground import fast_s3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.ground import Ground

IMPORTS = {
    OURS: ("ours", "import remote_store"),
    "obstore": ("ours", "import obstore"),
    "boto3": ("ours", "import boto3"),
    "fsspec": ("s3fs", "import fsspec"),
    "s3fs": ("s3fs", "import s3fs"),
    "smart_open": ("files", "import smart_open"),
    "cloudpathlib": ("files", "import cloudpathlib"),
    "0.33": ("published", "import remote_store"),
}

STORE = {
    OURS: ("ours", "from remote_store import Store"),
    "0.33": ("published", "from remote_store import Store"),
}

LOCAL_STORE = """
from remote_store import Store
from remote_store.backends{module} import LocalBackend
store = Store(LocalBackend(root={folder!r}))
store.write('file', b'content', overwrite=True)
assert store.read_bytes('file') == b'content'
"""
LOCAL_FSSPEC = """
import fsspec
files = fsspec.filesystem('file')
files.pipe_file({folder!r} + '/file', b'content')
assert files.cat_file({folder!r} + '/file') == b'content'
"""

OUR_S3 = """
from remote_store import Store
from remote_store.backends.s3 import S3Backend
store = Store(S3Backend({bucket!r}, endpoint_url={endpoint!r}, access_key='k', secret_key='s', region={region!r}))
assert len(store.read_bytes({key!r})) == {size}
"""
BOTO3 = """
import boto3
client = boto3.client('s3', endpoint_url={endpoint!r}, aws_access_key_id='k', aws_secret_access_key='s',
                      region_name={region!r})
assert len(client.get_object(Bucket={bucket!r}, Key={key!r})['Body'].read()) == {size}
"""
OBSTORE = """
from obstore.store import S3Store
import obstore
store = S3Store({bucket!r}, endpoint={endpoint!r}, access_key_id='k', secret_access_key='s', region={region!r},
                client_options={{'allow_http': True}})
assert len(obstore.get(store, {key!r}).bytes()) == {size}
"""
S3FS = """
import s3fs
files = s3fs.S3FileSystem(key='k', secret='s', endpoint_url={endpoint!r}, client_kwargs={{'region_name': {region!r}}})
assert len(files.cat_file({bucket!r} + '/' + {key!r})) == {size}
"""
PYARROW = """
from pyarrow.fs import S3FileSystem
files = S3FileSystem(access_key='k', secret_key='s', region={region!r}, endpoint_override={host!r}, scheme='http')
assert len(files.open_input_stream({bucket!r} + '/' + {key!r}).read()) == {size}
"""
PUBLISHED_S3 = """
from remote_store import Store
from remote_store.backends import S3Backend
store = Store(S3Backend({bucket!r}, endpoint_url={endpoint!r}, key='k', secret='s', region_name={region!r}))
assert len(store.read_bytes({key!r})) == {size}
"""


def figures(ground: Ground) -> Iterator[Figure]:
    yield _figure(ground, "import alone", IMPORTS, at_most(15, "ms"))
    yield _figure(ground, "import Store", STORE, at_most(15, "ms"))
    folder = str(ground.folder)
    local = {
        OURS: ("ours", LOCAL_STORE.format(folder=folder, module=".local")),
        "fsspec": ("s3fs", LOCAL_FSSPEC.format(folder=folder)),
        "0.33": ("published", LOCAL_STORE.format(folder=folder, module="")),
    }
    yield _figure(ground, "local store, write and read", local)
    where = fast_s3(ground)
    facts = {**where, "host": where["endpoint"].partition("//")[2], "key": where["keys"][0]}
    s3 = {
        OURS: ("ours", OUR_S3.format(**facts)),
        "obstore": ("ours", OBSTORE.format(**facts)),
        "boto3": ("ours", BOTO3.format(**facts)),
        "pyarrow": ("ours", PYARROW.format(**facts)),
        "s3fs": ("s3fs", S3FS.format(**facts)),
        "0.33": ("published", PUBLISHED_S3.format(**facts)),
    }
    yield _figure(ground, "S3 store, first read", s3, at_most(60, "ms"))
    if (SOURCE / "remote_store" / "cli" / "__main__.py").exists():
        shown = {OURS: ("ours", "import sys, runpy; sys.argv = ['x', '--help']; runpy.run_module('remote_store.cli')")}
        yield _figure(ground, "command line, --help", shown, at_most(60, "ms"))


def _figure(ground: Ground, name: str, codes: Mapping[str, tuple[str, str]], *checks: object) -> Figure:
    pythons, absent = {}, {}
    for contender, (environment, code) in codes.items():
        try:
            pythons[contender] = (environment, python_of(environment), code)
        except Missing as why:
            absent[contender] = str(why)
    wall: dict[str, list[float]] = {contender: [] for contender in pythons}
    cpu: dict[str, list[float]] = {contender: [] for contender in pythons}
    cache = ground.folder / "compiled"
    for turn in range(1 + ground.rounds):
        bare: dict[str, tuple[float, float]] = {}
        for contender, (environment, python, code) in list(pythons.items()):
            if environment not in bare:
                bare[environment] = _run(str(python), "pass", cache, ours=environment == "ours")
            try:
                took = _run(str(python), code, cache, ours=environment == "ours")
            except Missing as why:
                absent[contender] = str(why)
                for kept in (pythons, wall, cpu):
                    del kept[contender]
                continue
            if turn:  # the first one compiles
                wall[contender].append((took[0] - bare[environment][0]) * 1e3)
                cpu[contender].append((took[1] - bare[environment][1]) * 1e3)
    note = "CPU ms over bare: " + ", ".join(f"{one} {median(values):.0f}" for one, values in cpu.items())
    return Figure("import", name, "ms over bare Python", wall, checks=list(checks), absent=absent, note=note)


def _run(python: str, code: str, cache: Path, *, ours: bool) -> tuple[float, float]:
    """Wall and CPU seconds of one process, all of whose modules have been compiled before."""
    own = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment["PYTHONPYCACHEPREFIX"] = str(cache)
    if ours:
        environment["PYTHONPATH"] = str(SOURCE)
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen([python, "-c", code], env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise Missing(output.read().decode(errors="replace").strip()[-300:])
    return wall, usage.ru_utime + usage.ru_stime
