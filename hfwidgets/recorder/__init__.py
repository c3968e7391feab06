"""Record and replay: answers kept as files beside the notebook, so that it runs again for free.

    import hfwidgets as hf

    hf.recordings.on()                        # answers are kept, and taken from there the next time
    with hf.recordings("tour"): ...           # the same for a block, in a folder of one's own
    hf.recordings.on(mode="replay")           # nothing goes out: what is not there is an error
    hf.InferenceClient(recordings="tour")     # the same for one client

An answer is known by a hash of its task, model, provider, parameters and inputs. Each is one small
JSON file (`<folder>/<task>/<hash>.json`); pictures, sounds and films are files beside
(`<folder>/files/`). They can be read, compared and merged: where two branches recorded the same,
this branch's answer is taken until the merge is settled. No token, header or local path is in them,
but **prompts and answers are, in clear**: add `.hfwidgets/` to `.gitignore` unless they may be
shared. Files are for their owner alone (mode 600) and are written at once or not at all, so that
two kernels may use one folder.
"""

from hfwidgets.recorder.recorder import MODES, Recorder
from hfwidgets.recorder.store import Recording
from hfwidgets.recorder.switch import Recordings, recordings

__all__ = ["MODES", "Recorder", "Recording", "Recordings", "recordings"]
