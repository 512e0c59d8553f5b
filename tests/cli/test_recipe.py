"""`train --config`: options and a pipeline from a TOML file, and what it refuses."""

import argparse
import sys

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from sklearn_audio.classification import CNNClassifier
from sklearn_audio.cli import _parser, main
from sklearn_audio.cli._recipe import option_keys

STEPS = """
[[steps]]
estimator = "MFCCTransformer"
parameters = {sample_rate = 8000, n_mfcc = 5}
[[steps]]
estimator = "SequencePooling"
parameters.statistics = ["mean", "p90"]
[[steps]]
name = "forest"
estimator = "sklearn.ensemble.RandomForestClassifier"
parameters = {n_estimators = 5, random_state = 0}
"""


@pytest.fixture
def recipe(tmp_path):
    """Write a recipe, and return the options that name it and an output."""

    def write(text):
        (tmp_path / "recipe.toml").write_text(text)
        return ["--config", tmp_path / "recipe.toml", "-o", tmp_path / "m.joblib", "--force"]

    return write


def test_steps_and_a_grid(folder, sounds, tmp_path, run, recipe):
    out = run("train", folder, *recipe(STEPS + "[grid]\nforest__max_depth = [1, 4]\n"), "--show-code")
    assert "best of 2 settings" in out
    assert "MFCCTransformer, SequencePooling, RandomForestClassifier, forest__max_depth=" in out
    model, paths = joblib.load(tmp_path / "m.joblib"), list(sounds.data[:6])
    assert model[0].n_mfcc == 5
    assert model[1].statistics == ["mean", "p90"]
    assert isinstance(model[-1], RandomForestClassifier)
    lines = run("predict", tmp_path / "m.joblib", *paths).splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == model.predict(paths).tolist()


def test_the_program_gives_the_same_score(folder, tmp_path, run, recipe, capsys):
    out = run("train", folder, *recipe(STEPS + "[grid]\nmfcctransformer__n_mfcc = [3, 5]\n"), "--show-code")
    exec(compile(out[out.index("import joblib") :], "program", "exec"), {})
    printed = capsys.readouterr().out.strip()
    assert f"  accuracy {printed} on held-out recordings" in out


def test_flags_win_and_info_tells_what_was_used(folder, tmp_path, run, recipe):
    out = run("train", folder, *recipe(f"folds = 3\nseed = 5\ngroup-pattern = 'source(.)'\n{STEPS}"), "--folds", "2")
    assert "2-fold cross-validation by groups" in out
    lines = run("info", tmp_path / "m.joblib").splitlines()
    assert "config: folds = 2" in lines
    assert "config: seed = 5" in lines
    assert 'config: group-pattern = "source(.)"' in lines
    assert any(line.startswith('config: steps = [{"estimator": "MFCCTransformer"') for line in lines)


@pytest.mark.usefixtures("few_settings")
def test_options_alone(folder, tmp_path, run, recipe):
    run("train", folder, *recipe('method = "tokens"\nsample-rate = 8000\nfolds = 2'))
    assert joblib.load(tmp_path / "m.joblib").train_config_["sample-rate"] == 8000


