"""All platforms that are known, by their families. Pure."""

from services.registry.platforms.families import (
    international,
    messengers,
    mini_programs,
    publishers,
    social,
    stores,
)
from services.registry.platforms.platform import Platform

FAMILIES = (
    international.FAMILY,
    social.FAMILY,
    messengers.FAMILY,
    publishers.FAMILY,
    stores.FAMILY,
    mini_programs.FAMILY,
)
PLATFORMS: tuple[Platform, ...] = tuple(platform for family in FAMILIES for platform in family)
TABLE = {platform.name: platform for platform in PLATFORMS}
NETWORKS = tuple(platform for platform in PLATFORMS if "app" not in platform.kinds)  # of accounts and groups
STORES = tuple(platform for platform in PLATFORMS if "app" in platform.kinds)
