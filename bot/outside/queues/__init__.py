"""The reposting system's queues, whatever library keeps them."""
