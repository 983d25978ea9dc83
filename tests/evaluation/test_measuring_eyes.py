"""Eyes are names: what they load is not sent to other processes."""

import pickle
from pathlib import Path

from kineograph.evaluation.eyes import Eyes


def test_only_names_travel(tmp_path: Path) -> None:
    eyes = Eyes(backbones=tmp_path, places=(("clip", tmp_path),))
    eyes.store._loaded["clip"] = lambda: None  # cannot be pickled
    assert eyes._tracker is eyes._tracker
    there = pickle.loads(pickle.dumps(eyes))
    assert there == eyes and set(vars(there)) == {
        "tracker",
        "tracker_weights",
        "flow",
        "flow_weights",
        "backbones",
        "places",
        "device",
    }
    assert there.store.find("clip") == tmp_path


def test_they_say_who_looks() -> None:
    assert Eyes().said == {"tracker": "flow (default)", "optical flow": "dis (default)"}
    assert Eyes(tracker="tapir").said["tracker"] == "tapir"
