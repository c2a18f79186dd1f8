"""What the features say, and what it means."""
