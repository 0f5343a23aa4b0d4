"""remote-store through boto3 instead of obstore."""

from __future__ import annotations

from benchmarks.clients import s3_ours


class Client(s3_ours.Client):
    lane = {"lane": "boto3"}  # noqa: RUF012 - never changed
