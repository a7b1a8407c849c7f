"""In which language a question is, roughly: by the script of its letters, and for Latin letters by common words.

No library: scripts are those of Unicode's names of letters, and a language with Latin or Cyrillic letters is told
by its commonest short words. Short questions stay `latin` or `cyrillic`, and so do languages that are not listed;
mixed ones go to the script that most letters have. Good enough to see that a pool is not of one language; no more.
Pure.
"""

# ruff: noqa: RUF001 - letters of other alphabets are meant

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

LOOKED_AT: Final = 2_000
"""Letters at the beginning of a question that are looked at."""

LEAST_WORDS: Final = 2
"""So many common words it takes, and more than any other language has."""

NONE: Final = "no letters"

_SCRIPTS: Final = {
    "HIRAGANA": "japanese",
    "KATAKANA": "japanese",
    "HANGUL": "korean",
    "CJK": "chinese",
}
_COMMON: Final = {
    "latin": {
        "english": "the of and to is a in that what how for it with are on be this which if you does",
        "german": "der die das und ist nicht ein eine zu den von mit wie was auf für sich dem wird welche",
        "french": "le la les des et est un une que qui dans du pour pas quelle quel au sur avec comment",
        "spanish": "el la los las de que y es un una en por con para qué cómo cuál del se no",
        "italian": "il lo gli di che è un una per con non della del come qual sono dei nel si cosa",
        "portuguese": "o os as de que e é um uma em para com não do da qual como dos na se",
        "dutch": "de het een en van is dat niet wat hoe op te zijn voor met welke aan in er wordt",
        "polish": "i w na nie jest się że do jak co z dla czy o od jaki są to ile przez",
        "turkish": "ve bir bu ne için ile nasıl mi da de olan hangi kaç en gibi çok var mı daha kadar",
    },
    "cyrillic": {
        "russian": "и в не на что как это с по для из какой или что если он где чему который к",
        "ukrainian": "і в не на що як це з та для із який або чи якщо він де чому яка у",
    },
}
_LANGUAGES_OF: Final = {
    script: {language: frozenset(words.split()) for language, words in languages.items()}
    for script, languages in _COMMON.items()
}
_WORD: Final = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """The language, or else the script, of a question; `no letters` where it has none."""
    looked_at = text[:LOOKED_AT]
    scripts: Counter[str] = Counter()
    for letter, times in Counter(looked_at).items():
        if script := _script(letter):
            scripts[script] += times
    if not scripts:
        return NONE
    if scripts["japanese"]:
        scripts["japanese"] += scripts.pop("chinese", 0)  # kanji stand among kana
    script = min(scripts, key=lambda name: (-scripts[name], name))
    return _by_words(script, looked_at)


def _by_words(script: str, text: str) -> str:
    words = Counter(_WORD.findall(text.casefold()))
    found = {
        language: sum(words[word] for word in common) for language, common in _LANGUAGES_OF.get(script, {}).items()
    }
    best, second = [*sorted(found.values(), reverse=True), 0, 0][:2]
    return max(found, key=lambda name: found[name]) if best >= LEAST_WORDS and best > second else script


@lru_cache(maxsize=1 << 16)
def _script(letter: str) -> str:
    """The script of a letter; empty for what is none."""
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
    return _SCRIPTS.get(first, first.lower())