def test_a_list_where_the_option_takes_commas(sounds, tmp_path, table, run, recipe):
    columns = {"loud": np.arange(40) % 2, "high": np.arange(40) % 3 // 2}
    path = table(tmp_path / "t.csv", **columns)
    run("train", path, *recipe(f'label = ["loud", "high"]\n{STEPS}'))
    assert joblib.load(tmp_path / "m.joblib").label_names_ == ["loud", "high"]


def test_estimators_in_estimators(tags, tmp_path, run, recipe, refused):
    union = """
[[steps]]
estimator = "sklearn.pipeline.FeatureUnion"
[steps.parameters]
transformer_list = [["mfcc", {estimator = "sklearn.pipeline.Pipeline", parameters.steps = [
    ["mfcc", {estimator = "MFCCTransformer", parameters.sample_rate = 8000}],
    ["pool", {estimator = "SequencePooling"}]]}]]
[[steps]]
estimator = "sklearn.multiclass.OneVsRestClassifier"
parameters.estimator = {estimator = "sklearn.linear_model.LogisticRegression", parameters.max_iter = 1000}
"""
    assert "mean average precision" in run(
        "train", tags, *recipe(union + "[grid]\nonevsrestclassifier__estimator__C=[1]")
    )
    assert joblib.load(tmp_path / "m.joblib")[-1].estimator.max_iter == 1000
    single = STEPS.replace("ensemble.RandomForest", "naive_bayes.Gaussian").replace("GaussianClassifier", "GaussianNB")
    single = single[: single.index("parameters = {n_est")]
    refused(["train", tags, *recipe(single)], "GaussianNB, the last step of the recipe, gives one label per recording")


def test_one_step(folder, tmp_path, run, recipe):
    network = """
[[steps]]
estimator = "CNNClassifier"
[steps.parameters]
architecture = "crnn"
front_end = {estimator = "FrontEnd", parameters = {sample_rate = 8000, n_mels = 32}}
max_epochs = 1
[grid]
lr = [0.001]
"""
    run("train", folder, *recipe(network), "--folds", "2", "--jobs", "2")
    model = joblib.load(tmp_path / "m.joblib")
    assert isinstance(model, CNNClassifier)
    assert (model.front_end.n_mels, model.n_jobs) == (32, 2)


def test_features_that_learn_nothing_are_computed_once(folder, sounds, run, recipe, monkeypatch):
    from sklearn_audio import MFCCTransformer

    n_clips = []
    transform = MFCCTransformer.transform
    monkeypatch.setattr(MFCCTransformer, "transform", lambda self, X: (n_clips.append(len(X)), transform(self, X))[1])
    run("train", folder, *recipe(STEPS + "[grid]\nforest__max_depth = [1, 2, 4]\n"))
    assert sum(n_clips) <= 2 * len(sounds.data)  # once for all fits, and once for the model
    found = []
    monkeypatch.setattr(Pipeline, "set_params", lambda self, **given: (found.append(given), self)[1])
    run("train", folder, *recipe(STEPS))
    assert found == [{}, {}]


FIRST = STEPS.split("[[steps]]")[1]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("folds = ", "is not TOML: "),
        ("fold = 3", "unknown key of the recipe"),
        ("fold = 3", "did you mean 'folds'?"),
        ("force = true", "unknown key of the recipe"),
        ("folds = true", "key 'folds' of the recipe: got True; write it as the option --folds takes it"),
        ('folds = ["a"]', "key 'folds' of the recipe: got ['a']"),
        ("[grid]\na = [1]", "has a [grid], but no [[steps]]"),
        ("[steps]\nestimator = 'SVC'", "begin each with [[steps]], in double brackets"),
        ("grid = 3", "[grid] of the recipe: got 3; it must be a table"),
        (f'method = "crnn"\n{STEPS}', "has both a method and [[steps]]"),
        (f"sample-rate = 8000\n{STEPS}", "--sample-rate is without effect for the [[steps]] of --config"),
        (f'layer = "a"\n{STEPS}', "--layer is for a method with one pretrained network, and --method is recipe"),
        ('method = "recipe"', "unknown --method 'recipe'"),
        ("steps = [3]", "step 1 of the recipe of the recipe: got 3; it must be a table"),
        ("[[steps]]\nname = 'x'", "step 1 of the recipe: got estimator=None; name one, such as 'MFCCTransformer'"),
        ("[[steps]]\nestimator = 'MFCCTransfomer'", "did you mean 'MFCCTransformer'?"),
        ("[[steps]]\nestimater = 'MFCCTransformer'", "did you mean 'estimator'?"),
        ("[[steps]]\nestimator = 'sklearn.svm.SVX'", "did you mean 'SV"),
        ("[[steps]]\nestimator = 'sklearn.smv.SVC'", "there is no module 'sklearn.smv'"),
        ("[[steps]]\nestimator = 'os.system'", "is neither a class of this library"),
        ("[[steps]]\nestimator = 'sklearn._config.set_config'", "Recipes run no other code"),
        ("[[steps]]\nestimator = 'sklearn.utils.Bunch'", "is not an estimator, so it cannot be a step"),
        ("[[steps]]\nestimator = 'HEAREmbedder'", "HEAREmbedder runs the code of another module"),
        ("[[steps]]\nestimator = 'sklearn.pipeline.Pipeline'\nparameters.memory = 'x'", "unknown parameter of step 1"),
        ("[[steps]]\nestimator = 'MFCCTransformer'\nparameters.n_mfc = 3", "did you mean 'n_mfcc'?"),
        ("[[steps]]\nestimator = 'MFCCTransformer'\nparameters = 3", "parameters of step 1 of the recipe"),
        ("[[steps]]\nestimator = 'sklearn.multiclass.OneVsRestClassifier'", "(OneVsRestClassifier): "),
        (
            "[[steps]]\nestimator = 'SequencePooling'\nname = 'a__b'",
            "got the name 'a__b'; it must be text without '__'",
        ),
        (f"[[steps]]{FIRST}[[steps]]{FIRST}", "two steps of the recipe are called 'mfcctransformer'"),
        (f"[[steps]]{FIRST}", "'mfcctransformer', must be a classifier"),
        (f"[[steps]]\nestimator = 'sklearn.svm.SVC'\n{STEPS}", "step 'svc' of the recipe has no transform"),
        (STEPS + "[grid]\nforest__depth = [1]", "did you mean 'forest__max_depth'?"),
        (STEPS + "[grid]\nforest__max_depth = 1", "it must be a list of values to try"),
        (STEPS + "[grid]\nforest__max_depth = []", "it must be a list of values to try"),
        (STEPS.replace("n_mfcc = 5", "n_mfcc = -5"), "'n_mfcc' parameter of MFCCTransformer must be"),
    ],
)
def test_recipes_that_are_refused(folder, tmp_path, refused, recipe, text, part):
    refused(["train", folder, *recipe(text)], part)
    assert not (tmp_path / "m.joblib").exists()


