"""Documents say what the code does: their tables are rendered, their examples run, their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.rendering import BLOCK, ROOT, rendered

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "FEATURES.md", *(ROOT / "docs").glob("**/*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
TOML = re.compile(r"```toml\n# (\S+)\n(.*?)```", re.DOTALL)
WEB = "https://example.org"
SECTIONS = ["Install", "Open", "Options", "Credentials", "What is atomic", "Costs", "Limits", "Troubleshooting"]
# Before Python 3.14 a thread of Arrow that lets go of an object while the interpreter ends aborts the process.
WITHOUT_FINALIZATION = "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"
WITH_EXAMPLES = [name for name, path in zip(NAMES, DOCUMENTS, strict=True) if EXAMPLE.search(path.read_text())]
ON_S3 = {name for name in WITH_EXAMPLES if 'from_uri("s3://' in "".join(EXAMPLE.findall((ROOT / name).read_text()))}
ON_AZURE = {name for name in WITH_EXAMPLES if 'from_uri("az://' in "".join(EXAMPLE.findall((ROOT / name).read_text()))}
ON_WEB = {name for name in WITH_EXAMPLES if WEB in "".join(EXAMPLE.findall((ROOT / name).read_text()))}


@pytest.mark.parametrize("name", NAMES)
def test_rendered_tables_are_current(name, pytestconfig):
    path = ROOT / name
    text = path.read_text()
    fresh = rendered(text)
    if pytestconfig.getoption("--update"):
        path.write_text(fresh)
    else:
        assert text == fresh, f"{name} is stale: run `pytest tests/repo --update`"


def test_the_feature_list_has_options_of_every_backend():
    from remote_store import _catalog

    blocks = [found[2] for found in BLOCK.finditer((ROOT / "FEATURES.md").read_text())]
    assert {f"options {name}" for name in _catalog._BUILT_IN} <= {*blocks}


@pytest.mark.parametrize("name", [name for name in WITH_EXAMPLES if name not in ON_S3 | ON_WEB | ON_AZURE])
def test_examples_run_as_pasted(name, tmp_path):
    run_examples(name, tmp_path, {})


@pytest.mark.parametrize("name", sorted(ON_S3 - ON_WEB))
def test_examples_on_s3_run_as_pasted(name, tmp_path, seaweedfs):
    run_examples(name, tmp_path, on_s3(seaweedfs), {"my-bucket": seaweedfs.make_bucket()})


@pytest.mark.parametrize("name", sorted(ON_AZURE))
def test_examples_on_azure_run_as_pasted(name, tmp_path, azurite):
    with azurite.client() as client:
        client.create_container("my-container").close()
    run_examples(name, tmp_path, {"AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string()})


@pytest.mark.parametrize("name", sorted(ON_WEB))
def test_examples_on_the_web_run_as_pasted(name, tmp_path, seaweedfs, web):
    for file in ("a.csv", "b.csv", "big.parquet"):
        path = Path(web.folder) / "data" / "2024" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x,y\n1,2\n")
    run_examples(name, tmp_path, on_s3(seaweedfs), {WEB: web.url, "my-bucket": seaweedfs.make_bucket()})


def on_s3(seaweedfs) -> dict[str, str]:
    """Return the environment that leads to the server."""
    return {
        "AWS_ENDPOINT_URL": seaweedfs.endpoint_url,
        "AWS_ACCESS_KEY_ID": seaweedfs.access_key,
        "AWS_SECRET_ACCESS_KEY": seaweedfs.secret_key,
        "AWS_REGION": seaweedfs.region,
    }


def run_examples(name: str, folder: Path, environment: dict[str, str], places: dict[str, str] | None = None) -> None:
    """Run the Python blocks of a document, one after the other, beside the TOML files that it shows.

    Each of ``places`` stands for another on this machine.
    """
    text = (ROOT / name).read_text()
    for place, here in (places or {}).items():
        text = text.replace(place, here)
    for file, content in TOML.findall(text):
        (folder / file).write_text(content)
    program = folder / "examples.py"
    code = "\n".join(EXAMPLE.findall(text))
    program.write_text(code + (WITHOUT_FINALIZATION if "pyarrow" in code else ""))
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "HOME": str(folder),
            "LAKE_KEY": "k",
            "LAKE_SECRET": "s",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_backend_of_the_guide_keeps_the_contract(tmp_path):
    program = tmp_path / "table.py"
    program.write_text("\n".join(EXAMPLE.findall((ROOT / "docs/write-a-backend.md").read_text())))
    plugins = ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "remote_store.testing.plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Table: " in done.stdout


def test_every_backend_has_a_guide_with_the_same_sections_in_the_same_order():
    from remote_store import _catalog

    guides = {}
    for path in (ROOT / "docs").glob("*.md"):
        text = path.read_text()
        for found in BLOCK.finditer(text):
            guides[found[2]] = [title for title in re.findall(r"(?m)^## (.*)$", text) if title in SECTIONS]
    for name in _catalog._BUILT_IN:
        assert guides.get(f"options {name}") == SECTIONS, name


def test_the_index_leads_to_every_page():
    index = (ROOT / "docs" / "index.md").read_text()
    assert not [
        path.name for path in (ROOT / "docs").glob("*.md") if f"]({path.name})" not in index and path.stem != "index"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files(name):
    path = ROOT / name
    targets = re.findall(r"\]\((?!\w+:|#)([^)#]+)", path.read_text())
    assert not [target for target in targets if not (path.parent / target).exists()]
