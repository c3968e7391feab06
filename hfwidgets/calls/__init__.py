"""Make one call: choose who serves it, where and with which credentials; send it, and again.

call, caller            a call's rules; a client's settings and driver, through which it is made
settings, route         what a client was made with and has learned; who serves a call
group_call              calls for several rows that share one request
routing, addressing     choose who serves; where, with which token
model_info, offers, match_offers
                        what the Hub lists for a model, and which offer fits a task
sync_driver, async_driver, http_exchange, transports, connections
                        all outgoing HTTP
proxies, certificates, size_limits, redirects, retired_hosts, retries
                        one policy each
call.Deadline           the time budget; transports and the drivers end what exceeds it
json_body, prepared_request
                        a request on its way to a driver
endpoint_state          an Inference Endpoint that sleeps or starts
counted_stream          chat streams with token counts
dry_run                 a call shown without being made
known_secrets, unexpected_errors
                        what errors must not show, and errors that nothing foresaw
"""
