"""remote-store without obstore."""

from __future__ import annotations

from benchmarks.clients import azure_ours


class Client(azure_ours.Client):
    lane = "sdk"
