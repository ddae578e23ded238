"""What goes wrong, in one view: "no" is a sentence for a person; everything else that is raised is "broken"."""

from __future__ import annotations

from collections.abc import Sequence


class FirewatchError(Exception):
    """The root of what this program raises on purpose."""


class Refused(FirewatchError):
    """ "No": a sentence for the person who asked. Nothing was changed. Anything else that is raised is "broken"."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Taken(TypeError):
    """Two things were given one name: ``what`` it is, and the modules that claim it."""

    def __init__(self, what: str, first: str, second: str) -> None:
        super().__init__(f"{what} is declared twice: in {first} and in {second}")


class Misworded(Refused):
    """The sentence cannot be read. ``usage`` says how it is written; ``near`` what may have been meant.

    ``notes`` says of each line of the usage what it does; empty where a mistake was made and no help asked for.
    """

    def __init__(self, sentence: str, usage: Sequence[str] = (), near: str = "", notes: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.usage = tuple(usage)
        self.near = near
        self.notes = tuple(notes)


class Several(Refused):
    """Several incidents live where it was said, and the sentence does not say which one it is about."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(f"Several incidents live here: {', '.join(f'#{each}' for each in numbers)}.")
        self.numbers = tuple(numbers)


class NamesNone(Refused):
    """A button of an older message, which does not say which incident it means."""

    def __init__(self, instead: str) -> None:
        super().__init__("That button is on an older message, which does not say which incident it means.", instead)


class Unreachable(Refused):
    """An outside system cannot be reached. A person is told so; a procedure tries again."""


class Unanswered(Refused):
    """Nothing to say: the second of two presses, a reaction that was not meant for us, a duty that is no longer due."""


class Later(FirewatchError):
    """An outside system asks to be asked again in ``seconds``. Nothing is lost: the same work is taken up then."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why


class Paused(Later):
    """It asks for a pause and has done nothing: nobody need look whether it did."""


class Gone(Refused):
    """There is no such thing (any more) on the other side."""
