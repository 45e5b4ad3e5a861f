"""The errors Access Analyzer's service model defines, as moto serializes them."""

from __future__ import annotations

from collections.abc import Sequence

from moto.core.exceptions import ServiceException


class ResourceNotFoundException(ServiceException):
    """There is no such analyzer, finding or archive rule."""

    code = "ResourceNotFoundException"

    def __init__(self, resource_id: str, resource_type: str) -> None:
        super().__init__(f"{resource_type} {resource_id} was not found.")
        self.resource_id = resource_id
        self.resource_type = resource_type


class ConflictException(ServiceException):
    """There is one of this name already."""

    code = "ConflictException"

    def __init__(self, resource_id: str, resource_type: str) -> None:
        super().__init__(f"{resource_type} {resource_id} already exists.")
        self.resource_id = resource_id
        self.resource_type = resource_type


class ServiceQuotaExceededException(ServiceException):
    """There would be more than the account's quota allows."""

    code = "ServiceQuotaExceededException"

    def __init__(self, resource_id: str, resource_type: str, quota: int) -> None:
        super().__init__(f"At most {quota} of {resource_type} are allowed.")
        self.resource_id = resource_id
        self.resource_type = resource_type


class ValidationException(ServiceException):
    """A request the service refuses.

    Parameters
    ----------
    message
        What is wrong.
    reason
        One of the model's reasons: unknownOperation, cannotParse, fieldValidationFailed, notSupported, other.
    fields
        (name, message) of each field that failed.
    """

    code = "ValidationException"

    def __init__(self, message: str, reason: str = "other", fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.field_list = [{"name": name, "message": text} for name, text in fields]
