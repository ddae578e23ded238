"""The status page: Atlassian Statuspage."""
