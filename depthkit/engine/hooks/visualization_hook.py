"""Draw predictions while a model trains."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmengine.visualization import LocalVisBackend
from mmseg.structures import SegDataSample

from depthkit.engine.drawings import FOLDER, draw_over_epochs, drawing_path, note_drawn
from depthkit.registry import HOOKS
from depthkit.utils.io import write_rgb
from depthkit.utils.output_file import shorten
from depthkit.utils.output_folder import make_output_folder
from depthkit.utils.validation import Index, validate_arguments
from depthkit.visualization import DEFAULT_RANGE, draw_side_by_side
from depthkit.visualization.color_range import check_metres


@HOOKS.register_module()
class DepthVisualizationHook(Hook):
    """At each validation, draw image | truth | prediction | error of a few images to ``work_dir/vis``.

    They are the same images each time, spread over the validation set (of the first process, when there are
    several), with the same range in metres, so that they can be compared across iterations. They also go to the
    Runner's visualizer where that has a backend such as Weights & Biases. After the training those of each image are
    put below each other (`draw_over_epochs`).

    Args:
        num_images: how many images at each validation.
        depth_range: ends of the colour bar [m].

    Raises:
        InputError: an argument of another type, or an empty range; later, a drawing cannot be written.
    """

    priority = "LOW"

    @validate_arguments
    def __init__(self, num_images: Index = 4, depth_range: tuple[float, float] = DEFAULT_RANGE) -> None:
        self.num_images = num_images
        self.depth_range = check_metres(depth_range)

    @master_only
    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample]
    ) -> None:
        """Draw the first image of every batch that was chosen."""
        batches = len(runner.val_dataloader)
        chosen = np.linspace(0, batches - 1, min(self.num_images, batches)).round()
        if batch_idx not in chosen:
            return
        sample = outputs[0]
        image = data_batch["inputs"][0].cpu().numpy().transpose(1, 2, 0)
        pred = _depth_map(sample.pred_depth_map)
        gt = _depth_map(sample.gt_depth_map) if "gt_depth_map" in sample else None
        drawing = draw_side_by_side(image, pred, gt, self.depth_range)
        make_output_folder(Path(runner.work_dir) / FOLDER)
        name = f"val_{batch_idx:04d}_{shorten(Path(sample.get('img_path', '')).stem, 200)}"
        write_rgb(drawing_path(runner.work_dir, name, runner.iter), drawing)
        note_drawn(runner)
        for backend in runner.visualizer._vis_backends.values():
            if not isinstance(backend, LocalVisBackend):  # it would write the same file a second time
                backend.add_image(name, drawing, step=runner.iter)

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Put the drawings of each image below each other."""
        draw_over_epochs(runner)


def _depth_map(element: PixelData) -> np.ndarray:
    return element.data.squeeze(0).float().cpu().numpy()
