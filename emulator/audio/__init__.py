"""Sound: codecs, resampling, voice activity, and the voice that turns text into sound and back."""
