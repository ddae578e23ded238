"""What the program is told from outside: environment, secrets, the catalogue."""
