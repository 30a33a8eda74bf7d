"""The floors of the house: who may import whom, and what stays out of memory until it's needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the ground up. A module belongs to the longest name here that it starts with, and may import its own floor and
# those below it. A new module under engine/ takes its place in this list.
FLOORS = (
    ("engine.errors", "engine.syllabus", "engine.device", "engine.seeding"),
    ("engine.data",),
    ("engine.kinds",),
    ("engine.params",),
    ("engine.functional", "engine.models"),
    ("engine.examples",),
    ("engine.training",),
    ("engine.results",),
    ("engine.figures",),
    ("engine.lab",),
    ("engine.snapshot", "engine.labs"),
    ("engine.share", "engine.export", "engine.executor"),
    ("engine.cli", "engine.__main__"),
    ("pages._ui",),
    ("pages",),
    ("streamlit_app",),
)
HEAVY = ("torch", "torchvision", "sklearn", "librosa", "dlib")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = [path for pattern in ("engine/**/*.py", "pages/**/*.py", "streamlit_app.py") for path in ROOT.glob(pattern)]
MODULES = {module_of(path): path for path in sorted(FILES)}


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def floor(module: str) -> int | None:
    """The floor's number, the package ``engine`` itself lying under all of them; None where it has no place yet."""
    if module == "engine":
        return -1
    places = [(len(name), number) for number, names in enumerate(FLOORS) for name in names if inside(module, name)]
    return max(places)[1] if places else None


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield other
                yield from statements(other)
        else:
            yield child
            yield from statements(child)


def imports(module: str) -> set[str]:
    """The full names that a module imports, at the top or inside a function; a name from a package counts as a module."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            named = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else base for name in named}
    return found


IMPORTS = {module: imports(module) for module in MODULES}


def importers(package: str) -> set[str]:
    return {module for module, names in IMPORTS.items() if any(inside(name, package) for name in names)}


def test_every_module_has_a_floor():
    homeless = [module for module in MODULES if floor(module) is None]
    assert not homeless, f"{', '.join(homeless)} has no floor yet: add it to FLOORS in tests/test_floors.py."


def test_no_floor_imports_one_above_it():
    at = {name: floor(name) for name in {*MODULES, *set().union(*IMPORTS.values())} if floor(name) is not None}
    pairs = [(module, name) for module in at if module in IMPORTS for name in IMPORTS[module] if name in at]
    upward = [f"{module} imports {name}" for module, name in pairs if at[name] > at[module]]
    assert not upward, f"A floor must import only what lies below it: {'; '.join(upward)}."


def test_the_engine_never_imports_streamlit():
    assert not [module for module in importers("streamlit") if inside(module, "engine")]


def test_only_figures_import_plotly():
    assert not [module for module in importers("plotly") if not inside(module, "engine.figures")]


def test_the_scan_sees_what_it_should():
    assert "engine.params" in MODULES and "engine.errors" in IMPORTS["engine.params"]
    assert "engine.syllabus" in IMPORTS["engine.lab"], "a module imported from its package is found by its full name"
    assert "engine.params" not in IMPORTS["engine.lab"], "what only a type checker reads doesn't count"
    assert "torch" in IMPORTS["engine.device"], "an import inside a function counts"


def run(code: str) -> set[str]:
    """The words that a fresh interpreter prints last."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set((done.stdout.splitlines() or [""])[-1].split())


def test_importing_the_engine_loads_nothing_heavy():
    unwanted = ("streamlit", "plotly", *HEAVY)
    print_loaded = f"import sys; print(*[name for name in {unwanted} if name in sys.modules])"
    assert run(f"import engine; {print_loaded}") == set()
    assert run(f"import engine.lab; engine.lab.found(); engine.lab.covered(); {print_loaded}") == set()


HOME = f"""
import builtins
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

seen, plain = set(), builtins.__import__

# Only the page's script counts: a thread that warms up PyTorch behind the finished page has no script context.
def watch(name, *rest, **more):
    if name.partition(".")[0] in {HEAVY} and get_script_run_ctx(suppress_warning=True):
        seen.add(name.partition(".")[0])
    return plain(name, *rest, **more)

builtins.__import__ = watch
page = AppTest.from_file("streamlit_app.py").run(timeout=60)
assert not page.exception, page.exception
print(*seen)
"""


def test_the_home_page_loads_nothing_heavy():
    assert run(HOME) == set()
