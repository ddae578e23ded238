"""The whole product in a real browser: `firewatch sandbox` as a process, and Chromium as whoever looks at it."""
