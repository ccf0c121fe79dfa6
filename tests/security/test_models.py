"""A model folder from a stranger is data: neither weights that are pickles nor code that lies beside them are run."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from deployments.engines.pretrained import load_model, load_tokenizer
from deployments.engines.roles import EngineRole
from schemas.config_engines import TransformersEngine
from schemas.errors import ModelError
from tests.doubles.tiny_models import save_generator

pytestmark = pytest.mark.slow


class Harm:
    """Unpickled, it leaves a file."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self._trace,)  # type: ignore[return-value]


def load(folder: Path) -> object:
    config = TransformersEngine(model=str(folder), device="cpu")
    tokenizer = load_tokenizer(config.model, EngineRole.GENERATOR)
    return load_model(config, EngineRole.GENERATOR, tokenizer)


@pytest.mark.parametrize("honest", [True, False])
def test_weights_that_are_a_pickle_are_refused(tmp_path: Path, honest: bool) -> None:
    """The same weights as a `pytorch_model.bin`, once as they are and once with something that runs when unpickled."""
    folder = save_generator(tmp_path / "model")
    weights = dict(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    trace = tmp_path / "trace"
    torch.save(weights if honest else weights | {"harm": Harm(trace)}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load(folder)
    assert not trace.exists()


def test_code_beside_a_model_is_not_run(tmp_path: Path) -> None:
    """Its configuration asks for a class of its own file, as many on the hub do; nobody is asked on the terminal."""
    folder = save_generator(tmp_path / "model")
    trace = tmp_path / "trace"
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(trace)!r}).touch()\nclass Own: ...\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}
    for kind in (config["model_type"], "of_its_own"):
        (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))
        try:
            load(folder)
        except ModelError as error:
            assert kind == "of_its_own", error
        assert not trace.exists()


def test_the_folder_of_these_tests_can_be_loaded(tmp_path: Path) -> None:
    """What is refused above is refused for its form alone."""
    assert load(save_generator(tmp_path / "model")) is not None
