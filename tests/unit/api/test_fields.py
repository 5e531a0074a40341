"""marshmallow's looseness is mended."""

import pytest
from marshmallow import ValidationError

from api.protocol.fields import FullMatch, field_problems


def test_a_pattern_must_match_the_whole_text_and_no_line_break_may_follow():
    code = FullMatch("^[a-z]+$")

    assert code("abc") == "abc"
    for text in ("abc\n", "abc\nd", "", "1abc"):
        with pytest.raises(ValidationError):
            code(text)


def test_nested_messages_become_pointers():
    messages = {"inputs": {0: {"uri": ["missing", "short"]}}, "a/b~c": ["odd"], "_schema": ["all of it"]}

    assert [(problem.pointer, problem.message) for problem in field_problems(messages)] == [
        ("/inputs/0/uri", "missing"),
        ("/inputs/0/uri", "short"),
        ("/a~1b~0c", "odd"),
        ("", "all of it"),
    ]
