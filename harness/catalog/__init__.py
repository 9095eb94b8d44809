"""The catalog: every constant of the model with its unit, range, source and status."""

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
