"""What only some services have: presigned links and versions; and faults that any of them may meet."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.errors import RemoteStoreError
from remote_store.layers.retry import RetryPolicy
from remote_store.testing.bench import Bench
from remote_store.testing.cases.reading import noise
from remote_store.testing.chaos import Chaos
from remote_store.testing.faces import again
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from remote_store.store import Store


ALL_BUT_ABORT = {"stat", "get", "chunk", "list", "put", "begin", "part", "commit", "delete"}
"""Where faults are planted; a clean-up that fails may leave something behind."""


class Extras(Bench):
    @clause("SIGN-01")
    @needs(Capability.PRESIGN)
    def test_a_presigned_link_reads_and_writes_without_credentials(self, store: Store) -> None:
        self.plant(store, {"folder/a b": b"data"})
        with urllib.request.urlopen(store.presign("folder/a b"), timeout=30) as answer:  # noqa: S310
            assert answer.read() == b"data"
        put = urllib.request.Request(store.presign("new", method="PUT"), data=b"put", method="PUT")  # noqa: S310
        with urllib.request.urlopen(put, timeout=30):  # noqa: S310
            pass
        assert store.read_bytes("new") == b"put"

    @clause("SIGN-01")
    @needs(Capability.PRESIGN)
    def test_a_link_to_one_file_opens_no_other(self, store: Store) -> None:
        self.plant(store, {"mine": b"mine", "yours": b"yours"})
        link = store.presign("mine").replace("mine", "yours", 1)
        request = urllib.request.Request(link)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                body = answer.read()
        except urllib.error.HTTPError as refused:
            refused.close()
        else:
            assert not self.checks_signatures, body

    checks_signatures = True
    """Whether the service checks signatures; some test servers do not."""

    @clause("SIGN-02", "ERR-07")
    @needs(Capability.PRESIGN)
    def test_a_wrong_method_or_lifetime_is_refused(self, store: Store) -> None:
        for expires in (0, -1, 0.5, 8 * 24 * 3600):
            with pytest.raises(ValueError, match="expires"):
                store.presign("a", expires=expires)
        with pytest.raises(ValueError, match="method"):
            store.presign("a", method="DELETE")
        wrong: Any
        for wrong in ("60", None, True):
            with pytest.raises(TypeError, match="expires"):
                store.presign("a", expires=wrong)

    @clause("VERS-01", "VERS-02", "READ-05")
    @needs(Capability.VERSIONS)
    def test_old_versions_are_listed_and_read(self, store: Store) -> None:
        for content in (b"one", b"two", b"three"):
            store.write("a", content, overwrite=True)
        store.write("ab", b"other")
        store.write("a/b", b"below")
        versions = list(store.list_versions("a"))
        assert {entry.key for entry in versions} == {"a"}
        assert all(entry.version for entry in versions)
        contents = [store.read_bytes("a", version=entry.version) for entry in versions]
        assert contents == [b"three", b"two", b"one"][: len(contents)]
        with store.read("a", version=versions[-1].version) as stream:
            assert stream.read() == contents[-1]
        assert [entry.key for entry in store.child("a").list_versions("b")] == ["b"]
        assert list(store.list_versions("missing")) == []

    @clause("VERS-02")
    @needs(Capability.VERSIONS, Capability.DELETE)
    def test_a_version_outlives_its_file(self, store: Store) -> None:
        store.write("a", b"data")
        (entry,) = store.list_versions("a")
        store.delete("a")
        assert not store.exists("a")
        assert store.read_bytes("a", version=entry.version) == b"data"

    @clause("CHAOS-02", "ERR-01", "RETRY-05")
    @needs(Capability.WRITE, Capability.DELETE, Capability.LIST)
    def test_under_random_faults_every_call_works_or_raises_and_no_file_is_torn(self, store: Store) -> None:
        chaos = Chaos(seed=11, rate=0.15, lost=0.5, names=ALL_BUT_ABORT)
        shaken = again(store, layers=[chaos], retry=RetryPolicy(attempts=3, base=0.0))
        raised: list[RemoteStoreError] = []
        contents = [noise(size, size) for size in (0, 10, 70_000)]
        for lap in range(30):
            for step in (
                lambda lap=lap: shaken.write(f"k/{lap % 4}", contents[lap % 3], overwrite=True),
                lambda lap=lap: shaken.write(f"s/{lap % 3}", iter([contents[2], contents[1]]), overwrite=True),
                lambda lap=lap: shaken.delete(f"k/{(lap + 1) % 4}", missing_ok=True),
                lambda: list(shaken.list_files(recursive=True)),
                lambda lap=lap: shaken.read_bytes(f"k/{lap % 4}"),
            ):
                try:
                    step()
                except RemoteStoreError as error:
                    raised.append(error)
            for entry in store.list_files(recursive=True):
                whole = [contents[2] + contents[1]] if entry.key.startswith("s/") else contents
                assert store.read_bytes(entry.key) in whole
        assert chaos.faults > 0
        assert all(error.backend and error.path is not None for error in raised)

    @clause("RETRY-01", "RETRY-05", "STREAM-08")
    @needs(Capability.WRITE)
    def test_one_fault_of_each_read_is_retried_away(self, store: Store) -> None:
        self.plant(store, {"a": noise(300_000)})
        for at in (1, 2, 3):
            shaken = again(store, layers=[Chaos(at=[at], inside_retry=True)], retry=RetryPolicy(base=0.0))
            assert shaken.read_bytes("a") == noise(300_000)
        for at in (1, 2):
            shaken = again(store, layers=[Chaos(at=[at], inside_retry=True)], retry=RetryPolicy(base=0.0))
            assert shaken.exists("a")
            assert shaken.head("a").size == 300_000
