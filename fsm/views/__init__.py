"""What people and programs read of plans and runs: text, pages, pictures and JSON, made of values."""
