"""A message quotes what was given, whatever it is, in no more room than it needs."""

import pytest

from venice_widgets.clipping import clipped, shown, written


def test_long_text_ends_in_an_ellipsis_and_other_text_stays():
    assert clipped("a fox") == "a fox"
    assert clipped("x" * 60) == "x" * 60
    assert clipped("x" * 61) == "x" * 59 + "…"
    assert clipped("abcdef", 3) == "ab…"


class Wordless:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "type_name"),
    [(10**5000, "int"), ([10**5000], "list"), (Wordless(), "Wordless")],
    ids=["number", "list", "class"],
)
@pytest.mark.parametrize("write", [str, repr])
def test_what_cannot_be_written_out_is_named_by_its_type(value, type_name, write):
    assert written(value, write) == shown(value, write) == f"({type_name} that cannot be written out)"
