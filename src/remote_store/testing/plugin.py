"""The pytest plugin of the kit: its marks, and a report for each backend and clause.

``--clause-report=DIR`` writes ``clauses.json`` and ``clauses.md``. With the ini option ``clause_specs`` set to a
folder of specs, a run of all tests fails on a clause that none of them has proven.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("remote_store.testing.cases", "remote_store.testing.bench")

from collections.abc import Iterable  # noqa: E402  assertions are rewritten in what is imported from here on
from pathlib import Path  # noqa: E402

from remote_store.testing.marks import NOT_APPLICABLE  # noqa: E402
from remote_store.testing.report import Report, clauses_in  # noqa: E402

REPORT = pytest.StashKey[Report]()

LIBRARY = "library"
"""The column of tests that are about no single backend."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("remote-store")
    group.addoption("--clause-report", metavar="DIR", help="write the report a clause here")
    group.addoption("--machine-seed", metavar="N", help="begin random operations here; new: anywhere")
    group.addoption(
        "--machine-times", metavar="N", type=int, default=1, help="take so many times the random operations"
    )
    parser.addini("clause_specs", "folder of the specs whose clauses a whole run has to prove", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(*ids): the clauses of the contract that a test proves")
    config.addinivalue_line("markers", "needs(*capabilities, hierarchical=None): what a backend needs for a test")
    if not hasattr(config, "workerinput"):  # reports of all workers arrive where the run is controlled
        config.stash[REPORT] = Report(clauses_in(_specs(config)))
        config.pluginmanager.register(_Collector(config), "remote-store-clauses")


def _specs(config: pytest.Config) -> Path | None:
    folder = config.getini("clause_specs")
    return config.rootpath / folder if folder else None


def pytest_itemcollected(item: pytest.Item) -> None:
    ids = [id_ for mark in item.iter_markers("clause") for id_ in mark.args]
    if ids:
        item.user_properties.append(("clauses", ids))
        item.user_properties.append(("backend", _label(item)))


def _label(item: pytest.Item) -> str:
    from remote_store.testing.bench import Bench

    kind = getattr(item, "cls", None)
    if kind is None or not issubclass(kind, Bench):
        return LIBRARY
    return str(kind.label or kind.__name__.removeprefix("Test"))


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("not applicable", "n", "NOT APPLICABLE") if _not_applicable(report) else None


def _not_applicable(report: pytest.TestReport) -> str | None:
    if not report.skipped or not isinstance(report.longrepr, tuple):
        return None
    reason = report.longrepr[2].removeprefix("Skipped: ")
    return reason.removeprefix(NOT_APPLICABLE) if reason.startswith(NOT_APPLICABLE) else None


class _Collector:
    """Lives where the run is controlled; under xdist the workers' reports come here too."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._report = config.stash[REPORT]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = dict(report.user_properties)
        if "clauses" not in facts or (report.when == "setup" and report.passed):
            return
        if report.when == "teardown" and report.passed:
            return
        reason = _not_applicable(report)
        outcome: str = "not applicable" if reason else report.outcome
        if hasattr(report, "wasxfail") and report.skipped:
            outcome, reason = "deviates", report.wasxfail
        self._report.add(str(facts["backend"]), _strings(facts["clauses"]), outcome, reason)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        folder = self._config.getoption("--clause-report")
        if folder:
            self._report.write(Path(folder))
        if exitstatus == pytest.ExitCode.OK and self._is_whole() and self._report.unproven():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _is_whole(self) -> bool:
        """Say whether all tests ran: only then is a missing proof a fault."""
        option = self._config.option
        chosen = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "failedfirst", "stepwise")
        asked = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        return asked and not option.collectonly and not any(getattr(option, name, None) for name in chosen)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._report.backends:
            return
        terminalreporter.section("clauses of the contract")
        for line in self._report.summary():
            terminalreporter.line(line)
        if self._is_whole():
            for line in self._report.unproven():
                terminalreporter.line(f"NOT PROVEN by any backend: {line}", red=True)


def _strings(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, Iterable) else []
