"""The network of a depth model in other runtimes and precisions: onnxruntime, OpenVINO, torch.compile."""
