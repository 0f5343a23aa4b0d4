"""The pytest side of the servers: fixtures, and one desk for all workers of a run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers import SERVERS, AzureEndpoint, GcsEndpoint, Link, Proxy, S3Endpoint, SFTPAddress, SqlServer
from tests.servers.desk import Desk, ask
from tests.servers.nginx import WebAddress
from tests.servers.web import WebServer

DESK = pytest.StashKey[tuple[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Open the desk where the run is controlled; workers are told where it is."""
    if DESK in config.stash:
        return  # a run inside a run, which shares the servers
    handed: dict[str, Any] | None = getattr(config, "workerinput", None)
    if handed is not None:
        config.stash[DESK] = handed["desk"]
        return
    desk = Desk(SERVERS)
    config.stash[DESK] = (desk.location, desk.key)
    config.add_cleanup(desk.close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["desk"] = node.config.stash[DESK]


def _address(config: pytest.Config, name: str) -> Any:
    location, key = config.stash[DESK]
    return ask(location, key, name)


@pytest.fixture(scope="session")
def seaweedfs(pytestconfig: pytest.Config) -> S3Endpoint:
    """An S3 server that checks secrets and preconditions."""
    address: S3Endpoint = _address(pytestconfig, "seaweedfs")
    return address


@pytest.fixture(scope="session")
def moto(pytestconfig: pytest.Config) -> S3Endpoint:
    """Another S3 server, which takes any secret."""
    address: S3Endpoint = _address(pytestconfig, "moto")
    return address


@pytest.fixture(scope="session")
def nginx(pytestconfig: pytest.Config) -> WebAddress:
    """A fast web server that takes PUT and DELETE."""
    address: WebAddress = _address(pytestconfig, "nginx")
    return address


@pytest.fixture(scope="session")
def web(pytestconfig: pytest.Config) -> WebServer:
    """A folder behind nginx, served in many ways."""
    address: WebServer = _address(pytestconfig, "web")
    return address


@pytest.fixture(scope="session")
def sshd(pytestconfig: pytest.Config) -> SFTPAddress:
    """OpenSSH, logged in to by key."""
    address: SFTPAddress = _address(pytestconfig, "sshd")
    return address


@pytest.fixture(scope="session")
def asyncssh(pytestconfig: pytest.Config) -> SFTPAddress:
    """Another SFTP server, which takes a password too."""
    address: SFTPAddress = _address(pytestconfig, "asyncssh")
    return address


@pytest.fixture(scope="session")
def postgresql(pytestconfig: pytest.Config) -> SqlServer:
    """A PostgreSQL that asks for a password."""
    address: SqlServer = _address(pytestconfig, "postgresql")
    return address


@pytest.fixture(scope="session")
def mariadb(pytestconfig: pytest.Config) -> SqlServer:
    """A MariaDB that asks for a password."""
    address: SqlServer = _address(pytestconfig, "mariadb")
    return address


@pytest.fixture(scope="class")
def seaweedfs_bucket(seaweedfs: S3Endpoint) -> str:
    """A bucket for the tests of one class."""
    return seaweedfs.make_bucket()


@pytest.fixture(scope="class")
def moto_bucket(moto: S3Endpoint) -> str:
    """A bucket for the tests of one class."""
    return moto.make_bucket()


@pytest.fixture(scope="session")
def azurite(pytestconfig: pytest.Config) -> AzureEndpoint:
    """The Blob service of Azure, flat."""
    address: AzureEndpoint = _address(pytestconfig, "azurite")
    return address


@pytest.fixture(scope="session")
def hns_stub(pytestconfig: pytest.Config) -> AzureEndpoint:
    """Our stub of a hierarchical account of Azure."""
    address: AzureEndpoint = _address(pytestconfig, "hns-stub")
    return address


@pytest.fixture(scope="session")
def gcs_stub(pytestconfig: pytest.Config) -> GcsEndpoint:
    """Our stub of Google Cloud Storage."""
    address: GcsEndpoint = _address(pytestconfig, "gcs-stub")
    return address


@pytest.fixture(scope="class")
def azurite_container(azurite: AzureEndpoint) -> str:
    """A container for the tests of one class."""
    return azurite.make_container()


@pytest.fixture(scope="module")
def postgresql_database(postgresql: SqlServer) -> str:
    """A database for the tests of one module."""
    return postgresql.make_database()


@pytest.fixture(scope="module")
def mariadb_database(mariadb: SqlServer) -> str:
    """A database for the tests of one module."""
    return mariadb.make_database()


@pytest.fixture
def make_proxy() -> Iterator[Callable[..., Proxy]]:
    """Put a proxy before a port: `make_proxy(port, Link(latency=0.02))`."""
    with ExitStack() as proxies:

        def make(to_port: int, link: Link | None = None) -> Proxy:
            return proxies.enter_context(Proxy(to_port, link))

        yield make
