"""The packages: depthkit, and the repository's configs/ as depthkit/_configs/. All else is in setup.cfg."""

from setuptools import find_namespace_packages, find_packages, setup

configs = ["depthkit._configs", *(f"depthkit._configs.{folder}" for folder in find_namespace_packages("configs"))]
setup(packages=[*find_packages(include=["depthkit*"]), *configs], package_dir={"depthkit._configs": "configs"})
