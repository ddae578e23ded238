"""The way of a sentence, and of what it begins."""
