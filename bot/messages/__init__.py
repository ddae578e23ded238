"""Facts → messages: templates, Block Kit, pictures."""
