"""The far ends of every wire, brought along: for the drill, the tests and the sandbox."""
