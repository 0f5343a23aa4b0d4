"""Registry: stores by name, shared connections, registered backends."""

import asyncio
import pickle
import subprocess
import sys

import pytest

from remote_store import (
    BackendUnavailable,
    CapabilityNotSupported,
    ConfigError,
    Registry,
    RegistryConfig,
    RemoteStoreError,
    Store,
    _catalog,
    register_backend,
)
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause


@pytest.fixture(autouse=True)
def _catalog_as_before(monkeypatch):
    """What a test registers is unknown to the next one."""
    monkeypatch.setattr(_catalog, "_registered", {})


CONFIG = {
    "backends": {"one": {"type": "memory"}, "two": {"type": "memory"}},
    "stores": {
        "a": {"backend": "one", "root": "a"},
        "top": {"backend": "one"},
        "seen": {"backend": "one", "readonly": True, "max_calls": 2},
        "other": {"backend": "two"},
    },
}


@clause("CONF-05")
def test_stores_on_one_backend_share_it_and_others_do_not():
    with Registry(CONFIG) as registry:
        registry.get_store("a").write("x", b"1")
        assert registry.get_store("top").read_bytes("a/x") == b"1"
        assert registry.get_store("top").unwrap(MemoryBackend) is registry.get_store("a").unwrap(MemoryBackend)
        assert not registry.get_store("other").exists("a/x")


@clause("LAYER-03")
def test_a_readonly_store_shows_and_does_not_change():
    with Registry(CONFIG) as registry:
        registry.get_store("a").write("x", b"1")
        seen = registry.get_store("seen")
        assert seen.read_bytes("a/x") == b"1"
        with pytest.raises(CapabilityNotSupported):
            seen.write("y", b"")


def test_closing_a_store_closes_that_one_and_closing_the_registry_closes_all():
    registry = Registry(CONFIG)
    with registry.get_store("top") as top:
        top.write("x", b"1")
    again, seen = registry.get_store("top"), registry.get_store("seen")
    assert again.exists("x")
    registry.close()
    registry.close()
    for store in (again, seen):
        with pytest.raises(RemoteStoreError, match="closed"):
            store.exists("x")
    with pytest.raises(RemoteStoreError, match="registry is closed"):
        registry.get_store("top")


def test_async_stores_are_opened_beside_the_others_and_closed_with_await():
    async def use():
        async with Registry(CONFIG) as registry:
            store = registry.get_async_store("top")
            await store.write("x", b"1")
            assert await registry.get_async_store("seen").read_bytes("x") == b"1"
            with pytest.raises(RuntimeError, match="aclose"):
                registry.close()
            return store

    store = asyncio.run(use())
    with pytest.raises(RemoteStoreError, match="closed"):
        asyncio.run(store.exists("x"))


@clause("CONF-05")
def test_an_unknown_store_is_refused_with_the_nearest_name():
    registry = Registry(CONFIG)
    with pytest.raises(ConfigError, match=r"stores\.othr: no such store; did you mean 'other'\?"):
        registry.get_store("othr")
    with pytest.raises(TypeError):
        registry.get_store(3)
    with pytest.raises(TypeError):
        Registry("stores.toml")


def test_a_registry_is_its_configuration():
    registry = Registry(CONFIG)
    assert registry == Registry(RegistryConfig.from_dict(CONFIG)) == pickle.loads(pickle.dumps(registry))
    assert hash(registry) == hash(Registry(CONFIG))


def test_a_store_of_a_registry_pickles():
    with Registry(CONFIG) as registry:
        store = registry.get_store("seen")
        assert pickle.loads(pickle.dumps(store)) == store


