"""What the bot knows: causes of failures, the runbook."""
