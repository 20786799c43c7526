"""A config that is formatted as Python text only when it has changed."""

from mmengine.config import Config


class FormattedOnce(Config):
    """A `Config` (same arguments) that keeps its formatted text.

    mmengine formats the whole config at every checkpoint, which takes longer than writing the weights of a small model.
    """

    @classmethod
    def of(cls, config: Config) -> "FormattedOnce":
        """Make one that shares the values of `config`."""
        return cls(config._cfg_dict, config.text, config.filename, config.env_variables)

    @property
    def pretty_text(self) -> str:
        """The config as formatted Python."""
        state = repr(self._cfg_dict)
        if self.__dict__.get("_formatted", ("",))[0] != state:
            self.__dict__["_formatted"] = state, super().pretty_text
        return self.__dict__["_formatted"][1]
