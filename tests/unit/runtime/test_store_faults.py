"""What the driver's errors mean to callers."""

import pymongo.errors
import pytest

from dearena import faults
from services.runtime.store import fault_of


def labelled(error: pymongo.errors.PyMongoError, label: str) -> pymongo.errors.PyMongoError:
    error._add_error_label(label)
    return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (pymongo.errors.ServerSelectionTimeoutError("no primary"), faults.StoreUnavailable),
        (pymongo.errors.NotPrimaryError("not primary"), faults.StoreUnavailable),
        # A server that steps down in the middle of a write says so by a label, on whatever error there is.
        (
            labelled(
                pymongo.errors.BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 11602}]}),
                "RetryableWriteError",
            ),
            faults.StoreUnavailable,
        ),
        (labelled(pymongo.errors.WriteConcernError("stops", 91), "RetryableWriteError"), faults.StoreUnavailable),
        (labelled(pymongo.errors.OperationFailure("write conflict"), "TransientTransactionError"), faults.Conflict),
        (pymongo.errors.DuplicateKeyError("E11000"), type(None)),
        (OverflowError("more than 8 bytes"), type(None)),
    ],
)
def test_an_error_of_the_driver_is_the_fault_it_tells_of(error: Exception, fault: type) -> None:
    assert type(fault_of(error)) is fault
