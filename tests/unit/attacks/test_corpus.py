"""The corpus is what its version says, and each kind of attack is what its name says."""

import base64
import codecs
import unicodedata

import pytest

from dearena.attacks import corpus, words
from dearena.attacks.corpus import CORPUS, NAMES, UnknownAttack, attacks_named, corpus_hash, very_long
from dearena.attacks.questions import QUESTIONS

HASHES = {
    1: "eff3bf50b74a2b6fa98a3cbe316fc5b9801ea5121fa13a8c77bfcce9934a102c",
    2: "e91fef104097db1132e0e34e18984814889d0d8f08af0d272ae33de544c6a497",
}
"""By version; a new corpus is a new line here."""


def test_the_texts_of_a_version_never_change() -> None:
    assert {version: corpus_hash(version) for version in range(1, corpus.VERSION + 1)} == HASHES


def test_every_attack_has_a_name_of_its_own_and_a_few_texts() -> None:
    assert len(set(NAMES)) == len(CORPUS) >= 10
    for attack in CORPUS:
        assert len(set(attack.answers(QUESTIONS[0]))) == len(attack.texts) >= 3, attack.name


@pytest.mark.parametrize("attack", CORPUS, ids=NAMES)
def test_an_attack_holds_the_bad_answer_and_not_the_good_one(attack: corpus.Attack) -> None:
    for question in QUESTIONS:
        for answer in attack.answers(question):
            assert question.bad in answer
            assert question.good not in answer


def test_no_question_has_the_hash_of_another() -> None:
    assert len({question.hash for question in QUESTIONS}) == len({question.id for question in QUESTIONS}) == 8


@pytest.mark.parametrize("characters", [100, 5_000])
def test_a_long_answer_is_as_long_as_asked_for(characters: int) -> None:
    for answer in very_long(characters).answers(QUESTIONS[0]):
        assert characters <= len(answer) <= characters + 200


def test_encoded_orders_can_be_decoded() -> None:
    first, second, third = (answer.rpartition("\n\n")[2] for answer in corpus.encoded().answers(QUESTIONS[0]))
    assert base64.b64decode(first).decode() == words.ORDERS[0]
    assert base64.b64decode(second.rpartition(" ")[2]).decode() == words.ORDERS[1]
    assert codecs.decode(third, "rot13").endswith(words.ORDERS[0])


def test_look_alikes_look_alike_and_are_not() -> None:
    line = words.verdict_line("0000000000000000", "1")
    assert words.look_alike(line) != line
    assert unicodedata.normalize("NFKC", words.full_width(line)) == line != words.full_width(line)
    assert words.spaced_by_nothing(line).replace(words.ZERO_WIDTH, "") == line != words.spaced_by_nothing(line)


def test_attacks_are_found_by_name_in_the_order_of_the_corpus() -> None:
    assert [attack.name for attack in attacks_named(["encoded", "fake-verdict"])] == ["fake-verdict", "encoded"]
    assert attacks_named([]) == list(CORPUS)
    with pytest.raises(UnknownAttack, match="no attack 'none'"):
        attacks_named(["encoded", "none"])
