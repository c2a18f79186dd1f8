"""The skills that ship with fsm beside `shell`: a file each, or a folder."""
