"""kungfu: event-sourced trading. The public names of the core."""
