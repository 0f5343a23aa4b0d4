"""The benchmarks run; what they say about speed is not judged here."""

import json
import subprocess
import sys


def test_a_quick_row_yields_a_table_json_and_a_plot(root, tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "kernel", "--into", str(tmp_path)]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert "over bare" in done.stdout
    written = json.loads((tmp_path / "part.json").read_text())
    assert [figure["name"] for figure in written["figures"]] == ["exists", "head", "read", "write", "child exists"]
    for figure in written["figures"]:
        assert figure["row"] == "kernel"
        assert figure["unit"] == "CPU us"
        assert set(figure["medians"]) == {"ours", "bare"}
        assert len(figure["rounds"]["ours"]) == len(figure["rounds"]["bare"]) == 3
        assert figure["ratio"] > 0
        assert figure["checks"][0].keys() == {"target", "value", "met"}
        assert figure["absent"] == {}
    assert (tmp_path / "part.svg").read_text().startswith("<svg")
    assert (tmp_path / "part.md").read_text().count("| kernel |") == 5
