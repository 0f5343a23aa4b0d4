"""Where a test of the kit gets its store from, and what a backend's own class may override."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.testing.faces import COLOURS, opened
from remote_store.testing.marks import NOT_APPLICABLE, lacking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from remote_store.backend import Backend
    from remote_store.store import Store

__all__ = ["Bench", "perform"]


class Bench:
    """Hooks and fixtures of the kit. Override ``make_backend``; the rest only where the backend asks for it."""

    label: str | None = None
    """The name of the backend's column in the report; the class's name without ``Test`` unless given."""

    deviations: Mapping[str, str] = {}
    """Tests that the service behind the backend cannot pass, by name, each with the reason; shown in the report.

    Such a test has to fail: a deviation that is gone is to be struck from the list.
    """

    deviates_at_times: Mapping[str, str] = {}
    """The same for tests that the service fails only now and then, such as races."""

    colours: Sequence[str] = COLOURS
    """Whose tests run. A second server behind a backend that only blocks shows nothing new to ``AsyncStore``."""

    many = 1100
    """Files that make a listing of more than one page; lower it where a thousand writes take long."""

    def make_backend(self) -> Backend:
        """Return a fresh backend; called once a test. Its place is empty, or ``make_root`` names an empty one in it."""
        raise NotImplementedError("a conformance class has a method make_backend, or a fixture backend")

    def make_root(self) -> str:
        """Return the folder that is the root of the test's store; empty for the backend's own root."""
        return ""

    def plant(self, store: Store, files: Mapping[str, bytes]) -> None:
        """Put files where the store finds them; override for a backend that cannot write."""
        for key, data in files.items():
            store.write(key, data)

    def plant_links(self, store: Store) -> dict[str, bytes] | None:
        """Make links that lead outside, and return what lies there; None where the service has no links.

        ``link`` leads to a file outside the store, ``folder/link`` to the folder of that file, called ``file``.
        """
        return None

    def outside(self) -> dict[str, bytes]:
        """Return what lies outside by now, where ``plant_links`` made links."""
        return {}

    def litter(self, backend: Backend) -> list[str]:
        """Name what should not be there after a test: temporary files, open uploads. Nothing unless overridden."""
        return []

    @pytest.fixture
    def backend(self) -> Backend:
        return self.make_backend()

    @pytest.fixture
    def root(self) -> str:
        return self.make_root()

    @pytest.fixture(params=COLOURS)
    def store(self, request: pytest.FixtureRequest, backend: Backend, root: str) -> Iterator[Store]:
        if request.param not in self.colours:
            pytest.skip(f"{NOT_APPLICABLE}another server shows it in this colour")
        for deviations, strict in ((self.deviations, True), (self.deviates_at_times, False)):
            if reason := deviations.get(request.function.__name__):
                request.applymarker(pytest.mark.xfail(reason=reason, strict=strict))
        marks = list(request.node.iter_markers())
        with ready(self, backend, root, request.param, marks) as store:
            yield store


@contextmanager
def ready(bench: Bench, backend: Backend, root: str, colour: str, marks: list[pytest.Mark]) -> Iterator[Store]:
    """Open the store of one test, if the test applies, and look after it for what was left behind."""
    with opened(backend, root, colour) as store:
        if reason := lacking(marks, store):
            pytest.skip(reason)
        yield store
        left = bench.litter(backend)
        assert not left, f"left behind: {left}"


def perform(kind: type[Bench], test: str, colour: str) -> None:
    """Run one test of a conformance class by hand; raises what the test raises.

    Raises:
        LookupError: the test is not applicable to this backend.
    """
    bench = kind()
    method: Any = getattr(bench, test)
    marks: list[pytest.Mark] = getattr(method, "pytestmark", [])
    try:
        with ready(bench, bench.make_backend(), bench.make_root(), colour, marks) as store:
            method(store)
    except pytest.skip.Exception as reason:
        raise LookupError(str(reason.msg).removeprefix(NOT_APPLICABLE)) from None
