"""The plugin of the kit: what a third party's run reports, and what makes it fail."""

import json
import subprocess
import sys

import pytest

from remote_store.testing.report import Report, clauses_in
from tests.repo.conftest import ROOT

THIRD_PARTY = """
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import Conformance, clause

class TestMine(Conformance):
    def make_backend(self):
        return MemoryBackend()
"""

MORE = """
@clause("MINE-01")
def test_mine():
    pass

@clause("MINE-02")
def test_skipped():
    import pytest
    pytest.skip("not applicable: mine has no MOON")
"""


SILENT = """
class Silent(MemoryBackend):
    async def list(self, *_):
        raise OSError
"""


def run_pytest(folder, *arguments, specs=None):
    (folder / "pytest.ini").write_text(f"[pytest]\n{f'clause_specs = {specs}' if specs else ''}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "remote_store.testing.plugin", "-p", "no:randomly", "-q", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "distributed"])
def test_six_lines_prove_a_backend_and_report_its_clauses(tmp_path, workers):
    (tmp_path / "test_mine.py").write_text(THIRD_PARTY)
    done = run_pytest(tmp_path, "--clause-report=report", "-k", "hostile or presigned", *workers)
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads((tmp_path / "report" / "clauses.json").read_text())
    assert data["backends"] == ["Mine"]
    assert data["clauses"]["KEY-02"]["states"] == {"Mine": "passed"}
    assert data["clauses"]["KEY-02"]["tests"]["Mine"] == {"passed": 2}
    assert data["clauses"]["SIGN-01"]["states"] == {"Mine": "not applicable"}
    assert data["not applicable"] == {"Mine": {"no PRESIGN": 2}}
    assert "not applicable" in done.stdout
    table = (tmp_path / "report" / "clauses.md").read_text()
    assert "| KEY-02 | ✓ |" in table
    assert "| SIGN-01 | - |" in table


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "distributed"])
def test_a_whole_run_fails_on_a_clause_that_nothing_proves(tmp_path, workers):
    (tmp_path / "test_mine.py").write_text("from remote_store.testing import clause\n" + MORE)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "mine.md").write_text("- **MINE-01** One.\n- **MINE-02** Two.\n")
    done = run_pytest(tmp_path, *workers, specs="specs")
    assert done.returncode == 1
    assert "NOT PROVEN by any backend: MINE-02 Two." in done.stdout


def test_a_run_of_some_tests_and_one_that_proves_all_pass(tmp_path):
    (tmp_path / "test_mine.py").write_text("from remote_store.testing import clause\n" + MORE)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "mine.md").write_text("- **MINE-01** One.\n- **MINE-02** Two.\n")
    assert run_pytest(tmp_path, "-k", "mine", specs="specs").returncode == 0
    assert run_pytest(tmp_path, "test_mine.py", specs="specs").returncode == 0
    (tmp_path / "specs" / "mine.md").write_text("- **MINE-01** One.\n")
    assert run_pytest(tmp_path, specs="specs").returncode == 0


def test_a_deviation_is_shown_and_has_to_last(tmp_path):
    deviating = THIRD_PARTY + "    deviations = {'test_ping_answers': 'it never answers'}\n"
    (tmp_path / "test_mine.py").write_text(deviating)
    gone = run_pytest(tmp_path, "-k", "ping_answers")
    assert gone.returncode == 1
    (tmp_path / "test_mine.py").write_text(deviating.replace("MemoryBackend()", "Silent()") + SILENT)
    assert "it never answers" in run_pytest(tmp_path, "-k", "ping_answers", "-rx").stdout


def test_one_failure_outweighs_all_proofs():
    report = Report({"A-01": "One."})
    for outcome in ("passed", "failed", "passed"):
        report.add("mine", ["A-01"], outcome, None)
    assert report.state("A-01", "mine") == "failed"
    assert report.state("A-01", "other") is None
    assert report.unproven() == []
    assert Report({"A-01": "One."}).unproven() == ["A-01 One."]


def test_clauses_are_read_from_lines_with_an_id(tmp_path):
    (tmp_path / "README.md").write_text("- **NO-01** An example.\n")
    (tmp_path / "a.md").write_text("# A\n- **A-01** One.\ntext\n- **A-02** Two `x`.\n")
    assert clauses_in(tmp_path) == {"A-01": "One.", "A-02": "Two `x`."}
    assert clauses_in(None) == {}
