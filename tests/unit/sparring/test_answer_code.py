"""The code in planted answers."""

from hypothesis import given
from hypothesis import strategies as st

from dearena.sparring.answer_code import Authored, author_of, sealed

authors = st.builds(Authored, model=st.text(min_size=1, max_size=80), query=st.text(max_size=80))


@given(seed=st.integers(), author=authors, before=st.text(), after=st.text())
def test_a_code_leads_back_to_its_author_from_within_any_text(
    seed: int, author: Authored, before: str, after: str
) -> None:
    assert author_of(seed, f"{before} ({sealed(seed, author)}) {after}") == author


@given(author=authors)
def test_a_code_means_nothing_in_a_world_with_another_seed(author: Authored) -> None:
    assert author_of(2, sealed(1, author)) is None


@given(author=authors, data=st.data())
def test_a_code_with_one_letter_changed_is_nobodys(author: Authored, data: st.DataObject) -> None:
    code = sealed(0, author)
    # The last letter of base32 may carry unused bits, which do not count.
    place = data.draw(st.integers(len("note-"), len(code) - 2))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567").filter(lambda letter: letter != code[place]))
    assert author_of(0, code[:place] + other + code[place + 1 :]) is None


def test_the_code_hides_the_author() -> None:
    codes = [sealed(0, Authored("alpha", query)) for query in ("q1", "q2", "q3")]
    assert len({code[:10] for code in codes}) == 3
    assert not any("alpha" in code for code in codes)


def test_a_text_without_a_code_is_nobodys() -> None:
    for text in ("", "note-", "note-a", "See note-abcdefgh for details.", "note-" + "a" * 200):
        assert author_of(0, text) is None
