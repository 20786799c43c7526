"""A contact sheet of results, written page by page while they are made."""

from pathlib import Path

from depthkit.apis.result import DepthResult
from depthkit.utils.io import write_rgb
from depthkit.utils.output_file import check_output_file
from depthkit.visualization.color_range import check_range
from depthkit.visualization.contact_sheet import IMAGES_PER_SHEET, Entry, draw_contact_sheet, thumbnail
from depthkit.visualization.depth_map import DEPTH_COLORMAP, colorize
from depthkit.visualization.disparity_map import DISPARITY_COLORMAP, colorize_disparity
from depthkit.visualization.panels import ColorBar


class ContactSheet:
    """Images beside their depth in colour, 60 on a page.

    Args:
        path: of the first page; the others get _2, _3 and so on.
        depth_range: ends of the colours [m], the same for all, drawn as a bar below; None for those of each image,
            which stand in its caption.
        colormap: see `DepthResult.colored`.

    Raises:
        InputError: a page cannot be written.
    """

    def __init__(
        self, path: str | Path, depth_range: tuple[float, float] | None = None, colormap: str | None = None
    ) -> None:
        self.path, self.colormap = Path(path), colormap
        self.depth_range = None if depth_range is None else check_range(depth_range)
        self.pages: list[Path] = []
        self._entries: list[Entry] = []
        self._below = self._above = False  # whether some depth lies beyond an end of the colours
        check_output_file(path)

    def add(self, result: DepthResult, name: str) -> None:
        """Add a result under the name of its image; a page that is full is written."""
        ends = result.color_range(self.depth_range)
        values = thumbnail(result.values, smooth=False)
        if result.kind == "relative":
            colored = colorize_disparity(values, ends, self.colormap or DISPARITY_COLORMAP)
            about = "relative"
        else:
            colored = colorize(values, ends, self.colormap or DEPTH_COLORMAP)
            about = "" if self.depth_range else f"{ends[0]:g} to {ends[1]:g} m"
            self._below |= bool((result.values[result.valid] < ends[0]).any())
            self._above |= bool((result.values[result.valid] > ends[1]).any())
        self._entries.append(Entry(thumbnail(result.image, smooth=True), colored, (name, about)))
        if len(self._entries) == IMAGES_PER_SHEET:
            self.finish()

    def finish(self) -> None:
        """Write the page that is not full yet."""
        if not self._entries:
            return
        number = len(self.pages) + 1
        page = self.path if number == 1 else self.path.with_stem(f"{self.path.stem}_{number}")
        bar = None
        if self.depth_range is not None:
            arrows = {"below": self._below, "above": self._above}
            bar = ColorBar(self.colormap or DEPTH_COLORMAP, *self.depth_range, "depth [m]", **arrows)
        write_rgb(page, draw_contact_sheet(self._entries, bar))
        self.pages.append(page)
        self._entries = []
        self._below = self._above = False
