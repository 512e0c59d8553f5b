"""`KMeansAudioTokenizer`: the vocabulary, batches, spaces, mistakes."""

import importlib
import pickle
import sys

import faiss
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from sklearn_audio import KMeansAudioTokenizer, MelSpectrogramTransformer, Ragged
from sklearn_audio.tokenization import _engines, _kmeans, _passes
from sklearn_audio.tokenization._frame_space import FrameSpace
from sklearn_audio.tokenization._passes import VocabularyPass

RNG = np.random.default_rng(0)
PLACES = 10 * RNG.normal(size=(8, 5)).astype(np.float32)
CLIPS = [(PLACES[RNG.integers(0, 8, n)] + RNG.normal(size=(n, 5))).astype(np.float32) for n in (70, 1, 120, 40)]
ALL = np.concatenate(CLIPS)


def unit(frames):
    return frames / np.linalg.norm(frames, axis=1, keepdims=True)


def brute_force(frames, centres):
    return np.square(frames[:, None].astype(np.float64) - centres).sum(axis=2).argmin(axis=1)


@pytest.fixture(params=["faiss", "minibatch"])
def algorithm(request):
    return request.param


# ---- the vocabulary --------------------------------------------------------------------------------------------------


def test_tokens_are_the_nearest_centres(algorithm):
    tokenizer = KMeansAudioTokenizer(8, algorithm=algorithm, random_state=0).fit(CLIPS)
    tokens = tokenizer.transform(CLIPS)
    assert (tokens.dtype, tokens.lengths.tolist()) == (np.int32, [70, 1, 120, 40])
    np.testing.assert_array_equal(tokens.values, brute_force(unit(ALL), tokenizer.cluster_centers_))


def test_tokens_of_recordings_are_the_nearest_centres(shared_data):
    paths = sorted(str(path) for path in (shared_data / "digits").rglob("*.flac"))[::80]
    frames = MelSpectrogramTransformer(8000, n_fft=256, hop_length=80, n_mels=40).fit_transform(paths)
    for normalize in (None, "l2", "standard"):
        tokenizer = KMeansAudioTokenizer(60, normalize=normalize, random_state=0).fit(frames)
        tokens = tokenizer.transform(frames)
        values = frames.values
        if normalize == "l2":
            values = unit(values)
        elif normalize == "standard":
            values = (values - tokenizer.frame_mean_) / tokenizer.frame_scale_
        wanted = brute_force(values, tokenizer.cluster_centers_)
        # the division is done here and there; a frame exactly between two centres may fall to either
        assert np.mean(tokens.values == wanted) > 0.9999
        np.testing.assert_array_equal(np.bincount(tokens.values, minlength=60), tokenizer.token_counts_)
        assert (tokenizer.token_counts_ > 0).all()


def test_counts_inertia_and_score(algorithm):
    tokenizer = KMeansAudioTokenizer(8, normalize=None, algorithm=algorithm, random_state=0).fit(CLIPS)
    tokens = tokenizer.transform(CLIPS).values
    assert tokenizer.token_counts_.dtype == np.int64
    np.testing.assert_array_equal(tokenizer.token_counts_, np.bincount(tokens, minlength=8))
    inertia = np.square(ALL.astype(np.float64) - tokenizer.cluster_centers_[tokens]).sum()
    np.testing.assert_allclose(tokenizer.inertia_, inertia, rtol=1e-5)
    np.testing.assert_allclose(tokenizer.score(CLIPS), -inertia / len(ALL), rtol=1e-5)


def test_as_good_as_kmeans(algorithm):
    ours = KMeansAudioTokenizer(8, normalize=None, algorithm=algorithm, n_init=5, random_state=0).fit(CLIPS)
    theirs = KMeans(8, n_init=5, random_state=0).fit(ALL)
    assert ours.inertia_ <= 1.01 * theirs.inertia_


