"""The outside systems, one a file: here their own words end and the bot's begin."""
