"""GitHub, as a part of this program."""

from __future__ import annotations

from typing import Annotated

from bot.outside.github.protocol import Tracker
from bot.outside.part import Check, Part, Surroundings
from bot.settings.fields import HttpBase, Variables, shaped, variable
from bot.settings.secrets import Secret


class GitHubSettings(Variables):
    """GitHub's issues, where follow-ups are tracked. Off until both the token and the repository are set."""

    token: Secret | None = variable("GITHUB_TOKEN", "Token", "One that may read and write the repository's issues.")
    repository: Annotated[str, shaped(r"[\w.-]+/[\w.-]+", "is not of the form OWNER/NAME")] = variable(
        "GITHUB_REPOSITORY", "Repository", "Whose issues they are: OWNER/NAME.", "", example="owner/name"
    )
    api_url: HttpBase = variable(
        "GITHUB_API_URL", "API", "Of a GitHub that is not github.com.", "https://api.github.com"
    )


def _build(settings: GitHubSettings, around: Surroundings) -> Tracker:
    from bot.outside.github.client import GitHub

    return GitHub(settings.token.reveal() if settings.token else "", settings.repository, settings.api_url)


def _readable(settings: GitHubSettings, tracker: Tracker, around: Surroundings) -> str:
    tracker.look()
    return f"the issues of {settings.repository} can be read"


GITHUB = Part(
    "github",
    GitHubSettings,
    off="GitHub is off: set GITHUB_TOKEN, and GITHUB_REPOSITORY to OWNER/NAME, then restart Firewatch.",
    offers=Tracker,
    build=_build,
    # A token alone is no mistake: it stands in many environments that have nothing to do with this bot.
    on=lambda settings: settings.token and settings.repository,
    checks=(Check("github", _readable, "Look at GITHUB_REPOSITORY, and at what GITHUB_TOKEN may do with its issues."),),
)
