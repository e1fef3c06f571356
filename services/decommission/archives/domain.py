"""What is wrong with a package. Pure."""

from services.decommission.reasons import Reasoned


class PackageDamaged(Reasoned):
    """What stands where a package was kept cannot be handed out as one."""

    code = "package_damaged"
    kind = "conflict"
    zh = "归档包已损坏,无法导出:{why}"
    en = "The archive package is damaged and cannot be handed out: {why}"
