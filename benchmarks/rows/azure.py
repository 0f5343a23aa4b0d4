"""Small blobs on Azurite, and listings: CPU of the client an operation, and the requests it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.contest import Absent
from benchmarks.figures import better_than, figure, times
from benchmarks.s3_ground import KEYS, SIZE, Gate, each_alone
from tests.servers.azurite import AzureEndpoint, Azurite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.figures import Figure
    from benchmarks.ground import Ground

# name in the table -> environment, client
CONTENDERS = {
    "ours": ("ours", "ours"),
    "obstore": ("ours", "obstore"),
    "ours, sdk lane": ("ours", "ours_sdk"),
    "azure SDK": ("ours", "sdk"),
    "adlfs": ("azure", "adlfs"),
    "0.33": ("azure", "published"),
}


def figures(ground: Ground) -> Iterator[Figure]:
    where = _seeded(ground.server(Azurite), listed=500 if ground.quick else 5_000)
    asked = _requests(ground, where)
    ground.warm(_contenders(where, "get"))
    for operation in ("get", "put", "head"):
        yield figure(
            "azure",
            f"{operation} 10 KB, Azurite",
            "cpu_us",
            ground.contest(_contenders(where, operation)),
            bare="obstore",
            checks=[times("obstore", 1.15), better_than("azure SDK", 7)],
            note="requests an operation: " + asked[operation],
        )
    total = where["listed"]
    yield figure(
        "azure",
        f"list {total} blobs, Azurite",
        "cpu_us",
        ground.contest(_contenders({**where, "prefix": "many"}, "count"), rounds=3, count=1),
        unit="CPU us a key",
        bare="obstore",
        checks=[better_than("azure SDK", 7)],
    )


def _contenders(where: Mapping[str, Any], operation: str) -> dict[str, tuple[str, str, Any, str]]:
    return {
        name: (environment, "s3", {**where, "client": client}, operation)
        for name, (environment, client) in CONTENDERS.items()
    }


def _seeded(endpoint: AzureEndpoint, listed: int) -> dict[str, Any]:
    import obstore
    from obstore.store import AzureStore

    container = endpoint.make_container("bench")
    store = AzureStore(
        container,
        endpoint=endpoint.endpoint_url,
        account_name=endpoint.account,
        account_key=endpoint.account_key,
        client_options={"allow_http": True},
    )
    each_alone(lambda key: obstore.put(store, key, b"x" * SIZE), KEYS, 8)
    each_alone(lambda key: obstore.put(store, key, b"x"), [f"many/{number:06}" for number in range(listed)], 8)
    login = {"endpoint": endpoint.endpoint_url, "account": endpoint.account, "key": endpoint.account_key}
    return {**login, "service": "azure", "container": container, "size": SIZE, "keys": KEYS, "listed": listed}


def _requests(ground: Ground, where: Mapping[str, Any]) -> dict[str, str]:
    """Count what each contender asks the server for in ten operations, after a first one."""
    address, _, account = where["endpoint"].rpartition("/")
    gate = ground.started(Gate, int(address.rpartition(":")[2]))
    behind = {**where, "endpoint": f"http://127.0.0.1:{gate.port}/{account}"}
    told = {}
    for operation in ("get", "put", "head"):
        counts = {}
        for name, (environment, module, config, _) in _contenders(behind, operation).items():
            try:
                worker = ground.worker(environment, module, config)
                worker.sample(operation, 1)
                before = len(gate.requests())
                worker.sample(operation, 10)
                counts[name] = (len(gate.requests()) - before) / 10
            except Absent:
                continue
        told[operation] = ", ".join(f"{name} {count:g}" for name, count in counts.items())
    return told
