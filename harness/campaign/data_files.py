"""The files that a campaign file declares: what its users read."""

import os
from glob import glob, has_magic

from harness.campaign.reader import CampaignFile
from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.messages import value_error
from harness.errors import UserError
from workloads.loading import UserFile, relative
from workloads.user_code import digest_of


def declared_files(campaign: Campaign, file: CampaignFile) -> tuple[UserFile, ...]:
    """Find the files of ``[campaign] files``, sorted by path.

    Raises
    ------
    UserError
        If there is no such file, or one cannot be read.
    """
    found: dict[str, UserFile] = {}
    for written in campaign.campaign.files:
        exact = file.base / written
        try:
            if has_magic(written) and not exact.exists():
                matching = glob(written, root_dir=file.base, recursive=True)
                paths = [str(file.base / name) for name in sorted(matching)]
                paths = [path for path in paths if os.path.isfile(path)]
            else:
                paths = [str(exact)] * exact.is_file()
            if not paths:
                wrong = f"there is no such file in {file.base}"
                if exact.is_dir():
                    wrong = f"is a folder; write '{written.rstrip('/')}/*' for its files"
                raise value_error(file.name, "campaign.files", written, wrong)
            for path in paths:
                name = relative(path, file.base)
                found[name] = UserFile(name, digest_of(path))
        except (OSError, ValueError) as error:
            raise UserError(
                f"{file.name}: campaign.files = {written!r}: cannot be read "
                f"({getattr(error, 'strerror', None) or error})"
            ) from None
    return tuple(found[name] for name in sorted(found))
