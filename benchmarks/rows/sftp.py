"""SFTP: one big file, many small ones, and the same 20 ms away, beside the program sftp and the other clients."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clients.sftp import SMALL
from benchmarks.figures import OURS, at_most, better_than, figure, times
from tests.servers.proxy import ProxyProcess
from tests.servers.sftp import OpenSSH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

CLI = "sftp CLI"
LATENCY = 0.02
CLIENTS = {
    OURS: ("ours", "sftp_ours"),
    "ours, ssh": ("ours", "sftp_ours"),
    CLI: ("ours", "sftp_cli"),
    "paramiko": ("ours", "sftp_paramiko"),
    "asyncssh": ("ours", "sftp_asyncssh"),
    "fsspec": ("sftp", "sftp_fsspec"),
    "0.33": ("sftp", "sftp_published"),
}
SLOW = ("fsspec", "0.33")
"""Clients that take half a minute for a big file: they go once round."""


def figures(ground: Ground) -> Iterator[Figure]:
    near = place(ground)
    far = near | {"port": ground.server(ProxyProcess, near["port"], latency=LATENCY), "many": 128, "at_once": 128}
    with (Path(near["known_hosts"])).open("a") as known:
        known.write(f"[{near['host']}]:{far['port']} {near['host_key']}\n")
    for where in (near, far):
        ground.warm(contenders(where, "warm"))  # connecting is measured by nobody
    rounds = 2 if ground.quick else 5
    size = f"{near['big_size'] >> 20} MB"
    for operation in ("down", "up"):
        outcome = ground.contest(contenders(near, operation, without=SLOW), rounds=rounds, count=1)
        checks = [times(CLI, 1.3)]
        yield figure("sftp", f"{size} {operation}", "seconds", outcome, bare=CLI, checks=checks)
    for operation in ("get", "put"):
        outcome = ground.contest(contenders(near, f"{operation}_many"), rounds=rounds, count=1)
        name = f"{operation} {near['many']} files of 10 KB"
        yield figure("sftp", name, "wall_us", outcome, bare=CLI, checks=[better_than(CLI, 4)])
        yield figure("sftp", f"{name}, CPU", "cpu_us", outcome, note="without what the programs sftp and ssh take")
    for operation in ("get", "put"):
        wanted = contenders(far, f"{operation}_many", without=(CLI, *SLOW))
        outcome = ground.contest(wanted, rounds=2 if ground.quick else 3, count=1)
        name = f"{operation} {far['many']} files of 10 KB, 20 ms away"
        yield figure("sftp", name, "wall_us", outcome, checks=[at_most(2000, "us a file")])
    for operation in ("exists", "get", "put"):
        outcome = ground.contest(contenders(near, operation), rounds=rounds)
        yield figure("sftp", f"{operation} alone", "cpu_us", outcome, bare="paramiko")


def contenders(
    where: dict[str, Any], operation: str, without: tuple[str, ...] = ()
) -> dict[str, tuple[str, str, dict[str, Any], str]]:
    found = {}
    for name, (environment, module) in CLIENTS.items():
        if name not in without:
            own = f"own-{name}".replace(" ", "-").replace(",", "")
            config = where | {"own": own, "transport": "ssh" if name == "ours, ssh" else "paramiko"}
            found[name] = (environment, module, config, operation)
    return found


def place(ground: Ground) -> dict[str, Any]:
    """Make the folder that all work in."""
    server = ground.server(OpenSSH)
    size, many = ((16 << 20), 200) if ground.quick else ((128 << 20), 500)
    folder, scratch = ground.in_memory(), ground.in_memory()
    known_hosts = ground.folder / "known_hosts"
    known_hosts.write_text(f"[{server.host}]:{server.port} {server.host_key}\n")
    (folder / "small").mkdir()
    (folder / "big").write_bytes(bytes(size))
    for number in range(many):
        (folder / "small" / f"{number}").write_bytes(SMALL)
    for name in CLIENTS:
        (folder / f"own-{name}".replace(" ", "-").replace(",", "")).mkdir()
    for path in [folder, *folder.rglob("*")]:
        server.own(path)
    shutil.copy(server.key_file, ground.folder / "key")
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "host_key": server.host_key,
        "key_file": str(ground.folder / "key"),
        "known_hosts": str(known_hosts),
        "root": str(folder),
        "scratch": str(scratch),
        "big_size": size,
        "many": many,
        "at_once": 16,
    }
