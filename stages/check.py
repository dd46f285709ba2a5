"""Check the whole of params.yaml before any work, and that what it names is there."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
from stages.tickets import settings


def check(study: settings.Study) -> None:
    """Raise ParamsError where a file or package that the study names is not there."""
    encoder = study.encoder
    if isinstance(encoder, settings.FolderEncoder):
        _folder(encoder.path, "encoder.path")
    if isinstance(encoder, settings.PackageEncoder) and not _installed(encoder.name):
        raise settings.ParamsError(
            f"encoder.name is {encoder.name!r}, but no such package is installed"
        )
    for task, data in study.data.items():
        if isinstance(data, settings.FolderData):
            _folder(data.path, f"data.{task}.path")
        if isinstance(data, settings.TextData):
            _file(data.train, f"data.{task}.train")
            _file(data.validation, f"data.{task}.validation")
        elif not isinstance(data, settings.MiniatureData) and data.hans:
            _file(data.hans.path, f"data.{task}.hans.path")
    for task, own in study.own.items():
        for split, path in {"train": own.train, "validation": own.validation}.items():
            if not Path(path).is_file():
                raise settings.ParamsError(
                    f"own.{task}.{split} is {path!r}, but there is no such file"
                )


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package that a dotted name is in
        return False


def _folder(path: str, key: str) -> None:
    if not settings.expanded(path, key).is_dir():
        raise settings.ParamsError(f"{key} is {path!r}, but there is no such folder")


def _file(path: str, key: str) -> None:
    if not settings.expanded(path, key).is_file():
        raise settings.ParamsError(f"{key} is {path!r}, but there is no such file")


def main(out: Annotated[Path, typer.Option()]) -> None:
    check(settings.load(cli.PARAMS))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("params.yaml is as it should be\n", encoding="utf-8")


if __name__ == "__main__":
    cli.run(main)
