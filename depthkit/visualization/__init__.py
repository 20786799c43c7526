"""Show depth: maps with a colour bar, normals, point clouds and meshes, maps of attended tokens.

Depth becomes an image in `depth_map.colorize`; `depth_map.draw_depth_map` adds the colour bar in metres,
`disparity_map` does the same for relative results, `panels.draw_panels` puts images beside each other. `color_range`
finds the ends of the colours, `palette` knows the colormaps. `token_map` darkens the patches that a layer skips.
"""

from depthkit.visualization.color_range import DEFAULT_RANGE, SharedRange, disparity_range, readable_range
from depthkit.visualization.depth_map import colorize, draw_depth_map, draw_side_by_side
from depthkit.visualization.disparity_map import colorize_disparity, draw_disparity_beside, draw_disparity_map
from depthkit.visualization.normals import colorize_normals, depth_to_normals
from depthkit.visualization.point_cloud import Mesh, depth_to_mesh, depth_to_points, flying_pixels
from depthkit.visualization.token_map import darken_bypassed, draw_token_maps

__all__ = [
    "DEFAULT_RANGE",
    "Mesh",
    "SharedRange",
    "colorize",
    "colorize_disparity",
    "colorize_normals",
    "darken_bypassed",
    "depth_to_mesh",
    "depth_to_normals",
    "depth_to_points",
    "disparity_range",
    "draw_depth_map",
    "draw_disparity_beside",
    "draw_disparity_map",
    "draw_side_by_side",
    "draw_token_maps",
    "flying_pixels",
    "readable_range",
]
