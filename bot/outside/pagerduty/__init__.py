"""PagerDuty."""
