"""Interpretation grammars: Lake, Baroni, "Human-like systematic generalization through a meta-learning neural
network", Nature 2023. Written from the paper's description; what is theirs is the definition.

A grammar has words, each with an output of its own, and functions of one argument (``arg f``) or two
(``arg f arg``), each of which is one word or any string. The right-hand side of a function says every
argument once, and more of them at random. The first rule that fits the whole string counts: a word alone, the
functions in their order, and at last the first word, then the rest; ``x f x`` splits at the last f.

Words are numbered from 0, functions from there on; outputs are those of words 0, 1, ….
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

LONGEST = 8
"""Symbols of an input, and of an output."""

String = tuple[int, ...]


class Form(NamedTuple):
    """What a function does.

    Attributes
    ----------
    arguments : of each whether it is one word (``u``) or any string (``x``).
    said : the arguments that are said, by their number, in order.
    """

    arguments: str
    said: String


class Grammar(NamedTuple):
    """A way to interpret strings.

    Attributes
    ----------
    lexicon : the output of each word.
    forms : of each function, by its number.
    order : in which functions are tried, by number.
    """

    lexicon: Mapping[int, int]
    forms: Mapping[int, Form]
    order: String

    def interpreted(self, string: String) -> String | None:
        """The output of a string; None where no rule fits some part of it."""
        if len(string) == 1:
            word = self.lexicon.get(string[0])
            return None if word is None else (word,)
        for function in self.order:
            if function in string:
                found = fitted(self.forms[function].arguments, function, string)
                if found:
                    parts = [self.interpreted(each) for each in found]
                    if any(each is None for each in parts):
                        return None
                    return sum((parts[at] or () for at in self.forms[function].said), ())
        first, rest = self.interpreted(string[:1]), self.interpreted(string[1:])
        return None if first is None or rest is None else first + rest


def fitted(arguments: str, function: int, string: String) -> list[String] | None:
    """The arguments of a function if a whole string fits its left-hand side."""
    n = len(string)
    if len(arguments) == 1:
        fits = string[-1] == function and (n == 2 if arguments == "u" else n > 1)
        return [string[:-1]] if fits else None
    if n < 3:
        return None
    if arguments[0] == "u":
        at = 1 if string[1] == function and (arguments[1] == "x" or n == 3) else 0
    elif arguments[1] == "u":
        at = n - 2 if string[-2] == function else 0
    else:
        at = next((at for at in range(n - 2, 0, -1) if string[at] == function), 0)
    return [string[:at], string[at + 1 :]] if at else None


def some_form(chance: Random) -> Form:
    """A function as the paper draws it."""
    arguments = "".join(chance.choice("ux") for _ in range(chance.choice((1, 2))))
    said = list(range(len(arguments)))
    while len(said) < LONGEST and (len(said) < 2 or chance.random() < 0.4):
        said.append(chance.randrange(len(arguments)))
    chance.shuffle(said)
    return Form(arguments, tuple(said))


def some_string(words: int, forms: Sequence[Form], chance: Random) -> String | None:
    """An input: any string is a word, a function with its arguments, or a word and any string, all equally
    likely. None where it becomes too long."""
    string: list[int | str] = ["x"]
    while any(isinstance(each, str) for each in string):
        longer: list[int | str] = []
        for each in string:
            if each == "u":
                longer.append(chance.randrange(words))
            elif each != "x":
                longer.append(each)
            elif (drawn := chance.randrange(len(forms) + 2)) < len(forms):
                arguments = forms[drawn].arguments
                longer += [arguments[0], words + drawn, *arguments[1:]]
            else:
                longer += ["u"] if drawn == len(forms) else ["u", "x"]
        if len(longer) > LONGEST:
            return None
        string = longer
    return tuple(each for each in string if isinstance(each, int))


def is_published(forms: Sequence[Form]) -> bool:
    """Whether the right-hand sides are those of the published test, whatever its arguments are."""
    return sorted((len(each.arguments), each.said) for each in forms) == [
        (1, (0, 0, 0)),
        (2, (0, 1, 0)),
        (2, (1, 0)),
    ]


def part_of(forms: Sequence[Form]) -> int:
    """Which tenth of all sets of forms one belongs to, from 0; the order of functions does not count."""
    digest = hashlib.sha256(repr(sorted(tuple(each) for each in forms)).encode()).digest()
    tenth: int = next(each % 10 for each in (*digest, 0) if each < 250)  # so every tenth is as large
    return tenth


PUBLISHED = """
1:1, 3:3, 2:2, D:D, 2 after 3:32, 1 after 2:21, 2 thrice:222, 2 surround 3:232, 1 thrice:111,
3 surround 1:313, 2 thrice after 3:3222, 3 after 1 surround 2:1213, 2 after 3 thrice:3332,
3 surround 1 after 2:2313, 3 after D:D3, D after 1:1D, D thrice:DDD, 1 surround D:1D1, D surround 2:D2D,
2 after 3 surround D:3D32, D thrice after 2:2DDD, 3 after D thrice:DDD3, D surround D after D thrice:DDDDDD,
D surround 3 after 1 thrice:111D3D
"""
"""The published test: 14 pairs to study, then 10 that are asked (mini-SCAN, after Lake, Linzen, Baroni,
"Human few-shot learning of compositional instructions", CogSci 2019)."""


def published() -> list[tuple[String, String]]:
    """Its pairs: words 0 to 3, functions 4 to 6."""
    symbols = {each: at for at, each in enumerate(("1", "2", "3", "D", "thrice", "surround", "after"))}
    pairs = (each.strip().split(":") for each in PUBLISHED.replace("\n", " ").split(","))
    return [(tuple(symbols[word] for word in a.split()), tuple(symbols[one] for one in b)) for a, b in pairs]


# --- what can be known -------------------------------------------------------------------------------

MOST = 400
"""Grammars that are tried for one query; of more it is not known whether they agree."""


def determined(
    studied: Sequence[tuple[String, String]], asked: Sequence[String], words: int, outputs: int
) -> list[String | None]:
    """What every grammar that fits the studied pairs says of each asked string; None where they differ, or
    are too many to tell.

    It is known which symbols are words. A grammar is put together from what the pairs leave of each part, of
    those pairs that have no other functions than a query: they are fewer constraints than there are, so what
    is determined is.
    """
    lexicons = list(_lexicons(studied, words, outputs))
    every = frozenset(each for string, _ in studied for each in string if each >= words)

    def said(string: String) -> String | None:
        own = frozenset(each for each in string if each >= words)
        found = _agreed(studied, string, own, lexicons, words)
        # what others do may tell more
        return (
            found if found is not None or own == every else _agreed(studied, string, every, lexicons, words)
        )

    return [said(string) for string in asked]


def _agreed(
    studied: Sequence[tuple[String, String]],
    asked: String,
    functions: frozenset[int],
    lexicons: Sequence[Mapping[int, int]],
    words: int,
) -> String | None:
    """What every grammar of some functions says that fits all pairs which have no others."""
    own = [pair for pair in studied if {each for each in pair[0] if each >= words} <= functions]
    said: set[String | None] = set()
    for grammar in _grammars(own, tuple(sorted(functions)), lexicons, words):
        if grammar is None:
            return None
        if all(grammar.interpreted(a) == b for a, b in own):
            said.add(grammar.interpreted(asked))
            if len(said) > 1:
                return None
    return said.pop() if said else None


def _lexicons(studied: Sequence[tuple[String, String]], words: int, outputs: int) -> Iterator[dict[int, int]]:
    """Every lexicon that fits what has no functions, and with some form what has one."""
    known: dict[int, int] = {}
    for string, said in studied:
        if max(string) < words:
            known |= dict(zip(string, said, strict=True))
    unknown = [each for each in range(words) if each not in known]
    free = [each for each in range(outputs) if each not in known.values()]
    functions = {each for string, _ in studied for each in string if each >= words}
    for some in itertools.permutations(free, len(unknown)):
        lexicon = known | dict(zip(unknown, some, strict=True))
        if all(_forms(studied, each, lexicon, words) != [] for each in functions):
            yield lexicon


def _grammars(
    pairs: Sequence[tuple[String, String]],
    functions: String,
    lexicons: Sequence[Mapping[int, int]],
    words: int,
) -> Iterator[Grammar | None]:
    """Grammars of some functions that may fit pairs; None where there are too many."""
    count = 0
    for lexicon in lexicons:
        forms = [_forms(pairs, each, lexicon, words) for each in functions]
        if any(each is None for each in forms):
            yield None
            return
        orders = list(itertools.permutations(functions))
        for chosen in itertools.product(*(each or () for each in forms)):
            for order in orders:
                count += 1
                if count > MOST:
                    yield None
                    return
                yield Grammar(lexicon, dict(zip(functions, chosen, strict=True)), order)


def _forms(
    pairs: Sequence[tuple[String, String]], function: int, lexicon: Mapping[int, int], words: int
) -> list[Form] | None:
    """Every form of a function that fits those pairs which have it once and no other; None where there are
    none, so that it may be anything."""
    simple = [
        (a, b)
        for a, b in pairs
        if a.count(function) == 1 and all(each < words or each == function for each in a)
    ]
    if not simple:
        return None
    found = []
    for arguments in ("u", "x", "uu", "ux", "xu", "xx"):
        fitting: set[String] | None = None
        for string, said in simple:
            here = _said(string, said, arguments, function, lexicon)
            fitting = here if fitting is None else fitting & here
            if not fitting:
                break
        found += [Form(arguments, each) for each in sorted(fitting or ())]
    return found


def _said(
    string: String, said: String, arguments: str, function: int, lexicon: Mapping[int, int]
) -> set[String]:
    """The right-hand sides by which a function that stands once in a string says just that."""
    before: String = ()
    while string:
        found = fitted(arguments, function, string)
        if found:
            parts = [tuple(lexicon[each] for each in part) for part in found]
            if said[: len(before)] != before:
                return set()
            return set(_divided(said[len(before) :], parts))
        if string[0] == function:
            return set()
        before += (lexicon[string[0]],)
        string = string[1:]
    return set()


def _divided(said: String, parts: Sequence[String]) -> Iterator[String]:
    """Every way to say something by parts, each at least once, 2 to 8 of them."""

    def further(rest: String, so_far: String) -> Iterator[String]:
        if not rest:
            if len(so_far) >= 2 and len(set(so_far)) == len(parts):
                yield so_far
            return
        if len(so_far) < LONGEST:
            for at, part in enumerate(parts):
                if rest[: len(part)] == part:
                    yield from further(rest[len(part) :], (*so_far, at))

    return further(said, ())
