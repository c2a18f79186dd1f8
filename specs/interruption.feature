Feature: Interruptions
  A runner may be killed at any moment. What was begun and not concluded is then unknown: neither done nor
  failed. It is decided by the step's own `check`, by its being idempotent, or by a person, never by a guess.

  Rule: After kill -9

    Scenario: What was done, what was not, and what is unknown
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I run `fsm status`
      Then it exits with 0
      And it prints, line by line:
        """
        ✓ 1  first  completed
        … 2  middle  running
        · 3  last  pending
        done: 1 first
        not done: 3 last
        unknown: 2 middle
        fsm resume {run}…
        """

    Scenario: Without a person's word nothing goes on
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm resume`
      Then it exits with 3
      And it prints "Run {run}: its process died; what was in flight is unknown"
      And it prints, line by line:
        """
        ‖ Three steps: paused: 1 step in an unknown state. Run {run}.
        ? Step 2: middle - interrupted: the runner died while it ran
        unknown: 2 middle
        fsm resume {run} --rerun middle…run it again: you know that is safe
        fsm resume {run} --done middle…go on: you saw that it was done
        fsm mark middle undone --run {run} --reason …   before a rollback: it had no effect
        """
      And what happened is "first"
      When I run `fsm resume`
      Then it exits with 3
      And what happened is "first"

    Scenario: While what the dead runner left is still at work, nothing else may be
      Given the plan "checked" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I note the journal
      And I run `fsm resume --rerun middle`
      Then it exits with 6
      And the error says "run {run}: its process died, but a step is still at work: pid …"
      When I run `fsm rollback`
      Then it exits with 6
      And the journal is as it was
      And what happened is "first"
      When I run `fsm status`
      Then it exits with 0
      And it prints "⚠ its runner is gone, but this is still at work: pid …"
      When I let "middle" end
      And the step has written "middle"
      And I run `fsm resume --wait`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: A person says that it may run again
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I let "middle" end
      And I run `fsm resume --rerun middle`
      Then it exits with 0
      And what happened is "first middle last"
      And the journal tells:
        """
        first started, first completed, middle started
        runner lost, resumed
        middle started, middle completed, last started, last completed
        """
      When I run `fsm log`
      Then it prints "Run {run}: its process died; what was in flight is unknown"

    Scenario: A person says that it was done
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm resume --done middle`
      Then it exits with 0
      And what happened is "first last"
      And the journal gives "reason" of "RunResumed" as "answered at resume"
      When I run `fsm rollback`
      Then it exits with 4
      And what happened is "first last -last -middle -first"

    Scenario: On a terminal the person is asked
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm resume` on a terminal and answer "done"
      Then it exits with 0
      And it prints "Step 2: middle was interrupted. Run it again, or was it done?"
      And what happened is "first last"

    Scenario: A person who cannot say leaves it unknown
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm resume` on a terminal and answer "quit"
      Then it exits with 130
      And it prints "step middle is not decided; nothing was changed"
      When I run `fsm resume` on a terminal and end the input
      Then it exits with 130
      And it prints "step middle is not decided; nothing was changed"
      And what happened is "first"

    Scenario: A step that is idempotent runs again by itself
      Given the plan "held" of the specs
      And its step "middle" has "idempotent: true"
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I let "middle" end
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario Outline: A step with a check is decided by it
      Given the plan "checked" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I let "middle" end
      And I write the file "verdict":
        """
        <verdict>
        """
      And I run `fsm resume`
      Then it exits with <code>
      And it prints "<line>"
      And what happened is "<happened>"
      And the journal tells:
        """
        first started, first completed, middle started
        runner lost, resumed
        <journal>
        """

      Examples:
        | verdict | code | line                                                          | happened                | journal                                                                                        |
        | 0       | 0    | ✓ Step 2: middle - completed: its check finds it done         | first check last        | middle found done, last started, last completed                                                |
        | 1       | 0    | ↻ Step 2: middle - its check finds it not done                | first check middle last | middle found not done, middle started, middle completed, last started, last completed          |
        | 2       | 3    | ? Step 2: middle - unknown: its check cannot tell: …2…        | first check             | middle found unknown                                                                           |

    Scenario: Unknown is never passed over by a rollback
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm resume`
      And I run `fsm rollback`
      Then it exits with 5
      And the run is "needs intervention"
      And it prints "unknown: 2 middle"
      And it prints "fsm mark middle undone --run {run}"
      And what happened is "first"
      When I run `fsm mark middle undone --reason "looked: nothing there"`
      Then it does not print "the runner died"
      When I run `fsm rollback`
      Then it exits with 4
      And what happened is "first -first"

    Scenario: … unless it changes nothing: then there is nothing to know, and nothing to undo
      Given the plan "held" of the specs
      And "rollback: {run: echo -middle >> happened}" is changed to "read_only: true" in the plan
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm rollback`
      Then it exits with 4
      And what happened is "first -first"
      And it prints "not done: 2 middle, 3 last"
      And it does not print "unknown: "

    Scenario: … but a check may decide it
      Given the plan "checked" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I write the file "verdict":
        """
        0
        """
      And I run `fsm rollback`
      Then it exits with 4
      And what happened is "first check -middle -first"

    Scenario: … and a rollback that copes with half-done work undoes it
      Given the plan "held" of the specs
      And "rollback: {run: echo -middle >> happened}" is changed to "rollback: {run: echo -middle >> happened, on: started}" in the plan
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm rollback`
      Then it exits with 4
      And what happened is "first -middle -first"

    Scenario: A runner killed while it undoes: the undoing is done again, and nothing twice
      Given the plan:
        """
        plan:
          id: undoing
          steps:
            - {id: one, run: echo one >> happened, rollback: echo -one >> happened}
            - {id: two, run: echo two >> happened, rollback: hold two && echo -two >> happened}
            - {id: three, run: echo three >> happened, rollback: echo -three >> happened}
            - {id: four, run: exit 1}
        """
      And I have run `fsm run plan.yaml --yes`
      When I start `fsm rollback`
      And "two" has begun
      And its runner is killed by kill -9
      And what "two" left running is killed
      And I let "two" end
      And I run `fsm resume`
      Then it exits with 4
      And what happened is "one two three -three -two -one"

    Scenario: A runner killed while a retry waits: no attempt is lost or gained
      Given the plan:
        """
        plan:
          id: waiting
          steps:
            - id: flaky
              retry: {attempts: 3, delay: 1500ms, factor: 1}
              run: echo "$FSM_ATTEMPT" >> happened; test "$FSM_ATTEMPT" = 3
        """
      When I start `fsm run plan.yaml --yes`
      And it has printed "attempt 1 failed"
      And its runner is killed by kill -9
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "1 2 3"
      And "flaky" was retried within 5 seconds of being due

    Scenario: Killed again and again, it still ends, and nothing happens twice
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I start `fsm resume --rerun middle`
      And "middle" has begun
      And its runner is killed by kill -9
      And what "middle" left running is killed
      And I start `fsm resume --rerun middle`
      And "middle" has begun
      And I let "middle" end
      And it ends
      Then it exits with 0
      And what happened is "first middle last"

  Rule: Only one process drives a run

    Scenario: A second runner is refused while the first one lives, and told who has the run
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm resume`
      Then it exits with 6
      And the error says "run {run} is held by another process (pid {runner})"
      And the error says "fsm abort {run}"
      When I run `fsm rollback`
      Then it exits with 6
      When I run `fsm mark middle done --reason impatient`
      Then it exits with 6
      When I run `fsm status`
      Then it exits with 0
      And it prints "in flight: 2 middle"
      And it prints "a process drives it (pid {runner})"
      When I let "middle" end
      And it ends
      Then it exits with 0
      And what happened is "first middle last"

  Rule: Asked to stop

    Scenario Outline: What is in flight may end by itself within the grace period; then the run pauses
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner gets <signal>
      And it has noticed
      And I let "middle" end
      And it ends
      Then it exits with 130
      And the run is "paused"
      And it prints "‖ stopped by <signal>: nothing more is started"
      And what happened is "first middle"
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

      Examples:
        | signal  |
        | SIGINT  |
        | SIGTERM |
        | SIGHUP  |

    Scenario: The terminal is closed
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes` on a terminal
      And "middle" has begun
      And the terminal is closed
      And the journal says "paused"
      And I let "middle" end
      And it ends
      Then it exits with 130
      And the journal tells:
        """
        first started, first completed, middle started
        paused, middle completed
        """
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: Whoever reads the output goes away: the run goes on without being seen
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes` into a pipe
      And "middle" has begun
      And nobody reads the pipe any more
      And I let "middle" end
      And it ends
      Then it exits with 0
      And what happened is "first middle last"
      And the run is "completed"

    Scenario: What does not end within the grace period is ended, recorded as cancelled, and run again by resume
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes --grace 300ms`
      And "middle" has begun
      And its runner gets SIGTERM
      And it ends
      Then it exits with 130
      And it prints "✗ Step 2: middle - cancelled: stopped by SIGTERM"
      And the process in "middle.began" is gone
      And the run is "paused"
      And what happened is "first"
      And the journal tells:
        """
        first started, first completed, middle started
        paused, middle cancelled
        """
      When I let "middle" end
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: Asked to stop while a retry waits, it does not wait any longer
      Given the plan:
        """
        plan:
          id: waiting
          steps:
            - {id: flaky, retry: {attempts: 2, delay: 1h, max_delay: 1h}, run: echo "$FSM_ATTEMPT" >> happened; exit 1}
        """
      When I start `fsm run plan.yaml --yes`
      And it has printed "attempt 1 failed"
      And its runner gets SIGTERM
      And it ends
      Then it exits with 130
      And the run is "paused"
      And it prints "✗ Step 1: flaky - failed, to be tried again: exit code 1"
      And it prints "may have left partial effects: 1 flaky"
      And what happened is "1"

    Scenario: For programs, the report of a run that was stopped has the exit code that the command ends with
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes --json --grace 100ms`
      And "middle" has begun
      And its runner gets SIGTERM
      And it ends
      Then it exits with 130
      And its JSON has "state" "paused"
      And its JSON has "exit_code" 130
      When I run `fsm abort --json`
      Then it exits with 0
      And its JSON has "state" "failed"
      And its JSON has "exit_code" 0

    Scenario: A second signal ends it at once
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes --grace 1h`
      And "middle" has begun
      And its runner gets SIGINT
      And it has noticed
      And its runner gets SIGINT again
      And it ends
      Then it exits with 130
      And it prints "✗ Step 2: middle - cancelled: stopped by SIGINT"
      And it prints "‖ Three steps: paused: 1 step cancelled (stopped by SIGINT). Run {run}."
      And it prints "cancelled: 2 middle"
      And the process in "middle.began" is gone
      And what happened is "first"
      When I run `fsm status`
      Then it prints "✗ 2  middle  cancelled"
      When I run `fsm status --json`
      Then its JSON has "steps.1.state" "failed"
      And its JSON has "steps.1.cancelled" true
      When I run `fsm history held --json`
      Then its JSON has "runs.0.failed" 0
      And its JSON has "runs.0.cancelled" 1

    Scenario: A step that ignores SIGTERM is killed
      Given the plan:
        """
        plan:
          id: stubborn
          steps:
            - {id: deaf, run: "trap '' TERM; hold deaf & echo $$ > deaf.pid; while :; do wait; sleep 0.05; done"}
        """
      When I start `fsm run plan.yaml --yes --grace 1h`
      And "deaf" has begun
      And its runner gets SIGTERM
      And it has noticed
      And its runner gets SIGTERM again
      And it ends
      Then it exits with 130
      And the process in "deaf.pid" is gone
      And the process in "deaf.began" is gone

    Scenario: A rollback that is asked to stop calls for a person, and goes on later
      Given the plan:
        """
        plan:
          id: undoing
          steps:
            - {id: one, run: echo one >> happened, rollback: echo -one >> happened}
            - {id: two, run: echo two >> happened, rollback: hold two && echo -two >> happened}
            - {id: three, run: exit 1}
        """
      And I have run `fsm run plan.yaml --yes`
      When I start `fsm rollback --grace 100ms`
      And "two" has begun
      And its runner gets SIGTERM
      And it ends
      Then it exits with 130
      And the run is "needs intervention"
      And what happened is "one two"
      When I let "two" end
      And I run `fsm rollback`
      Then it exits with 4
      And what happened is "one two -two -one"

  Rule: Timeouts

    Scenario: A step that takes too long is ended with all that it began, daemons included
      Given the plan:
        """
        plan:
          id: overdue
          steps:
            - id: slow
              timeout: 700ms
              run: |
                setsid sh -c 'echo $$ > daemon.pid; exec sleep 60' > /dev/null 2>&1 &
                env -i PATH="$PATH" setsid sh -c 'setsid sh -c "echo \$\$ > deep-daemon.pid; exec sleep 60" &' &
                sh -c 'echo $$ > grandchild.pid; sleep 60' &
                echo began
                hold slow
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 3
      And it prints "✗ Step 1: slow - failed: timed out after 700ms"
      And it prints "| began"
      And the process in "slow.began" is gone
      And the process in "grandchild.pid" is gone
      And the process in "daemon.pid" is gone
      And the process in "deep-daemon.pid" is gone

    Scenario: A timeout counts for each attempt
      Given the plan:
        """
        plan:
          id: twice-overdue
          steps:
            - id: slow
              timeout: 500ms
              retry: {attempts: 2, delay: 10ms}
              run: test "$FSM_ATTEMPT" = 2 || hold slow
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And it prints "↻ Step 1: slow - attempt 1 failed: timed out after 500ms; to be tried again"
      And the process in "slow.began" is gone

    Scenario: A service that a step starts outlives its success
      Given the plan:
        """
        plan:
          id: service
          steps:
            - {id: start, run: "setsid sh -c 'echo $$ > service.pid; exec sleep 60' & while [ ! -s service.pid ]; do sleep 0.02; done"}
            - {id: use, run: echo use >> happened}
        """
      When I run `fsm run plan.yaml --yes`
      Then it exits with 0
      And what happened is "use"
      And the process in "service.pid" goes on
