from . import datasets as datasets
from . import dsp as dsp
from . import exceptions as exceptions
from . import files as files
from . import preprocessing as preprocessing
from . import testing as testing
from . import validation as validation
from .dsp import FrontEnd as FrontEnd
from .preprocessing import AcousticFeatures as AcousticFeatures
from .preprocessing import AudioLoader as AudioLoader
from .preprocessing import MelSpectrogramTransformer as MelSpectrogramTransformer
from .preprocessing import MFCCTransformer as MFCCTransformer
from .preprocessing import SequencePooling as SequencePooling
from .preprocessing import SpectrogramTransformer as SpectrogramTransformer
from .ragged import Ragged as Ragged

__version__: str
