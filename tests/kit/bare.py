"""The verifier as a stranger runs it: one file, a bare interpreter, nothing of the repository in reach."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.verify import jianfu_verify

# With `-I -S` nothing is found but the standard library; these alone are put beside it.
ALONE = ("cryptography", "cffi", "_cffi_backend", "pycparser", "typing_extensions")
START = """
import sys, importlib.abc
sys.path.append({packages!r})
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in {alone!r} and top not in sys.stdlib_module_names and not top.startswith("_sysconfigdata"):
            raise ImportError(f"a stranger has no {{top}}")
sys.meta_path.insert(0, Nothing())
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def standalone(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of the verifier that stands alone in a folder, with only `cryptography` beside the library."""
    packages = str(Path(next(p for p in sys.path if (Path(p) / "cryptography").is_dir())).resolve())
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "jianfu_verify.py"
        shutil.copy(jianfu_verify.__file__, copy)
        start = START.format(packages=packages, alone=ALONE)
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", start, str(copy), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={"PATH": os.defpath, "PYTHONPATH": ""},
        )
