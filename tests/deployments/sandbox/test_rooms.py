"""What a sandbox does around programs, without running one: names of files, folders that are removed, star imports."""

import os
from pathlib import Path

import pytest

from deployments.sandbox.inside import served
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.python import MAIN
from deployments.sandbox.inside.requests import RoomLimits
from deployments.sandbox.inside.rooms import Shared
from deployments.sandbox.sandbox import Sandbox
from schemas.programs import Program, ProgramLimits, Source

LIMITS = RoomLimits(cpu_s=1, wall_s=1, memory_mib=64, processes=1, output_kib=1, files_mib=1, files=16)


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (("/etc/passwd",), "not a path inside the program's folder: '/etc/passwd'"),
        (("../x",), "not a path inside the program's folder: '../x'"),
        (("a/../../x",), "not a path inside the program's folder: 'a/../../x'"),
        (("",), "not a path inside the program's folder: ''"),
        (("a\0b",), "not a path inside the program's folder: 'a\\\\x00b'"),
        (("a/",), "not a path inside the program's folder: 'a/'"),
        (("//x",), "not a path inside the program's folder: '//x'"),
        (("a//b", "a/b"), "not a path inside the program's folder: 'a//b'"),
        (("a", "./a"), r"not a path inside the program's folder: './a'"),
        (("a/b", "a"), "both a file and a folder in the program's folder: 'a'"),
        (("a", "a/b/c"), "both a file and a folder in the program's folder: 'a'"),
        ((f"{MAIN}/x",), "both a file and a folder in the program's folder: 'main.py'"),
        (("é" * 128,), "a name of more than 255 bytes in the program's folder: 'ééé"),
    ],
)
async def test_a_name_that_is_no_file_in_the_folder_is_refused(paths: tuple[str, ...], says: str) -> None:
    """Whoever builds a program from a model's words may build such a path; a worker would end by it."""
    sandbox = Sandbox(ProgramLimits(), workers=0)
    with pytest.raises(ValueError, match=says) as refused:
        await sandbox.run(Program(run=Source(""), files=dict.fromkeys(paths, b"")))
    assert "\n" not in str(refused.value)


def test_links_and_files_among_the_folders_are_removed(tmp_path: Path) -> None:
    """Without namespaces a program can leave anything beside its folder: what a link leads to stays as it is."""
    outside, above = tmp_path / "outside", tmp_path / "above"
    (outside / "folder").mkdir(parents=True)
    (outside / "folder" / "file").write_text("ours")
    (outside / "folder").chmod(0o755)
    above.mkdir()
    room = Shared(Processes(), str(above))
    [scratch] = above.iterdir()
    own = Path(room.furnish(LIMITS))
    for place in (scratch, own):
        (place / "link").symlink_to(outside / "folder")
        (place / "to nothing").symlink_to(tmp_path / "nothing")
        (place / "file").write_text("x")
    os.mkfifo(scratch / "pipe")
    deep = own
    for _ in range(50):
        deep = deep / ("d" * 60)
        deep.mkdir()
    (own / "closed" / "inner").mkdir(parents=True)
    (own / "closed").chmod(0)
    scratch.rename(above / "moved")
    scratch.symlink_to(outside / "folder")
    room.leave()
    assert [path.name for path in above.iterdir()] == ["moved"]
    assert list((above / "moved").iterdir()) == []
    assert (outside / "folder").stat().st_mode & 0o777 == 0o755
    assert (outside / "folder" / "file").read_text() == "ours"


def test_a_star_import_is_found_before_anything_runs() -> None:
    """The names of a solution are in another process."""
    assert served.star_import("import os\nif os:\n    from solution import *\n") == 3
    assert served.star_import("from math import *\nfrom solution import f, g\nimport solution") is None
