"""The oracle answers, and answers what the contract says."""

import pytest

from tests.oracle import Answer, Oracle


@pytest.fixture(scope="module")
def oracle():
    with Oracle() as oracle:
        yield oracle


@pytest.fixture(params=[False, True], ids=["flat", "hierarchical"])
def model(oracle, request):
    model = oracle.model(hierarchical=request.param)
    yield model
    model.ask("drop")


def test_what_is_written_is_read(model):
    assert model.ask("write", path="a/b", content=bytes(range(256)), labels="é").value["size"] == 256
    found = model.ask("read", path="a/b").value
    assert found["content"] == bytes(range(256))
    assert found["labels"] == "é"
    assert model.ask("read_range", path="a/b", offset=250, length=9).value == bytes(range(250, 256))


def test_errors_carry_the_key_of_the_child(model):
    assert model.ask("read", root="a", path="b") == Answer(error="NotFound", key="b")
    assert model.ask("write", root="a", path="../b", content=b"") == Answer(error="InvalidPath", key="../b")
    assert model.ask("child", root="a", path="b/c").value == "a/b/c"


def test_lone_surrogates_arrive_as_they_are(model):
    key = "\ud83d\ude00"
    assert model.ask("read", path=key) == Answer(error="InvalidPath", key=key)


def test_exclusive_create_and_swap(model):
    stamp = model.ask("write", path="k", content=b"1").value["stamp"]
    assert model.ask("write", path="k", content=b"2").error == "AlreadyExists"
    assert model.ask("write", path="k", content=b"2", if_match=stamp).value["stamp"] != stamp
    assert model.ask("delete", path="k", if_match=stamp).error == "PreconditionFailed"


def test_listings_are_in_order_and_show_folders_with_a_slash(model):
    for key in ("a.b", "a/b", "a/c/d", "ab", "b"):
        model.ask("write", path=key, content=b"xy")
    assert model.ask("list", kind="Both").value == ["a.b", "a/", "ab", "b"]
    assert model.ask("list", path="a", recursive=True, max_depth=0).value == ["a/b"]
    assert model.ask("list", root="a", kind="FoldersOnly").value == ["c/"]
    assert model.ask("list", recursive=True, pattern="[!a]").value == ["a/b", "a/c/d", "b"]
    assert model.ask("glob", pattern="**/d").value == ["a/c/d"]
    assert model.ask("glob", pattern="a**").error == "BadPattern"
    assert model.ask("folder_info", path="a").value["total_size"] == 4


def test_a_disk_keeps_empty_folders_and_a_bucket_does_not(oracle):
    left = {}
    for hierarchical in (False, True):
        model = oracle.model(hierarchical=hierarchical)
        model.ask("write", path="a/b", content=b"")
        model.ask("move", source="a/b", target="c")
        left[hierarchical] = model.ask("ask", path="a").value["folder"]
        assert model.ask("dump").value["files"].keys() == {"c"}
    assert left == {False: False, True: True}


def test_only_a_disk_minds_a_file_below_a_file(oracle):
    answers = []
    for hierarchical in (False, True):
        model = oracle.model(hierarchical=hierarchical)
        model.ask("write", path="a", content=b"")
        answers.append(model.ask("write", path="a/b", content=b"").error)
    assert answers == [None, "InvalidPath"]


def test_a_marker_keeps_a_flat_folder(oracle):
    model = oracle.model(hierarchical=False)
    model.ask("mark", path="a/b")
    assert model.ask("ask", path="a").value == {"file": False, "folder": True}
    assert model.ask("delete_folder", path="a").error == "DirectoryNotEmpty"
    assert model.ask("delete_folder", path="a/b") == Answer()
    assert model.ask("delete_folder", path="a").error == "NotFound"


def test_a_question_that_it_cannot_answer_is_no_answer(model):
    with pytest.raises(RuntimeError, match="could not answer"):
        model.ask("read", path=None)


def test_many_questions_on_one_way_have_the_answers_that_they_have_one_by_one(model):
    asked = [
        ("write", "", {"path": "a/b", "content": b"12"}),
        ("write", "", {"path": "a/b", "content": b"345", "if_match": "now"}),
        ("list", "a", {"facts": True}),
        ("delete", "a", {"path": "c", "if_match": "now"}),
        ("glob", "", {"pattern": "*/b", "facts": True}),
    ]
    *_, swapped, listed, refused, found = model.ask_all(asked)
    assert swapped.value["size"] == 3
    assert listed.value == [["b", swapped.value]]
    assert refused == Answer(error="PreconditionFailed", key="c")
    assert found.value == [["a/b", swapped.value]]


def test_of_many_questions_none_goes_unanswered(model):
    assert model.ask_all([]) == []
    with pytest.raises(RuntimeError, match="could not answer"):
        model.ask_all([("read", "", {"path": "a"}), ("read", "", {"path": None})])
