"""The verified model as a running program: ask it what a store has to answer.

with Oracle() as oracle:
    model = oracle.model(hierarchical=False)
    model.ask("write", path="a/b", content=b"x")         # Answer(value={"size": 1, …})
    model.ask("write", path="a/b", content=b"y").error   # "AlreadyExists"
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from sdd.formal import toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["Answer", "Model", "Oracle"]

DEFAULTS: dict[str, dict[str, Any]] = {
    "child": {},
    "write": {"labels": "", "overwrite": False, "if_match": None},
    "read": {},
    "read_range": {"length": None},
    "delete": {"missing_ok": False, "if_match": None},
    "delete_many": {},
    "copy": {"overwrite": False},
    "move": {"overwrite": False},
    "delete_folder": {"recursive": False, "missing_ok": False},
    "ask": {},
    "folder_info": {"path": ""},
    "list": {"path": "", "kind": "FilesOnly", "recursive": False, "max_depth": None, "pattern": None, "facts": False},
    "glob": {"facts": False},
    "mark": {},
    "dump": {},
    "drop": {},
}
"""The operations, and the arguments that may be left out."""


class Answer(NamedTuple):
    """What the model answers: a value, or the name of an error class and the key that it carries."""

    value: Any = None
    error: str | None = None
    key: str | None = None


class Oracle:
    """The node process that runs the model; one serves any number of trees."""

    def __init__(self) -> None:
        command = [toolchain.program("node"), str(toolchain.HERE / "serve.js"), str(toolchain.oracle())]
        # Debian keeps bignumber.js here, where only its own node looks by itself.
        path = os.pathsep.join(filter(None, [os.environ.get("NODE_PATH"), "/usr/share/nodejs"]))
        self._node = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "NODE_PATH": path}
        )

    def put(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask one question."""
        return self._checked(question, self._sent(question))

    def put_all(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask many questions at once, which costs one way there and back."""
        replies: list[dict[str, Any]] = self._sent(questions)
        return [self._checked(question, reply) for question, reply in zip(questions, replies, strict=True)]

    def _sent(self, question: Any) -> Any:
        node = self._node
        assert node.stdin is not None
        assert node.stdout is not None
        node.stdin.write(json.dumps(question).encode() + b"\n")
        node.stdin.flush()
        line = node.stdout.readline()
        if not line:
            raise RuntimeError(f"the oracle's process ended with status {node.wait()}")
        return json.loads(line)

    @staticmethod
    def _checked(question: dict[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
        if "broken" in reply:
            raise RuntimeError(f"the oracle could not answer {question}: {reply['broken']}")
        return reply

    def model(self, *, hierarchical: bool) -> Model:
        """Begin an empty tree."""
        return Model(self, self.put({"op": "new", "hierarchical": hierarchical})["value"])

    def close(self) -> None:
        """End the process."""
        self._node.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Model:
    """One tree of the oracle."""

    def __init__(self, oracle: Oracle, tree: int) -> None:
        self._oracle = oracle
        self._tree = tree

    def ask(self, op: str, *, root: str = "", **arguments: Any) -> Answer:
        """Do one operation through the child at ``root`` and return what a store has to answer.

        A folder in a listing has a ``/`` behind its key; with ``facts`` each key comes with its size and stamp.
        ``if_match`` is a stamp, or ``"now"`` for the version that stands there. Labels are any text: metadata and
        content type together.
        """
        return self._answer(op, self._oracle.put(self._question(op, root, arguments)))

    def ask_all(self, questions: Sequence[tuple[str, str, dict[str, Any]]]) -> list[Answer]:
        """Do many operations, each named with its root and arguments, and return all answers."""
        replies = self._oracle.put_all([self._question(*question) for question in questions])
        return [self._answer(op, reply) for (op, _, _), reply in zip(questions, replies, strict=True)]

    def _question(self, op: str, root: str, arguments: dict[str, Any]) -> dict[str, Any]:
        question = {**DEFAULTS[op], **arguments, "op": op, "tree": self._tree, "root": root}
        return {name: _json(name, value) for name, value in question.items()}

    @staticmethod
    def _answer(op: str, reply: dict[str, Any]) -> Answer:
        value: Any = reply.get("value")
        if op == "read" and value is not None:
            value["content"] = value["content"].encode("latin-1")
        elif op == "read_range" and value is not None:
            value = value.encode("latin-1")
        elif op == "dump":
            value["files"] = {key: (content.encode("latin-1"), facts) for key, content, facts in value["files"]}
            value["folders"] = set(value["folders"])
        return Answer(value, reply.get("error"), _text(reply.get("key")))


def _json(name: str, value: Any) -> Any:
    if name == "content":
        return bytes(value).decode("latin-1")
    if name == "paths":
        return [_points(path) for path in value]
    return _points(value) if isinstance(value, str) else value


def _points(text: str) -> str | list[int]:
    """Return lone surrogates as numbers: JSON would pair them."""
    return [ord(letter) for letter in text] if any("\ud800" <= letter <= "\udfff" for letter in text) else text


def _text(key: str | list[int] | None) -> str | None:
    return "".join(map(chr, key)) if isinstance(key, list) else key
