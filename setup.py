"""The packages: depthkit, and beside it configs/ as depthkit._configs and docs/models/ as depthkit._cards."""

from setuptools import find_namespace_packages, find_packages, setup

configs = ["depthkit._configs", *(f"depthkit._configs.{folder}" for folder in find_namespace_packages("configs"))]
setup(
    packages=[*find_packages(include=["depthkit*"]), *configs, "depthkit._cards"],
    package_dir={"depthkit._configs": "configs", "depthkit._cards": "docs/models"},
)
