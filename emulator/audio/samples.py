"""The one shape that sound has inside the emulator: 8 kHz, mono, signed 16 bit, in frames of 20 ms.

Telephony is 8 kHz, the voice is made for it, and the voice-activity detector runs at it; other rates exist only at the
edges, where `resample` turns them into this one.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]
"""One-dimensional, contiguous, int16, 8 kHz unless a name says otherwise."""

SAMPLE_RATE = 8000
FRAME_SAMPLES = 160
FRAME_SECONDS = 0.02

SILENCE: Samples = np.zeros(FRAME_SAMPLES, dtype=np.int16)
SILENCE.flags.writeable = False
