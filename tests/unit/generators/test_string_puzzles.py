"""String puzzles: each is solved again from its text, letter by letter or by trying."""

import re
from collections import Counter
from collections.abc import Hashable
from functools import cache
from itertools import combinations, pairwise

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import asked, check_checks, check_pool, numbers


def quoted(text: str) -> list[str]:
    return re.findall(r'"(\w+)"', text)


def cipher(question: GeneratedQuestion) -> Hashable:
    text = question.text
    *key, given = quoted(text)
    plain, coded = (given, question.reference) if "Encode" in text else (question.reference, given)
    assert len(plain) == len(coded)
    for place, (a, b) in enumerate(zip(plain, coded, strict=True)):
        moved = (ord(b) - ord(a)) % 26
        if key:
            assert moved == ord(key[0][place % len(key[0])]) - ord("a")
        else:
            assert moved == (numbers(text)[0] + (place if "and so on" in text else 0)) % 26
    return tuple(key), tuple(numbers(text)), given, "Encode" in text


def do(step: str, letters: list[str]) -> list[str]:  # noqa: C901, PLR0912 -- one for each step
    """A step on a list of letters."""
    named, count = quoted(step), (numbers(step) or [0])[0]
    if step.startswith("reverse"):
        letters.reverse()
    elif "to the end" in step:
        for _ in range(count):
            letters.append(letters.pop(0))
    elif "to the front" in step:
        for _ in range(count):
            letters.insert(0, letters.pop())
    elif step.startswith("remove"):
        while named[0] in letters:
            letters.remove(named[0])
    elif step.startswith("double"):
        letters = list(re.sub("([aeiou])", r"\1\1", "".join(letters)))
    elif step.startswith("swap"):
        letters[0], letters[-1] = letters[-1], letters[0]
    elif step.startswith("replace"):
        letters = [named[1] if letter == named[0] else letter for letter in letters]
    elif step.startswith("delete"):
        del letters[count - 1]
    elif step.startswith("keep"):
        letters = [letter for place, letter in enumerate(letters, 1) if place % 2]
    else:
        assert step.startswith("sort")
        letters.sort()
    return letters


def steps(question: GeneratedQuestion) -> Hashable:
    text = question.text.split(" What comes out?")[0]
    word = quoted(text)[0]
    told = [step.rstrip("; .") for step in re.split(r"\(\d\) ", text)[1:]]
    letters = list(word)
    for step in told:
        letters = do(step, letters)
    assert "".join(letters) == question.reference
    return word, tuple(told)


def counting(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    string = max(quoted(text), key=len)
    told = text.replace(f'"{string}"', "")
    named = quoted(told)
    if "occur" in told:
        found = len(re.findall(f"(?={named[0]})", string))
    elif "followed by" in told:
        found = len(re.findall(r"(.)(?=\1)", string))
    elif "even" in told:
        found = sum(string[place] == named[0] for place in range(1, len(string), 2))
    elif "runs" in told:
        found = len(re.findall(f"{named[0]}+", string))
    elif "before or after" in told:
        one, two = named
        found = len(re.findall(f"(?<={two}){one}|{one}(?={two})", string))
    else:
        found = Counter(string)[named[0]]
    assert str(found) == question.reference
    return (
        string,
        tuple(named),
        re.findall("occur|followed|even|runs|before", told)[:1] == []
        or re.findall("occur|followed|even|runs|before", told)[0],
    )


def sorting(question: GeneratedQuestion) -> Hashable:
    text = question.text
    listed = re.findall(r"[a-z]+(?:, [a-z]+){3,}", text.split(" Answer")[0].replace("words ", "words; "))
    words = listed[0].split(", ")

    def before(one: str, other: str) -> bool:
        if "reversed" in text:
            return one[::-1] < other[::-1]
        mine: list[int] | list[str] = [0, 0]
        if "number of letters" in text:
            mine = [len(one), len(other)]
        elif "number of vowels" in text:
            mine = [len(re.findall("[aeiou]", word)) for word in (one, other)]
        elif "second letter" in text:
            mine = [one[1], other[1]]
        return one < other if mine[0] == mine[1] else mine == sorted(mine)

    # A word's place is one more than the number of words before it.
    place = {word: 1 + sum(before(other, word) for other in words if other != word) for word in words}
    ordered = sorted(words, key=lambda word: place[word])
    if number := re.search(r"is number (\d+)", text):
        assert place.get(question.reference) == int(number[1])
    else:
        assert " ".join(ordered) == question.reference
    order = re.findall("reversed|of letters|of vowels|second", text)
    return frozenset(words), tuple(order), number and number[1]


def runs(question: GeneratedQuestion) -> Hashable:
    text = question.text.split('"3a1b".')[1]
    [given] = quoted(text)
    if text.startswith(" Write"):
        plain, coded = given, question.reference
    elif text.startswith(" Which"):
        plain, coded = question.reference, given
    else:
        changes = len(re.findall(r"(.)(?!\1)", given))
        # A letter for each run, a digit for it, and one more for each run of ten or more.
        assert str(2 * changes + len(re.findall(r"(.)\1{9,}", given))) == question.reference
        return "long", given
    pairs = re.findall(r"(\d+)([a-z])", coded)
    assert "".join(letter * int(count) for count, letter in pairs) == plain
    assert "".join(count + letter for count, letter in pairs) == coded
    assert all(one[1] != two[1] for one, two in pairwise(pairs))
    return text[:6], given


def rewriting(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    rules = dict(re.findall(r"([A-H]) becomes ([A-H]+)", text))
    start = re.findall(r'starts as "([A-H]+)"', text)[0]
    [rounds] = numbers(text)

    @cache
    def grown(letter: str, left: int) -> str:
        """What becomes of one letter: depth first instead of round by round."""
        return "".join(grown(made, left - 1) for made in rules[letter]) if left else letter

    end = "".join(grown(letter, rounds) for letter in start)
    counted = re.findall(r'How many letters "([A-H])"', text)
    wanted = "long" if "How long" in text else "count" if counted else "string"
    found = {"long": str(len(end)), "count": str(end.count(counted[0] if counted else "A")), "string": end}[wanted]
    assert found == question.reference
    number = {letter: str(place) for place, letter in enumerate(sorted(rules))}

    def named(word: str) -> str:
        return "".join(number[letter] for letter in word)

    told = tuple((named(letter), named(made)) for letter, made in rules.items())
    return told, named(start), rounds, wanted, named(counted[0]) if counted else ""


def is_within(part: tuple[str, ...], whole: str) -> bool:
    left = iter(whole)
    return all(letter in left for letter in part)


def common(question: GeneratedQuestion) -> Hashable:
    one, other = quoted(asked(question))
    answer = int(question.reference)
    if "gaps allowed" in question.text:
        # Tried: some choice of so many letters is within the other string, and none of one more.
        assert any(is_within(part, other) for part in set(combinations(one, answer)))
        assert not any(is_within(part, other) for part in set(combinations(one, answer + 1)))
        return "shared", frozenset((one, other))

    @cache
    def distance(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return distance(a[1:], b[1:])
        return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))

    assert distance(one, other) == answer
    return "edits", frozenset((one, other))


CHECKS = {
    "cipher": cipher,
    "steps": steps,
    "counting": counting,
    "sorting": sorting,
    "runs": runs,
    "rewriting": rewriting,
    "common": common,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("string-puzzles", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("string-puzzles", CHECKS)
