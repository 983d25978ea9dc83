"""`kineograph animate`: options, outputs, remaking, and what goes wrong."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from cli.conftest import Run, left
from kineograph.core.request_record import read_request

DRAG = ("--drag", "20,24 > 28,24 radius=6 stride=3")
SHORT = ("--frames", "5", "--fps", "4")


def record(path: Path | str) -> dict:
    return read_request(path)["document"]


def test_a_photo_and_a_drag_become_a_video(run: Run, folder: Path) -> None:
    done = run("animate", "photo.png", *DRAG, *SHORT, "-o", "out.mp4")
    said = done.stdout.splitlines()
    assert said[0] == "wrote out.mp4: 64x48, 5 frames at 4 fps, 1.25 s"
    assert said[1].startswith("in ")
    assert done.stderr == ""
    video = kg.read_video("out.mp4")
    assert (video.size, video.fps, len(video)) == ((64, 48), 4, 5)
    assert left(folder) == {"out.mp4", "out.json"}


def test_the_defaults(run: Run, folder: Path) -> None:
    run("animate", "photo.png", *DRAG)
    made = record("photo.mp4")
    assert (made["size"], made["frames"], made["fps"]) == ([64, 48], 49, 16)
    assert (made["seed"], made["engine"]["name"]) == (0, "warp")


def test_every_option_reaches_the_document(run: Run, folder: Path) -> None:
    kg.Tracks.of(np.full((1, 5, 2), 5.0), size=(64, 48), fps=4).save("t.npz")
    run(
        *("animate", "photo.png", "--drag", "50%,50% > 28,24 @0.25-1 persist ease=ease-in-out"),
        *("--drag", "10,40 > 14,40", "--pin", "0,0,100%,10%", "--tracks", "t.npz"),
        *("--box", "40,10,52,20 > 44,10,56,20 label=kite soft", "--text", "a dog"),
        *("--negative-text", "rain", "--seed", "7", "--engine", "warp", "--size", "32x24"),
        *("-o", "deep/out.mp4", *SHORT),
    )
    made = read_request("deep/out.mp4")
    assert made["size"] == [32, 24]
    made = made["document"]
    assert (made["frames"], made["fps"], made["seed"]) == (5, 4, 7)
    assert (made["text"], made["negative_text"]) == ("a dog", "rain")
    assert [gesture["kind"] for gesture in made["gestures"]] == [
        *("drag", "drag", "pin", "box", "tracks")
    ]
    first, *_, tracks = made["gestures"]
    assert (first["path"], first["start"], first["end"]) == ([[32, 24], [28, 24]], 0.25, 1)
    assert (first["persist"], first["timing"]) == (True, "ease-in-out")
    assert (tracks["path"], made["picture"]["path"]) == ("../t.npz", "../photo.png")


def test_notes_are_no_errors_and_quiet_says_nothing(run: Run, folder: Path) -> None:
    words = ("--engine", "warp", "--text", "a dog")
    loud = run("animate", "photo.png", *SHORT, *words, "-o", "a.mp4")
    assert loud.stderr.splitlines() == [
        "note: engine warp does not read text; it is left out",
        "note: nothing is asked to move; the picture stands still",
    ]
    quiet = run("animate", "photo.png", *SHORT, *words, "-o", "b.mp4", "--quiet")
    assert quiet.output == ""


def test_words_alone_are_for_the_engine_that_reads_them(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run("animate", "photo.png", *SHORT, "--text", "the camera zooms in", "-o", "a.mp4")
    assert "note: only words say what moves; engine mini reads them" in alone.stderr.splitlines()
    assert read_request("a.mp4")["engine"] == "mini"
    told = run("animate", "photo.png", *SHORT, *DRAG, "--text", "a dog", "-o", "b.mp4")
    assert "engine warp does not read text" in told.stderr
    monkeypatch.setattr("kineograph.engines.mini.MiniEngine.packages", ("no_such_package",))
    lacking = run("animate", "photo.png", *SHORT, "--text", "a dog", "-o", "c.mp4")
    assert "engine mini needs no_such_package; install them: pip install" in lacking.stderr
    assert "the picture stands still" in lacking.stderr


def test_tracks_longer_than_the_clip_are_not_cut_silently(run: Run, folder: Path) -> None:
    kg.Tracks.of(np.full((1, 9, 2), 5.0), size=(64, 48), fps=4).save("t.npz")
    short = run("animate", "photo.png", *SHORT, *DRAG, "--tracks", "t.npz", "-o", "a")
    assert short.stderr == (
        "note: t.npz lasts 2.25 s and the clip 1.25 s; --frames 9 takes in all of it\n"
    )
    fits = run(*("animate", "photo.png", "--fps", 4, "--frames", 9, *DRAG), "--tracks", "t.npz")
    assert fits.stderr == ""


def test_the_last_frame_alone_is_editing(run: Run, folder: Path) -> None:
    done = run("animate", "photo.png", *DRAG, *SHORT, "--last-frame", "edit.png")
    assert done.stdout.startswith("wrote edit.png: the last frame, 64x48\n")
    assert left(folder) == {"edit.png", "edit.json"}
    run("animate", "photo.png", *DRAG, *SHORT, "-o", "frames", "-q")
    np.testing.assert_array_equal(kg.read_picture("edit.png"), kg.read_picture("frames/000004.png"))


def test_all_outputs_beside_each_other(run: Run, folder: Path) -> None:
    done = run(
        *("animate", "photo.png", *DRAG, *SHORT, "-o", "out.webm", "--overlay", "drawn.gif"),
        *("--last-frame", "last.png"),
    )
    assert [line.split(":")[0] for line in done.stdout.splitlines()[:3]] == [
        *("wrote out.webm", "wrote drawn.gif", "wrote last.png")
    ]
    assert len(kg.read_video("drawn.gif")) == 5
    assert not (kg.read_video("drawn.gif").frames == kg.read_video("out.webm").frames).all()


# documents


def test_a_document_and_options_that_override_it(run: Run, scene: Path) -> None:
    run("animate", "--motion", "scene.motion.json", "-q")
    assert record("scene.mp4")["frames"] == 5
    run("animate", "--motion", scene, "--frames", 6, "--seed", 3, "--drag", "5,40 > 9,40", "-q")
    made = record("scene.mp4")
    assert (made["frames"], made["seed"], made["fps"]) == (6, 3, 4)
    assert [gesture["kind"] for gesture in made["gestures"]] == ["drag", "box", "drag"]


def test_a_photo_replaces_the_documents_picture(run: Run, folder: Path, scene: Path) -> None:
    kg.write_picture("other.png", kg.read_picture("photo.png")[::-1].copy())
    run("animate", "other.png", "--motion", scene, "-o", "out.mp4", "-q")
    assert record("out.mp4")["picture"]["path"] == "other.png"


def test_a_changed_picture_is_not_taken_for_the_one_that_was_meant(
    run: Run, folder: Path, scene: Path
) -> None:
    kg.write_picture("photo.png", kg.read_picture("photo.png")[::-1].copy())
    done = run("animate", "--motion", scene, code=2)
    assert "photo.png is not the picture that the document was made for" in done.stderr
    assert left(folder) == {"scene.motion.json"}


def test_a_document_reads_nothing_outside_its_folder_unless_told(
    run: Run, folder: Path, scene: Path
) -> None:
    inner = folder / "inner"
    inner.mkdir()
    kg.Document.load(scene).save(inner / "scene.motion.json")
    done = run("animate", "--motion", "inner/scene.motion.json", code=2)
    assert done.stderr.startswith(
        f"error: inner/scene.motion.json: ../photo.png lies outside the document's folder {inner}; "
    )
    assert done.stderr.count("\n") == 1
    run("animate", "--motion", "inner/scene.motion.json", "--allow-outside", "-o", "a", "-q")
    run("animate", "photo.png", "--motion", "inner/scene.motion.json", "-o", "b", "-q")
    kg.Tracks.of(np.full((1, 5, 2), 5.0), size=(64, 48), fps=4).save("t.npz")
    shutil.copy("photo.png", inner)
    data = json.loads((inner / "scene.motion.json").read_text())
    data["picture"]["path"] = "photo.png"
    (inner / "scene.motion.json").write_text(json.dumps(data))
    run("animate", "--motion", "inner/scene.motion.json", "--tracks", "t.npz", "-o", "c", "-q")
    data["gestures"].append({"kind": "tracks", "path": "../t.npz"})
    (inner / "scene.motion.json").write_text(json.dumps(data))
    done = run("animate", "--motion", "inner/scene.motion.json", code=2)
    assert "../t.npz lies outside the document's folder" in done.stderr


# making it again


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.gif", "frames"])
def test_from_makes_the_same_bytes_again(run: Run, folder: Path, name: str) -> None:
    made, again = Path(name), Path(name).with_stem(f"{Path(name).stem}-again")
    run("animate", "photo.png", *DRAG, *SHORT, "--size", "32x24", "-o", made, "-q")
    run("animate", "--from", made, "-q")
    assert contents(again) == contents(made)
    if made.suffix:
        assert again.with_suffix(".json").read_bytes() == made.with_suffix(".json").read_bytes()


def contents(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name if path.is_dir() else "": file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("deep/out.json", "deep/out-again.mp4"),
        ("deep/frames/request.json", "deep/frames-again"),
        ("deep/edit.png", "deep/edit-again.mp4"),
    ],
)
def test_from_takes_whatever_carries_the_record(
    run: Run, folder: Path, source: str, result: str
) -> None:
    run("animate", "photo.png", *DRAG, *SHORT, "-o", "deep/out.mp4", "-q")
    run("animate", "photo.png", *DRAG, *SHORT, "-o", "deep/frames", "-q")
    run("animate", "photo.png", *DRAG, *SHORT, "--last-frame", "deep/edit.png", "-q")
    done = run("animate", "--from", source)
    assert done.stdout.startswith(f"wrote {result}: 64x48, 5 frames")
    assert record(result) == record("deep/out.mp4")


def test_from_in_another_working_folder_asks_before_it_reads_outside(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("animate", "photo.png", *DRAG, *SHORT, "-o", "deep/out.mp4", "-q")
    monkeypatch.chdir("deep")
    done = run("animate", "--from", "out.mp4", code=2)
    assert done.stderr.startswith("error: out.mp4: ../photo.png lies outside the document's folder")
    assert done.stderr.endswith(", or name the picture as PHOTO\n")
    run("animate", "--from", "out.mp4", "--allow-outside", "-q")
    first = Path("out-again.mp4").read_bytes()
    run("animate", "../photo.png", "--from", "out.mp4", "-q")
    assert Path("out-again.mp4").read_bytes() == first == Path("out.mp4").read_bytes()


def test_from_with_changes(run: Run, folder: Path) -> None:
    run("animate", "photo.png", *DRAG, *SHORT, "-o", "out.mp4", "-q")
    run("animate", "--from", "out.mp4", "--size", "32x24", "--fps", "8", "-o", "small.mp4", "-q")
    video = kg.read_video("small.mp4")
    assert (video.size, video.fps) == ((32, 24), 8)
    kg.write_picture("other.png", kg.read_picture("photo.png")[::-1].copy())
    done = run("animate", "other.png", "--from", "out.mp4", "-o", "other.mp4")
    assert done.stderr == "note: other.png is not the picture that out.mp4 was made from\n"


# what goes wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to animate; give a PHOTO, --motion or --from"),
        (["--text", "a dog"], "without a PHOTO the size is unknown; give --size, as 832x480"),
        (
            ["--text", "a dog", "--size", "64x64", "--engine", "warp"],
            "engine warp needs picture, and none is given; it reads picture, tracks",
        ),
        (
            ["--motion", "a.json", "--from", "b.mp4"],
            "--motion and --from both say what moves; give one of them",
        ),
        (["no.png"], "there is no picture at no.png; check the name"),
        (
            ["photo.png", "--size", "0x4"],
            "--size 0x4 was given; write width x height in pixels, as 832x480",
        ),
        (
            ["photo.png", "--size", "wide"],
            "--size wide was given; write width x height in pixels, as 832x480",
        ),
        (["photo.png", "--fps", "nan"], "--fps nan was given; give a number above 0, up to 1000"),
        (
            ["photo.png", "--engine", "wrap"],
            "there is no engine 'wrap'; there are: mini, unet, warp",
        ),
        (
            ["photo.png", "-o", "photo.png"],
            "PHOTO and the output (-o) are both photo.png; name two different files",
        ),
        (
            ["photo.png", "-o", "a.mp4", "--overlay", "./a.mp4"],
            "the output (-o) and --overlay are both a.mp4; name two different files",
        ),
        (
            ["photo.png", "-o", "a.avi"],
            "cannot write a.avi: .avi is no known ending; use one of .mp4, .mov, .mkv, .webm, "
            ".gif, .webp, or none for a folder of PNG frames",
        ),
        (
            ["photo.png", "--last-frame", "a.tga"],
            "cannot write the last frame to a.tga: its ending must be one of .png, .jpg, .jpeg, "
            ".webp",
        ),
        (["--from", "no.mp4"], "there is no file at no.mp4; check the name"),
        (
            ["photo.png", "--max-pixels", "1000"],
            "photo.png is 64x48, 3072 pixels; the limit is 1000; allow it with --max-pixels 3072",
        ),
        (
            ["photo.png", "--size", "90000x90000"],
            "the video is 90000x90000, 8100.0 megapixels; the limit is 64.0; allow it with "
            "--max-pixels 8100000000",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, folder: Path, words: list[str], message: str
) -> None:
    done = run("animate", *words, code=2)
    assert (done.stdout, done.stderr) == ("", f"error: {message}\n")
    assert left(folder) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["--drag", "5,5"],
        ["--drag", "5,5 > 5,5"],
        ["--drag", "nan,5 > 5,5"],
        ["--drag", "500,5 > 5,5"],
        ["--drag", "5,5 > 9,5 @0-99"],
        ["--drag", "5,5 > 9,5", "--drag", "5,5 > 5,9"],
        ["--pin", "1,2,3"],
        ["--box", "1,2,3,4 > 5"],
        ["--tracks", "photo.png"],
        ["--motion", "photo.png"],
        ["-o", "photo.png/out.mp4"],
        ["--from", "photo.png"],
    ],
)
def test_what_other_rooms_refuse_is_one_line_too(run: Run, folder: Path, words: list[str]) -> None:
    done = run("animate", "photo.png", *words, code=2)
    assert done.stderr.startswith("error: ")
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert left(folder) == set()


def test_a_newer_document_and_a_record_without_one(run: Run, scene: Path, folder: Path) -> None:
    data = json.loads(scene.read_text()) | {"version": 2}
    scene.write_text(json.dumps(data))
    done = run("animate", "--motion", scene.name, code=2)
    assert done.stderr.startswith("error: scene.motion.json: the document is of version 2; this ")
    (folder / "x.json").write_text(json.dumps({"kineograph": "0.1.0", "document": []}))
    done = run("animate", "--from", "x.json", code=2)
    assert done.stderr == (
        "error: x.json was not made by `kineograph animate`: its record holds no document; give "
        "one that was\n"
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_leaves_nothing(
    folder: Path,
    start: Callable[..., subprocess.Popen[str]],
    number: signal.Signals,
    code: int,
) -> None:
    process = start(
        *("animate", "photo.png", *DRAG, "--frames", "20000", "-o", "out.mp4"),
        *("--overlay", "drawn", "--last-frame", "last.png"),
    )
    patience = time.monotonic() + 60
    while not any(folder.glob(".*/out.mp4")):  # until it is writing, out of sight
        assert time.monotonic() < patience
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(number)
    said = process.communicate(timeout=30)
    assert (process.returncode, said) == (code, ("", "stopped; nothing was written\n"))
    assert left(folder) == set()
