"""Train the arms that docs/results.md compares: small models that differ in one thing.

    python benchmarks/mini_ablations.py RUN ARMS [--seeds N] [--share S] [--only QUESTION]

RUN is a run of the recipe `mini` whose motion stage is done; every arm goes on from there, on clips
of 64x64, with steps times S. Arms that are there already are left as they are.
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
    "few": 1200,
    "spacing": 1.4,
    "objects": [1, 1],
    "camera": 0.2,
    "motions": {"slide": 1.0},
}
SIDE = 64
STEPS = {"picture": 300, "prompts": 200}
PICTURE = {
    "picture": AdapterChoice(kind="picture-concat", options={"mask": True}),
    "motion": AdapterChoice(kind="joint-motion"),
}


@dataclass(frozen=True)
class Ablation:
    """One arm: what is trained, stage by stage.

    Args:
        question: that it belongs to.
        name: of the arm.
        stages: of its recipe.
        seeds: how many trainings at most.
        displacements: whether what says the motion is told of tracks as displacements.
        also: another question that the same arm answers, and what it is called there.
    """

    question: str
    name: str
    stages: tuple[Stage, ...]
    seeds: int = 3
    also: tuple[str, str] | None = None
    displacements: bool = True


def ablations(share: float) -> Iterator[Ablation]:
    """All arms, those that others go on from first."""
    picture, prompts = (max(1, round(held * share)) for held in STEPS.values())
    first = _stage("picture", picture, PICTURE, focal=Focal(strength=1.0), boxes=False)
    plain = _stage("picture", picture, PICTURE, boxes=False)
    yield Ablation("text", "focal", (first,))
    yield Ablation("text", "plain", (plain,))
    held = {name: _from(name) for name in PICTURE}
    for how in ("dense", "sparse", "log-uniform"):
        stage = _stage("prompts", prompts, held, tracks=how, boxes=False)
        also = ("encodings", "displacements") if how == "log-uniform" else None
        yield Ablation("tracks", how, (first, stage), seeds=1, also=also)
    volumes = AdapterChoice(kind="track-control", options={"raster": 8, "channels": 64})
    carried = AdapterChoice(kind="track-propagation")
    for name, adapter in (("volumes", volumes), ("propagation", carried)):
        told = {**held, "tracks": adapter}
        stage = _stage("prompts", prompts, told, tracks="log-uniform", boxes=False)
        yield Ablation("encodings", name, (first, stage), seeds=1, displacements=False)
    boxes = _stage("prompts", prompts, held)
    yield Ablation("boxes", "two-stage", (first, boxes), seeds=1)
    joint = _stage("prompts", picture + prompts, PICTURE, focal=Focal(strength=1.0))
    yield Ablation("boxes", "joint", (joint,), seeds=1)


def train(ablation: Ablation, base: Mapping[str, str], arms: Path, seed: int) -> None:
    """Train an arm with a seed, and put its export where arms are measured."""
    names = ((ablation.question, ablation.name), *([ablation.also] if ablation.also else []))
    targets = [arms / question / name / str(seed) for question, name in names]
    if all(target.exists() for target in targets):
        return
    stages = tuple(stage.model_copy(update={"seed": seed}) for stage in ablation.stages)
    recipe = Recipe(
        name="mini-arm", base=base["model"], motion=base["motion"], data=DATA, stages=stages
    )
    out = arms / "runs" / f"{ablation.question}-{ablation.name}-{seed}"
    shared = arms / "runs" / f"text-focal-{seed}" / "picture"
    if len(stages) > 1 and shared.is_dir() and not out.exists():
        shutil.copytree(shared, out / "picture")
        save_recipe(recipe, out / RECIPE)
        _tell(out / "picture" / "trained" / "adapters" / "motion", ablation.displacements)
    (done,) = Run(recipe, out, device="cpu", workers=0).train(resume=True)[-1:]
    for target in targets:
        settings = target.parent.parent / "settings.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"side": SIDE, "keys": 4}), encoding="utf-8")
        shutil.copytree(done.trained, target, dirs_exist_ok=True)
    print(f"{ablation.question} {ablation.name} {seed}: {done.trained}", flush=True)


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
    boxes: bool = True,
) -> Stage:
    learns = ("unet", "text", *(f"adapters.{held}" for held in adapters))
    told = {"boxes": 0.1 if boxes else 1.0, "tracks": 0.1}
    return Stage(
        name=name,
        trains=learns,
        base="stage:picture" if any(held.source for held in adapters.values()) else None,
        adapters=adapters,
        sampling=Sampling(
            frames=4, size=(SIDE, SIDE), strides=(1,), picture="first", motion=8, tracks=tracks
        ),
        dropout=Dropout(text=0.1, **told),
        objective=Objective(prediction="flow", motion=8.0, revealed=3.0, focal=focal),
        optimiser=Optimiser(lr=1e-3, betas=(0.9, 0.99), schedule="linear", warmup=50),
        steps=steps,
        batch=16,
        precision="bf16",
        save_every=10_000,
        keep=1,
    )


def _from(name: str) -> AdapterChoice:
    return AdapterChoice(kind=PICTURE[name].kind, source="stage:picture")


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
    for seed in range(given.seeds):
        for ablation in ablations(given.share):
            if seed < ablation.seeds and given.only in (None, ablation.question):
                train(ablation, base, given.arms, seed)


if __name__ == "__main__":
    main()
