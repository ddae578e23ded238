"""Where the far ends beside Slack are: the settings by which the bot is told of them."""

from __future__ import annotations

from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty import PagerDutySandbox
from bot.sandbox.statuspage import StatuspageSandbox


def settings(pagerduty: PagerDutySandbox, statuspage: StatuspageSandbox, github: GitHubSandbox) -> dict[str, str]:
    return {
        "PAGERDUTY_API_KEY": pagerduty.api_key,
        "PAGERDUTY_FROM": pagerduty.sender,
        "PAGERDUTY_API_URL": pagerduty.api_url,
        "PAGERDUTY_WEBHOOK_SECRET": pagerduty.webhooks.secrets[0],
        "STATUSPAGE_API_KEY": statuspage.api_key,
        "STATUSPAGE_PAGE_ID": statuspage.page_id,
        "STATUSPAGE_API_URL": statuspage.api_url,
        "GITHUB_TOKEN": github.token,
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_API_URL": github.api_url,
    }
