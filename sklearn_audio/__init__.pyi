from . import classification as classification
from . import datasets as datasets
from . import dsp as dsp
from . import embedding as embedding
from . import exceptions as exceptions
from . import files as files
from . import metrics as metrics
from . import preprocessing as preprocessing
from . import testing as testing
from . import validation as validation
from . import weights as weights
from .classification import AudioTagger as AudioTagger
from .classification import PatchVotingClassifier as PatchVotingClassifier
from .dsp import FrontEnd as FrontEnd
from .embedding import ASTEmbedder as ASTEmbedder
from .embedding import EfficientATEmbedder as EfficientATEmbedder
from .embedding import MusiCNNEmbedder as MusiCNNEmbedder
from .embedding import PANNsEmbedder as PANNsEmbedder
from .embedding import VGGishEmbedder as VGGishEmbedder
from .preprocessing import AcousticFeatures as AcousticFeatures
from .preprocessing import AudioLoader as AudioLoader
from .preprocessing import MelSpectrogramTransformer as MelSpectrogramTransformer
from .preprocessing import MFCCTransformer as MFCCTransformer
from .preprocessing import SequencePooling as SequencePooling
from .preprocessing import SpectrogramTransformer as SpectrogramTransformer
from .ragged import Ragged as Ragged

__version__: str
