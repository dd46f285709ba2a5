"""Files that appear under their names complete or not at all."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; the file takes its place at the end of the block.

    The folder of `path` is made. The file has the mode of any new file, whatever the writer gave it.
    After an error nothing is left. What a killed process leaves is named as the file with `.part` at the
    end, and the next run takes it away. A device or a pipe, such as /dev/stdout, is written to directly.

    Raises:
        UserError: the file cannot be written, for example because the disk is full.
    """
    if path.is_fifo() or str(path.parent) in ("/dev", "/dev/fd"):
        yield path
        return
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        part.touch()
        mode = part.stat().st_mode
        yield part
        part.chmod(mode)  # safetensors makes files that only their owner may read
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        # `SafetensorError` goes by its name, since some stages do not import safetensors.
        if not (isinstance(error, OSError) or type(error).__name__ == "SafetensorError"):
            raise
        reason = getattr(error, "strerror", None) or error
        from stages.tickets.settings import UserError  # noqa: PLC0415  `code` starts without it

        raise UserError(
            f"{path} could not be written ({reason}); make room or give permission and run the same "
            "command again, which keeps what is finished"
        ) from error


def save_text(text: str, path: Path) -> None:
    """Write a text in UTF-8, with the line ends that it has."""
    with written(path) as part:
        part.write_text(text, encoding="utf-8", newline="")
