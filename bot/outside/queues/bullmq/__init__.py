"""Queues kept by BullMQ."""
