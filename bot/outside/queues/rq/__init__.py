"""Queues kept by RQ."""
