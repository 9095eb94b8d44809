"""The catalog: every constant of the model with its unit, range, source and status."""

import sys
from types import ModuleType

from harness.catalog.catalog import Catalog, Profile, ProfileGroup, SoldConfiguration
from harness.catalog.constant import Constant, Status, Value
from harness.catalog.constants import Constants
from harness.catalog.loader import load_catalog

__all__ = [
    "Catalog",
    "Constant",
    "Constants",
    "Profile",
    "ProfileGroup",
    "SoldConfiguration",
    "Status",
    "Value",
    "load_catalog",
]


class _CallableModule(ModuleType):
    """Package that is also called, as ``harness.catalog()``: both have this name."""

    def __call__(self) -> Catalog:
        return load_catalog()


sys.modules[__name__].__class__ = _CallableModule
