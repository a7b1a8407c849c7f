"""A key is found in a reply in whatever way a header gets into one by accident."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.withheld import SHORTEST_KEY, WITHHELD, Withheld

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST_KEY, max_size=90)
WORDS = st.text(max_size=9)
KEY = "sk-Planted/0123456789+abcdef=="


@given(key=KEYS, before=WORDS, after=WORDS)
def test_a_key_is_withheld_wherever_it_stands(key: str, before: str, after: str) -> None:
    assert key not in Withheld(key).without(f"{before}\n{key}\n{after}")


@given(key=KEYS, before=WORDS, after=WORDS)
def test_no_base64_of_a_text_with_the_key_gives_the_key_back(key: str, before: str, after: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}{key}{after}".encode()).decode()
        kept = Withheld(key).without(encoded)
        # Two signs at each end are shared with the neighbours: of the key they tell less than two letters.
        assert WITHHELD in kept
        assert len(kept.replace(WITHHELD, "")) <= len(encoded) - (len(key) * 4 // 3 - 2)


@pytest.mark.parametrize(
    "written",
    [
        quote(KEY, safe=""),
        quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
        json.dumps(KEY).replace("/", "\\/"),
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        "".join(f"\\u{ord(letter):04X}" for letter in KEY),
        f"https://{KEY.lower()}.example",
        json.dumps({"Authorization": f"Bearer {KEY}"}),
    ],
)
def test_an_escaped_key_is_withheld(written: str) -> None:
    kept = Withheld(KEY).without(f"you sent {written}, I believe")
    assert WITHHELD in kept
    assert "lanted" not in kept
    assert "anted" not in kept


def test_a_key_that_a_limit_cut_off_is_withheld() -> None:
    assert Withheld(KEY).without(f"your key is {KEY[:11]}") == f"your key is {WITHHELD}"
    assert Withheld(KEY).without(f"a word such as {KEY[: SHORTEST_KEY - 1]}").endswith(KEY[: SHORTEST_KEY - 1])


@given(text=st.text())
def test_a_text_without_the_key_stays_as_it_is(text: str) -> None:
    assert Withheld(KEY).without(text) == text


def test_a_short_key_is_no_reason_to_tear_words_out_of_texts() -> None:
    assert Withheld("key").without("the key to it") == "the key to it"
