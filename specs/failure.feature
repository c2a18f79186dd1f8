Feature: When a step fails
  The plan's error table decides: one failed step pauses, several abort and roll back, a failed rollback
  calls a person. A plan may choose other answers for the first two.

  Scenario: One failure pauses the run; mended, it is resumed and completes
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And the run is "paused"
    And what happened is "branch"
    When I make the file "mended"
    And I run `fsm resume`
    Then it exits with 0
    And it prints, line by line:
      """
      Run {run}: resumed
      ▶ Step 2: Move the ticket - started (attempt 2)
      ✓ Step 2: Move the ticket - completed
      ✓ Step 3: Tell the team - completed
      ✓ Move a ticket: completed. Run {run}.
      """
    And what happened is "branch ticket mail"
    And the journal tells:
      """
      branch started, branch completed
      ticket started, ticket failed
      resumed
      ticket started, ticket completed
      mail started, mail completed
      """

  Scenario: Resumed without being mended, it pauses again: the same step is not "several"
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm resume`
    Then it exits with 3
    And the run is "paused"
    When I run `fsm recover`
    Then it exits with 3
    And what happened is "branch"

  Scenario: Several failures abort the run and roll it back, the last step first
    Given the plan:
      """
      plan:
        id: several
        steps:
          - {id: one, run: echo one >> happened, rollback: echo -one >> happened}
          - {id: two, run: echo two >> happened, rollback: echo -two >> happened}
          - {id: three, run: test -e mended-three, rollback: echo -three >> happened}
          - {id: four, depends_on: three, run: echo four >> happened; exit 5, rollback: echo -four >> happened}
          - {id: five, depends_on: four, run: echo five >> happened}
      """
    And I have run `fsm run plan.yaml --yes`
    When I make the file "mended-three"
    And I run `fsm resume`
    Then it exits with 4
    And it prints "↶ several: rolled back"
    And it prints "may have left partial effects: 4 four"
    And what happened is "one two four -three -two -one"
    And the run is "rolled back"
    And the journal tells:
      """
      one started, one completed, two started, two completed, three started, three failed
      resumed
      three started, three completed, four started, four failed
      three undo started, three undone, two undo started, two undone, one undo started, one undone
      """

  Scenario: Several failures at once, in a parallel run: what is in flight is ended, then all is rolled back
    Given the plan:
      """
      plan:
        id: at-once
        parallel: 4
        steps:
          - {id: done, run: echo done >> happened, rollback: echo -done >> happened}
          - {id: slow, depends_on: done, run: "echo $$ > slow.pid; hold slow; echo slow >> happened", rollback: echo -slow >> happened}
          - {id: one, depends_on: done, run: "while [ ! -e slow.began ]; do sleep 0.02; done; exit 1"}
          - {id: two, depends_on: done, run: "while [ ! -e slow.began ]; do sleep 0.02; done; exit 1"}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 4
    And what happened is "done -done"
    And it prints "✗ Step 2: slow - cancelled: the run is rolling back"
    And it prints "may have left partial effects: 2 slow, 3 one, 4 two"
    And the process in "slow.began" is gone

  Scenario Outline: The answer to one failure is the plan's to choose
    Given the plan:
      """
      plan:
        id: policy
        error_handling: {single_failure: <answer>}
        steps:
          - {id: one, run: echo one >> happened, rollback: echo -one >> happened}
          - {id: two, depends_on: one, run: exit 9}
          - {id: after, depends_on: two, run: echo after >> happened}
          - {id: beside, depends_on: one, run: echo beside >> happened}
      """
    When I run `fsm plan plan.yaml`
    Then it prints "a step fails … <printed>"
    When I run `fsm run plan.yaml --yes`
    Then it exits with <code>
    And the run is "<state>"
    And what happened is "<happened>"

    Examples:
      | answer   | printed          | code | state       | happened   |
      | pause    | pause and report | 3    | paused      | one        |
      | rollback | roll back        | 4    | rolled back | one -one   |
      | abort    | abort, undo nothing | 1    | failed      | one        |
      | continue | go on | 3    | paused      | one beside |

  Scenario: How many failures are several, and what then, is the plan's to choose
    Given the plan:
      """
      plan:
        id: threshold
        error_handling:
          single_failure: continue
          multiple_failures: {after: 3, then: abort}
        steps:
          - {id: a, run: exit 1}
          - {id: b, run: exit 1}
          - {id: c, run: echo c >> happened, rollback: echo -c >> happened}
          - {id: d, run: exit 1}
          - {id: e, run: echo e >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 1
    And the run is "failed"
    And it prints "aborted"
    And it prints "nothing was undone"
    And what happened is "c"

  Scenario: A step that may fail does not stop the others
    Given the plan:
      """
      plan:
        id: tolerant
        steps:
          - {id: one, run: echo one >> happened}
          - {id: optional, depends_on: one, on_failure: continue, run: exit 3}
          - {id: another, depends_on: one, on_failure: continue, run: exit 3}
          - {id: after, depends_on: [optional, another], run: echo after >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And it prints "✗ Step 2: optional - failed: exit code"
    And it prints "✗ Step 2: optional - failed, tolerated: exit code"
    And it prints "✓ tolerant: completed, 2 tolerated failures."
    And what happened is "one after"

  Scenario: A failure may skip what depends on it and let all else run; the run then ends as failed
    Given the plan:
      """
      plan:
        id: branches
        steps:
          - {id: one, run: test -e mended || exit 3; echo one >> happened, on_failure: skip_dependents}
          - {id: two, depends_on: one, run: echo two >> happened}
          - {id: three, depends_on: two, run: echo three >> happened}
          - {id: other, run: echo other >> happened, rollback: echo undo other >> happened}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 1
    And it prints "– Step 2: two - skipped: one failed"
    And it prints "– Step 3: three - skipped: one failed"
    And it prints "✗ branches: 1 step failed, 2 steps skipped for it; nothing was undone. Run {run}."
    And it prints "fsm resume {run}     try 1 one again and go on"
    And the run is "failed"
    And what happened is "other"
    When I make the file "mended"
    And I run `fsm resume`
    Then it exits with 0
    And the run is "completed"
    And what happened is "other one two three"

  Scenario: A step is retried, each time after a longer wait, and every attempt is recorded
    Given the plan:
      """
      plan:
        id: backoff
        steps:
          - id: flaky
            retry: {attempts: 4, delay: 200ms, factor: 2}
            run: echo "$FSM_ATTEMPT" >> happened; test "$FSM_ATTEMPT" = 4
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "1 2 3 4"
    And the attempts of "flaky" began at least 0.2, 0.4 and 0.8 seconds after each other
    And each wait that the journal records for "flaky" is longer than the one before
    And it prints, line by line:
      """
      ▶ Step 1: flaky - started
      ↻ Step 1: flaky - attempt 1 failed: …; to be tried again
      ▶ Step 1: flaky - started (attempt 2)
      ↻ Step 1: flaky - attempt 2 failed: …; to be tried again
      ▶ Step 1: flaky - started (attempt 3)
      ↻ Step 1: flaky - attempt 3 failed: …; to be tried again
      ▶ Step 1: flaky - started (attempt 4)
      ✓ Step 1: flaky - completed
      """

  Scenario: A wait is never longer than the plan's cap
    Given the plan:
      """
      plan:
        id: capped
        steps:
          - id: flaky
            retry: {attempts: 4, delay: 50ms, factor: 1000, max_delay: 100ms}
            run: test "$FSM_ATTEMPT" = 4
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the attempts of "flaky" began at least 0.05, 0.1 and 0.1 seconds after each other
    And no attempt of "flaky" began more than 10 seconds after the one before

  Scenario: When no attempt is left the step has failed; a person's resume gives it new ones
    Given the plan:
      """
      plan:
        id: bounded
        steps:
          - {id: flaky, retry: {attempts: 2, delay: 10ms}, run: echo "$FSM_ATTEMPT" >> happened; exit 1}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And what happened is "1 2"
    When I run `fsm resume`
    Then it exits with 3
    And what happened is "1 2 3 4"
    And the journal tells:
      """
      flaky started, flaky to be retried, flaky started, flaky failed
      resumed
      flaky started, flaky to be retried, flaky started, flaky failed
      """

  Scenario: Resume from a step runs it and all that depends on it once more, and nothing else
    Given the plan:
      """
      plan:
        id: again
        steps:
          - {id: a, run: echo a >> happened}
          - {id: b, depends_on: a, run: echo b >> happened}
          - {id: c, depends_on: b, run: echo c >> happened}
          - {id: x, depends_on: a, run: echo x >> happened}
          - {id: last, depends_on: [c, x], run: test -e mended}
      """
    And I have run `fsm run plan.yaml --yes`
    And there is a file "mended"
    When I run `fsm resume --from b`
    Then it exits with 0
    And what happened is "a b c x b c"

  Scenario: A step may be named by the number that it has in every report
    Given the plan:
      """
      plan:
        id: numbered
        steps:
          - {id: a, name: First, run: echo a >> happened; echo "said by a"}
          - {id: "3", name: Second, depends_on: a, run: echo b >> happened}
          - {id: c, name: Third, depends_on: "3", run: echo c >> happened}
          - {id: last, name: Fourth, depends_on: c, run: test -e mended}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm log --step 1`
    Then it prints "said by a"
    When I run `fsm resume --from 2`
    Then it exits with 3
    And what happened is "a b c b c"
    When I run `fsm resume --from 3`
    Then what happened is "a b c b c b c"
    When I run `fsm mark 4 done --reason "looked"`
    Then it prints "✎ Step 4: Fourth - marked done by …@…: looked"
    When I run `fsm resume --from 5`
    Then it exits with 2
    And the error says "run {run} has no step `5`; see: fsm status {run}"

  Scenario: A failed step that a person did is taken as done, with their reason on record
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm resume --done ticket --reason "moved it in the browser"`
    Then it exits with 0
    And what happened is "branch mail"
    And the journal gives "reason" of "RunResumed" as "moved it in the browser"
    When I run `fsm log`
    Then it prints "resumed by …@…; done: ticket (moved it in the browser)"

  Scenario: A step of another name than the plan's is refused, with the name that was meant
    Given the plan "ticket" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I note the journal
    When I run `fsm resume --from tickte`
    Then it exits with 2
    And the error says "run {run} has no step `tickte`; did you mean `ticket`?"
    And the journal is as it was

  Scenario: A run that is completed cannot be resumed
    Given the plan "ticket" of the specs
    And there is a file "mended"
    And I have run `fsm run plan.yaml --yes`
    And I note the journal
    When I run `fsm resume`
    Then it exits with 6
    And the error says "run {run} is completed: `resume` is refused"
    And the error says "fsm rollback"
    And the journal is as it was
    And what happened is "branch ticket mail"
