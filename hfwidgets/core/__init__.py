"""What calls are made of: steps, streams, tokens and the environment; no HTTP, no notebook.

flow, run_flow          the steps of a call, and the one interpreter that performs them
event_stream, streams   decode a streamed answer's events; the streams that users iterate over
surrogates              halves of characters in streamed texts
auth, public_hosts      which hosts a token may go to; which hosts a server may name
environment             environment variables
meta                    where a result comes from
missing, drop_none, counts, arrays
                        one test each: missing cells, arguments left out, whole numbers, arrays
memory                  return freed memory to the system
display_updates         whether what a cell shows can be updated
"""
