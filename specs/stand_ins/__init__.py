"""Servers on the loopback that stand in for those of other people."""