@clause("CONF-06")
def test_a_registered_backend_serves_configuration_and_uris():
    class Cellar(MemoryBackend):
        """Memory by another name."""

        def __init__(self, shelf: str, *, depth: int = 1) -> None:
            super().__init__(f"{shelf}-{depth}")

        @staticmethod
        def from_uri(uri):
            return {"shelf": uri.host}, uri.path.strip("/")

    register_backend("cellar", Cellar)
    register_backend("cellar", Cellar)
    store = Store.from_uri("cellar://wine/red?depth=2")
    assert store.native_path() == "memory://wine-2/red"
    config = {"backends": {"c": {"type": "cellar", "options": {"shelf": "s"}}}, "stores": {"s": {"backend": "c"}}}
    assert Registry(config).get_store("s").native_path() == "memory://s-1"
    with pytest.raises(ConfigError, match="exists already"):
        register_backend("cellar", MemoryBackend)
    with pytest.raises(ConfigError, match="exists already"):
        register_backend("s3", MemoryBackend)


@pytest.mark.parametrize(
    ("name", "factory", "error"),
    [
        (3, MemoryBackend, TypeError),
        ("Big", MemoryBackend, ConfigError),
        ("x", "os.system", ConfigError),
        ("x", 3, TypeError),
    ],
)
def test_a_wrong_registration_is_refused(name, factory, error):
    with pytest.raises(error):
        register_backend(name, factory)


class Picky(MemoryBackend):
    def __init__(self, shelf: str = "") -> None:
        raise {"": ConfigError("it needs a shelf"), "long": ValueError("the shelf is too long")}[shelf]


@clause("CONF-09")
@pytest.mark.parametrize(("options", "says"), [({}, "it needs a shelf"), ({"shelf": "long"}, "the shelf is too long")])
def test_a_backend_that_refuses_its_options_is_named_as_in_the_configuration(options, says):
    register_backend("unit-picky", Picky)
    backends = {"good": {"type": "memory"}, "bad": {"type": "unit-picky", "options": options}}
    registry = Registry({"backends": backends, "stores": {"s": {"backend": "bad"}}})
    with pytest.raises(ConfigError) as refusal:
        registry.get_store("s")
    assert str(refusal.value) == f"backends.bad: {says}"


def test_a_backend_named_by_text_is_loaded_when_it_is_used():
    register_backend("unit-missing", "remote_store_no_such_module:Backend")
    register_backend("unit-empty", "remote_store.errors:Nothing")
    with pytest.raises(ConfigError, match="needs the module 'remote_store_no_such_module', which is not installed"):
        RegistryConfig.from_dict({"backends": {"x": {"type": "unit-missing"}}})
    with pytest.raises(ConfigError, match="has no Nothing"):
        Store.from_uri("unit-empty:")


def test_distributions_announce_backends_by_an_entry_point(tmp_path):
    (tmp_path / "cellar.py").write_text(
        "from remote_store.backends.memory import MemoryBackend\n"
        "class Cellar(MemoryBackend):\n"
        "    def __init__(self, shelf: str = 'x') -> None: super().__init__(shelf)\n"
    )
    info = tmp_path / "cellar-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cellar\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[remote_store.backends]\ncellar = cellar:Cellar\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from remote_store import Registry\n"
        "config = {'backends': {'c': {'type': 'cellar'}}, 'stores': {'s': {'backend': 'c'}}}\n"
        "print(Registry(config).get_store('s').native_path())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "memory://x"


class Clinging(MemoryBackend):
    closed = 0

    async def close(self):
        type(self).closed += 1
        raise ConnectionError("reset")


@clause("LIFE-01", "ERR-01")
def test_all_backends_are_closed_where_one_fails_to(monkeypatch):
    monkeypatch.setattr(Clinging, "closed", 0)
    register_backend("unit-clinging", Clinging)
    kinds = {"type": "unit-clinging"}
    registry = Registry(
        {"backends": {"a": kinds, "b": kinds}, "stores": {"a": {"backend": "a"}, "b": {"backend": "b"}}}
    )
    registry.get_store("a")
    registry.get_store("b")
    with pytest.raises(BackendUnavailable):
        registry.close()
    assert Clinging.closed == 2
