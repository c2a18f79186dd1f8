"""Driving runs, with asyncio: executor, preflight, recovery; and the ports, which others fill."""