def test_one_pass_is_one_iteration_of_kmeans():
    """From equal centres: sums and counts give scikit-learn's next centres, and FAISS's."""
    start = PLACES + np.float32(0.5)
    found = VocabularyPass(start, FrameSpace()).assign(ALL)
    theirs = KMeans(8, init=start, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(ALL)
    np.testing.assert_allclose(found.sums / found.counts[:, None], theirs.cluster_centers_, rtol=1e-5, atol=1e-5)
    kmeans = faiss.Kmeans(5, 8, niter=1, min_points_per_centroid=1, max_points_per_centroid=len(ALL))
    kmeans.train(ALL, init_centroids=start)
    np.testing.assert_allclose(found.sums / found.counts[:, None], kmeans.centroids, rtol=1e-5, atol=1e-5)


def test_tokens_are_those_of_faiss():
    tokenizer = KMeansAudioTokenizer(30, random_state=0).fit(CLIPS)
    index = faiss.IndexFlatL2(5)
    index.add(tokenizer.cluster_centers_)
    _, wanted = index.search(unit(ALL), 1)
    assert np.mean(tokenizer.transform(CLIPS).values == wanted[:, 0]) > 0.99


def test_the_best_of_several_runs_is_kept(monkeypatch):
    drawn = []

    def cluster(engine, sample, n_clusters, n_iter, random_state):
        drawn.append(_engines.cluster(engine, sample, n_clusters, n_iter, random_state))
        return drawn[-1]

    monkeypatch.setattr(_kmeans, "cluster", cluster)
    # settled by one iteration from the best centres only
    settled = KMeansAudioTokenizer(5, normalize=None, n_iter=1, n_init=6, random_state=3).fit(CLIPS)
    assert len(drawn) == 6
    inertias = [inertia for _, inertia in drawn]
    assert len(set(inertias)) > 1
    best = drawn[int(np.argmin(inertias))][0]
    found = VocabularyPass(best, FrameSpace()).assign(ALL)
    np.testing.assert_allclose(settled.cluster_centers_, found.sums / found.counts[:, None], rtol=1e-5)


def test_random_state_decides(algorithm):
    def centres(seed):
        return KMeansAudioTokenizer(20, algorithm=algorithm, random_state=seed).fit(CLIPS).cluster_centers_

    np.testing.assert_array_equal(centres(0), centres(0))
    assert not np.array_equal(centres(0), centres(1))


def test_number_of_threads_changes_nothing():
    frames = RNG.normal(size=(40_000, 64)).astype(np.float32)
    results, n_threads = [], faiss.omp_get_max_threads()
    try:
        for n in (1, 2):
            faiss.omp_set_num_threads(n)
            with threadpool_limits(n, "blas"):
                tokenizer = KMeansAudioTokenizer(40, n_iter=5, max_points_per_centroid=50, random_state=0).fit([frames])
                results.append((tokenizer.cluster_centers_, tokenizer.transform([frames]).values))
    finally:
        faiss.omp_set_num_threads(n_threads)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_chunks_change_nothing(monkeypatch):
    wanted = KMeansAudioTokenizer(20, random_state=0).fit(CLIPS)
    tokens = wanted.transform(CLIPS).values
    monkeypatch.setattr(_passes, "_CHUNK_VALUES", 5 * 7)
    chunked = KMeansAudioTokenizer(20, random_state=0).fit(CLIPS)
    np.testing.assert_array_equal(chunked.token_counts_, wanted.token_counts_)
    np.testing.assert_allclose(chunked.cluster_centers_, wanted.cluster_centers_, rtol=1e-6)
    np.testing.assert_array_equal(wanted.transform(CLIPS).values, tokens)


def test_the_sample_comes_from_all_clips(monkeypatch):
    samples = []

    def cluster(engine, sample, *rest):
        samples.append(sample)
        return _engines.cluster(engine, sample, *rest)

    monkeypatch.setattr(_kmeans, "cluster", cluster)
    clips = [np.full((1000, 1), float(i)) + RNG.normal(scale=0.01, size=(1000, 1)) for i in range(10)]
    KMeansAudioTokenizer(4, normalize=None, max_points_per_centroid=50, random_state=0).fit(clips)
    KMeansAudioTokenizer(4, normalize=None, max_points_per_centroid=None, random_state=0).fit(clips)
    assert [len(sample) for sample in samples] == [200, 10_000]
    assert (np.bincount(samples[0].round().astype(int)[:, 0]) >= 8).all()


def test_grid_search_ranks_vocabularies():
    search = GridSearchCV(KMeansAudioTokenizer(random_state=0), {"n_clusters": [2, 8]}, cv=2)
    search.fit(Ragged.from_list([ALL[0::4], ALL[1::4], ALL[2::4], ALL[3::4]]))
    assert search.best_params_ == {"n_clusters": 8}
    assert search.best_score_ <= 0


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_every_frame_of_every_batch_counts_the_same():
    """The centres stay the means of all frames that they were given, however the batches are cut."""
    tokenizer = KMeansAudioTokenizer(8, normalize=None, random_state=0).fit(CLIPS)
    sums = tokenizer.cluster_centers_.astype(np.float64) * tokenizer.token_counts_[:, None]
    counts = tokenizer.token_counts_.copy()
    batches = [ALL[:30] + 1, ALL[30:200] - 1, ALL[:1]]
    inertia = tokenizer.inertia_
    for batch in batches:
        tokens = brute_force(batch, tokenizer.cluster_centers_)
        inertia += np.square(batch - tokenizer.cluster_centers_[tokens]).sum()
        np.add.at(sums, tokens, batch)
        counts += np.bincount(tokens, minlength=8)
        tokenizer.partial_fit([batch])
        np.testing.assert_array_equal(tokenizer.token_counts_, counts)
        np.testing.assert_allclose(tokenizer.cluster_centers_, sums / counts[:, None], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tokenizer.inertia_, inertia, rtol=1e-5)
    assert tokenizer.token_counts_.sum() == len(ALL) + 30 + 170 + 1


def test_a_small_last_batch_does_not_win():
    a, b = np.zeros((900, 2)), np.full((100, 2), 1.0)
    tokenizer = KMeansAudioTokenizer(1, normalize=None, random_state=0)
    tokenizer.partial_fit([a]).partial_fit([b])
    np.testing.assert_allclose(tokenizer.cluster_centers_, [[0.1, 0.1]], rtol=1e-6)
    assert tokenizer.token_counts_.tolist() == [1000]


def test_first_batch_is_fitted():
    by_batch, at_once = (KMeansAudioTokenizer(8, random_state=0) for _ in range(2))
    by_batch.partial_fit(CLIPS)
    at_once.fit(CLIPS)
    np.testing.assert_array_equal(by_batch.cluster_centers_, at_once.cluster_centers_)


def test_centres_are_filled_by_later_batches():
    tokenizer = KMeansAudioTokenizer(3, normalize=None, random_state=0).fit([np.repeat([[0.0], [1.0]], 5, axis=0)])
    assert sorted(tokenizer.token_counts_.tolist()) == [0, 5, 5]
    tokenizer.partial_fit([np.array([[0.0], [0.0], [7.0], [1.0]])])
    assert (tokenizer.token_counts_ > 0).all()
    assert tokenizer.token_counts_.sum() == 14
    assert 7.0 in tokenizer.cluster_centers_


def test_fewer_distinct_frames_than_clusters(algorithm):
    tokenizer = KMeansAudioTokenizer(5, normalize=None, algorithm=algorithm, random_state=0)
    tokens = tokenizer.fit([np.zeros((9, 2))]).transform([np.zeros((3, 2))])
    assert len(set(tokens.values.tolist())) == 1
    assert tokenizer.token_counts_.sum() == 9


# ---- spaces ----------------------------------------------------------------------------------------------------------


def test_l2_ignores_loudness():
    tokenizer = KMeansAudioTokenizer(8, random_state=0).fit(CLIPS)
    loud = tokenizer.transform([4 * clip for clip in CLIPS])
    np.testing.assert_array_equal(loud.values, tokenizer.transform(CLIPS).values)


def test_l2_of_silence_and_of_extremes():
    tokenizer = KMeansAudioTokenizer(8, random_state=0).fit(CLIPS)
    wanted = tokenizer.transform(CLIPS[:1]).values
    for gain in (1e-30, 1e30):
        np.testing.assert_array_equal(tokenizer.transform([np.float32(gain) * CLIPS[0]]).values, wanted)
    assert tokenizer.transform([np.zeros((2, 5))]).lengths.tolist() == [2]


def test_standard_is_learned_in_fit():
    tokenizer = KMeansAudioTokenizer(8, normalize="standard", random_state=0).fit(CLIPS)
    np.testing.assert_allclose(tokenizer.frame_mean_, ALL.mean(axis=0, dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(tokenizer.frame_scale_, ALL.std(axis=0, dtype=np.float64), rtol=1e-5)
    scaled = KMeansAudioTokenizer(8, normalize="standard", random_state=0).fit([1024 * clip for clip in CLIPS])
    np.testing.assert_array_equal(scaled.transform([1024 * ALL]).values, tokenizer.transform([ALL]).values)
    mean = tokenizer.frame_mean_.copy()
    tokenizer.partial_fit([ALL[:20] + 100])
    np.testing.assert_array_equal(tokenizer.frame_mean_, mean)


def test_a_constant_band_is_not_divided_by_zero():
    frames = ALL.copy()
    frames[:, 2] = 3.0
    tokenizer = KMeansAudioTokenizer(4, normalize="standard", random_state=0).fit([frames])
    assert tokenizer.frame_scale_[2] == 1
    assert np.isfinite(tokenizer.cluster_centers_).all()


@pytest.mark.parametrize("normalize", [None, "standard"])
@pytest.mark.parametrize("convolution", [None, (4, 3), (6, 2)])
def test_inverse_transform(normalize, convolution):
    """With a cluster per frame, tokens give the frames back."""
    clip = RNG.normal(size=(6, 7)).astype(np.float32)
    tokenizer = KMeansAudioTokenizer(6, normalize=normalize, random_convolution=convolution, random_state=0)
    back = tokenizer.fit([clip]).inverse_transform(tokenizer.transform([clip]))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back[0], clip, atol=1e-4)


def test_inverse_transform_of_l2_gives_the_centres():
    tokenizer = KMeansAudioTokenizer(8, random_state=0).fit(CLIPS)
    tokens = tokenizer.transform(CLIPS)
    back = tokenizer.inverse_transform(tokens)
    np.testing.assert_array_equal(back.values, tokenizer.cluster_centers_[tokens.values])
    np.testing.assert_array_equal(back.offsets, tokens.offsets)


def test_random_convolution():
    tokenizer = KMeansAudioTokenizer(8, normalize=None, random_convolution=(10, 3), random_state=0).fit(CLIPS)
    kernels = tokenizer.convolution_kernels_
    assert kernels.shape == (10, 3)
    assert tokenizer.cluster_centers_.shape == (8, 50)
    # correlation, as networks convolve, with a zero beyond each edge
    wanted = np.stack([[np.correlate(frame, kernel, "same") for kernel in kernels] for frame in ALL]).reshape(-1, 50)
    np.testing.assert_array_equal(
        tokenizer.transform(CLIPS).values, brute_force(wanted.astype(np.float32), tokenizer.cluster_centers_)
    )
    # one set of kernels for fitting and for tokens, and in a copy
    copy = pickle.loads(pickle.dumps(tokenizer))
    np.testing.assert_array_equal(copy.transform(CLIPS).values, tokenizer.transform(CLIPS).values)
    tokenizer.set_params(random_convolution=None).fit(CLIPS)
    assert not hasattr(tokenizer, "convolution_kernels_")


# ---- state and engines -----------------------------------------------------------------------------------------------


def test_state_is_arrays_and_numbers():
    tokenizer = KMeansAudioTokenizer(8, normalize="standard", random_convolution=(2, 3), random_state=0).fit(CLIPS)
    state = {name: value for name, value in vars(tokenizer).items() if name not in tokenizer.get_params()}
    assert {type(value) for value in state.values()} <= {np.ndarray, int, float, str}
    assert len(pickle.dumps(tokenizer)) < 5000


def test_auto_without_faiss(monkeypatch):
    assert KMeansAudioTokenizer(4, random_state=0).fit(CLIPS).algorithm_ == "faiss"
    wanted = KMeansAudioTokenizer(4, algorithm="minibatch", random_state=0).fit(CLIPS)
    assert wanted.algorithm_ == "minibatch"
    monkeypatch.setitem(sys.modules, "faiss", None)
    auto = KMeansAudioTokenizer(4, random_state=0).fit(CLIPS)
    assert auto.algorithm_ == "minibatch"
    np.testing.assert_array_equal(auto.cluster_centers_, wanted.cluster_centers_)
    with pytest.raises(ImportError, match=r'algorithm="faiss" needs the package faiss, .* pip install faiss-cpu'):
        KMeansAudioTokenizer(4, algorithm="faiss").fit(CLIPS)


def test_faiss_is_imported_late():
    assert "faiss" not in vars(importlib.import_module("sklearn_audio.tokenization._engines"))


def test_verbose_shows_a_bar(capsys):
    KMeansAudioTokenizer(4, random_state=0, verbose=1).fit(CLIPS)
    out, err = capsys.readouterr()
    assert out == ""
    assert "frames" in err


def test_names_and_pipeline():
    waves = [RNG.normal(size=2000), RNG.normal(size=3000)]
    pipeline = make_pipeline(MelSpectrogramTransformer(8000, n_mels=4), KMeansAudioTokenizer(3, random_state=0))
    tokens = pipeline.fit_transform(waves)
    assert isinstance(tokens, Ragged)
    assert pipeline.get_feature_names_out().tolist() == ["token"]


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fewer_frames_than_clusters(method):
    with pytest.raises(ValueError, match=r"X has 3 frames in total, fewer than n_clusters=5\. Give more frames"):
        getattr(KMeansAudioTokenizer(5), method)([np.ones((2, 4)), np.ones((1, 4))])


@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "score"])
def test_bad_frames_are_named_by_row(method):
    tokenizer = KMeansAudioTokenizer(2, random_state=0).fit(CLIPS)
    broken = CLIPS[0].copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"row 1 contains NaN or infinity"):
        getattr(tokenizer, method)([CLIPS[2], broken])
    with pytest.raises(ValueError, match=r"row 1 has no frames"):
        getattr(tokenizer, method)([CLIPS[2], broken[:0]])


