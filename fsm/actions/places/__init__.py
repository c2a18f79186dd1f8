"""Places in the file system that skills change: within a folder, and brought back when a step is undone."""
