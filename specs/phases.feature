Feature: A workflow in phases
  A specification of phases (S3) is a plan of another form: a phase whose dependencies failed is skipped, with
  the reason, while the others go on; `fsm execute` is the consent to it.

  Background:
    Given the file "workflow.json":
      """
      {
        "workflow_id": "unique-id",
        "state_backend": "sqlite",
        "phases": [
          {"name": "p1", "command": "test -e mended && echo p1 >> happened", "retry_count": 1},
          {"name": "p2", "command": "echo p2 >> happened", "depends_on": ["p1"]},
          {"name": "p3", "command": "echo p3 | tee -a happened"}
        ]
      }
      """

  Scenario: It is executed at once, and what cannot be done is skipped with the reason
    When I run `fsm execute workflow.json`
    Then it exits with 1
    And it prints, line by line:
      """
      approved by … (execute)
      ▶ Step 1: p1 - started
      ✗ Step 1: p1 - failed: exit code 1
      – Step 2: p2 - skipped: p1 failed
      ▶ Step 3: p3 - started
      ✓ Step 3: p3 - completed
      ✗ unique-id: 1 step failed, 1 step skipped for it; nothing was undone. Run {run}.
      """
    And what happened is "p3"
    And the run is "failed"
    And the journal says that I approved it just now, by "execute"

  Scenario: For programs it prints S3's results
    When I run `fsm execute workflow.json --json`
    Then it exits with 1
    And it prints one JSON document and nothing else
    And its JSON has "p1.status" "failed"
    And its JSON has "p1.error" "exit code 1"
    And its JSON has "p2.status" "skipped"
    And its JSON has "p2.reason" "deps_not_met"
    And its JSON has "p2.detail" "p1 failed"
    And its JSON has "p3.status" "completed"
    And its JSON has "p3.result" "p3"

  Scenario: It is recovered by its workflow's name: what failed runs again, and what was skipped for it
    Given I have run `fsm execute workflow.json`
    When I make the file "mended"
    And I run `fsm recover unique-id`
    Then it exits with 0
    And the run is "completed"
    And what happened is "p3 p1 p2"
    When I run `fsm recover unique-id`
    Then it exits with 6
    And the error says "run {run} is completed: `resume` is refused"

  Scenario: Each phase has a checkpoint before it, which stays until the run has ended for good
    Given I have run `fsm execute workflow.json`
    When I run `fsm recover --list --json`
    Then it exits with 0
    And its JSON has "checkpoints.0.before" "p1"
    And its JSON has "checkpoints.1.before" "p3"
    And its JSON has "checkpoints.1.again.0" "p3"
    When I make the file "mended"
    And I run `fsm recover --checkpoint p1`
    Then it exits with 0
    And it prints "from checkpoint …"
    And it prints "back to checkpoint 4 (before p1); to be run again: p1, p2, p3"
    And what happened is "p3 p1 p2 p3"
    When I run `fsm recover --list`
    Then it prints "no checkpoint of run {run} is kept"

  Scenario: A phase that a crash cut short is run again without asking, as S3 does
    Given the file "workflow.yaml":
      """
      workflow_id: crash
      state_backend: sqlite
      phases:
        - {name: before, command: echo before >> happened}
        - {name: cut, command: "test -e mended || kill -9 $(ps -o ppid= -p $PPID) $PPID; echo cut >> happened"}
      """
    And I have run `fsm execute workflow.yaml`
    When I make the file "mended"
    And I run `fsm recover crash`
    Then it exits with 0
    And the run is "completed"

  Scenario: It is validated as S3 says: each command and each dependency
    When I run `fsm validate workflow.json --json`
    Then it exits with 0
    And its JSON has "p1_cmd" true
    And its JSON has "p2_deps" true
    And its JSON has "valid" true
    When I run `fsm validate workflow.json`
    Then it prints "✓ p1_cmd"
    And it prints "✓ p2_deps"

  Scenario: A command that is not there is found before anything happens
    Given the file "bad.yaml":
      """
      workflow_id: bad
      state_backend: sqlite
      phases:
        - {name: p1, command: no-such-program now}
        - {name: p2, command: echo p2 >> happened}
      """
    When I run `fsm validate bad.yaml --json`
    Then it exits with 2
    And its JSON has "p1_cmd" false
    And its JSON has "p2_cmd" true
    When I run `fsm execute bad.yaml`
    Then it exits with 2
    And the error says "no-such-program"
    And nothing happened

  Scenario: All that is wrong with a specification is told at once, each at its place
    Given the file "bad.json":
      """
      {"workflow_id": "w w", "phases": [
        {"name": "a", "comand": "true", "depends_on": ["b"]},
        {"name": "b", "command": "true", "depends_on": ["a", "c"], "retry_count": 0}
      ]}
      """
    When I run `fsm execute bad.json`
    Then it exits with 2
    And the error says, line by line:
      """
      error: bad.json:1:2  `workflow_id` of the specification must be …, not `w w`
      bad.json:2:3  phase `a` has no `command`; it needs one
      bad.json:2:17  phase `a` has no key `comand`; did you mean `command`?
      bad.json:2:35  these phases wait for each other: `a → b → a`; …
      bad.json:3:56  phase `b` depends on `c`, which the specification does not have; …
      bad.json:3:62  `retry_count` of phase `b` must be at least 1, not `0`
      """

  Scenario: A dependency that is not there is false, phase by phase, and the place is told
    Given the file "lost.json":
      """
      {"workflow_id": "lost", "phases": [
        {"name": "a", "command": "true"},
        {"name": "b", "command": "true", "depends_on": ["c"]}
      ]}
      """
    When I run `fsm validate lost.json --json`
    Then it exits with 2
    And it prints one JSON document and nothing else
    And its JSON has "a_cmd" true
    And its JSON has "a_deps" true
    And its JSON has "b_deps" false
    And its JSON has "problems.0.line" 3

  Scenario: Every other command takes it as the plan it is
    When I run `fsm plan workflow.json`
    Then it exits with 0
    And it prints "its failure skips what depends on it"
    When I run `fsm run workflow.json`
    Then it exits with 6
    And the error says "no unused approval fits workflow.json"
    When I run `fsm approve workflow.json`
    And I run `fsm run workflow.json`
    Then it exits with 1
    And what happened is "p3"
    When I run `fsm diagram workflow.json`
    Then it exits with 0

  Scenario: Executing a plan is running it, with consent
    Given the plan:
      """
      plan: {id: p, steps: [{id: one, run: echo one >> happened}]}
      """
    When I run `fsm execute plan.yaml`
    Then it exits with 6
    And nothing happened
    When I run `fsm execute plan.yaml --yes`
    Then it exits with 0
    And what happened is "one"

  Scenario: A checkpoint that is not kept is refused, and recovering without one goes on
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm recover --checkpoint 9999`
    Then it exits with 6
    And the error says "run {run} has no checkpoint 9999"
    When I make the file "mended"
    And I run `fsm recover`
    Then it exits with 0
    And what happened is "branch ticket mail"

  Scenario: Its run is found in the state that it chose, without anybody naming that
    Given the file "other.json":
      """
      {
        "workflow_id": "other",
        "phases": [{"name": "p1", "command": "test -e mended && echo p1 >> happened", "retry_count": 1}]
      }
      """
    And I have run `fsm execute other.json`
    When I run `fsm status`
    Then it exits with 0
    And it prints "fsm resume … --state json:.fsm/state"
    When I run `fsm status other`
    Then it exits with 0
    When I run `fsm log --step p1`
    Then it exits with 0
    When I run `fsm status nothing`
    Then it exits with 2
    And the error says "there is no run `nothing`"
    When I run `fsm list`
    Then it exits with 0
    And the error says "1 run elsewhere; see them with: --state json:.fsm/state"
    When I make the file "mended"
    And I run `fsm resume other`
    Then it exits with 0
    And what happened is "p1"

  Scenario: What an error proposes finds the same state
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes --state json:kept`
    When I run `fsm run plan.yaml --yes --state json:kept`
    Then it exits with 6
    And the error says "go on with `fsm resume --state json:kept …`, undo it with `fsm rollback --state json:kept …`"
    When I run `fsm resume nothing --state json:kept`
    Then it exits with 2
    And the error says "list them with: fsm list --state json:kept"
    When I run `fsm mark branch done --reason seen --state json:kept`
    Then it exits with 6
    And the error says "fsm resume --state json:kept --from STEP"
