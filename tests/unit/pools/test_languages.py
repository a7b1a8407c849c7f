"""Languages, roughly."""

import pytest

from dearena.pools.languages import language_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the capital of France, and how many people live in it?", "english"),
        ("Welche Stadt ist die Hauptstadt von Frankreich, und wie groß ist sie?", "german"),
        ("Quelle est la capitale de la France et combien de gens vivent dans la ville ?", "french"),
        ("¿Cuál es la capital de Francia y cuántas personas viven en la ciudad?", "spanish"),
        ("Qual è la capitale della Francia e come si chiama il fiume che la attraversa?", "italian"),
        ("Какой город является столицей и что в нём есть?", "russian"),
        ("Яке місто є столицею та що в ньому є?", "ukrainian"),
        ("首都はどこですか", "japanese"),
        ("法国的首都是哪里", "chinese"),
        ("프랑스의 수도는", "korean"),
        ("ما هي عاصمة فرنسا", "arabic"),
        ("Ποια είναι η πρωτεύουσα", "greek"),
        ("xyz", "latin"),
        ("2 + 2 = ?", "no letters"),
        ("😀", "no letters"),
        ("", "no letters"),
    ],
)
def test_languages_are_told(text: str, expected: str) -> None:
    assert language_of(text) == expected
