"""Who may do what, and who is asked first: one table. Help and the refusal read the same one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol

from bot.domain.action import Risk
from bot.domain.errors import Refused

if TYPE_CHECKING:
    from bot.domain.action import Action

Decision = Literal["run", "ask"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``who`` may say it; ``confirmer`` is asked before it happens, if anyone."""

    who: Literal["anyone", "oncall"]
    confirmer: Literal["nobody", "asker", "another lead"]


RULES: Final[Mapping[Risk, Rule]] = MappingProxyType(
    {
        Risk.LOOK: Rule("anyone", "nobody"),
        Risk.ACT: Rule("oncall", "nobody"),
        Risk.CHANGE: Rule("oncall", "asker"),
        Risk.DESTROY: Rule("oncall", "another lead"),
    }
)
"""Nobody's package adds to it or changes it."""


def decide(risk: Risk, actor: str, people: People) -> Decision:
    """Whether this person's sentence runs at once or is asked about first. Raises Refused when it is not theirs."""
    rule = RULES[risk]
    if rule.who == "oncall" and not people.is_oncall(actor):
        raise Refused("that is for on-call engineers.", _named("On call now", people.oncall()))
    return "run" if rule.confirmer == "nobody" else "ask"


def may_say(action: Action, actor: str, people: People) -> Decision:
    """``decide`` for an action, whose name a refusal then bears."""
    try:
        return decide(action.risk, actor, people)
    except Refused as no:
        raise Refused(f"`{action.name}`: {no.sentence}", no.hint) from no


def may_confirm(risk: Risk, asker: str, confirmer: str, people: People) -> None:
    """Checked at the moment of confirming, not only when the plan was made. Raises Refused."""
    rule = RULES[risk]
    if rule.confirmer == "asker":
        if confirmer != asker:
            raise Refused(f"only <@{asker}>, who asked for it, may confirm it.")
        if not people.is_oncall(confirmer):
            raise Refused("confirming is for on-call engineers.", _named("On call now", people.oncall()))
    if rule.confirmer == "another lead":
        if confirmer == asker:
            raise Refused("someone other than the one who asked has to confirm it.", _named("Leads", people.leads()))
        if not people.is_lead(confirmer):
            raise Refused("confirming this is for leads.", _named("Leads", people.leads()))


def _named(title: str, users: object) -> str:
    named = ", ".join(f"<@{user}>" for user in users) if isinstance(users, list | tuple) else ""
    return f"{title}: {named}." if named else f"{title}: nobody that I know of."


class People(Protocol):
    """Who someone is and what they may do."""

    def is_oncall(self, user: str) -> bool: ...

    def is_lead(self, user: str) -> bool: ...

    def oncall(self) -> Sequence[str]:
        """User ids of everyone on call, in the order of the catalogue."""
        ...

    def leads(self) -> Sequence[str]: ...