def test_a_recipe_that_cannot_be_read(folder, tmp_path, refused):
    flags = ["train", folder, "-o", tmp_path / "m.joblib", "--config"]
    refused([*flags, tmp_path / "no.toml"], "the recipe ", "cannot be read: No such file")
    (tmp_path / "latin.toml").write_bytes(b'groups = "\xe9"')
    refused([*flags, tmp_path / "latin.toml"], "is not TOML")


def test_steps_that_do_not_fit_together(folder, refused, recipe):
    text = "[[steps]]\nestimator = 'CNNClassifier'\nparameters.max_epochs = 1"
    refused(
        ["train", folder, *recipe(text)], "the steps of the recipe do not fit together: ", "Turn recordings into frames"
    )


def test_a_method_beside_steps(folder, refused, recipe):
    refused(
        ["train", folder, *recipe(STEPS), "--method", "crnn"], "--method crnn and the [[steps]] of --config exclude"
    )


def test_values_are_checked_as_options_are(folder, tmp_path, recipe, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in ["train", folder, *recipe("folds = 1")]])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert "argument --folds: got 1; it must be 2 or more" in err
    assert "the options are those of the recipe" in err


def test_the_arguments_of_the_process(folder, tmp_path, recipe, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sklearn-audio", *map(str, ["train", folder, *recipe("seed = 7\n" + STEPS)])])
    monkeypatch.setattr(_parser, "separate_results", lambda: None)
    assert main() == 0
    assert joblib.load(tmp_path / "m.joblib").train_config_["seed"] == 7


def test_every_option_with_a_value_has_a_key():
    options = _parser.build_parser().parse_args(["train", "x", "-o", "y"])
    commands = next(a for a in _parser.build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    actions = [action for action in commands.choices["train"]._actions if action.option_strings and action.nargs != 0]
    flags = {action.option_strings[-1][2:] for action in actions}
    assert set(option_keys(options)) == flags - {"output", "config", "log"}
