"""The guide and the README of the package do what they say when they are pasted."""

import re
from pathlib import Path

import pytest
from prefect import flow

from prefect_remote_store import RemoteStoreBlock
from remote_store import PermissionDenied
from remote_store.testing import clause

ROOT = Path(__file__).parents[3]


@pytest.fixture
def pasted(prefect_server, seaweedfs, seaweedfs_bucket, tmp_path, monkeypatch):
    """What the Python blocks of a page define, run one after the other, on the S3 server of the tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key)

    def run(page):
        where = f"s3://{seaweedfs_bucket}/results?endpoint_url={seaweedfs.endpoint_url}&region={seaweedfs.region}"
        code = "\n".join(re.findall(r"```py\n(.*?)```", (ROOT / page).read_text(), re.DOTALL))
        code = code.replace("s3://company-lake/results", where).replace(
            '.save("lake")', '.save("lake", overwrite=True)'
        )
        for option, value in (("access_key", seaweedfs.access_key), ("secret_key", seaweedfs.secret_key)):
            code = code.replace(f'{option}="…"', f'{option}="{value}"')
        (tmp_path / "pasted.py").write_text(code)
        names = {"__name__": "pasted", "__file__": str(tmp_path / "pasted.py")}
        exec(compile(code, tmp_path / "pasted.py", "exec"), names)  # noqa: S102  our own page
        return names

    return run


@clause("PRE-14")
def test_the_guide_does_what_it_says(pasted):
    page = pasted("docs/prefect.md")
    assert page["daily"]("2026-01-31") == 1
    with RemoteStoreBlock.load("lake").get_store() as store:
        kept = store.read_text("orders/2026-01-31.json")
        assert "sold" in kept
        assert page["daily"]("2026-01-31") == 1
        assert store.read_text("orders/2026-01-31.json") == kept
        store.write("raw/2026-01-31.csv", b"1", overwrite=True)
        page["report"]("2026-01-31")
        assert store.read_bytes("archive/2026-01-31.csv") == b"1"


@clause("PRE-14")
def test_the_readme_does_what_it_says(pasted):
    assert pasted("integrations/prefect/README.md")["daily"](return_state=True).is_completed()


@clause("PRE-14")
def test_the_messages_that_the_guide_explains_are_those_of_the_errors(prefect_server, block, on_s3):
    calls = [
        lambda: RemoteStoreBlock.load("nobody-saved-this"),
        lambda: RemoteStoreBlock(backend={"type": "x"}),
        lambda: flow(result_storage=block)(lambda: 1),
        lambda: on_s3(secret_key="wrong").write_path("a", b"1"),
    ]
    messages = [refused(call) for call in calls]
    said = re.findall(r"(?m)^\| \*(.*?)\*", (ROOT / "docs/prefect.md").read_text().partition("## Troubleshooting")[2])
    assert len(said) == len(calls)
    for each in said:
        parts = [part.strip() for part in each.split("…") if part.strip()]
        assert any(all(part in message for part in parts) for message in messages), each


def refused(call):
    with pytest.raises((ValueError, TypeError, PermissionDenied)) as caught:
        call()
    return str(caught.value)
