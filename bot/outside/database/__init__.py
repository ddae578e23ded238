"""The reposting system's own database, which a recovery reads."""
