"""Queues, the far end: a Redis server of its own, a repost pipeline on BullMQ, and how its platforms fail."""
