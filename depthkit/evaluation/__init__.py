"""Metrics of depth maps, and the protocols under which they are comparable.

- To add a metric of depth: in `metrics.py`, add the sum that it needs to `ErrorSums`, compute the sum in `error_sums`,
  the metric in `ErrorSums.metrics`, and add its name to `METRIC_NAMES` and to the docstring of `depth_metrics`.
- What is measured at the edges of things, and not of every pixel, is in `boundaries.py`.
- To add a protocol: append a `Protocol` to the table at the end of `protocol.py`; configs choose it by name.
- To evaluate another kind of prediction: derive a class from mmengine's `BaseMetric` as `accuracy.py` does, register it
  with ``@METRICS.register_module()``, and add its module to METRICS in `depthkit/registry.py`.

The mm metric `depthkit.evaluation.depth_metric.DepthProtocolMetric` is not imported here, because mmengine and torch
take seconds that the plain functions do not need.
"""

from depthkit.evaluation.metrics import METRIC_NAMES, depth_metrics
from depthkit.evaluation.protocol import PROTOCOLS, Protocol, get_protocol

__all__ = ["METRIC_NAMES", "PROTOCOLS", "Protocol", "depth_metrics", "get_protocol"]
