"""Check params.yaml and that the files and packages it names exist; write the runs of the study."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, numerics
from stages.tickets import output, settings
from stages.tickets.encoder import checkpoint
from stages.tickets.plan import declared, manifest
from stages.tickets.plan import stages as pipeline


def check(study: settings.Study) -> None:
    """Raise ParamsError if the machine, a file or a package that the study names cannot be used."""
    if study.numerics == numerics.PORTABLE and (reason := numerics.unfit()):
        raise settings.ParamsError(reason)
    if isinstance(study.encoder, settings.FolderEncoder | settings.PackageEncoder):
        _encoder(study, checkpoint.folder_of(study.encoder))
    if study.ternary.tasks:
        from stages.tickets.ternary import sizing  # noqa: PLC0415  takes numpy

        sizing.check_study(study.ternary, study.encoder)
    for task, data in study.data.items():
        if isinstance(data, settings.FolderData):
            _there(data.path, f"data.{task}.path", "folder")
        if isinstance(data, settings.TextData):
            _there(data.train, f"data.{task}.train", "file")
            _there(data.validation, f"data.{task}.validation", "file")
        elif not isinstance(data, settings.MiniatureData) and data.hans:
            _there(data.hans.path, f"data.{task}.hans.path", "file")
    for number, pair in enumerate(study.between.files):
        for side in ("first", "second"):
            given, key = getattr(pair, side), f"between.files[{number}].{side}"
            _there(given, key, "file or folder")
    if study.own:
        from stages.tickets.tasks import own  # noqa: PLC0415  takes time that most studies can save

        for task, tables in study.own.items():
            own.load(task, tables)


def _encoder(study: settings.Study, folder: Path) -> None:
    model_type = checkpoint.check(folder, str(folder))
    dropped = {
        "search.tasks": (study.search.tasks, "heads and MLPs are searched"),
        "greedy.tasks": (study.greedy.tasks, "heads and neurons are dropped"),
        "quantized.pruned.arms": (study.quantized.pruned.arms, "heads and neurons are dropped"),
    }
    for key, (values, what) in dropped.items():
        if values and model_type not in checkpoint.BERTS:
            raise settings.ParamsError(
                f"{key} has {values[0]!r}, allowed are none with an encoder of type "
                f"{model_type!r}: {what} in {', '.join(checkpoint.BERTS)}"
            )


def _there(path: str, key: str, what: str) -> None:
    place = settings.expanded(path, key)
    tests = {"folder": place.is_dir, "file": place.is_file, "file or folder": place.exists}
    if not tests[what]():
        raise settings.ParamsError(f"{key} is {path!r}, but there is no such {what}")


def main(
    out: Annotated[Path, typer.Option()],
    manifest_out: Annotated[Path, typer.Option("--manifest", help="Write the runs of the study.")],
) -> None:
    content, files = cli.content(), pipeline.read(Path())
    check(settings.checked(content, str(cli.PARAMS)))
    stages = pipeline.expand(files, content, pipeline.parsing(Path(pipeline.CONFIG)))
    manifest.save(declared.manifest_of(stages, files, content), manifest_out)
    output.save_text("params.yaml is as it should be\n", out)


if __name__ == "__main__":
    cli.run(main, computes=False)
