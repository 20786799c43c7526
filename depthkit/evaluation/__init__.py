"""Metrics of depth maps and the protocols under which they are comparable.

The mm metric around them is `depthkit.evaluation.depth_metric.DepthProtocolMetric`. It is not imported here, because
mmengine and torch cost seconds that the plain functions do not need.
"""

from depthkit.evaluation.metrics import METRIC_NAMES, depth_metrics
from depthkit.evaluation.protocol import PROTOCOLS, Protocol, get_protocol

__all__ = ["METRIC_NAMES", "PROTOCOLS", "Protocol", "depth_metrics", "get_protocol"]
