"""GitHub: the tracker of issues."""
