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
    assert not [path.name for path in tracked if path.name in {"uv.lock", "pylock.toml"}]
    for path in tracked:
        if path.name == "package-lock.json":
            assert "://" not in path.read_text(), path


def test_pinned_requirements_hold_hashes_and_no_address(root):
    for path in (root / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        pins = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^#.*\n", "", text), flags=re.IGNORECASE)
        assert all("--hash=sha256:" in pin for pin in pins if pin.strip()), path.name


def stale_pins(asked, root, *environments):
    pins = {}
    for name in environments:
        pins.update(re.findall(r"(?m)^([a-z0-9-]+)==([^\s;]+)", (root / "requirements" / f"{name}.txt").read_text()))
    for requirement in map(Requirement, asked):
        pinned = pins.get(requirement.name)
        if pinned is None or not requirement.specifier.contains(pinned, prereleases=True):
            yield f"{requirement} has the pin {pinned}: run `make lock`"


def test_pinned_requirements_satisfy_the_project_file(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    groups = {**project["project"]["optional-dependencies"], **project["dependency-groups"]}
    hosts = groups.pop("hosts")
    asked = [entry for group in groups.values() for entry in group]
    assert not [*stale_pins(asked, root, "core", "build", "bootstrap")]
    assert not [*stale_pins(hosts, root, "dagster-airflow")]
    assert not [*stale_pins(hosts, root, "prefect")]


@pytest.mark.parametrize(
    ("member", "environment"),
    [("dagster", "dagster-airflow"), ("airflow", "dagster-airflow"), ("prefect", "prefect")],
)
class TestEachIntegration:
    @pytest.fixture
    def project(self, member, root):
        return tomllib.loads((root / "integrations" / member / "pyproject.toml").read_text())["project"]

    def test_has_pins_that_satisfy_it(self, project, environment, root):
        asked = [entry for entry in project["dependencies"] if not entry.startswith("remote-store")]
        assert asked
        assert not [*stale_pins(asked, root, environment)]

    def test_asks_for_this_package_and_has_its_version(self, project, member, environment, root):
        assert any(Requirement(entry).name == "remote-store" for entry in project["dependencies"])
        (module,) = (root / "integrations" / member / "src").iterdir()
        assert f'__version__ = "{remote_store.__version__}"' in (module / "__init__.py").read_text()


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
