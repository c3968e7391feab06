"""The two clients, and what a call of theirs passes through.

clients             InferenceClient and AsyncInferenceClient: each task as a method
calls               how a call is made: the provider asked, waits, retries, one time budget
arguments, settings what a client was made with, checked and kept
inputs              what cannot be meant, refused before it is sent
choice              which provider answers
reach               at which address, and with which token
hub, offers         what the Hub knows of a model: mapping, lifetimes, who serves it
drivers, transports the only outgoing HTTP: flows driven blocking and awaited, pools,
lines               and the connections of answers that are being read
wake                an Inference Endpoint that sleeps or starts
explain             a call shown without being made
custom              requests that are no task: post, health, endpoint information
catalogue           models found on the Hub
legacy              InferenceApi, the old client's name
"""

from hfwidgets.client.clients import AsyncInferenceClient, InferenceClient

__all__ = ["AsyncInferenceClient", "InferenceClient"]
