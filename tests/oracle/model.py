"""The verified model as what the machine compares stores with."""

from remote_store.testing.machine import Outcome
from remote_store.testing.machine.performing import OK, Sighting, State
from tests.oracle import Oracle

NO_VERSION = 10**9
ASKED = {"exists": ("file", "folder"), "is_file": ("file",), "is_folder": ("folder",)}
KINDS = {"list_files": "FilesOnly", "list_folders": "FoldersOnly", "iter_children": "Both"}


class Verified:
    """Takes the machine's steps on the model. The process begins with the first question."""

    def __init__(self):
        self._oracle = None

    def run(self, steps, *, hierarchical):
        """Take steps on an empty tree, all in one question."""
        self._oracle = self._oracle or Oracle()
        model = self._oracle.model(hierarchical=hierarchical)
        asked = [questions(one) for one in steps]
        answers = iter(model.ask_all([question for many in asked for question in many]))
        outcomes = [outcome(one, [next(answers) for _ in many]) for one, many in zip(steps, asked, strict=True)]
        found = model.ask("dump").value
        model.ask("drop")
        files = {key: (content, facts["labels"]) for key, (content, facts) in found["files"].items()}
        return outcomes, State(files, frozenset(found["folders"]) if hierarchical else frozenset())

    def close(self):
        if self._oracle:
            self._oracle.close()


NAMES = {
    "write": ("path", "content"),
    "read_range": ("path", "offset"),
    "copy": ("source", "target"),
    "glob": ("pattern",),
}
NAMES["move"] = NAMES["copy"]
OPS = {
    **dict.fromkeys(["get_file_info", "head", "tear", "read_many"], "read"),
    **dict.fromkeys(ASKED, "ask"),
    **dict.fromkeys(KINDS, "list"),
    "get_folder_info": "folder_info",
}


def questions(one):
    """What the model is asked for a step: operations with root and arguments."""
    op = OPS.get(one.op, one.op)
    if one.op in {"rest", "reopen"}:
        return []
    if one.op == "read_many":
        return [(op, one.within, {"path": path}) for path in one.args]
    if one.op == "delete_many":
        return [(op, one.within, {"paths": list(one.args)})]
    arguments = dict(zip(NAMES.get(op, ("path",)), one.args, strict=False))
    if op != "read":
        arguments |= {name: value for name, value in one.options.items() if name != "by"}
    if arguments.get("if_match") == "stale":
        arguments["if_match"] = NO_VERSION
    if op in {"list", "glob"}:
        arguments["facts"] = True
    if op == "list":
        arguments["kind"] = KINDS[one.op]
    return [(op, one.within, arguments)]


def outcome(one, answers):
    """What a store has to answer, in the machine's words."""
    for at, answer in enumerate(answers):
        if answer.error == "BadPattern":
            return Outcome("ValueError")
        if answer.error and not (one.op == "tear" and answer.error == "NotFound"):
            return Outcome(answer.error, contents(one, answers[:at]), answer.key)
    if one.op == "read_many":
        return Outcome(OK, contents(one, answers))
    if one.op == "tear":
        return Outcome("Torn")
    return succeeded(one, answers[0].value if answers else None)


def succeeded(one, value):
    path = one.args[0] if one.args else ""
    match OPS.get(one.op, one.op):
        case "write":
            return Outcome(OK, (path, value["size"]), seen=(sighting(one, path, value, one.args[1]),))
        case "read" if one.op == "read":
            labels = value["labels"] if one.options.get("by") == "stream" else None
            return Outcome(OK, (value["content"], labels), seen=(sighting(one, path, value, value["content"]),))
        case "read":
            return Outcome(OK, (path, value["size"], value["labels"]), seen=(sighting(one, path, value),))
        case "ask":
            return Outcome(OK, any(value[name] for name in ASKED[one.op]))
        case "folder_info":
            return Outcome(OK, (path, value["file_count"], value["total_size"]))
        case "list" | "glob":
            shown = [(key, facts and facts["size"]) for key, facts in value]
            return Outcome(OK, shown, seen=tuple(sighting(one, key, facts) for key, facts in value if facts))
    return Outcome(OK, value)


def contents(one, answers):
    if one.op == "read_many":
        return [(path, answer.value["content"]) for path, answer in zip(one.args, answers, strict=False)]
    return None


def sighting(one, path, facts, content=None):
    return Sighting(one.full(path), facts["stamp"], content)
