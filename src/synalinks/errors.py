"""Every error the library raises, as one tree::

    SynalinksError
    |- ConfigurationError        a wrong program: always raised (also a ValueError)
    |  |- CopyError              an attribute that can't be copied (also a TypeError)
    |  |- DataError              input of the wrong shape or type
    |  |- UnknownArgument        a keyword that nothing takes (also a TypeError)
    |  |- UnknownModelError      a model name with an unknown provider
    |  `- UnsupportedSchemaError a schema with a field that is no decision
    |- UnknownField              an attribute or key that a result has not (also an AttributeError and a KeyError)
    |- LMError                   one call to a model failed
    |  |- ConnectionFailed       no server, dropped connection             retried, unless no server was ever there
    |  |- CallTimeout            no answer in time                         retried, spend uncertain
    |  |- RateLimited            429 and its kin, with `retry_after`       retried
    |  |- ServerError            5xx, "busy"                               retried
    |  |- BadReply               an answer that breaks its schema          retried, a few times
    |  |- SampleRefused          too long, filtered, refused, cut short    a failed sample
    |  |- RequestError           any other 4xx: a wrong program            always raised
    |  |  |- AuthenticationError
    |  |  `- ModelNotFound
    |  `- QuotaExhausted         the account's money is spent              always raised
    |- LMUnavailable             every sample of a batch failed: provider unavailable
    |- ToolFailed                a tool that a server runs failed; the model reads why
    |- CassetteError             a cassette that can't be used
    |  |- CassetteMiss           a call the cassette doesn't hold
    |  |- CassetteFormatError    no cassette, or one of a newer format
    |  `- CassetteInUse          two writers on one cassette
    |- BudgetExceeded            a call refused because it might not fit the budget
    |- Interrupted               a call refused because the user pressed Ctrl-C
    |- WorkerLost                processes that samples were called in have ended, again and again
    |- SearchEnded               a search has made all its calls: the natural end of a fit
    `- OfflineError              a call that would need the network, which was forbidden

What becomes of a failed call is written on the class: `retryable` is read by the retry layer,
`fails_sample` by the modules (`None` for that sample). An error with
neither always reaches the user.
"""

from __future__ import annotations

from synalinks.lm.core.errors import (
    AuthenticationError,
    BadReply,
    BudgetExceeded,
    CallTimeout,
    CassetteError,
    CassetteFormatError,
    CassetteInUse,
    CassetteMiss,
    ConfigurationError,
    ConnectionFailed,
    Interrupted,
    LMError,
    ModelNotFound,
    OfflineError,
    QuotaExhausted,
    RateLimited,
    RequestError,
    SampleRefused,
    ServerError,
    SynalinksError,
    UnknownModelError,
)

__all__ = [
    "AuthenticationError",
    "BadReply",
    "BudgetExceeded",
    "CallTimeout",
    "CassetteError",
    "CassetteFormatError",
    "CassetteInUse",
    "CassetteMiss",
    "ConfigurationError",
    "ConnectionFailed",
    "CopyError",
    "DataError",
    "Interrupted",
    "LMError",
    "LMUnavailable",
    "ModelNotFound",
    "OfflineError",
    "QuotaExhausted",
    "RateLimited",
    "RequestError",
    "SampleRefused",
    "SearchEnded",
    "ServerError",
    "SynalinksError",
    "ToolFailed",
    "UnknownArgument",
    "UnknownField",
    "UnknownModelError",
    "UnsupportedSchemaError",
    "WorkerLost",
]


class DataError(ConfigurationError):
    """Input data of the wrong type, shape or length."""


class MissingFileError(DataError, FileNotFoundError):
    """A file or folder of input data that is not there."""


class UnknownArgument(ConfigurationError, TypeError):
    """A keyword that a function or class does not take."""


class UnknownField(SynalinksError, AttributeError, KeyError):
    """An attribute or a key that a result, a data model or a symbol does not have; the nearest one is named."""

    __str__ = Exception.__str__  # that of a KeyError shows the words as a literal


class UnsupportedSchemaError(ConfigurationError):
    """A schema that a decision model can't fill in, because one of its fields is no choice between values."""


class CopyError(ConfigurationError, TypeError):
    """An object that can't be copied, because of one of its attributes."""


class ToolFailed(SynalinksError):
    """A tool that a server runs failed, or the server did; an agent's model reads the words."""


class WorkerLost(SynalinksError):
    """Processes that the samples of a distributed run were called in have ended, more often than it bears."""


class SearchEnded(SynalinksError):
    """All calls of a search are made, or a callback has ended the training; a search lets it pass."""


class LMUnavailable(SynalinksError):
    """Every sample of a batch failed for lack of an answer."""
