"""A skill of one's own in Python: lists of files with their checksums."""

from hashlib import sha256

from fsm import Context, Skill

manifest = Skill("manifest", "Keep lists of files with their checksums.")


@manifest.action(undo="remove")
async def write(files: list[str], to: str, context: Context) -> dict[str, int]:
    """Write a list of files with their checksums.

    files: what stands in the list
    to: the list, which is not there yet
    """
    sums = [sha256((context.cwd / file).read_bytes()).hexdigest() for file in files]
    lines = [f"{checksum}  {file}\n" for checksum, file in zip(sums, files, strict=True)]
    (context.cwd / to).write_text("".join(lines))
    return {"listed": len(files)}


@write.check
def is_written(to: str, context: Context) -> bool:
    return (context.cwd / to).exists()


@write.dry_run
def try_to_write(to: str, context: Context) -> None:
    if (context.cwd / to).exists():
        raise FileExistsError(f"{to} is there already")


@manifest.action
def remove(to: str, context: Context) -> None:
    """Remove a list."""
    (context.cwd / to).unlink()
