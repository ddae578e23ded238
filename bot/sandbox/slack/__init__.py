"""A Slack to talk to on loopback, stricter than kind.

    from bot.sandbox.slack.server import SlackSandbox

    with SlackSandbox() as slack:
        ...                                      # point a bot at slack.api_url, slack.bot_token, slack.app_token
        typed = slack.oncall.types("ops", "/jobs status").ok()
        card = slack.wait_for(lambda: slack.channel("ops").messages)[-1]
        slack.oncall.presses(card, "Replay these").wait()

`slack.faults` makes calls fail, `slack.socket` makes connections go bad, `slack.calls` and `slack.deliveries` are the
wire, `slack.workspace` is the state, with a feed of changes to subscribe to.
"""
