"""What an evaluation found, with what is needed to read it."""

import dataclasses
import json
from pathlib import Path

from depthkit.utils.output_file import atomic_path


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation, with what is needed to read it.

    Attributes:
        conditions: what makes results comparable: the protocol, or the transform of the images.
        images: number of images measured.
        skipped: number of images without a valid pixel of ground truth, or unreadable.
        metrics: of depth `METRIC_NAMES`, rmse and sq_rel [m], silog x100, and boundaries; of classes top1 and top5 [%].
        images_per_second: reading, prediction and measuring, of all processes together, without start-up.
        device: the device of each process.
        processes: number of processes.
        runtime: what ran the network, see `DepthPredictor.use_runtime`.
        precision: of its numbers.
        config: name of the config.
        checkpoint: path of the checkpoint.
    """

    conditions: dict[str, str | bool]
    images: int
    skipped: int
    metrics: dict[str, float]
    images_per_second: float
    device: str
    processes: int
    runtime: str
    precision: str
    config: str
    checkpoint: str

    def table(self) -> str:
        """Return the result as a few lines of text."""
        names = list(self.metrics)
        widths = [max(len(name), 8) for name in names]
        if "protocol" in self.conditions:
            mirrored = ", averaged with the mirrored image" * bool(self.conditions["flip"])
            conditions, reason = (
                f"protocol    {self.conditions['protocol_description']}{mirrored}",
                "without a valid pixel",
            )
        else:
            conditions, reason = f"transform   {self.conditions['transform']}", "unreadable"
        return "\n".join(
            [
                f"checkpoint  {self.checkpoint}",
                conditions,
                f"images      {self.images}" + (f" ({self.skipped} {reason} skipped)" if self.skipped else ""),
                f"speed       {self.images_per_second:.2f} images/s on {self.device}, {self.runtime} {self.precision}, "
                f"{self.processes} process(es)",
                "",
                "  ".join(name.rjust(width) for name, width in zip(names, widths, strict=True)),
                "  ".join(
                    f"{value:.4f}".rjust(width) for value, width in zip(self.metrics.values(), widths, strict=True)
                ),
            ]
        )

    def write_json(self, path: str | Path) -> None:
        """Write everything as JSON, the conditions as keys of their own, the metrics in full precision.

        Raises:
            InputError: `path` cannot be written.
        """
        with atomic_path(path) as temporary:
            content = dataclasses.asdict(self)
            content = {**content.pop("conditions"), **content}
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
