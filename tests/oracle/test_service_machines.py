"""Services other than S3 answer random operations as the verified model does, in both colours.

Runs are as long as their servers allow: together about a minute on two cores.
"""

import os
import uuid
from itertools import count
from pathlib import Path

import pytest

from remote_store.backends.azure import AzureBackend
from remote_store.backends.gcs import GCSBackend
from remote_store.backends.http import HttpBackend
from remote_store.backends.sftp import SFTPBackend
from remote_store.backends.sql import SqlBlobBackend
from tests.oracle.machines import Compared


class OnSFTP(Compared):
    """An etag is time and size, the time to the second: a name that was freed and taken again may have the same."""

    coarse_etags = True

    def met(self, tally):
        assert tally.allowed or tally.steps < 20_000

    def make_backend(self):
        return SFTPBackend(**self.server.options())


class TestOpenSSH(OnSFTP):
    steps = 5_000

    @pytest.fixture(autouse=True)
    def _server(self, sshd):
        self.server = sshd


class TestAsyncSSH(OnSFTP):
    steps = 2_000

    @pytest.fixture(autouse=True)
    def _server(self, asyncssh):
        self.server = asyncssh


class TestSqlite(Compared):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.file = tmp_path / "files.db"

    def make_backend(self):
        return SqlBlobBackend(f"sqlite:///{self.file}")


class OnDatabase(Compared):
    steps = 3_000

    def place(self, server, database):
        self.server, self.database = server, database

    def make_backend(self):
        table = f"t_{uuid.uuid4().hex[:12]}"
        return SqlBlobBackend(self.server.url(self.database), password=self.server.password, table=table)


class TestPostgresql(OnDatabase):
    @pytest.fixture(autouse=True)
    def _place(self, postgresql, postgresql_database):
        self.place(postgresql, postgresql_database)


class TestMariadb(OnDatabase):
    @pytest.fixture(autouse=True)
    def _place(self, mariadb, mariadb_database):
        self.place(mariadb, mariadb_database)


class OnAzure(Compared):
    steps = 2_000
    lane = "obstore"
    hierarchical = False

    def make_backend(self):
        return AzureBackend(
            self.container,
            endpoint_url=self.endpoint.endpoint_url,
            account_key=self.endpoint.account_key,
            lane=self.lane,
            hierarchical=self.hierarchical,
        )

    def make_root(self):
        return f"machine-{uuid.uuid4().hex}"


class OnAzurite(OnAzure):
    @pytest.fixture(autouse=True)
    def _place(self, azurite, azurite_container):
        self.endpoint, self.container = azurite, azurite_container


class TestAzuriteObstore(OnAzurite):
    pass


class TestAzuriteSdk(OnAzurite):
    lane = "sdk"


class OnStub(OnAzure):
    steps = 1_000
    hierarchical = True

    @pytest.fixture(autouse=True)
    def _place(self, hns_stub):
        self.endpoint, self.container = hns_stub, hns_stub.make_container()


class TestStubObstore(OnStub):
    pass


class TestStubSdk(OnStub):
    lane = "sdk"


class TestGcsStub(Compared):
    steps = 2_000

    @pytest.fixture(autouse=True)
    def _place(self, gcs_stub):
        self.endpoint = gcs_stub

    def make_backend(self):
        stub = self.endpoint
        return GCSBackend(stub.make_bucket(), endpoint_url=stub.endpoint_url, access_token=stub.access_token)


class OnWeb(Compared):
    """Read-only: files are planted in the folder behind the server."""

    steps = 2_500
    way, listing = "plain", "none"

    @pytest.fixture(autouse=True)
    def _place(self, web):
        self.web, self.times = web, count(1_000_000_000)

    def make_backend(self):
        name = uuid.uuid4().hex
        self.files = Path(self.web.folder) / name
        self.files.mkdir()
        return HttpBackend(f"{self.web.url}/{self.way}/{name}", listing=self.listing)

    def plant(self, store, files):
        for key, data in files.items():
            path = self.files / store._scope.full(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (0, next(self.times)))  # nginx makes an etag of it, to the second


class TestWeb(OnWeb):
    pass


class TestWebIndex(OnWeb):
    way, listing = "json", "nginx-json"

    def takes(self, one):
        return ".a" not in one.args  # nginx lists no name that begins with a dot
