"""Train the arms that docs/results.md compares: small models that differ in one thing.

    python benchmarks/mini_ablations.py RUN ARMS [--seeds N] [--share S] [--only QUESTION]

RUN is a run of the recipe `mini` whose motion stage is done. From there one model is trained that
all arms share, on clips of 64x64 whose words say a way: it is given pictures, and neither tracks,
boxes nor the motion focal loss. Every arm then goes on from it, but the joint one of the boxes,
which is as long as both together. Steps are times S. Arms that are there already are left as they
are.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kineograph.training.export import engine_settings
from kineograph.training.recipe import Recipe
from kineograph.training.run import RECIPE, Run, save_recipe
from kineograph.training.stage import (
    AdapterChoice,
    Dropout,
    Focal,
    Objective,
    Optimiser,
    Sampling,
    Stage,
)

DATA: dict[str, Any] = {
    "kind": "scenes",
    "few": 3000,
    "spacing": 1.4,
    "objects": [1, 1],
    "camera": 0.2,
    "motions": {"slide": 1.0},
}
SIDE, KEYS = 64, 4
STEPS = {"shared": 600, "arm": 120}
PICTURE = {
    "picture": AdapterChoice(kind="picture-concat", options={"mask": True}),
    "motion": AdapterChoice(kind="joint-motion"),
}


@dataclass(frozen=True)
class Ablation:
    """One arm: what is trained.

    Args:
        question: that it belongs to.
        name: of the arm.
        stage: its own; after the shared one, unless it starts anew.
        anew: whether it starts where the shared one did.
        seeds: how many trainings at most.
        displacements: whether what says the motion is told of tracks as displacements.
        also: another question that the same arm answers, and what it is called there.
    """

    question: str
    name: str
    stage: Stage
    anew: bool = False
    seeds: int = 3
    also: tuple[str, str] | None = None
    displacements: bool = True


def ablations(share: float) -> Iterator[Ablation]:
    """All arms."""
    steps = _steps(share)["arm"]
    held = {name: _from(name) for name in PICTURE}
    focal = Focal(strength=1.0)
    yield Ablation("text", "focal", _stage("arm", steps, held, focal=focal))
    yield Ablation("text", "plain", _stage("arm", steps, held))
    for how in ("dense", "sparse", "log-uniform"):
        stage = _stage("arm", steps, held, tracks=how)
        also = ("encodings", "displacements") if how == "log-uniform" else None
        yield Ablation("tracks", how, stage, also=also)
    volumes = AdapterChoice(kind="track-control", options={"raster": 8, "channels": 64})
    carried = AdapterChoice(kind="track-propagation")
    for name, adapter in (("volumes", volumes), ("propagation", carried)):
        stage = _stage("arm", steps, {**held, "tracks": adapter}, tracks="log-uniform")
        yield Ablation("encodings", name, stage, displacements=False)
    yield Ablation("boxes", "two-stage", _stage("arm", steps, held, boxes=True))
    joint = _stage("arm", sum(_steps(share).values()), PICTURE, boxes=True)
    yield Ablation("boxes", "joint", joint, anew=True, seeds=1)


def _steps(share: float) -> dict[str, int]:
    return {name: max(1, round(held * share)) for name, held in STEPS.items()}


def train_shared(base: Mapping[str, str], arms: Path, share: float) -> Path:
    """Train what all arms share, or find it; its run."""
    stage = _stage("shared", _steps(share)["shared"], PICTURE)
    out = arms / "runs" / "shared"
    Run(_recipe(base, stage), out, device="cpu", workers=0).train(resume=(out / RECIPE).is_file())
    return out


def train(ablation: Ablation, base: Mapping[str, str], shared: Path, arms: Path, seed: int) -> None:
    """Train an arm with a seed, and put its export where arms are measured."""
    names = ((ablation.question, ablation.name), *([ablation.also] if ablation.also else []))
    targets = [arms / question / name / str(seed) for question, name in names]
    if all(target.exists() for target in targets):
        return
    stage = ablation.stage.model_copy(update={"seed": seed + 1})
    before = [] if ablation.anew else list(Recipe.load(shared / RECIPE).stages)
    recipe = _recipe(base, *before, stage)
    out = arms / "runs" / f"{ablation.question}-{ablation.name}-{seed}"
    if before and not out.exists():
        shutil.copytree(shared / "shared", out / "shared")
        save_recipe(recipe, out / RECIPE)
        _tell(out / "shared" / "trained" / "adapters" / "motion", ablation.displacements)
    (done,) = Run(recipe, out, device="cpu", workers=0).train(resume=(out / RECIPE).is_file())[-1:]
    for target in targets:
        settings = target.parent.parent / "settings.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"side": SIDE, "keys": KEYS}), encoding="utf-8")
        shutil.copytree(done.trained, target, dirs_exist_ok=True)
    print(f"{ablation.question} {ablation.name} {seed}: {done.trained}", flush=True)


def _recipe(base: Mapping[str, str], *stages: Stage) -> Recipe:
    return Recipe(
        name="mini-arm", base=base["model"], motion=base["motion"], data=DATA, stages=stages
    )


def _tell(adapter: Path, displacements: bool) -> None:
    """Whether a motion adapter is told of tracks; where none were given it learnt the same."""
    path = adapter / "config.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["config"]["tracks"] = displacements
    path.write_text(json.dumps(said, indent=2), encoding="utf-8")


def _stage(
    name: str,
    steps: int,
    adapters: dict[str, AdapterChoice],
    *,
    tracks: Any = "none",
    focal: Focal | None = None,
    boxes: bool = False,
) -> Stage:
    learns = ("unet", "text", *(f"adapters.{held}" for held in adapters))
    first = name == "shared" or not any(held.source for held in adapters.values())
    return Stage(
        name=name,
        trains=learns,
        base=None if first else "stage:shared",
        adapters=adapters,
        sampling=Sampling(
            frames=KEYS, size=(SIDE, SIDE), strides=(1,), picture="first", motion=8, tracks=tracks
        ),
        dropout=Dropout(text=0.1, boxes=0.1 if boxes else 1.0, tracks=0.1),
        objective=Objective(prediction="flow", motion=8.0, layers=8.0, revealed=3.0, focal=focal),
        optimiser=Optimiser(
            lr=1e-3 if first else 5e-4, betas=(0.9, 0.99), schedule="linear", warmup=20
        ),
        steps=steps,
        batch=32,
        precision="bf16",
        save_every=10_000,
        keep=1,
    )


def _from(name: str) -> AdapterChoice:
    return AdapterChoice(kind=PICTURE[name].kind, source="stage:shared")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", type=Path)
    parser.add_argument("arms", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--only")
    given = parser.parse_args()
    base = engine_settings(given.run / "motion" / "trained")
    shared = train_shared(base, given.arms, given.share)
    for seed in range(given.seeds):
        for ablation in ablations(given.share):
            if seed < ablation.seeds and given.only in (None, ablation.question):
                train(ablation, base, shared, given.arms, seed)


if __name__ == "__main__":
    main()
