"""One contender's process: does the operations its parent asks for and says what they cost.

Started as `python -m benchmarks.worker MODULE CONFIG` in the contender's own environment, so it uses the standard
library only. One JSON line in, one out.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_seconds() -> float:
    """CPU time of all threads of this process, and of the children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def memory(field: str) -> int:
    """A size out of /proc/self/status, in bytes."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) * 1024


def measure(operation: Callable[[int], int | None], count: int) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the high-water mark begins anew
    resident = memory("VmRSS")
    cpu, wall = cpu_seconds(), time.perf_counter()
    units = operation(count)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    grown = max(0, memory("VmHWM") - resident)
    return {"wall": wall, "cpu": cpu, "units": count if units is None else units, "grown": grown}


def main() -> None:
    # What a client prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")

    try:
        operations = importlib.import_module(sys.argv[1]).operations(json.loads(sys.argv[2]))
    except BaseException as error:
        answer({"error": f"{type(error).__name__}: {error}"[:500]})
        raise
    answer({"offers": sorted(operations)})
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer(measure(operations[asked["operation"]], asked["count"]))
        except Exception as error:  # noqa: BLE001 - the parent says what failed and goes on
            traceback.print_exc()
            answer({"error": f"{type(error).__name__}: {error}"[:500]})


if __name__ == "__main__":
    main()
