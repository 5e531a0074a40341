"""The one reader of request bodies: JSON objects of a bounded size, depth and alphabet, or a refusal."""

import json
import math
from collections import Counter
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import HTTPException

from shared.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType
from shared.redaction import clean_text

# Far deeper than any request of ours; Python's own limit is a crash, not an answer.
MOST_LEVELS = 32


def read_body(most_bytes: int) -> bytes:
    """The body of this request, as it was sent. Raises: UnsupportedMediaType, BodyTooLarge, MalformedRequest."""
    if request.mimetype != "application/json" or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("Send the body as Content-Type: application/json, in UTF-8.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    return read_bytes(most_bytes)


def read_bytes(most_bytes: int) -> bytes:
    """The body of this request, of whatever type. Raises: BodyTooLarge, MalformedRequest."""
    # One byte more than allowed: Flask cuts a chunked body there without a word.
    request.max_content_length = most_bytes + 1
    try:
        data = request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # of whatever kind the server has for broken chunks, or a client that went away
        raise MalformedRequest("The body ends too early, or its chunks are broken.") from error
    if len(data) > most_bytes:
        raise BodyTooLarge(f"The body may have {most_bytes} bytes.")
    return data


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`. Raises: MalformedRequest, saying what about it cannot be read."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        # In one pass over C: surrogates without a partner, which JSON can spell and UTF-8 cannot.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise MalformedRequest("The body is not UTF-8.") from error
    except UnicodeEncodeError as error:
        raise MalformedRequest("The body holds half of a surrogate pair, which is no character.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise MalformedRequest(f"The body is not JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise MalformedRequest(f"The body is nested more than {MOST_LEVELS} levels deep.") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise MalformedRequest("The body holds a number that is too long.") from error
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    _refuse_what_nobody_means(value)
    return value


def _refuse_what_nobody_means(value: Any) -> None:
    """Walk level by level, so that depth costs no recursion."""
    level = [value]
    for _ in range(MOST_LEVELS):
        for each in level:
            if isinstance(each, str) and "\0" in each:
                raise MalformedRequest("The body holds a NUL character.")
            if isinstance(each, float) and not math.isfinite(each):
                raise MalformedRequest("The body holds a number that is too large.")
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise MalformedRequest(f"The body is nested more than {MOST_LEVELS} levels deep.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise MalformedRequest(f"The body names the field {clean_text(twice)[:100]!r} twice.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedRequest(f"The body holds {name}, which JSON does not have.")
