from pathlib import Path

from fsm import WorkflowOrchestrator

workflow = WorkflowOrchestrator(
    workflow_id="words", phases=["scout", "build", "review"], state_backend="sqlite"
)


@workflow.phase("scout")
def scout() -> list[str]:
    return ["first", "second"]


workflow.bind("build", "test -e built && echo built")


@workflow.phase("review")
async def review() -> dict[str, bool]:
    return {"approved": True}


print(workflow.validate())
result = workflow.execute()  # {"scout": {"status": "completed", "result": ["first", "second"]}, …
print(result.status, result["build"], result["review"])

Path("built").touch()  # mend what was missing
print(workflow.recover()["status"])
