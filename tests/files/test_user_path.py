"""What a user names as a path is one, or is refused in our words."""

from pathlib import Path

import pytest

from venice_widgets.errors import InvalidRequest
from venice_widgets.files.user_path import user_path


def test_text_and_paths_are_paths_and_the_home_is_filled_in(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("a/b.png") == user_path(Path("a/b.png")) == Path("a/b.png")
    assert user_path("~/b.png") == tmp_path / "b.png"


@pytest.mark.parametrize("value", [None, 7, b"a", "", [], "~no-such-user-here/a"], ids=repr)
def test_anything_else_is_refused_by_the_name_that_it_has_where_it_was_given(value):
    with pytest.raises(InvalidRequest, match="dotenv") as caught:
        user_path(value, "dotenv")
    assert caught.value.field == "dotenv"
