"""The outside systems on loopback, a page to see them on, and the drills: for the sandbox and for the tests.

| where | what |
| --- | --- |
| `slack`, `queues`, `pagerduty`, `statuspage`, `github` | one far end an outside system, named as its part |
| `far_ends` | finds the far ends that are servers of their own, by name; a team's package brings its own |
| `serving`, `threaded` | what such a server is made of: answers, faults, a record of its calls |
| `stage` | Redis, Slack, far ends and the real bot as processes, for drills and tests |
| `drill`, `story`, `night` | `firewatch drill`: stories that are played on a stage and checked |
| `page` | `firewatch sandbox`: the same things in a browser |
| `transcript`, `blocktext` | a channel as plain text |
"""
