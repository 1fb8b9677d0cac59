"""A sweep: a plug for each variant on one small budget, measured on tune people beside the base.

All variants see the same examples in the same order. What does not depend on the variant is made once:
item vectors, a block at a time, and the control, which shares no parameter with a plug after the warm
start and is trained for as long wherever its form, place and rates are the same. A variant that is
finished is kept as JSON, and a killed sweep goes on from the checkpoint of the one it was at.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from persona_demo.corpora.people import Person, Split
from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.lm.differentiable import PREFIX_BYTES, DifferentiableLM
from persona_demo.plug.config import Block, PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.training.material import SPLITS, Material, Source, check_sources, examples_of
from persona_demo.training.measure import measure
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions, Trains
from persona_demo.training.population import Population, encode_people, read_people
from persona_demo.training.run import trainer_of
from persona_demo.training.tables import table, tabulate
from persona_demo.training.trainer import Progress, Trainer
from persona_demo.training.variants import Variant

Report = Callable[[str, float | None], None]
FloatArray = NDArray[np.float32]


class Sweep:
    """One sweep of one task."""

    def __init__(
        self,
        source: Source,
        out: Path,
        *,
        models: Models,
        options: TrainOptions,
        variants: Sequence[Variant],
        people: int,
        targets: int,
        report: Report,
        made: Mapping[str, Any] | None = None,
        prefix_bytes: int = PREFIX_BYTES,
    ) -> None:
        """Set up a sweep.

        Args:
            source: Task and corpus folder with the splits ``train`` and ``tune``.
            out: Where everything goes; a killed sweep goes on there.
            models: The frozen models and the base's form.
            options: The budget, and the base's options.
            variants: What to try, the base among them.
            people: Most tune people the figures are of.
            targets: Most texts of each of them.
            report: Told what is being done.
            made: Where the figures come from, for whoever reads the tables.
            prefix_bytes: Memory for inputs that the frozen LM has read; all variants read the same ones.

        Raises:
            UserError: If there is a sweep with another budget in ``out``, or a corpus cannot be read.
        """
        self.source, self.out, self.models, self.options = source, out, models, options
        self.variants, self.report, self.made = variants, report, made
        self.settings: dict[str, Any] = {
            "task": source.task.name,
            "data": source.data.name,
            "split": "tune",
            "most_people": people,
            "targets_per_user": targets,
            "options": asdict(options),
            "form": json.loads(models.config.to_json()),
        }
        self._check_settings()
        check_sources([source])
        self._people: dict[Split, list[Person]] = {
            split: read_people(
                source.data,
                split,
                source.task,
                most_items=options.most_items,
                most_people=people if split == "tune" else None,
                word_filter=options.word_filter,
            )[0]
            for split in SPLITS
        }
        self._lm = DifferentiableLM(models.lm, prefix_bytes=prefix_bytes)
        self._title = ""

    def run(self) -> dict[str, Any]:
        """Train and measure every variant that is not done yet, and write the tables.

        Returns:
            What ``sweep.json`` holds.
        """
        for place, variant in enumerate(self.variants):
            if not self._result(variant).is_file():
                self._title = f"{variant.name} ({place + 1} of {len(self.variants)})"
                record = self._skipped(variant) or self._try(variant)
                _write(self._result(variant), record)
            self._write_tables()
        return self._write_tables()

    def _try(self, variant: Variant) -> dict[str, Any]:
        """Train and measure one variant; one that is impossible here is noted as such."""
        try:
            models = self.models.with_form(**variant.form)
            options = replace(self.options, **variant.options, steps=self.options.steps * variant.longer)
            plug = models.new_plug(seed=options.seed)
            material = self._material(models)
            self.report(f"{self._title}: measuring the population", None)
            material.fit(plug)
        except UserError as error:
            return {**_head(variant), "skipped": str(error)}
        watched = examples_of(
            material.watched[self.source.task.name],
            self.source.task,
            plug,
            encoder=models.encoder,
            codec=models.lm.codec,
            seed=options.seed,
            per_person=self.settings["targets_per_user"],
            last_third=True,
        )
        start, end = self._control(models, options)
        folder = self.out / "running" / variant.name
        trainer = self._trainer(models, options, plug, material, folder, trains="persona")
        if not trainer.resume():
            on_control = plug.config.base == "control"
            _put_control(plug, end if on_control else start)
            if not on_control:
                trainer.step = options.warm_steps
        began = trainer.step
        clock = time.monotonic()
        trainer.run(self._progress)
        pace = (time.monotonic() - clock) / max(trainer.step - began, 1)
        _put_control(plug, end)
        made = measure(
            plug,
            self._lm,
            watched,
            self.source.task.name,
            batch_size=options.batch_size,
            report=lambda share: self.report(f"{self._title}: measuring", share),
        )
        shutil.rmtree(folder, ignore_errors=True)
        values = {name: [round(float(v), 6) for v in getattr(made, name)] for name in ("persona", "other", "control")}
        return {
            **_head(variant),
            "steps": options.steps,
            "seconds_per_step": round(pace, 3),
            "trained_parameters": sum(p.numel() for n, p in plug.named_parameters() if not n.startswith("control")),
            "targets": made.targets,
            "people": {**values, "groups": list(made.groups)},
        }

    def _skipped(self, variant: Variant) -> dict[str, Any] | None:
        """A note on a variant that changes nothing here."""
        labelled = any(item.label is not None for people in self._people.values() for p in people for item in p.items)
        if variant.name in ("no-labels", "no-score") and not labelled:
            return {**_head(variant), "skipped": "Nobody's items have labels."}
        return None

    def _progress(self, p: Progress) -> None:
        if p.step % 5 == 0 or p.step == p.steps:
            minutes = p.seconds_left / 60
            text = f"{self._title}: step {p.step:,}/{p.steps:,}, {p.examples_per_second:.1f} examples/s"
            self.report(f"{text}, {minutes:.0f} min left", None)

    def _material(self, models: Models) -> Material:
        """People with the item vectors of a variant."""
        found = {}
        for split, people in self._people.items():
            blocks = [self._block(split, block, models) for block in models.config.blocks]
            vectors = tuple(np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
            found[split] = Population(tuple(people), vectors, dropped_items=0, dropped_people=0)
        task = self.source.task.name
        return Material(everybody={task: found["train"]}, watched={task: found["tune"]})

    def _block(self, split: Split, block: Block, models: Models) -> list[FloatArray]:
        """Raw vectors of one block of everybody of a split, made once for all variants that read it."""
        config = models.config
        layer = (config.states_layer,) if block == "states" else ()
        labels = () if config.labels else ("unlabelled",)
        name = "-".join((split, block, *layer, *labels))
        return encode_people(
            self._people[split],
            self.source.task,
            models.encoder.with_blocks((block,), states_layer=config.states_layer),
            keep=self.out / "vectors" / f"{name}.safetensors",
            report=lambda message, share: self.report(f"{self._title}: {block}, {message}", share),
            labels=config.labels,
            models=config.item_models,
        )

    def _trainer(
        self,
        models: Models,
        options: TrainOptions,
        plug: PersonaPlug,
        material: Material,
        folder: Path,
        *,
        trains: Trains,
    ) -> Trainer:
        return trainer_of(
            [self.source],
            material,
            plug,
            models,
            options=options,
            folder=folder,
            trains=trains,
            lm=self._lm,
        )

    def _control(self, models: Models, options: TrainOptions) -> tuple[torch.Tensor, torch.Tensor]:
        """The control at the end of the warm start and of the training, trained once for all who share it."""
        config = models.config
        of: list[Any] = [config.place, config.soft_vectors]
        of += [config.soft_scale, options.steps]
        of += [options.warm_steps, options.soft_learning_rate, options.beta2, options.decay_share, options.rise_share]
        of += [options.batch_size, options.clip, options.seed]
        folder = self.out / "controls" / hashlib.sha256(json.dumps(of).encode()).hexdigest()[:16]
        done = folder / "control.safetensors"
        if done.is_file():
            kept = load_file(done)
            return kept["start"], kept["end"]
        plug = models.new_plug(seed=options.seed)
        material = self._material(models)
        trainer = self._trainer(models, options, plug, material, folder, trains="control")
        title, self._title = self._title, f"{self._title}, its control"
        first = folder / "start.safetensors"
        if first.is_file():
            trainer.resume()
        else:
            trainer.run(self._progress, until=options.warm_steps)
            with whole(first) as draft:
                save_file({"start": _control_of(plug)}, draft)
        trainer.run(self._progress)
        self._title = title
        kept = {**load_file(first), "end": _control_of(plug)}
        with whole(done) as draft:
            save_file(kept, draft)
        for path in (first, folder / "checkpoint.safetensors"):
            path.unlink(missing_ok=True)
        return kept["start"], kept["end"]

    def _result(self, variant: Variant) -> Path:
        return self.out / "variants" / f"{variant.name}.json"

    def _check_settings(self) -> None:
        path = self.out / "settings.json"
        if not path.is_file():
            _write(path, self.settings)
            return
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: choose another --out folder.") from error
        # A sweep of before knew fewer options and switches, and had what is their default now.
        known["options"] = {**asdict(TrainOptions()), **known.get("options", {})}
        usual = {each.name: each.default for each in fields(PlugConfig) if each.default is not MISSING}
        known["form"] = {**usual, **known.get("form", {})}
        if known != self.settings:
            raise UserError(f"{self.out} holds a sweep of other settings: choose another --out folder.")

    def _write_tables(self) -> dict[str, Any]:
        """Tables of all that is done so far."""
        files = [self._result(variant) for variant in self.variants]
        records = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.is_file()]
        made = tabulate(self.settings, records, seed=self.options.seed)
        if self.made is not None:
            made["made"] = dict(self.made)
        _write(self.out / "sweep.json", made)
        with whole(self.out / "sweep.md") as draft:
            draft.write_text(table(made) + "\n", encoding="utf-8")
        return made


def _head(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "question": variant.question, "change": variant.change}


def _control_of(plug: PersonaPlug) -> torch.Tensor:
    (task,) = plug.config.tasks
    return plug.control.get_parameter(f"{task}.units").detach().cpu().clone()


@torch.no_grad()
def _put_control(plug: PersonaPlug, units: torch.Tensor) -> None:
    (task,) = plug.config.tasks
    plug.control.get_parameter(f"{task}.units").copy_(units)


def _write(path: Path, record: Mapping[str, Any]) -> None:
    with whole(path) as draft:
        draft.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
