"""What keeps the processes running and watched."""
