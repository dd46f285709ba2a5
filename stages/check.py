"""Check params.yaml and that the files and packages it names exist; write the runs of the study."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, numerics
from stages.tickets import settings
from stages.tickets.plan import declared, manifest
from stages.tickets.plan import stages as pipeline


def check(study: settings.Study) -> None:
    """Raise ParamsError if the machine, a file or a package does not have what the study names."""
    if study.numerics == numerics.PORTABLE and (reason := numerics.unfit()):
        raise settings.ParamsError(reason)
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
    except ModuleNotFoundError:  # a package that a dotted name lies in is missing
        return False


def _folder(path: str, key: str) -> None:
    if not settings.expanded(path, key).is_dir():
        raise settings.ParamsError(f"{key} is {path!r}, but there is no such folder")


def _file(path: str, key: str) -> None:
    if not settings.expanded(path, key).is_file():
        raise settings.ParamsError(f"{key} is {path!r}, but there is no such file")


def main(
    out: Annotated[Path, typer.Option()],
    manifest_out: Annotated[
        Path, typer.Option("--manifest", help="The runs of the study, written.")
    ],
) -> None:
    check(settings.load(cli.PARAMS))
    content, files = settings.content(cli.PARAMS), pipeline.read(Path())
    stages = pipeline.expand(files, content, pipeline.parsing(Path(pipeline.CONFIG)))
    manifest.save(declared.manifest_of(stages, files, content), manifest_out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("params.yaml is as it should be\n", encoding="utf-8")


if __name__ == "__main__":
    cli.run(main, computes=False)
