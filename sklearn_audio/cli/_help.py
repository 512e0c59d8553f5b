"""Description and examples of each command, for `--help`."""

from __future__ import annotations

EXAMPLES = {
    "train": """examples:
  sklearn-audio train recordings/ -o model.joblib            recordings/dog/*.wav, recordings/rain/*.wav, ...
  sklearn-audio train table.csv -o model.joblib --groups speaker --force
  sklearn-audio train recordings/ -o model.joblib --method efficientat --show-code
  sklearn-audio train recordings/ -o model.joblib --config recipe.toml
""",
    "predict": """examples:
  sklearn-audio predict model.joblib new/*.wav > labels.csv
  sklearn-audio predict model.joblib new/ --format jsonl --on-error skip
  sklearn-audio predict model.joblib table.csv             columns of paths and, optionally, starts and ends
  find . -name '*.flac' | sklearn-audio predict model.joblib -
""",
    "report": """examples:
  sklearn-audio report model.joblib held_out/
  sklearn-audio report model.joblib test.csv --groups speaker
""",
    "detect": """examples:
  sklearn-audio detect detector.joblib night/*.wav -o events.csv
  sklearn-audio detect detector.joblib night/ -o events.csv --resume       after an interruption, or for new recordings
  sklearn-audio detect model.joblib night/ --threshold dog=0.7 --hop 0.2 --format raven --beside
""",
    "embed": """examples:
  sklearn-audio embed recordings/ -o vectors/ --embedder efficientat
  sklearn-audio embed night/ -o vectors/ --embedder panns --window 2 --hop 1 --format parquet --resume
""",
    "check": """examples:
  sklearn-audio check recordings/ > problems.csv
""",
    "durations": """examples:
  sklearn-audio durations recordings/ > durations.csv
""",
    "tokenize": """examples:
  sklearn-audio tokenize words.joblib recordings/ --learn 200 > tokens.csv
  sklearn-audio tokenize words.joblib new/ --format jsonl
""",
    "info": """examples:
  sklearn-audio info model.joblib
""",
    "index": """examples:
  sklearn-audio index collection/ -o collection.index --embedder efficientat
  sklearn-audio index night/ -o night.index --embedder panns --window 2 --hop 1 --kind hnsw
""",
    "similar": """examples:
  sklearn-audio similar collection.index query.wav -k 20
  sklearn-audio similar night.index queries/ --format jsonl
""",
    "tag": """examples:
  sklearn-audio tag new/*.wav --top 3 > tags.csv
  sklearn-audio tag new/ --model efficientat_mn10_as --format jsonl
""",
    "evaluate": """examples:
  sklearn-audio evaluate events.csv reference.csv
  sklearn-audio evaluate events.csv labels/ --metric segment --by-name
""",
    "weights": """examples:
  sklearn-audio weights list
  sklearn-audio weights download panns_cnn14 vggish
  sklearn-audio weights verify
""",
    "demo": """examples:
  sklearn-audio demo
  sklearn-audio demo --synthetic
""",
    "completion": """examples:
  source <(sklearn-audio completion bash)                  in ~/.bashrc; for zsh in ~/.zshrc, after compinit
  sklearn-audio completion fish > ~/.config/fish/completions/sklearn-audio.fish
""",
}
ABOUT = {
    "train": "Train a classifier from labelled recordings, print its cross-validated score, and save it.",
    "predict": "Print the label of each recording and the probability of every class, one line per recording, as\n"
    "UTF-8. The model is one that train wrote, or any fitted classifier of recordings that joblib.dump saved.",
    "report": "Score a saved classifier on labelled recordings that it was not trained on.",
    "detect": "Find events in long recordings, which are read once, in blocks. The model is a SoundEventDetector that\n"
    "joblib.dump saved, or any classifier that predict takes. The events of a recording are written as soon as it is\n"
    "finished: to standard output; to a file, which is written at the end from a journal beside it, so that a killed\n"
    "run goes on with --resume; or to a file per recording.",
    "embed": "Compute vectors of recordings, or of windows of them, by a pretrained network. They are written to a\n"
    "folder in parts of up to 256 recordings or 10 minutes, each of which is there whole or not at all, so that a\n"
    "killed run goes on with --resume.",
    "check": "Read all recordings and list those that are unreadable, empty, silent, clipped, duplicates, wrongly\n"
    "named or of another sample rate than most, as CSV with the columns path, problem and details.",
    "durations": "Print the length in seconds, the sample rate and the number of channels of each recording, from its\n"
    "header, and sums on standard error.",
    "tokenize": "Print the tokens of each recording: for each frame, the nearest entry of a vocabulary. It is that\n"
    "of a saved model with a KMeansAudioTokenizer, or is learned from the recordings with --learn.",
    "info": "Print what a saved model is: its labels, its steps, and the recordings it was trained on.",
    "index": "Compute vectors of recordings, or of windows of them, by a pretrained network, and write an index,\n"
    "in which similar finds the nearest ones.",
    "similar": "Print the recordings of an index, or their windows, that are most similar to each query.",
    "tag": "Print the labels of AudioSet, or tags of music, with the highest scores for each recording.",
    "evaluate": "Compare events with a reference, both as files or folders of annotations in any format: precision,\n"
    "recall, F1, error rate and counts, for each label and overall.",
    "weights": "Download the weights of pretrained networks in advance, and verify them.\n"
    "They are stored in the folder named by SKLEARN_AUDIO_HOME, else in the user's cache.",
    "completion": "Print a script for bash, zsh or fish, which completes commands, options and their values.",
    "demo": "Train, report and predict on recordings of spoken digits (downloaded once: 12 MB), or on\n"
    "synthetic sounds without network access. Only the download is kept.",
}
