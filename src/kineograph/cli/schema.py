"""`kineograph schema`: the JSON Schema of the motion document."""

from pathlib import Path
from typing import Annotated

import typer

from kineograph.cli.talk import Talk


def schema(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it here instead of printing it."
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of motion documents, for editors and checkers.

    [dim]kineograph schema -o motion.schema.json[/dim]
    """
    import json

    from kineograph.cli.options import check_distinct
    from kineograph.core.files import whole_file
    from kineograph.gestures.document import Document

    check_distinct({"-o": output})
    text = json.dumps(Document.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    with whole_file(output) as partial:
        partial.write_text(text, encoding="utf-8")
    Talk().wrote(output, "the JSON Schema of motion documents")
