"""Depth of videos and cameras. Needs PyAV: `pip install 'depthkit[video]'`."""
