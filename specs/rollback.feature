Feature: Roll back, the last effect first
  What completed and was not undone since is undone, in reverse order; what never had an effect is not;
  what is unknown is never passed over; and what no rollback can undo is named.

  Scenario: A paused run is rolled back in reverse order
    Given the plan:
      """
      plan:
        id: reverse
        steps:
          - {id: one, run: echo one >> happened, rollback: echo -one >> happened}
          - {id: two, run: echo two >> happened}
          - {id: three, run: echo three >> happened, rollback: {run: echo -three >> happened}}
          - {id: four, run: echo four >> happened; exit 1, rollback: echo -four >> happened}
          - {id: five, run: echo five >> happened, rollback: echo -five >> happened}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback --reason "the customer changed her mind"`
    Then it exits with 4
    And what happened is "one two three four -three -one"
    And it prints, line by line:
      """
      Run {run}: rolling back
      ↶ Step 3: three - rolling back
      ✓ Step 3: three - rolled back
      ↶ Step 1: one - rolling back
      ✓ Step 1: one - rolled back
      ↶ reverse: rolled back (the customer changed her mind). Run {run}.
      done: 2 two
      undone: 1 one, 3 three
      not done: 5 five
      may have left partial effects: 4 four
      cannot be undone: 2 two
      """
    And the run is "rolled back"
    And the journal gives "reason" of "RollbackRequested" as "the customer changed her mind"
    When I run `fsm log`
    Then it prints "Run {run}: rolling back by …@… (the customer changed her mind)"

  Scenario: The order of undoing is the order of completion backwards, not that of the plan
    Given the plan:
      """
      plan:
        id: completion
        parallel: 2
        steps:
          - {id: slow, run: "while [ ! -e quick-is-done ]; do sleep 0.02; done; echo slow >> happened", rollback: echo -slow >> happened}
          - {id: quick, run: "echo quick >> happened", rollback: echo -quick >> happened}
          - {id: tell, depends_on: quick, run: touch quick-is-done}
          - {id: fail, depends_on: [slow, tell], run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "quick slow -slow -quick"

  Scenario: A completed run can be rolled back as long as its history is kept
    Given the plan "ticket" of the specs
    And there is a file "mended"
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "branch ticket mail -ticket -branch"
    And it prints "cannot be undone: 3 Tell the team"

  Scenario: An aborted run can still be rolled back
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm abort`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "branch -branch"

  Scenario: What was rolled back cannot be rolled back or resumed again
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm rollback`
    When I run `fsm rollback`
    Then it exits with 6
    And the error says "run {run} is rolled_back: `rollback` is refused"
    When I run `fsm resume`
    Then it exits with 6
    And what happened is "branch -branch"

  Scenario: Of an older run, named by the end of its id
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes --json`
    And I note the "run" of its last line as "older"
    And I have run `fsm run plan.yaml --new --yes`
    When I run `fsm rollback {older}`
    Then it exits with 4
    And it prints "Run {older}"
    When I run `fsm status`
    Then it prints "paused"

  Scenario: A rollback that fails stops, alerts, and ends with 5
    Given the plan "stuck" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 5
    And the run is "needs intervention"
    And what happened is "one two three -three"
    And it prints, line by line:
      """
      ✓ Step 3: three - rolled back
      ✗ Step 2: two - rollback failed: …8…
      ⚠ ALERT: stuck: manual intervention is needed; the rollback stopped…
      ✗ Step 2: two - its rollback failed: …
      exit code  8
      | the server is down
      done: 1 one
      undone: 3 three
      What you can do now:
      fsm mark two undone --run {run} --reason …
      fsm rollback {run}…
      fsm abort {run}…
      """

  Scenario: It goes on after a person has undone the step and said so
    Given the plan "stuck" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm rollback`
    When I run `fsm mark two undone --reason "dropped the table by hand"`
    Then it exits with 0
    And it prints "✎ Step 2: two - marked undone by …@…: dropped the table by hand"
    And the journal gives "reason" of "StepMarked" as "dropped the table by hand"
    And it does not print "Step 2: two - failed"
    And it does not print "the server is down"
    When I run `fsm rollback`
    Then it exits with 4
    And the run is "rolled back"
    And what happened is "one two three -three -one"

  Scenario: Or it is simply tried again, once what was in the way is gone
    Given the plan "stuck" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm rollback`
    And there is a file "server-is-up"
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "one two three -three -two -one"

  Scenario: Rollbacks have retries of their own
    Given the plan:
      """
      plan:
        id: patient
        steps:
          - id: one
            run: echo one >> happened
            rollback: {run: 'echo "-one$FSM_ATTEMPT" >> happened; test "$FSM_ATTEMPT" = 3', retry: {attempts: 3, delay: 10ms}}
          - {id: two, run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "one -one1 -one2 -one3"
    And it prints "↻ Step 1: one - rollback attempt 1 failed: …; to be tried again"

  Scenario: What failed is the step or its rollback, and the report mixes them up in no case
    Given the plan:
      """
      plan:
        id: mixed
        error_handling: {single_failure: rollback}
        steps:
          - id: own
            run: echo "its own fault"; exit 3
            rollback: {run: "true", on: started}
            on_failure: continue
          - id: mixed
            run: echo "its own fault"; exit 3
            rollback:
              run: 'test "$FSM_ATTEMPT" = 2 || { echo "the fault of its rollback"; exit 4; }'
              retry: {attempts: 2, delay: 10ms}
              on: started
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 4
    And it prints "✗ Step 1: own - failed, then rolled back: exit code 3"
    And it does not print "Step 2: mixed - failed, then rolled back: exit code 4"
    And it does not print "| the fault of its rollback"

  Scenario: A failed step that a person undid is told as that
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm mark ticket undone --reason "nothing was there"`
    Then it exits with 0
    And it prints "✗ Step 2: Move the ticket - failed, then marked undone by …@…: exit code"

  Scenario: Rollbacks have timeouts of their own
    Given the plan:
      """
      plan:
        id: hasty
        steps:
          - {id: one, run: "true", rollback: {run: hold undo, timeout: 300ms}}
          - {id: two, run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 5
    And it prints "✗ Step 1: one - rollback failed: timed out after 300ms"
    And the process in "undo.began" is gone

  Scenario: A rollback may use what its step put out
    Given the plan:
      """
      plan:
        id: keys
        steps:
          - id: create
            run: 'echo "key=k-17" >> "$FSM_OUTPUT"'
            rollback: {run: [sh, -c, 'echo "-$1" >> happened', sh, "{{ steps.create.outputs.key }}"]}
          - {id: fail, run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "-k-17"

  Scenario: A failed step is not undone, unless its rollback says that it copes with half-done work
    Given the plan:
      """
      plan:
        id: half-done
        error_handling: {single_failure: continue}
        steps:
          - {id: whole, run: echo whole >> happened, rollback: echo -whole >> happened}
          - {id: usual, run: echo usual >> happened; exit 1, rollback: echo -usual >> happened}
          - {id: never, depends_on: usual, run: echo never >> happened, rollback: {run: echo -never >> happened, on: started}}
          - {id: coping, run: echo coping >> happened; exit 1, rollback: {run: echo -coping >> happened, on: started}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 4
    And what happened is "whole usual coping -coping -whole"
    And it prints "may have left partial effects: 2 usual"

  Scenario Outline: Before a rollback it is told how much that would undo
    Given the plan:
      """
      plan:
        id: told
        steps:
          - {id: whole, run: echo whole >> happened, rollback: <whole>}
          - {id: coping, run: echo coping >> happened; exit 1, rollback: {run: echo -coping >> happened, on: <on>}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "fsm rollback {run}   <told>"
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "<happened>"

    Examples:
      | whole                   | on        | told                                                              | happened                    |
      | echo -whole >> happened | started   | undo 1 completed step and 1 that did not complete, the last first | whole coping -coping -whole |
      | echo -whole >> happened | completed | undo 1 completed step, the last first                             | whole coping -whole         |

  Scenario: A rollback that reaches failed steps alone says so
    Given the plan:
      """
      plan:
        id: alone
        steps:
          - {id: coping, run: echo coping >> happened; exit 1, rollback: {run: echo -coping >> happened, on: started}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it prints "fsm rollback {run}   undo 1 step that did not complete, the last first"

  Scenario: Steps that change nothing have nothing to undo, whether they completed or failed
    Given the plan:
      """
      plan:
        id: reading
        steps:
          - {id: lint, run: "true", read_only: true}
          - {id: write, run: echo write >> happened, rollback: echo -write >> happened}
          - {id: test, depends_on: write, run: exit 1, read_only: true}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "write -write"
    And it prints, line by line:
      """
      ↶ reading: rolled back…
      done: 1 lint
      undone: 2 write
      """
    And it does not print "cannot be undone"
    And it does not print "partial effects"

  Scenario: Nothing is forgotten: a completed step sent back to pending is still undone
    Given the plan:
      """
      plan:
        id: sent-back
        steps:
          - {id: a, run: echo a >> happened, rollback: echo -a >> happened}
          - {id: b, depends_on: a, run: echo b >> happened; test ! -e broken, rollback: echo -b >> happened}
          - {id: c, depends_on: b, run: echo c >> happened, rollback: echo -c >> happened}
          - {id: d, depends_on: c, run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    And there is a file "broken"
    When I run `fsm resume --from b`
    Then it exits with 4
    And what happened is "a b c b -c -b -a"
    And the run is "rolled back"

  Scenario: An effect made twice is undone once, after the last time
    Given the plan:
      """
      plan:
        id: twice
        steps:
          - {id: a, run: echo a >> happened, rollback: echo -a >> happened}
          - {id: b, depends_on: a, run: echo b >> happened, rollback: echo -b >> happened}
          - {id: c, depends_on: b, run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm resume --from a`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "a b a b -b -a"

  Scenario: A step that a person did is undone like any other
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm mark ticket done --reason "moved it in the browser"`
    And I have run `fsm resume`
    When I run `fsm rollback`
    Then it exits with 4
    And what happened is "branch mail -ticket -branch"

  Scenario: What cannot be undone is named before approval
    Given the plan "ticket" of the specs
    When I run `fsm plan plan.yaml`
    Then it prints "Cannot be undone: 3 Tell the team"
