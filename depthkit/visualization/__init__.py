"""Show depth: maps with a colour bar in metres, maps of attended tokens, point clouds.

Depth becomes an image in `depth_map.colorize`; `depth_map.draw_depth_map` adds the colour bar, `panels.draw_panels`
puts images beside each other, and `token_map` darkens the patches that a layer skips.
"""

from depthkit.visualization.depth_map import DEFAULT_RANGE, colorize, draw_depth_map, draw_side_by_side
from depthkit.visualization.point_cloud import depth_to_points
from depthkit.visualization.token_map import darken_bypassed, draw_token_maps

__all__ = [
    "DEFAULT_RANGE",
    "colorize",
    "darken_bypassed",
    "depth_to_points",
    "draw_depth_map",
    "draw_side_by_side",
    "draw_token_maps",
]
