"""Trained models as single files for other runtimes: torch.export's .pt2, and ONNX."""
