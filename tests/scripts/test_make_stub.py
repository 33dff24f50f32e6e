"""The stub of the package is what its table says."""

from __future__ import annotations

import runpy

from playing import ROOT


def test_the_committed_stub_is_what_the_table_makes() -> None:
    script = runpy.run_path(str(ROOT / "scripts/make_stub.py"))
    assert script["STUB"].read_text(encoding="utf-8") == script["stub"](), "run: python scripts/make_stub.py"


def test_every_benchmark_set_has_its_stub() -> None:
    script = runpy.run_path(str(ROOT / "scripts/make_stub.py"))
    stubs = script["dataset_stubs"]()
    assert len(stubs) == 16
    written = {path: path.read_text(encoding="utf-8") for path in stubs}
    assert written == stubs, "run: python scripts/make_stub.py"
