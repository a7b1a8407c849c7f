"""Near-duplicates beside what MinHash finds: false ones in generated pools, planted ones found, and time.

`make bench-near-duplicates`. No two generated questions are the same (tests read every puzzle back from its text), so
whatever is found among them is false. Planted are questions of the same pools in another guise, a tenth each. Peers
are used where they are installed: datasketch and rensa, with sets of five letters and a similarity of 0.8, as is usual.
"""

import argparse
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from dearena.generators import generate, kinds
from dearena.pools.near_duplicates import near_duplicates

PLANTED = 1_000
SHINGLE = 5
SIMILARITY = 0.8
HASHES = 128

Pairs = set[tuple[int, int]]
"""Of each question that was left out: the one that stayed for it, and it."""
Method = Callable[[Sequence[str], Sequence[str]], Pairs]


def ours(texts: Sequence[str], references: Sequence[str]) -> Pairs:
    return {(one.stays, other) for one in near_duplicates(texts, references) for other in one.others}


def by_datasketch(texts: Sequence[str], references: Sequence[str]) -> Pairs:
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415 - a peer

    index, found = MinHashLSH(threshold=SIMILARITY, num_perm=HASHES), set[tuple[int, int]]()
    sets = [_shingles(text) for text in texts]
    for at, shingles in enumerate(sets):
        signature = MinHash(num_perm=HASHES)
        signature.update_batch([shingle.encode() for shingle in shingles])
        _take(at, index.query(signature), sets, references, found) or index.insert(at, signature)
    return found


def by_rensa(texts: Sequence[str], references: Sequence[str]) -> Pairs:
    from rensa import RMinHash, RMinHashLSH  # noqa: PLC0415 - a peer

    index, found = RMinHashLSH(SIMILARITY, HASHES, 16), set[tuple[int, int]]()
    sets = [_shingles(text) for text in texts]
    for at, shingles in enumerate(sets):
        signature = RMinHash(HASHES, 42)
        signature.update(list(shingles))
        _take(at, index.query(signature), sets, references, found) or index.insert(at, signature)
    return found


def _take(at: int, near: Sequence[Any], sets: list[set[str]], references: Sequence[str], found: Pairs) -> bool:
    """Whether one of those proposed is near by its sets, and has the same reference."""
    for other in sorted(near):
        union = len(sets[at] | sets[other])
        if references[at] == references[other] and len(sets[at] & sets[other]) >= SIMILARITY * union:
            found.add((other, at))
            return True
    return False


def _shingles(text: str) -> set[str]:
    plain = " ".join(text.casefold().split())
    return {plain[at : at + SHINGLE] for at in range(max(1, len(plain) - SHINGLE + 1))}


def typo(text: str, rng: random.Random, times: int = 1) -> str:
    """One letter of a word left out, put in, put for another, or exchanged with the next."""
    words = text.split(" ")
    places = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for place in rng.sample(places, min(times, len(places))):
        word = words[place]
        at = rng.randrange(len(word) - 1)
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
        words[place] = rng.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
    return " ".join(words)


GUISES: Mapping[str, Callable[[str, random.Random], str]] = {
    "upper case": lambda text, _: text.upper(),
    "lower case": lambda text, _: text.lower(),
    "marks left out": lambda text, _: text.rstrip(".?!").replace(", ", " "),
    "marks put in": lambda text, _: f"{text}?!" if not text.endswith(".") else f"{text}..",
    "spaces": lambda text, rng: "  " + "".join(rng.choice((" ", "  ", "\n", "\t")) if c == " " else c for c in text),
    "please before": lambda text, _: f"Please, {text}",
    "thanks behind": lambda text, _: f"{text} Thank you!",
    "a typo": typo,
    "two typos": lambda text, rng: typo(text, rng, 2),
}


def false_ones(method: Method, size: int) -> None:
    for kind in kinds():
        pool = generate(kind, size, seed=7)
        texts, references = [one.text for one in pool], [one.reference for one in pool]
        start = time.perf_counter()
        found = method(texts, references)
        print(f"  {kind:18} {len(found):6,} false of {size:,}, {time.perf_counter() - start:6.1f} s", flush=True)


def planted_ones(method: Method, size: int) -> None:
    each = -(-size // len(kinds()))
    pool = [one for kind in kinds() for one in generate(kind, each, seed=7) if "```" not in one.text]
    for guise, changed in GUISES.items():
        rng = random.Random(guise)
        chosen = rng.sample(range(len(pool)), min(PLANTED, len(pool)))
        texts = [one.text for one in pool] + [changed(pool[at].text, rng) for at in chosen]
        references = [one.reference for one in pool] + [pool[at].reference for at in chosen]
        planted = {(at, len(pool) + number) for number, at in enumerate(chosen)}
        found = method(texts, references)
        right, false = len(found & planted), len(found - planted)
        print(f"  {guise:18} {right / len(planted):6.1%} found of {len(planted):,}, {false:,} false", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="questions of each kind")
    parser.add_argument("--large", type=int, default=100_000, help="questions of the large pool, of one kind")
    parser.add_argument("--peers", action="store_true", help="also what MinHash finds")
    options = parser.parse_args()
    methods: dict[str, Method] = {"ours": ours}
    if options.peers:
        there = {"datasketch": by_datasketch, "rensa": by_rensa}
        methods |= {name: method for name, method in there.items() if find_spec(name)}
    for name, method in methods.items():
        print(f"{name}, generated pools:")
        false_ones(method, options.size)
        print(f"{name}, planted in a pool of {options.size:,} of all kinds:")
        planted_ones(method, options.size)
    large = generate("social-reasoning", options.large, seed=7)
    texts, references = [one.text for one in large], [one.reference for one in large]
    start = time.perf_counter()
    found = ours(texts, references)
    spent, megabytes = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"ours, {len(texts):,} of social-reasoning: {len(found)} false, {spent:.0f} s, {megabytes:,.0f} MiB at most")


if __name__ == "__main__":
    main()
