"""Speaking to other machines, for the skills that do: which addresses may be reached, and HTTP by httpx."""
