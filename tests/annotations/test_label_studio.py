"""Tasks of Label Studio."""

import json

import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table


def region(start, end, *labels, **others):
    return {
        "id": others.pop("id", "x1y2"),
        "from_name": "label",
        "to_name": "audio",
        "type": "labels",
        "value": {"start": start, "end": end, "labels": list(labels), **others},
    }


def task(path, **parts):
    return {"id": 7, "data": {"audio": path}, **parts}


def read(tmp_path, tasks, **options):
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    return annotations.read(tmp_path / "tasks.json", **options)


def test_finished_tasks(tmp_path):
    people = [{"completed_by": 1, "was_cancelled": False, "result": [region(0.5, 1.25, "dog", "owl", channel=0)]}]
    guesses = [{"model_version": "m", "result": [region(3.0, 4.0, "cat")]}]
    finished = task("/data/local-files/?d=site%201/a.wav", annotations=people, predictions=guesses)
    empty = task("b.wav", annotations=[{"completed_by": 1, "result": []}], predictions=guesses)
    events = read(tmp_path, [finished, empty, task("c.wav", annotations=None, predictions=guesses)])
    assert rows(events) == [
        ("site 1/a.wav", 0.5, 1.25, "dog"),
        ("site 1/a.wav", 0.5, 1.25, "owl"),
        ("c.wav", 3.0, 4.0, "cat"),
    ]
    assert events["channel"].fillna(0).tolist() == [1, 1, 0]
    assert "annotator" not in events.columns


def test_what_several_people_said(tmp_path):
    people = [
        {"completed_by": {"id": 1, "email": "a@b.c"}, "result": [region(0.0, 1.0, "dog")]},
        {"completed_by": 2, "was_cancelled": True, "result": [region(0.0, 9.0, "dog")]},
        {"completed_by": 3, "result": [region(0.0, 1.5, "dog")]},
    ]
    events = read(tmp_path, [task("a.wav", annotations=people)])
    assert rows(events, "end", "annotator") == [(1.0, "a@b.c"), (1.5, 3)]


def test_the_short_export(tmp_path):
    short = [{"id": 1, "audio": "a.wav", "label": [{"start": 0.5, "end": 1, "channel": 0, "labels": ["dog"]}]}]
    assert rows(read(tmp_path, short)) == [("a.wav", 0.5, 1.0, "dog")]


def test_texts_and_choices_are_no_events(tmp_path):
    broken = {"id": "y", "type": "labels", "value": {"start": 0, "end": 1, "labels": "dog"}}
    text = {"id": "x1y2", "type": "textarea", "value": {"start": 0, "end": 1, "text": ["woof"]}}
    choice = {"id": "z", "type": "choices", "value": {"choices": ["noisy"]}}
    people = [{"completed_by": 1, "result": [region(0, 1, "dog"), text, choice, broken, {"value": None}]}]
    assert rows(read(tmp_path, task("a.wav", annotations=people))) == [("a.wav", 0.0, 1.0, "dog")]


def test_events_become_predictions(tmp_path):
    given = table(score=[0.5, 0.75, 1.0, 0.25], channel=[1, 2, 1, 1])
    annotations.write(given, tmp_path / "tasks.json", recordings=["b.wav"])
    empty, full = json.loads((tmp_path / "tasks.json").read_text())
    assert empty == {"data": {"audio": "b.wav"}}
    assert full["data"] == {"audio": "site/a.wav"}
    (prediction,) = full["predictions"]
    assert prediction["score"] == 0.625
    assert prediction["result"][0] == {
        "from_name": "label",
        "to_name": "audio",
        "type": "labels",
        "value": {"start": 0.1, "end": 0.3, "labels": ["dog"], "channel": 0},
        "id": "event-0",
        "score": 0.5,
    }
    events = annotations.read(tmp_path / "tasks.json")
    assert rows(events, *given.columns) == rows(given, *given.columns)
    assert "region" not in events.columns


def test_regions_keep_their_ids(tmp_path):
    events = read(tmp_path, task("a.wav", predictions=[{"result": [region(0, 1, "dog")]}]))
    annotations.write(events, tmp_path / "again.json")
    assert annotations.read(tmp_path / "again.json")["region"].tolist() == ["x1y2"]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([1], r"task 0 of the annotations '.*' is not a JSON object"),
        ([{"data": 3}], r"task 0 of .* names no recording"),
        (
            [task("a.wav", annotations=[{"result": [3]}])],
            r"task 0 of .* has \[3\] as 'result'; expected a list of objects",
        ),
        ([task(3)], r"task 0 of .* names no recording; expected 'audio' in its data, which has \['audio'\]"),
        (
            [task("a.wav", annotations=[{"result": [{"value": {"labels": ["dog"], "start": 1}}]}])],
            r"task 0 of .* has a label without start and end",
        ),
    ],
)
def test_damage(tmp_path, tasks, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, tasks)


def test_no_json(tmp_path):
    (tmp_path / "tasks.json").write_text('[{"data": ')
    with pytest.raises(ValueError, match=r"the annotations '.*tasks\.json' are not JSON"):
        annotations.read(tmp_path / "tasks.json")
