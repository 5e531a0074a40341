"""The issuer's keys: which are used, when they are asked for, and what an outage changes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from api.identity import jwks
from api.identity.issuer import ALGORITHMS, key_table
from api.identity.jwks import OUTAGE_SECONDS, PAUSE_SECONDS, KeyCache, KeyTable
from api.identity.tokens import TokenBearers
from shared.errors import IssuerUnavailable
from shared.settings import SIGNATURE_ALGORITHMS
from tests.unit.api.issuing import SETTINGS, bearer, private_key, public_jwk, token
from tests.unit.api.service import Api, problem_of

FRESH_SECONDS = 300
ALL = SIGNATURE_ALGORITHMS
AWAY = IssuerUnavailable("Nobody answers.")


class FakeIssuer:
    """Publishes keys, counts how often it is asked, and can be away; its clock stands until it is moved."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids, self.asked, self.now = list(key_ids), 0, 1000.0
        self.error: Exception | None = None
        self.cache = KeyCache(self.fetch, FRESH_SECONDS, clock=lambda: self.now)

    def fetch(self) -> KeyTable:
        """What `Issuer.fetch_keys` does."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return key_table({"keys": [public_jwk(kid=key_id) for key_id in self.key_ids]}, ALL)

    def has(self, key_id: str) -> bool:
        """Whether a token of this key would be taken."""
        return self.cache.find((key_id, "RS256")) is not None


def test_the_issuer_is_not_asked_before_a_token_needs_it():
    assert FakeIssuer("a", "b").asked == 0


def test_many_tokens_of_known_and_unknown_keys_are_one_question():
    issuer = FakeIssuer("a", "b")

    found = [issuer.has(key_id) for _ in range(100) for key_id in ("a", "nobody's")]

    assert found == [True, False] * 100
    assert issuer.asked == 1


def test_a_key_that_is_new_is_found_once_the_pause_is_over():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.key_ids.append("new")

    issuer.now += PAUSE_SECONDS - 0.1
    too_soon = issuer.has("new")
    issuer.now += 0.1

    assert (too_soon, issuer.has("new"), issuer.asked) == (False, True, 2)


def test_a_key_that_is_new_long_after_the_last_question_is_found_at_once():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.key_ids.append("new")
    issuer.now += FRESH_SECONDS / 2

    assert issuer.has("new")


def test_a_key_that_was_removed_is_refused_after_the_next_good_answer():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.key_ids.remove("a")

    issuer.now += FRESH_SECONDS - 0.1
    before = issuer.has("a")
    issuer.now += 0.1

    assert (before, issuer.has("a"), issuer.has("b")) == (True, False, True)


def test_known_keys_go_on_through_an_outage_of_a_day_and_no_longer():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.error = AWAY
    issuer.now += OUTAGE_SECONDS - 0.1
    before = issuer.has("a")
    issuer.now += 0.1

    assert before
    with pytest.raises(IssuerUnavailable):
        issuer.has("a")


def test_in_an_outage_the_issuer_is_asked_only_once_in_each_pause():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.error = AWAY
    issuer.now += FRESH_SECONDS

    for _ in range(10):
        issuer.has("a")
        with pytest.raises(IssuerUnavailable):
            issuer.has("nobody's")

    assert issuer.asked == 2


def test_after_an_outage_all_is_as_before():
    issuer = FakeIssuer("a", "b")
    issuer.error = AWAY
    with pytest.raises(IssuerUnavailable):
        issuer.has("a")
    issuer.error = None
    issuer.now += PAUSE_SECONDS

    assert (issuer.has("a"), issuer.has("nobody's")) == (True, False)


def test_a_cache_that_slept_through_the_day_asks_before_it_answers():
    issuer = FakeIssuer("a", "b")
    issuer.has("a")
    issuer.now += 2 * OUTAGE_SECONDS

    assert (issuer.has("a"), issuer.asked) == (True, 2)


def test_a_defect_of_ours_leaves_the_cache_usable():
    issuer = FakeIssuer("a", "b")
    issuer.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        issuer.has("a")
    issuer.error = None
    issuer.now += PAUSE_SECONDS

    assert issuer.has("a")


class SlowIssuer(FakeIssuer):
    """Answers when it is told to."""

    def __init__(self, *key_ids: str) -> None:
        super().__init__(*key_ids)
        self.was_asked, self.may_answer = threading.Event(), threading.Event()

    def fetch(self) -> KeyTable:
        """Wait, then answer."""
        self.was_asked.set()
        assert self.may_answer.wait(30)
        return super().fetch()


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start a call, and collect its result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    return thread, results


def test_while_one_thread_asks_the_others_go_on_with_what_is_known():
    issuer = SlowIssuer("a", "b")
    issuer.may_answer.set()
    issuer.has("a")
    issuer.may_answer.clear()
    issuer.was_asked.clear()
    issuer.now += FRESH_SECONDS
    thread, _ = in_thread(lambda: issuer.has("a"))
    assert issuer.was_asked.wait(30)

    found = issuer.has("b")

    assert (found, issuer.asked) == (True, 1)
    issuer.may_answer.set()
    thread.join()
    assert issuer.asked == 2


def test_threads_that_need_the_first_answer_wait_for_one_question():
    issuer = SlowIssuer("a", "b")
    calls = [in_thread(lambda: issuer.has("a")) for _ in range(8)]
    assert issuer.was_asked.wait(30)

    issuer.may_answer.set()
    for thread, _ in calls:
        thread.join()

    assert [results for _, results in calls] == [[True]] * 8
    assert issuer.asked == 1


def test_a_thread_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 0.01)
    issuer = SlowIssuer("a", "b")
    thread, _ = in_thread(lambda: issuer.has("a"))
    assert issuer.was_asked.wait(30)

    with pytest.raises(IssuerUnavailable):
        issuer.has("a")

    issuer.may_answer.set()
    thread.join()


def test_a_token_whose_key_was_never_seen_is_not_judged_while_the_issuer_is_away():
    issuer = FakeIssuer("a", "b")
    issuer.error = AWAY
    api = Api(TokenBearers(SETTINGS, issuer.cache))

    response = api.get("/jobs", headers=bearer(token(header={"kid": "a"})))

    assert problem_of(response) == (503, "issuer_unavailable")
    assert response.headers["Retry-After"] == "5"
    assert "WWW-Authenticate" not in response.headers
    assert api.get("/health/live").status_code == 200


def test_an_outage_is_no_way_around_the_checks_that_need_no_key():
    issuer = FakeIssuer("a", "b")
    issuer.error = AWAY
    api = Api(TokenBearers(SETTINGS, issuer.cache))

    assert problem_of(api.get("/jobs", headers=bearer("x"))) == (401, "invalid_token")
    assert problem_of(api.get("/jobs")) == (401, "unauthenticated")
    assert issuer.asked == 0


def private_jwk() -> dict[str, Any]:
    """A key that its issuer should have kept to itself."""
    numbers = private_key("RSA").private_numbers()
    return {**public_jwk(), "d": str(numbers.d)}


RSA_NAMES = {("RSA-1", algorithm) for algorithm in ALL if algorithm[:2] in ("RS", "PS")}
BESIDE = [public_jwk("P-384", number, kid=f"beside-{number}") for number in (1, 2)]
KEYS: list[tuple[str, Any, set[tuple[str | None, str]]]] = [
    ("RSA", public_jwk(), RSA_NAMES),
    ("RSA for one algorithm", public_jwk(alg="PS256"), {("RSA-1", "PS256")}),
    ("RSA for an EC algorithm", public_jwk(alg="ES256"), set()),
    ("RSA for HMAC", public_jwk(alg="HS256"), set()),
    ("RSA for encryption", public_jwk(alg="RSA-OAEP", use="enc"), set()),
    ("RSA without a use", public_jwk(use=None), RSA_NAMES),
    ("RSA with a certificate", public_jwk(x5c=["AAAA"], x5t="x"), RSA_NAMES),
    ("RSA of 1024 bits", public_jwk("RSA-1024"), set()),
    ("a private key", private_jwk(), set()),
    ("P-256", public_jwk("P-256"), {("P-256-1", "ES256")}),
    ("P-384", public_jwk("P-384"), {("P-384-1", "ES384")}),
    ("Ed25519", public_jwk("Ed25519"), {("Ed25519-1", "EdDSA")}),
    ("a secret", {"kty": "oct", "k": "AAAA", "kid": "s", "alg": "HS256"}, set()),
    ("a secret that says it is RSA", {"kty": "oct", "k": "AAAA", "kid": "s", "alg": "RS256"}, set()),
    ("an unknown type", {"kty": "LMS", "kid": "l"}, set()),
    ("a type that is a list", {"kty": ["RSA"], "kid": "l"}, set()),
    ("no type", {"kid": "l"}, set()),
    ("an unknown curve", public_jwk("P-256", crv="secp256k1"), set()),
    ("a point that is not on its curve", public_jwk("P-256", x="AAAA"), set()),
    ("no modulus", public_jwk(n=None), set()),
    ("a modulus that is a number", public_jwk(n=5), set()),
    ("a modulus that is not encoded", public_jwk(n="!"), set()),
    ("an exponent of nothing", public_jwk(e=""), set()),
    ("an id that is a number", public_jwk(kid=5), set()),
    ("a text", "key", set()),
    ("null", None, set()),
]


@pytest.mark.parametrize(("jwk", "names"), [case[1:] for case in KEYS], ids=[case[0] for case in KEYS])
def test_of_what_an_issuer_publishes_only_what_fits_is_used(jwk: Any, names: set[tuple[str | None, str]]):
    table = key_table({"keys": [jwk, *BESIDE]}, ALL)

    assert set(table) == names | {("beside-1", "ES384"), ("beside-2", "ES384")}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": "x"}, {"keys": [[]]}])
def test_a_set_without_keys_is_an_empty_table(document: dict[str, Any]):
    assert key_table(document, ALL) == {}


def test_a_key_without_an_id_is_used_only_where_there_is_no_other():
    nameless = public_jwk(kid=None)

    assert set(key_table({"keys": [nameless]}, ["RS256"])) == {(None, "RS256")}
    assert set(key_table({"keys": [nameless, public_jwk(number=2)]}, ["RS256"])) == {("RSA-2", "RS256")}
    assert set(key_table({"keys": [public_jwk()]}, ["RS256"])) == {("RSA-1", "RS256"), (None, "RS256")}


def test_a_key_is_bound_to_the_algorithms_that_are_allowed():
    table = key_table({"keys": [public_jwk(), public_jwk("P-256")]}, ["PS256"])

    assert {name: key.algorithm_name for name, key in table.items()} == {
        ("RSA-1", "PS256"): "PS256",
        (None, "PS256"): "PS256",
    }


def test_every_algorithm_that_may_be_set_belongs_to_a_kind_of_key():
    assert {algorithm for possible in ALGORITHMS.values() for algorithm in possible} == set(SIGNATURE_ALGORITHMS)
