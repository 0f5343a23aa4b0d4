"""Run a command beside a server: `python -m tests.servers seaweedfs -- CMD…` tells CMD the address."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

from tests.servers import SERVERS, ServerError


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, command = arguments[:split], arguments[split + 1 :]
    if not command or not SERVERS.keys() >= set(names):
        sys.stderr.write(f"usage: python -m tests.servers [{' | '.join(SERVERS)}]… -- COMMAND…\n")
        return 2
    try:
        return run(names, command)
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def run(names: list[str], command: list[str]) -> int:
    environment = dict(os.environ)
    with ExitStack() as running:
        for name in names:
            sys.stdout.write(f"-- Starting {name}\n")
            sys.stdout.flush()
            server = running.enter_context(SERVERS[name]())
            environment.update(server.address.environment())
        child = running.enter_context(subprocess.Popen(command, env=environment))
        # Ctrl-C reaches the command too; the servers stay until it has ended.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
