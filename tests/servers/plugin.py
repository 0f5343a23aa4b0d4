"""The pytest side of the servers: fixtures, and one desk for all workers of a run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers import SERVERS, Link, Proxy, S3Endpoint
from tests.servers.desk import Desk, ask
from tests.servers.nginx import WebAddress

DESK = pytest.StashKey[tuple[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Open the desk where the run is controlled; workers are told where it is."""
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


@pytest.fixture(scope="class")
def seaweedfs_bucket(seaweedfs: S3Endpoint) -> str:
    """A bucket for the tests of one class."""
    return seaweedfs.make_bucket()


@pytest.fixture(scope="class")
def moto_bucket(moto: S3Endpoint) -> str:
    """A bucket for the tests of one class."""
    return moto.make_bucket()


@pytest.fixture
def make_proxy() -> Iterator[Callable[..., Proxy]]:
    """Put a proxy before a port: `make_proxy(port, Link(latency=0.02))`."""
    with ExitStack() as proxies:

        def make(to_port: int, link: Link | None = None) -> Proxy:
            return proxies.enter_context(Proxy(to_port, link))

        yield make
