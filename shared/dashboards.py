"""The Spark pages of a run: an address that EMR Serverless makes for whoever may see the job.

The address holds the right to look: it is never logged. It can be used once and for an hour, so it is made when
somebody asks for it, and never kept.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import DashboardNotReady, SparkUnavailable

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient

# How long an address can be used (EMR Serverless API reference, GetDashboardForJobRun).
LIFE = timedelta(hours=1)
# A run that is not RUNNING yet, and one that EMR Serverless has forgotten.
NONE_TO_SHOW = {"ValidationException", "ResourceNotFoundException"}


class Dashboards:
    """Asks EMR Serverless for dashboards. Nothing depends on the answer but whoever wants to look."""

    def __init__(self, client: "EMRServerlessClient") -> None:
        self._client = client

    def address_of(self, application_id: str, run_id: str) -> str:
        """A new address of a run's pages. Raises: DashboardNotReady, SparkUnavailable (also where throttled)."""
        try:
            return self._client.get_dashboard_for_job_run(applicationId=application_id, jobRunId=run_id)["url"]
        except ClientError as error:
            if error.response["Error"]["Code"] in NONE_TO_SHOW:
                said = error.response["Error"].get("Message", "")
                raise DashboardNotReady(f"EMR Serverless shows nothing of run {run_id} for now: {said}") from error
            raise SparkUnavailable(f"EMR Serverless gave no dashboard: {error}") from error
        except BotoCoreError as error:
            raise SparkUnavailable(f"EMR Serverless gave no dashboard: {error}") from error
