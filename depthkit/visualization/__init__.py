"""Show depth: maps with a colour bar, maps of attended tokens, point clouds.

Depth becomes an image in `depth_map.colorize`; `depth_map.draw_depth_map` adds the colour bar in metres,
`disparity_map` does the same for relative results, `panels.draw_panels` puts images beside each other, and `token_map`
darkens the patches that a layer skips.
"""

from depthkit.visualization.depth_map import DEFAULT_RANGE, colorize, draw_depth_map, draw_side_by_side
from depthkit.visualization.disparity_map import (
    colorize_disparity,
    disparity_range,
    draw_disparity_beside,
    draw_disparity_map,
)
from depthkit.visualization.point_cloud import depth_to_points
from depthkit.visualization.token_map import darken_bypassed, draw_token_maps

__all__ = [
    "DEFAULT_RANGE",
    "colorize",
    "colorize_disparity",
    "darken_bypassed",
    "depth_to_points",
    "disparity_range",
    "draw_depth_map",
    "draw_disparity_beside",
    "draw_disparity_map",
    "draw_side_by_side",
    "draw_token_maps",
]
