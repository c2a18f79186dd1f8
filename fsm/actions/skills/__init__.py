"""The skills that ship with fsm beside `shell`, one file each."""
