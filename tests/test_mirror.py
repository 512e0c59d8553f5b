"""The tests mirror the package: `sklearn_audio/a/_b.py` is tested in `tests/a/test_b.py`, or listed here."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "sklearn_audio"
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
MODULES = {source for source in SOURCES if not Path(source).stem.startswith("__")}
# Reason: module: its test file and a name used there, of the module or of one that imports it.
ELSEWHERE = {
    "one of several of its kind, which are tested side by side": {
        "classification/_bert.py": "classification/test_sequences.py BERTClassifier",
        "classification/_frame_mlp.py": "classification/test_sequences.py FrameMLPClassifier",
        "classification/_lstm.py": "classification/test_sequences.py LSTMClassifier",
        "classification/_token_mean.py": "classification/test_sequences.py TokenMeanClassifier",
        "embedding/_ast.py": "embedding/test_base.py ASTEmbedder",
        "embedding/_efficientat.py": "embedding/test_base.py EfficientATEmbedder",
        "embedding/_musicnn.py": "embedding/test_base.py MusiCNNEmbedder",
        "embedding/_openl3.py": "embedding/test_base.py OpenL3Embedder",
        "embedding/_panns.py": "embedding/test_base.py PANNsEmbedder",
        "embedding/_speech.py": "embedding/test_base.py SpeechEmbedder",
        "engine/models/_clap_text.py": "classification/test_zero_shot.py ZeroShotClassifier",
        "embedding/_yamnet.py": "embedding/test_base.py YAMNetEmbedder",
        "engine/models/_efficientat.py": "engine/models/test_card.py CARDS",
        "engine/models/_native.py": "embedding/test_hugging_face.py HuggingFaceEmbedder",
        "engine/models/_native_kinds.py": "embedding/test_hugging_face.py HuggingFaceEmbedder",
        "engine/models/_musicnn.py": "engine/models/test_card.py CARDS",
        "engine/models/_openl3.py": "engine/models/test_card.py CARDS",
        "engine/models/_panns.py": "engine/models/test_card.py CARDS",
        "engine/models/_speech_embedding.py": "engine/models/test_card.py CARDS",
        "engine/models/_vggish.py": "engine/models/test_card.py CARDS",
        "engine/models/_yamnet.py": "engine/models/test_card.py CARDS",
        "nets/_bc_resnet.py": "nets/test_architectures.py BCResNet",
        "nets/_bert.py": "nets/test_sequences.py SequenceBERT",
        "nets/_cnn4.py": "nets/test_architectures.py Cnn4",
        "nets/_efficientat.py": "nets/test_backbones.py EfficientAT",
        "nets/_few_audio.py": "nets/test_architectures.py Timbre",
        "nets/_flat.py": "nets/test_sequences.py SequenceMLP",
        "nets/_fnet.py": "nets/test_architectures.py FNet",
        "nets/_panns.py": "nets/test_backbones.py Cnn14DecisionLevel",
        "nets/_panns_residual.py": "nets/test_backbones.py MobileNetV2",
        "nets/_recurrent.py": "nets/test_sequences.py SequenceLSTM",
        "nets/_vggish.py": "nets/test_backbones.py VGGish",
        "testing/_ambient.py": "testing/test_suite.py audio_checks",
        "testing/_audio.py": "testing/test_suite.py audio_checks",
        "testing/_contract.py": "testing/test_suite.py audio_checks",
        "testing/_failed_fits.py": "testing/test_suite.py audio_checks",
        "testing/_sequences.py": "testing/test_suite.py audio_checks",
    },
    "a format or a step of reading: one set of recordings is read through all of them": {
        "files/_chunks.py": "files/test_damage.py packed",
        "files/_decoder.py": "files/test_lengths.py read_audio",
        "files/_decoding.py": "files/test_damage.py find_links",
        "files/_flac.py": "files/test_lengths.py read_audio",
        "files/_headers.py": "files/test_lengths.py read_audio",
        "files/_info.py": "files/test_stream.py audio_info",
        "files/_joined.py": "files/test_lengths.py read_audio",
        "files/_mpeg.py": "files/test_odd_lengths.py read_audio",
        "files/_sample_bytes.py": "files/test_lengths.py read_audio",
        "files/_sndfile.py": "files/test_formats.py read_audio",
        "files/_units.py": "files/test_lengths.py read_audio",
    },
    "tested through the public name that it serves": {
        "_sklearn.py": "test_output.py FloatOutputMixin",
        "_stamp.py": "embedding/test_cache.py PANNsEmbedder",
        "_version.py": "cli/test_parser.py main",
        "classification/_audio_input.py": "classification/test_cnn_audio.py CNNClassifier",
        "classification/_detector_training.py": "classification/test_detector.py SoundEventDetector",
        "classification/_fine_tuning.py": "classification/test_fine_tuned.py FineTunedClassifier",
        "classification/_labels.py": "classification/test_neural.py TokenMeanClassifier",
        "classification/_learned_space.py": "classification/test_prototypical.py PrototypicalClassifier",
        "classification/_probe.py": "classification/test_fine_tuned.py FineTunedClassifier",
        "classification/_prototypes.py": "classification/test_prototypical.py PrototypicalClassifier",
        "classification/_trained_network.py": "classification/test_neural.py TokenMeanClassifier",
        "classification/_training_parameters.py": "classification/test_training_options.py TokenMeanClassifier",
        "cli/_help.py": "cli/test_parser.py main",
        "cli/_compute.py": "cli/test_train.py _MAX_SECONDS",
        "datasets/_archives.py": "datasets/test_digits.py fetch_spoken_digits",
        "datasets/_columns.py": "datasets/test_table.py load_audio_table",
        "datasets/_table_files.py": "datasets/test_table.py load_audio_table",
        "display/_labels.py": "display/test_events.py EventDisplay",
        "dsp/_clip_level.py": "preprocessing/test_acoustic.py AcousticFeatures",
        "dsp/_compression.py": "dsp/test_front_end.py FrontEnd",
        "embedding/_embedder_parameters.py": "test_shared_parameters.py VGGishEmbedder",
        "embedding/_hear_module.py": "embedding/test_hear.py HEAREmbedder",
        "embedding/_outputs.py": "embedding/test_base.py segments",
        "embedding/_own_weights.py": "embedding/test_own_embedder.py PretrainedEmbedder",
        "engine/_layer_body.py": "inspection/test_network.py NetworkEmbedder",
        "engine/_prompts.py": "classification/test_zero_shot.py ZeroShotClassifier",
        "engine/_tuned_network.py": "classification/test_fine_tuned.py FineTunedClassifier",
        "engine/models/_taggers.py": "classification/test_tagger.py AudioTagger",
        "engine/training/_content.py": "classification/test_training_options.py LSTMClassifier",
        "metrics/_event_counts.py": "metrics/test_events.py event_f1",
        "nets/_transformer.py": "nets/test_sequences.py SequenceBERT",
        "preprocessing/_frames.py": "preprocessing/test_mel.py MelSpectrogramTransformer",
        "preprocessing/_front_end_parameters.py": "preprocessing/test_contradictions.py MelSpectrogramTransformer",
        "ragged/_rectangular.py": "ragged/test_ragged.py Ragged",
        "ragged/_statistics.py": "ragged/test_ragged.py Ragged",
        "testing/_fresh_process.py": "testing/test_suite.py check_pickle_in_fresh_process",
        "tokenization/_engines.py": "tokenization/test_kmeans.py KMeansAudioTokenizer",
        "tokenization/_tokens.py": "tokenization/test_counts.py TokenCounts",
        "validation/_values.py": "validation/test_audio.py check_audio",
    },
    "tested with the modules around it, in one scene": {
        "_column_names.py": "validation/test_guide.py PATH_NAMES",
        "dsp/_presets.py": "parity/test_front_ends.py preset",
        "engine/_scratch_values.py": "engine/training/test_row_store.py ScratchValues",
        "engine/models/_labels.py": "embedding/test_base.py audioset_labels",
        "engine/training/_callbacks.py": "classification/test_neural.py TokenMeanClassifier",
        "engine/training/_inference.py": "engine/training/test_dataset.py predict_logits",
        "engine/training/_state.py": "nets/test_frame_network.py network_to_state",
        "ragged/_builder.py": "ragged/test_ragged.py RaggedBuilder",
    },
}
LISTED = {module: place for modules in ELSEWHERE.values() for module, place in modules.items()}


def mirrored(module: str) -> Path:
    path = TESTS / module
    return path.with_name(f"test_{path.stem.strip('_')}.py")


def defined_names(tree: ast.Module) -> set[str]:
    """Names of the functions, classes, methods and constants of a module."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    statements = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    names = {node.id for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return functions | names


