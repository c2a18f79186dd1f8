import fsm

plan = fsm.load("specs/plans/hello.yaml", params={})
print(plan.id, [step.id for step in plan.steps])

run = fsm.execute(plan, approve=plan.digest)  # fsm.execute_async: the same, to be awaited
print(run.state, [(record.id, record.state) for record in run.steps])

try:
    fsm.recover(run.run_id)  # recover takes up what has failed or crashed
except fsm.Refused as refused:
    print(refused.message.removeprefix(f"run {run.run_id} "))
