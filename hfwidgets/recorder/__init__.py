"""Record and replay: answers stored as files next to the notebook, so that it runs again for free.

    import hfwidgets as hf

    hf.recordings.on()                        # answers are stored, and replayed the next time
    with hf.recordings("tour"): ...           # the same for a block, in another folder
    hf.recordings.on(mode="replay")           # nothing is sent: a missing recording is an error
    hf.InferenceClient(recordings="tour")     # the same for one client

A recording is found by a hash of the request's task, model, provider, parameters and inputs. Each
is one small JSON file (`<folder>/<task>/<hash>.json`); images, audio and video are files in
`<folder>/files/`. They can be read, compared and merged: where two branches recorded the same
request, this branch's answer counts until the merge is settled. They hold no token, header or local
path, but **prompts and answers in clear**: add `.hfwidgets/` to `.gitignore` unless they may be
shared. Only their owner may read them (mode 600), and they are written completely or not at all, so
that two kernels may share a folder.

An answer that cannot be stored, for want of space or permission, is still returned; one warning
names the folder and the cause.
"""

from hfwidgets.recorder.recorder import MODES, Recorder
from hfwidgets.recorder.store import Recording
from hfwidgets.recorder.switch import Recordings, recordings

__all__ = ["MODES", "Recorder", "Recording", "Recordings", "recordings"]
