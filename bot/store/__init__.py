"""What the bot remembers, in Redis."""
