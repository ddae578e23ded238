"""What Firewatch is about: calls, actions, incidents, procedures. Standard library only."""
