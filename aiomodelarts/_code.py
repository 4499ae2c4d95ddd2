"""An estimator's code where it lies on this machine: read once, uploaded once."""

import asyncio
from pathlib import Path

from .errors import InvalidArgument, nearest
from .models.spec import RunSettings
from .obs.code.local import LocalCode, read_code
from .obs.code.upload import UploadedCode
from .session import AsyncSession


class EstimatorCode:
    """The folder that ``code_dir`` names, together with the boot file in it.

    Args:
        session: uploads it.
        settings: name a ``code_bucket``.
        read: the folder, where somebody has read it already.
    """

    def __init__(self, session: AsyncSession, settings: RunSettings, read: LocalCode | None = None) -> None:
        assert settings.code_dir is not None
        assert settings.code_bucket is not None
        assert settings.boot_file is not None
        self._session = session
        self._folder, self._target, self._boot_file = Path(settings.code_dir), settings.code_bucket, settings.boot_file
        self._read = read
        self._reading = asyncio.Lock()
        self.uploaded: UploadedCode | None = None

    async def read(self) -> LocalCode:
        """The folder as it is, or was when it was read first.

        Raises:
            InvalidArgument: the platform does not take it, or the boot file is not in it.
        """
        async with self._reading:
            if self._read is None:
                self._read = await asyncio.to_thread(read_code, self._folder)
        check_boot_file(self._read, self._boot_file)
        return self._read

    async def wire(self) -> dict[str, str]:
        """The members of a request that say where the code is; it is there when this returns.

        Raises:
            InvalidArgument: as ``read``.
            ObsError: it cannot be uploaded.
        """
        if self.uploaded is None:
            self.uploaded = await self._session.upload_code(await self.read(), self._target)
        folder = f"/{self.uploaded.folder.bucket}/{self.uploaded.folder.key}"
        return {"app_url": folder, "boot_file_url": folder + self._boot_file}


def check_boot_file(code: LocalCode, boot_file: str) -> None:
    """Return when the boot file is among the code.

    Raises:
        InvalidArgument: it is not; with the reason, where it is left out, or the name that looks most like it.
    """
    if boot_file in code.manifest:
        return
    kept = next((one for one in code.left_out if f"{boot_file}/".startswith(f"{one.rstrip('/')}/")), None)
    if kept is not None:
        raise InvalidArgument("boot_file", boot_file, f"the ignore rules of {code.folder} leave out {kept}")
    names = [one.path for one in code.manifest.files]
    raise InvalidArgument(
        "boot_file", boot_file, f"there is no such file in {code.folder}", nearest=nearest(boot_file, names)
    )
