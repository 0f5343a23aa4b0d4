"""SFTP under the conformance kit: OpenSSH, asyncssh's server, and OpenSSH through the program ssh."""

import os
from pathlib import Path

import pytest

from remote_store.backends.sftp import SFTPBackend
from remote_store.testing import Conformance


class SFTPConformance(Conformance):
    def make_backend(self):
        return self.at_place(self.server.options())

    def at_place(self, options):
        self.folder = Path(options["root"])
        self.folder.mkdir()
        self.server.own(self.folder)
        return SFTPBackend(**options)

    def plant(self, store, files):
        if len(files) < 100:
            super().plant(store, files)
            return
        for key, data in files.items():  # from the server's side, as a thousand writes take long
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def plant_links(self, store):
        self.beside = self.folder.with_name(f"{self.folder.name}-beside")
        self.beside.mkdir()
        (self.beside / "file").write_bytes(b"outside")
        store.write("folder/inside", b"inside")
        (self.folder / "link").symlink_to(self.beside / "file")
        (self.folder / "folder" / "link").symlink_to(self.beside)
        for path in (self.beside, self.beside / "file"):
            self.server.own(path)  # so that nothing but the backend keeps it from being changed
        return self.outside()

    def outside(self):
        return {path.name: path.read_bytes() for path in self.beside.iterdir()}

    def litter(self, backend):
        return [name for _, _, names in os.walk(self.folder) for name in names if name.startswith(".remote-store-")]


class TestOpenSSH(SFTPConformance):
    @pytest.fixture(autouse=True)
    def _server(self, sshd):
        self.server = sshd


class TestAsyncSSH(SFTPConformance):
    """A second opinion; a thread is all that the async colour adds."""

    colours = ("sync",)

    @pytest.fixture(autouse=True)
    def _server(self, asyncssh):
        self.server = asyncssh


class TestOpenSSHByProgram(SFTPConformance):
    """The same server through the program ssh; a thread is all that the async colour adds."""

    colours = ("sync",)

    @pytest.fixture(autouse=True)
    def _server(self, sshd, tmp_path):
        self.server = sshd
        self.known = tmp_path / "known_hosts"
        self.known.write_text(f"[{sshd.host}]:{sshd.port} {sshd.host_key}\n")

    def make_backend(self):
        return self.at_place(self.server.options(transport="ssh", fingerprint=None, known_hosts=self.known))
