"""Who may say what, and who is asked first: the whole table, row by row."""

from __future__ import annotations

import pytest

from bot.domain.action import Risk
from bot.domain.errors import Refused
from bot.domain.policy import RULES, decide, may_confirm


class Staff:
    """``People``: Noor is on call, Linnea is on call and leads, Ines leads, Tomas is neither."""

    def is_oncall(self, user: str) -> bool:
        return user in self.oncall()

    def is_lead(self, user: str) -> bool:
        return user in self.leads()

    def oncall(self) -> list[str]:
        return ["UNOOR", "ULINNEA"]

    def leads(self) -> list[str]:
        return ["ULINNEA", "UINES"]


class Nobody(Staff):
    def oncall(self) -> list[str]:
        return []


@pytest.mark.parametrize("risk", Risk)
@pytest.mark.parametrize("who", ["UNOOR", "UINES", "UTOMAS"])
def test_anyone_may_look_and_only_engineers_on_call_may_do_more(risk: Risk, who: str) -> None:
    if risk is Risk.LOOK or who == "UNOOR":
        assert decide(risk, who, Staff()) == ("ask" if risk in (Risk.CHANGE, Risk.DESTROY) else "run")
    else:
        with pytest.raises(Refused) as no:
            decide(risk, who, Staff())
        assert no.value.hint == "On call now: <@UNOOR>, <@ULINNEA>."


def test_whoever_is_refused_is_told_when_nobody_is_on_call() -> None:
    with pytest.raises(Refused) as no:
        decide(Risk.ACT, "UNOOR", Nobody())
    assert no.value.hint == "On call now: nobody that I know of."


@pytest.mark.parametrize(
    ("risk", "asker", "confirmer", "why"),
    [
        (Risk.CHANGE, "UNOOR", "UNOOR", ""),
        (Risk.CHANGE, "UNOOR", "ULINNEA", "only <@UNOOR>, who asked for it, may confirm it."),
        (Risk.CHANGE, "UTOMAS", "UTOMAS", "confirming is for on-call engineers."),
        (Risk.DESTROY, "UNOOR", "ULINNEA", ""),
        (Risk.DESTROY, "UNOOR", "UINES", ""),
        (Risk.DESTROY, "ULINNEA", "ULINNEA", "someone other than the one who asked has to confirm it."),
        (Risk.DESTROY, "UNOOR", "UTOMAS", "confirming this is for leads."),
        (Risk.DESTROY, "ULINNEA", "UNOOR", "confirming this is for leads."),
    ],
)
def test_who_may_confirm(risk: Risk, asker: str, confirmer: str, why: str) -> None:
    if not why:
        may_confirm(risk, asker, confirmer, Staff())
        return
    with pytest.raises(Refused) as no:
        may_confirm(risk, asker, confirmer, Staff())
    assert no.value.sentence == why


def test_every_risk_has_its_rule() -> None:
    assert set(RULES) == set(Risk)


def test_no_package_changes_the_policy() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        RULES[Risk.DESTROY] = RULES[Risk.LOOK]  # type: ignore[index]
