"""Vocabularies of sounds: frames to tokens, tokens to tables, and statistics of a vocabulary."""

from sklearn_audio.tokenization._counts import TokenCounts
from sklearn_audio.tokenization._kmeans import KMeansAudioTokenizer
from sklearn_audio.tokenization._report import token_table, vocabulary_report, zipf_line
from sklearn_audio.tokenization._tokens import check_tokens

__all__ = ["KMeansAudioTokenizer", "TokenCounts", "check_tokens", "token_table", "vocabulary_report", "zipf_line"]
