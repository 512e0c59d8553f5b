"""`--show-code`: the program that is printed trains the same model."""

import contextlib
import io

import joblib
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("few_settings")


def executed(out):
    code = out[out.index("import joblib") :]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "program", "exec"), {})
    return printed.getvalue().strip()


def check(out, target, clips, scored):
    predict = "predict_proba"
    before = getattr(joblib.load(target), predict)(clips)
    printed = executed(out)
    assert f"  {scored} {printed} on held-out recordings" in out
    np.testing.assert_allclose(getattr(joblib.load(target), predict)(clips), before, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "flags", [[], ["--method", "statistics", "--seed", "3", "--folds", "3"]], ids=["plain", "more"]
)
def test_a_folder(folder, sounds, tmp_path, run, flags):
    target = tmp_path / "m.joblib"
    check(run("train", folder, "-o", target, "--show-code", *flags), target, list(sounds.data[:5]), "accuracy")


def test_a_table_with_groups_and_a_network(table, sounds, speech_weights, tmp_path, run):
    target = tmp_path / "m.joblib"
    path = table(tmp_path / "t.csv", site=[f"s{i % 8}" for i in range(40)])
    flags = ["--groups", "site", "--method", "speech", "--weights", speech_weights, "--layer", "conv10,embedding"]
    check(run("train", path, "-o", target, "--show-code", *flags), target, list(sounds.data[:5]), "accuracy")


def test_several_labels(tags, sounds, tmp_path, run):
    target = tmp_path / "m.joblib"
    out = run("train", tags, "-o", target, "--show-code", "--method", "statistics")
    check(out, target, list(sounds.data[:5]), "mean average precision")
