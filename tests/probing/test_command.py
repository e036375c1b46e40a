"""The command: what it asks of the user's code, what it says when it cannot measure, and its exit codes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from probing.cases import RESULTS

import movingtarget
from movingtarget.probing import batches, command
from movingtarget.probing.as_json import read_json
from movingtarget.probing.batches import batches_of
from movingtarget.probing.command import main
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.users_code import reason, said

USERS = """\
import torch
from torch import nn

DATA = [(torch.ones(4, 3), torch.zeros(4, dtype=torch.long))] * 3
NUMBER = 3


def parts():
    network = nn.Linear(3, 2)
    return network, nn.functional.cross_entropy, torch.optim.SGD(network.parameters(), lr=0.1)


def build():
    network, loss, optimiser = parts()
    return network, loss, DATA, optimiser


def batches():
    yield from DATA


def raises():
    width = 0
    raise RuntimeError(f"width is {width},\\n  allowed: 1 or more")


def raises_deep():
    return nn.Linear(3, 2)(torch.ones(4, 5))


def leaves():
    raise SystemExit(3)


def wants(argument):
    return argument


def returns_none():
    pass


def returns_two():
    return parts()[:2]


def wrong_network():
    network, loss, optimiser = parts()
    return network.forward, loss, optimiser


def wrong_optimiser():
    network, loss, optimiser = parts()
    return network, loss, 0.1


def wrong_loss():
    network, loss, optimiser = parts()
    return network, "cross-entropy", optimiser
"""

REAL = """
from functools import partial


def summed():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    batches = [(part, (part[:, 0] > 0).long()) for part in torch.randn(64, 3).split(16)]
    loss = partial(nn.functional.cross_entropy, reduction="sum")
    return network, loss, batches, torch.optim.SGD(network.parameters(), lr=0.001)


def one_batch():
    network, loss, batches, optimiser = summed()
    return network, loss, batches[:1], optimiser


def fails():
    network, loss, batches, optimiser = summed()
    return network, loss, [(inputs[:, :2], targets) for inputs, targets in batches], optimiser
"""

LINE = {
    name: USERS.splitlines().index(line) + 1
    for name, line in {
        "raises": '    raise RuntimeError(f"width is {width},\\n  allowed: 1 or more")',
        "raises_deep": "    return nn.Linear(3, 2)(torch.ones(4, 5))",
    }.items()
}


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """A module of the user's in the current folder, under a name of its own in each test."""
    name = f"users_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(USERS + REAL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


@pytest.fixture
def asked(monkeypatch):
    """What the probe was asked, in the place of the real one, which answers with `asked["answer"]`."""
    asked = {"answer": replace(RESULTS["odd"], findings=())}

    def probe(network, loss, batches, optimiser, passes=50, say=None):
        asked.update(network=network, loss=loss, batches=batches, optimiser=optimiser, passes=passes)
        say("pass 1 of 50")
        if isinstance(asked["answer"], BaseException):
            raise asked["answer"]
        return asked["answer"]

    monkeypatch.setitem(vars(movingtarget), "probe", probe)
    return asked


