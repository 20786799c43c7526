"""What everything else stands on: files, configs, cameras, devices and the console."""