@pytest.mark.parametrize("method", ["partial_fit", "transform", "score"])
def test_another_number_of_bands(method):
    tokenizer = KMeansAudioTokenizer(2, random_state=0).fit(CLIPS)
    with pytest.raises(ValueError, match=r"X has 3 features per frame, but KMeansAudioTokenizer is expecting 5 feat"):
        getattr(tokenizer, method)([clip[:, :3] for clip in CLIPS])
    with pytest.raises(ValueError, match=r"X has 1 numbers per frame, but the vocabulary was learned from 5\. A two-d"):
        getattr(tokenizer, method)(CLIPS[0])


@pytest.mark.parametrize(
    ("tokens", "match"),
    [
        ([[0], [1, 8]], r"row 1 holds the token 8: the vocabulary has 8 tokens, 0 to 7"),
        ([[0], [1, -1]], r"row 1 holds the token -1\. Tokens count from 0; remove the padding"),
        ([[0], []], r"row 1 has no tokens"),
        ([[0.5]], r"row 0 holds the token 0\.5: tokens are whole numbers"),
    ],
)
def test_bad_tokens(tokens, match):
    with pytest.raises(ValueError, match=match):
        KMeansAudioTokenizer(8, random_state=0).fit(CLIPS).inverse_transform(tokens)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 1.5), (1, 2, 3)])
def test_bad_convolution(shape):
    with pytest.raises(ValueError, match=r"random_convolution=.*: give two whole numbers above 0"):
        KMeansAudioTokenizer(2, random_convolution=shape).fit(CLIPS)


def test_bad_parameters():
    for name, value in {"n_clusters": 0, "normalize": "max", "algorithm": "gpu", "n_init": 0}.items():
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of KMeansAudioTokenizer"):
            KMeansAudioTokenizer(**{"n_clusters": 2, name: value}).fit(CLIPS)


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "score"])
def test_unfitted(method):
    with pytest.raises(NotFittedError, match="This KMeansAudioTokenizer instance is not fitted yet"):
        getattr(KMeansAudioTokenizer(), method)(CLIPS)
