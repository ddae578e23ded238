"""Where sentences come in, and where work and time do."""
