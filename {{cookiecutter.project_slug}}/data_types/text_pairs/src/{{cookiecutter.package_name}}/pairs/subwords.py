"""Learns the pieces into which words are split: byte-pair encoding (Sennrich et al. 2016), on bytes where it is rare.

A piece is some bytes of UTF-8, written as a string in which each character stands for the byte of its number (Latin-1).
All 256 bytes are pieces, so that any text can be split and nothing is unknown (Radford et al. 2019).
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

BYTES = tuple(map(chr, range(256)))
LONGEST_PIECE = 16  # bytes: the encoder tries as many lengths at each place
MIN_CHARACTER_COUNT = 3  # of a character that takes several bytes, or it stays in bytes
MIN_PAIR_COUNT = 4  # of two neighbours that become a piece: of a rarer one, too few examples would be learned from

SHARED = 0.5  # of the characters of the shorter side, from which on both languages have one script

# A word begins with the space before it. Digits stay single, so that any number can be copied.
WORD = re.compile(r" ?[^\W\d_]+|\d| ?[^\w\s]+|_|\s")

Word = list[str]
Pair = tuple[str, str]


def learn(texts: Iterable[str], size: int) -> tuple[str, ...]:
    """The pieces of texts: all bytes, frequent characters, then merged neighbours, the most frequent first.

    There are at most `size`, but the bytes at least.
    """
    words = Counter(word for text in texts for word in WORD.findall(f" {text}"))
    characters = Counter[str]()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    frequent = [
        in_bytes(character)
        for character, count in characters.most_common()
        if count >= MIN_CHARACTER_COUNT and not character.isascii()
    ]
    pieces = dict.fromkeys([*BYTES, *frequent][: max(size, len(BYTES))])
    spelled = [[in_bytes(character) for character in word] for word in words]
    for merged in merges(spelled, list(words.values())):
        if len(pieces) >= size:
            break
        pieces[merged] = None
    return tuple(pieces)


def share_script(sources: Iterable[str], targets: Iterable[str]) -> bool:
    """Whether the texts are mostly made of the same characters, which tells languages of the same script."""
    counts = [Counter("".join(texts)) for texts in (sources, targets)]
    common = sum((counts[0] & counts[1]).values())
    return common > SHARED * min(count.total() for count in counts)


def in_bytes(text: str) -> str:
    """A text as a piece writes it: a character per byte."""
    return text.encode().decode("latin-1")


def merges(words: list[Word], counts: list[int]) -> Iterator[str]:
    """The most frequent pair of neighbours, joined; then the most frequent one of what the words now consist of, ...

    Ties go to the pair that is first in the alphabet. `words`, each of which occurs so often, are changed.
    """
    frequencies, places = Counter[Pair](), defaultdict[Pair, set[int]](set)
    for number, (word, count) in enumerate(zip(words, counts, strict=True)):
        for pair in pairwise(word):
            frequencies[pair] += count
            places[pair].add(number)
    heap = [(-count, pair) for pair, count in frequencies.items()]
    heapq.heapify(heap)
    while heap and -heap[0][0] >= MIN_PAIR_COUNT:
        count, pair = heapq.heappop(heap)
        is_outdated = -count != frequencies[pair]
        if is_outdated or len(pair[0]) + len(pair[1]) > LONGEST_PIECE:
            continue
        changed = Counter[Pair]()
        for number in places.pop(pair):
            after = join(words[number], pair)
            for neighbours in pairwise(words[number]):
                changed[neighbours] -= counts[number]
            for neighbours in pairwise(after):
                changed[neighbours] += counts[number]
                places[neighbours].add(number)
            words[number] = after
        for neighbours in (each for each, difference in changed.items() if difference):
            frequencies[neighbours] += changed[neighbours]
            heapq.heappush(heap, (-frequencies[neighbours], neighbours))
        yield "".join(pair)


def join(word: Word, pair: Pair) -> Word:
    """The word with all occurrences of the pair as one piece."""
    joined, place = [], 0
    while place < len(word):
        if tuple(word[place : place + 2]) == pair:
            joined.append("".join(pair))
            place += 2
        else:
            joined.append(word[place])
            place += 1
    return joined