@cache
def tree_of(source: str) -> ast.Module:
    return ast.parse((PACKAGE / source).read_text())


@cache
def names_of(source: str) -> set[str]:
    return defined_names(tree_of(source))


@cache
def imports_of(source: str) -> set[str]:
    return imported_modules(tree_of(source))


def imported_modules(tree: ast.Module) -> set[str]:
    """Modules of the package that a module imports; names from a package count as imports of where they are defined."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_audio"):
            base = "/".join(node.module.split(".")[1:])
            names = {alias.name for alias in node.names}
            found |= {f"{base}.py", *(f"{base}/{name}.py".lstrip("/") for name in names)}
            found |= {source for source in SOURCES if source.rpartition("/")[0] == base and names_of(source) & names}
    return found & set(SOURCES)


def users_of(module: str) -> set[str]:
    """The module and all that import it, directly or through others."""
    found, left = set(), {module}
    while left:
        found |= left
        left = {user for user in SOURCES if imports_of(user) & left} - found
    return found


def test_every_module_has_its_test_file_or_is_listed():
    """Add `tests/a/test_b.py` for `sklearn_audio/a/_b.py`, or an entry of `ELSEWHERE`."""
    missing = {module for module in MODULES if not mirrored(module).exists()}
    assert missing - LISTED.keys() == set()


def test_the_list_has_no_entry_that_is_not_needed():
    assert len(LISTED) == sum(len(modules) for modules in ELSEWHERE.values())
    assert LISTED.keys() - MODULES == set()
    assert {module for module in LISTED if mirrored(module).exists()} == set()


def test_files_in_the_list_test_what_is_listed():
    wrong = []
    for module, place in LISTED.items():
        path, name = place.split()
        words = set(re.findall(r"\w+", (TESTS / path).read_text()))
        if name not in words or not any(name in names_of(user) for user in users_of(module)):
            wrong.append((module, place))
    assert wrong == []
