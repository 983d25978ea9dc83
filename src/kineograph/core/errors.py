"""What goes wrong, said in one line: what was given, what is allowed, what to do."""


class KineographError(Exception):
    """Base of every error a user can cause and mend.

    The command line prints the message as one line and exits with status 2.
    """


class PictureError(KineographError):
    """A still picture cannot be read, is too large, or is not the one that was meant."""


class VideoError(KineographError):
    """A video cannot be read or has no usable frames."""


class OutputError(KineographError):
    """A result cannot be written where it was asked for."""


class TracksError(KineographError):
    """Tracks, boxes or cameras are malformed, or their file is."""


class DocumentError(KineographError):
    """A motion document, or a gesture in it, says something that cannot be done."""


class EngineError(KineographError):
    """An engine is unknown, or cannot do what the request asks."""


class VisionError(KineographError):
    """A picture or video cannot be measured: an eye is unknown, or lacks packages or weights."""


class ModelError(KineographError):
    """Weights or adapters are missing, broken, or do not fit what they are to be used with."""


class DataError(KineographError):
    """Training data is missing, broken, or does not fit together."""


class TrainingError(KineographError):
    """A recipe is wrong, or training cannot start, go on or resume."""


class EvaluationError(KineographError):
    """Videos cannot be measured or compared, or a benchmark cannot be run."""


class StudyError(KineographError):
    """A human study is set up wrong, or its folder or its votes cannot be used."""
