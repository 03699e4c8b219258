"""Natural frequencies: what a test means for people of whom so many are ill, in whole people.

Gigerenzer, Hoffrage, "How to Improve Bayesian Reasoning Without Instruction: Frequency Formats",
Psychological Review 1995.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.analysis.numerals import count

PEOPLE, MOST_PEOPLE = 1_000, 1_000_000
"""How many people are spoken of; more where of so few nobody would be ill, or healthy."""


@dataclass(frozen=True)
class Frequencies:
    """Of so many ``people``, how many are ``ill``, how many of these are ``found``, and how many of the
    others are called ill, too (``alarms``)."""

    people: int
    ill: int
    found: int
    alarms: int

    @property
    def missed(self) -> int:
        """Ill, and not found."""
        return self.ill - self.found

    @property
    def healthy(self) -> int:
        """Not ill."""
        return self.people - self.ill

    @property
    def called(self) -> int:
        """Called ill, rightly or not."""
        return self.found + self.alarms

    @property
    def right(self) -> float | None:
        """Share of those called ill who are; None where nobody is called so."""
        return self.found / self.called if self.called else None

    @property
    def words(self) -> str:
        """The same in two sentences."""
        rest = f"Of the {count(self.healthy)} others, {_are(self.alarms)} called ill, too"
        so = (
            f"so of {count(self.called)} who are called ill, {_are(self.found)} ({in_percent(self.right)})"
            if self.right is not None
            else "so nobody is called ill"
        )
        return (
            f"Of {count(self.people)} people, {_are(self.ill)} ill: {count(self.found)} of them found, "
            f"{count(self.missed)} missed. {rest}; {so}."
        )

    def cells(self) -> dict[str, object]:
        """Every number by the name of its column."""
        return {
            "people": self.people,
            "ill": self.ill,
            "ill_found": self.found,
            "ill_missed": self.missed,
            "false_alarms": self.alarms,
            "share_of_alarms_right": self.right,
        }


def natural(prevalence: float, sensitivity: float, specificity: float) -> Frequencies:
    """What a test means for people.

    Parameters
    ----------
    prevalence : the share of people who are ill, above 0 and below 1.
    sensitivity, specificity : of the test, from 0 to 1.
    """
    people = PEOPLE
    while people < MOST_PEOPLE and people * min(prevalence, 1 - prevalence) < 1:
        people *= 10
    ill = round(people * prevalence)
    return Frequencies(people, ill, round(ill * sensitivity), round((people - ill) * (1 - specificity)))


def in_percent(share: float) -> str:
    """A share in percent; small ones with two digits: 0.47%, 27%."""
    return f"{share:.0%}" if share >= 0.0995 or not share else f"{100 * share:.2g}%"


def _are(number: int) -> str:
    return f"{count(number)} {'is' if number == 1 else 'are'}"