@pytest.mark.parametrize(("name", "code"), [("healthy", 0), ("too_fast", 1), ("cut", 1)])
def test_the_exit_code_tells_whether_something_was_found(name, code, module, asked, capsys):
    asked["answer"] = RESULTS[name]
    assert main(["probe", f"{module}:build"]) == code
    assert read_json(Path("probe/probe.json")) == RESULTS[name]
    assert Path("probe/probe.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    shown = capsys.readouterr()
    assert "Wrote probe/probe.html" in shown.out.replace(os.sep, "/")
    assert "at most 50 passes forward and as many backward" in shown.err.splitlines()[0]
    assert "pass 1 of 50" in shown.err


def test_what_was_built_is_what_is_probed(module, asked, tmp_path):
    output = tmp_path / "some" / "where"
    assert main(["probe", f"{module}:build", "--passes", "20", "--output", str(output)]) == 0
    users = sys.modules[module]
    assert asked["batches"] is users.DATA
    assert asked["loss"] is torch.nn.functional.cross_entropy
    assert asked["optimiser"].param_groups[0]["params"][0] is asked["network"].weight
    assert asked["passes"] == 20
    assert {path.name for path in output.iterdir()} == {"probe.html", "probe.json"}


def test_a_real_probe_is_written_and_told(module, capsys):
    assert main(["probe", f"{module}:summed"]) == 1
    result = read_json(Path("probe/probe.json"))
    assert "loss-summed" in [finding.name for finding in result.findings]
    assert [layer.name for layer in result.layers] == ["0", "2"]
    assert max(result.passes.forward, result.passes.backward) <= 50
    assert Path("probe/probe.html").read_text(encoding="utf-8").count("<svg") == 2
    assert "The loss is a sum over examples" in capsys.readouterr().out


@pytest.mark.parametrize("function", ["one_batch", "fails"])
def test_what_a_real_probe_cannot_measure_is_one_line(function, module, capsys):
    assert main(["probe", f"{module}:{function}"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("movingtarget: could not measure: ")
    assert ("mat1 and mat2" in last) == (function == "fails")
    assert "Traceback" not in last


@pytest.mark.parametrize("name", ["DATA", "batches"])
def test_data_by_a_dotted_name(name, module, asked):
    assert main(["probe", f"{module}:parts", "--data", f"{module}:{name}"]) == 0
    assert len([*asked["batches"]]) == 3


def test_data_goes_before_the_batches_of_the_function(module, asked):
    main(["probe", f"{module}:build", "--data", f"{module}:batches"])
    assert asked["batches"] is not sys.modules[module].DATA


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("raises", "raised RuntimeError: width is 0, allowed: 1 or more ({file}:{line})"),
        (
            "raises_deep",
            "raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x5 and 3x2) ({file}:{line})",
        ),
        ("leaves", "raised SystemExit: 3"),
        ("wants", "raised TypeError: wants() missing 1 required positional argument"),
        ("biuld", "has no 'biuld' (did you mean build?)"),
        ("NUMBER", "is a int; allowed: a function without arguments"),
        (
            "returns_none",
            "returned a NoneType; allowed: (network, loss, optimiser) or (network, loss, batches,",
        ),
        ("returns_two", "returned a tuple of 2; allowed:"),
        ("wrong_network", "network is a method; allowed: a torch.nn.Module"),
        ("wrong_optimiser", "optimiser is a float; allowed: a torch.optim.Optimizer"),
        ("wrong_loss", "loss is a str; allowed: a function of outputs and targets"),
        ("parts", "returned no batches; return them, or name some by --data"),
    ],
)
def test_what_is_wrong_with_the_users_code_is_one_line(function, message, module, asked, tmp_path, capsys):
    assert main(["probe", f"{module}:{function}"]) == 2
    shown = capsys.readouterr()
    expected = message.format(file=tmp_path / f"{module}.py", line=LINE.get(function))
    assert expected in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""
    assert "network" not in asked
    assert not Path("probe").exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no_such_module:build", "no module no_such_module in"),
        ("torch.no_such:build", "no module torch.no_such in"),
        ("build", "'build' names no object; write module:name"),
        (":build", "names no object"),
    ],
)
def test_a_module_that_is_not_there(place, message, module, asked, capsys):
    assert main(["probe", place]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import no_such_library\n",
            "raised ModuleNotFoundError: No module named 'no_such_library' ({file}:1)",
        ),
        ("x = 1\n1 / 0\n", "raised ZeroDivisionError: division by zero ({file}:2)"),
        ("x = 1\ndef build(:\n", "raised SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_raises(text, message, module, asked, tmp_path, capsys):
    path = tmp_path / f"{module}_raises.py"
    path.write_text(text, encoding="utf-8")
    assert main(["probe", f"{module}_raises:build"]) == 2
    said = capsys.readouterr().err
    assert message.format(file=path) in said
    assert len(said.splitlines()) == 1


def test_a_measurement_that_fails_is_one_line(module, asked, capsys):
    asked["answer"] = RuntimeError("it\nbroke")
    assert main(["probe", f"{module}:build"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("movingtarget: could not measure: RuntimeError: it broke (")
    assert not [*Path("probe").iterdir()]


def test_a_pass_that_exits_is_no_success(module, asked, capsys):
    asked["answer"] = SystemExit(0)
    assert main(["probe", f"{module}:build"]) == 2
    assert "SystemExit" in capsys.readouterr().err


def test_the_answer_is_told_though_the_pages_cannot_be_written(module, asked, capsys):
    Path("probe/probe.html").mkdir(parents=True)
    assert main(["probe", f"{module}:build"]) == 2
    assert "trouble" in capsys.readouterr().out


def test_control_c_is_130(module, asked, capsys):
    asked["answer"] = KeyboardInterrupt()
    assert main(["probe", f"{module}:build"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "movingtarget: interrupted"


def test_a_folder_that_cannot_be_written(module, asked, capsys):
    Path("probe").write_text("a file", encoding="utf-8")
    assert main(["probe", f"{module}:build"]) == 2
    assert "FileExistsError" in capsys.readouterr().err
    assert "network" not in asked


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5"])
def test_counts_are_whole_and_positive(value, capsys):
    with pytest.raises(SystemExit) as left:
        main(["probe", "module:build", "--passes", value])
    assert left.value.code == 2
    assert "is not a whole number of 1 or more" in capsys.readouterr().err


def test_a_refusal_of_ours_is_told_as_it_stands():
    with pytest.raises(ValueError, match="named_data") as ours:
        batches_of("named_data", 4, print)
    assert reason(ours.value) == str(ours.value)
    with pytest.raises(ValueError, match="one") as theirs:
        raise ValueError("one")
    assert reason(theirs.value) == said(theirs.value) != "one"


def written(folder, inputs, targets):
    folder.mkdir(exist_ok=True)
    for name, array in (("inputs", inputs), ("targets", targets)):
        np.save(folder / f"{name}.npy", array)
    return str(folder)


def test_a_folder_of_arrays_is_cut_into_batches(tmp_path):
    inputs = np.arange(22, dtype=np.float64).reshape(11, 2)
    folder = written(tmp_path / "data", inputs, np.arange(11))
    found = batches_of(folder, 4, print)
    first, again = [*found], [*found]
    assert [len(targets) for _, targets in first] == [4, 4]
    seen = torch.cat([targets for _, targets in first])
    assert len(seen.unique()) == 8
    assert seen.tolist() != sorted(seen.tolist())
    for (numbers, targets), (same, _) in zip(first, again, strict=True):
        assert torch.equal(numbers, torch.from_numpy(inputs)[targets].float())
        assert torch.equal(numbers, same)
        assert numbers.dtype == torch.float32


def test_fewer_examples_than_a_batch_are_one_batch(tmp_path):
    folder = written(tmp_path / "data", np.ones((3, 2)), np.arange(3))
    assert [len(targets) for _, targets in batches_of(folder, 4, print)] == [3]


def test_arrays_are_read_where_they_lie(tmp_path, monkeypatch):
    """Only the rows of a batch are read of a file that is larger than what is free."""
    folder = tmp_path / "data"
    written(folder, np.ones(1), np.zeros(10**6, np.int8))
    array = np.lib.format.open_memmap(folder / "inputs.npy", "w+", np.float32, (10**6, 2500))  # 10 GB, sparse
    array[:10] = 1
    del array
    inputs, _ = next(iter(batches_of(str(folder), 8, print)))
    assert inputs.shape == (8, 2500)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (
            np.ones((5, 2)),
            np.ones(4),
            r"inputs.npy is \(5, 2\), targets.npy \(4,\); allowed: as many targets",
        ),
        (np.ones(()), np.ones(()), r"inputs.npy is \(\)"),
        (np.ones((0, 2)), np.ones(0), "inputs.npy is empty"),
        (np.array(["a", "b"]), np.ones(2), "inputs.npy cannot be read"),
        (np.array([None, 1]), np.ones(2), "inputs.npy cannot be read"),
    ],
)
def test_arrays_that_do_not_fit(inputs, targets, message, tmp_path):
    folder = written(tmp_path / "data", inputs, targets)
    with pytest.raises(CannotMeasure, match=message) as error:
        batches_of(folder, 4, print)
    assert "\n" not in str(error.value)


def test_a_folder_without_arrays(tmp_path):
    with pytest.raises(CannotMeasure, match=r"there is no .*inputs\.npy"):
        batches_of(str(tmp_path), 4, print)
    (tmp_path / "inputs.npy").write_bytes(b"not an array")
    with pytest.raises(CannotMeasure, match=r"inputs\.npy cannot be read"):
        batches_of(str(tmp_path), 4, print)


def test_unknown_data_names_what_is_allowed():
    with pytest.raises(
        CannotMeasure, match=r"'fashion' is unknown.*allowed: mnist, fashion-mnist, digits, a folder"
    ):
        batches_of("fashion", 4, print)


def test_digits_come_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(batches.pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.delenv("MOVINGTARGET_DATA", raising=False)
    found = [*batches_of("digits", 100, lambda line: None)]
    inputs, labels = found[0]
    assert inputs.shape == (100, 1, 8, 8)
    assert inputs.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert len(found) == 14
    everything = torch.cat([inputs for inputs, _ in found])
    assert abs(everything.mean()) < 0.05
    assert abs(everything.std() - 1) < 0.05


def test_data_that_cannot_be_had_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(batches.pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setenv("MOVINGTARGET_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CannotMeasure, match="nowhere") as error:
        batches_of("mnist", 4, print)
    assert "\n" not in str(error.value)


def test_help_and_the_library_need_no_torch():
    script = (
        "import sys, movingtarget; from movingtarget.probing.command import main\n"
        "try: main(['probe', '--help'])\n"
        "except SystemExit as left: code = left.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules; sys.exit(code)"
    )
    source = str(Path(command.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--data" in done.stdout
    assert "exit codes: 0 healthy" in done.stdout


def test_the_library_has_what_it_has():
    with pytest.raises(AttributeError, match="has no attribute 'prone'"):
        _ = movingtarget.prone
