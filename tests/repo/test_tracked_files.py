"""Nothing in the repository depends on the machine or the network it was written on."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

import remote_store

# Brackets keep the patterns from finding themselves.
FOREIGN = {
    "a package index": r"py[p]i\.org|python[h]osted|npm[j]s\.(org|com)|yarn[p]kg\.com|crate[s]\.io|prox[y]\.golang",
    "a Debian mirror": r"debia[n]\.(org|net)/debian",
    "an option naming an index": r"(--|[^a-z])(extra-)?index-ur[l]|--find-link[s]",
    "a path of a machine": r"(?<![\w.])/(hom[e]|Use[r]s|roo[t]|wor[k]|far[m])/\w|/op[t]/py",
}


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # pictures and data


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_names(what, tracked, root):
    found = []
    for path in tracked:
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if re.search(FOREIGN[what], line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:100]}")
    assert not found


def test_no_lock_file_with_addresses_is_tracked(tracked):
    assert not [path.name for path in tracked if path.name in {"uv.lock", "pylock.toml", "package-lock.json"}]


def test_pinned_requirements_hold_hashes_and_no_address(root):
    for path in (root / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        pins = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^#.*\n", "", text), flags=re.IGNORECASE)
        assert all("--hash=sha256:" in pin for pin in pins if pin.strip()), path.name


def test_pinned_requirements_satisfy_the_project_file(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    pins = {}
    for name in ("core", "build", "bootstrap"):
        pins.update(re.findall(r"(?m)^([a-z0-9-]+)==([^\s;]+)", (root / "requirements" / f"{name}.txt").read_text()))
    asked = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    stale = []
    for requirement in (Requirement(entry) for group in asked for entry in group):
        pinned = pins.get(requirement.name)
        if pinned is None or not requirement.specifier.contains(pinned, prereleases=True):
            stale.append(f"{requirement} has the pin {pinned}: run `make lock`")
    assert not stale


def test_the_core_depends_on_nothing(root):
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"] == []


def test_the_version_stands_in_one_place(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert (root / project["tool"]["hatch"]["version"]["path"]).samefile(remote_store.__file__)


def test_every_ignored_lint_rule_has_a_reason(root):
    text = (root / "pyproject.toml").read_text()
    rules = re.findall(r'(?m)^ +"[A-Z]+[0-9]*",.*$', text)
    assert rules
    assert not [rule for rule in rules if "#" not in rule]


def test_ci_runs_the_test_command_of_the_readme(root):
    commands = [line for line in (root / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec make test"
    readme = (root / "README.md").read_text()
    assert "make test" in readme
    assert "make demo" in readme


def test_the_licence_is_the_one_the_project_file_names(root):
    assert (root / "LICENSE").read_text().startswith("MIT License")
