"""Poses from a file, as the command line takes them: the fields of a pose as JSON.

{"joints": {"left_shoulder": [220, 130], "left_elbow": [246, 190], "left_wrist": [256, 250]},
 "keys": [{"angles": {"left_shoulder": -70, "left_elbow": -60}}]}
"""

from pathlib import Path

from kineograph.core.errors import DocumentError
from kineograph.gestures.pose import Pose
from kineograph.gestures.writing.reading import read_document


def read_pose(path: Path | str) -> Pose:
    """The pose in a JSON file: what the gesture `pose` is told, with or without its kind.

    Its source is told from the file's folder.

    Raises:
        DocumentError: the file is missing or no JSON object, or something in it is not allowed.
    """
    path = Path(path)
    if not path.exists():
        raise DocumentError(f"{path} does not exist; name a pose, a file such as wave.pose.json")
    data = read_document(path)
    if data.get("kind", "pose") != "pose":
        raise DocumentError(f"{path}: it is a {data['kind']}; give a file with a pose in it")
    if isinstance(data.get("source"), str):
        data["source"] = (path.absolute().parent / data["source"]).as_posix()
    try:
        return Pose(**data)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from None
