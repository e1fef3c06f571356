"""A contract of our own for import-linter: purity by file name, so that a new module is judged without being listed."""

from grimp import ImportGraph
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain import fields
from importlinter.domain.contract import ContractCheck
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression


class PureContract(ForbiddenContract):
    """Every module of a capability decides and does no I/O, unless its file name says that it acts.

    Options, beside those of `forbidden`:
        - capabilities: packages whose modules are meant, also those in packages below them.
        - acting: names of files that may do I/O, in whatever capability they stand.
        - acting_packages: packages whose modules are one use case each, or one implementation of a port each.
        - excepted: single modules that may, each a debt or an adapter.
    """

    type_name = "pure"

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    capabilities = fields.SetField(subfield=fields.ModuleExpressionField())
    acting = fields.SetField(subfield=fields.StringField())
    acting_packages = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    excepted = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """The check of `forbidden`, over the modules that must be pure.

        Raises:
            ValueError: an excepted module does not exist, or none is left to check.
        """
        packages = {each.name for each in module_expressions_to_modules(graph, self.capabilities)}
        excepted = {each.name for each in module_expressions_to_modules(graph, self.excepted or set())}
        of_acting = {each.name for each in module_expressions_to_modules(graph, self.acting_packages or set())}
        pure = {
            module
            for module in graph.modules
            if not (graph.is_module_squashed(module) or graph.find_children(module))
            and any(module.startswith(f"{package}.") for package in packages)
            and module not in excepted
            and not (module.rpartition(".")[0] in of_acting and not module.endswith(".domain"))
            and module.rpartition(".")[2] not in self.acting
        }
        if not pure:
            raise ValueError("no module is meant by this contract")
        self.source_modules = {ModuleExpression(name) for name in pure}
        return super().check(graph, verbose)
