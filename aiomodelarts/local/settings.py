"""What a version runs with, as it was accepted."""

from typing import Any

from attrs import asdict, frozen

from aiomodelarts._wire.message import JsonObject


@frozen(kw_only=True)
class RunSettings:
    """The checked settings of a run. None means that the request did not set it.

    ``parameters`` keeps the order of the request; a value is the text that the script receives.
    """

    workers: int = 1
    app_url: str | None = None
    boot_file_url: str | None = None
    engine_id: int | None = None
    model_id: int | None = None
    user_image_url: str | None = None
    user_command: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    data_url: str | None = None
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    data_source: tuple[JsonObject, ...] = ()
    train_url: str | None = None
    log_url: str | None = None
    spec_id: int | None = None
    pool_id: str | None = None
    volumes: tuple[JsonObject, ...] = ()

    def paths(self) -> dict[str, str]:
        """Every OBS path in these settings, by the name of its member."""
        named = {
            "app_url": self.app_url,
            "boot_file_url": self.boot_file_url,
            "data_url": self.data_url,
            "train_url": self.train_url,
            "log_url": self.log_url,
        }
        found = {name: path for name, path in named.items() if path}
        for index, source in enumerate(self.data_source):
            if source.get("data_url"):
                found[f"data_source[{index}].data_url"] = source["data_url"]
        return found

    def to_record(self) -> JsonObject:
        """What is kept on disk; members that were not set are left out."""
        return {name: value for name, value in asdict(self, recurse=False).items() if value not in (None, ())}

    @classmethod
    def from_record(cls, record: JsonObject) -> "RunSettings":
        """The settings that :meth:`to_record` wrote."""
        members: dict[str, Any] = dict(record)
        members["parameters"] = tuple((label, value) for label, value in record.get("parameters", ()))
        members["data_source"] = tuple(record.get("data_source", ()))
        members["volumes"] = tuple(record.get("volumes", ()))
        return cls(**members)
