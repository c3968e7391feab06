"""The certificate authorities to trust, read when the first https address is called.

SSL_CERT_FILE and SSL_CERT_DIR name them, as for openssl; else REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE,
as for requests and curl; else certifi's are used.
"""

import functools
import os
import ssl

from hfwidgets.core import environment

FILE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


VARIABLES = (*FILE_VARIABLES, "SSL_CERT_DIR", "SSLKEYLOGFILE")


def ssl_context() -> ssl.SSLContext:
    """Return the context that checks servers' certificates.

    Raises:
        ConfigurationError: a variable names a file or folder without certificates, or SSLKEYLOGFILE
            a file that cannot be written.
    """
    return _load_context(tuple(os.environ.get(name) for name in VARIABLES))


@functools.lru_cache(maxsize=4)
def _load_context(values: tuple[str | None, ...]) -> ssl.SSLContext:
    """Read the certificates, once for the same values of the variables: it takes 20 ms."""
    # They are only the cache's key: the variables are read below, cleaned of quotes.
    del values
    _check_key_log()
    folder = environment.read_variable("SSL_CERT_DIR")
    name = next((name for name in FILE_VARIABLES if environment.read_variable(name)), None)
    if name is None and not folder:
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    # openssl reads its file and its folder together; the bundles of requests and curl are used
    # alone.
    if name == "SSL_CERT_FILE" or name is None:
        return _create_context(name, folder)
    return _create_context(name, "")


def _create_context(name: str | None, folder: str) -> ssl.SSLContext:
    path = environment.read_path(name) if name else None
    # As openssl reads it, the variable may name several folders.
    folders = [str(environment.expand_path(part)) for part in folder.split(os.pathsep) if part]
    if any(not os.path.isdir(part) for part in folders):  # noqa: PTH112
        raise environment.variable_error(
            "SSL_CERT_DIR", folder, f"It must be a folder, or several with {os.pathsep!r} between."
        )
    if path and name != "SSL_CERT_FILE" and path.is_dir():
        return ssl.create_default_context(capath=path)  # requests accepts folders too
    try:
        context = ssl.create_default_context(cafile=path, capath=next(iter(folders), None))
        for part in folders[1:]:
            context.load_verify_locations(capath=part)
        return context
    except OSError as error:  # ssl.SSLError is one
        raise environment.variable_error(
            name or "SSL_CERT_DIR",
            str(path or folder),
            f"It must be a file with certificates in PEM format ({error}).",
        ) from error


def _check_key_log() -> None:
    """Raise an error that names SSLKEYLOGFILE: the one that ssl raises names nothing."""
    path = environment.read_path("SSLKEYLOGFILE")
    if path is None:
        return
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise environment.variable_error(
            "SSLKEYLOGFILE", str(path), f"It must be a file that can be written ({error.strerror})."
        ) from error


@functools.cache
def plain_context() -> ssl.SSLContext:
    """Return a context for connections that are not encrypted: it reads no file."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
