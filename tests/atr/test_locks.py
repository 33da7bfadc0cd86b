"""A folder is of one program at a time."""

import multiprocessing
import time

import pytest

from atr.locks import held


def test_a_lock_is_of_one_program_and_not_of_what_it_has_forked(tmp_path):
    context = multiprocessing.get_context("fork")
    there = context.Event()
    child = context.Process(target=lambda: (there.set(), time.sleep(60)))
    texts = {"busy": "another is here", "refused": "cannot be made"}
    with held(tmp_path / "a", **texts):
        with pytest.raises(ValueError, match="^another is here$"), held(tmp_path / "a", **texts):
            pass
        child.start()
        assert there.wait(60)
    try:
        with held(tmp_path / "a", **texts):
            pass
    finally:
        child.kill()
        child.join()


def test_a_new_folder_that_nothing_was_put_into_is_not_left(tmp_path):
    texts = {"busy": "another is here", "refused": "cannot be made"}
    with pytest.raises(ValueError, match="^no$"), held(tmp_path / "a", **texts):
        raise ValueError("no")
    (tmp_path / "before").mkdir()
    for name in ("before", "filled"):
        with held(tmp_path / name, **texts):
            if name == "filled":
                (tmp_path / name / "file").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["before", "filled"]
