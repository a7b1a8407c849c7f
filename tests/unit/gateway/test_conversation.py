"""Queries of one or more turns."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.chat import Message
from services.gateway.conversation import messages_of, turn_request_id

ID = "a" * 64


@given(turns=st.lists(st.text(), min_size=1, max_size=5), data=st.data())
def test_a_conversation_alternates_and_ends_with_the_turn_to_be_answered(turns: list[str], data: st.DataObject) -> None:
    known = data.draw(st.integers(0, len(turns) - 1))
    replies = [f"reply {n}" for n in range(known)]
    messages = messages_of("", turns, replies)
    assert [message.role for message in messages] == ["user", "assistant"] * known + ["user"]
    assert messages[-1].content == turns[known]


def test_the_system_prompt_comes_first() -> None:
    assert messages_of("Be brief.", ["?"], [])[0] == Message("system", "Be brief.")


def test_each_turn_has_an_id_of_its_own_and_the_last_one_that_of_the_answer() -> None:
    ids = [turn_request_id(ID, turn, 3) for turn in range(3)]
    assert len(set(ids)) == 3
    assert ids[-1] == ID
    assert turn_request_id(ID, 0, 1) == ID
