"""The sandbox in a browser: `run` starts everything and shows it on a page."""
