Feature: Steps that outlive their runner
  A small process between the runner and its steps, the shim, lives until the steps have ended. When the
  runner dies, it keeps their output flowing into the logs and notes how each ends: so recovery finds most
  outcomes known. What is still at work is waited for or ended first, and nothing runs twice.

  Rule: The step ends by itself after its runner was killed by kill -9

    Scenario: It ended well: resume finds it completed, with its outputs, and does not run it again
      Given the plan:
        """
        plan:
          id: outlived
          secrets: [API_TOKEN]
          steps:
            - {id: first, run: echo first >> happened}
            - id: middle
              depends_on: first
              run: |
                echo "before: $API_TOKEN"
                hold middle
                echo "size=7" >> "$FSM_OUTPUT"
                echo "afterwards: $API_TOKEN"
                echo middle >> happened
            - {id: last, depends_on: middle, run: [sh, -c, 'echo "last-$1" >> happened', sh, "{{ steps.middle.outputs.size }}"]}
        """
      And the environment has API_TOKEN=canary-7f3a9c51e2
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I let "middle" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it exits with 0
      And it prints "✓ Step 2: middle - completed"
      And what happened is "first middle last-7"
      And the file ".fsm/logs/{run}/middle.1.log" reads "before: *** afterwards: ***"
      And the journal tells:
        """
        first started, first completed, middle started
        middle completed
        runner lost, resumed, last started, last completed
        """
      And no file of the state holds "canary-7f3a9c51e2"

    Scenario: It failed: that is known, with its exit code and its last words
      Given the plan:
        """
        plan:
          id: failing
          steps:
            - {id: middle, run: hold middle; echo "no such table"; exit 3}
            - {id: last, depends_on: middle, run: echo last >> happened}
        """
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I let "middle" end
      And nobody looks after its steps any more
      And I run `fsm mark middle done --reason "made the table"`
      Then it exits with 0
      And the journal gives "error" of "StepFailed" as "exit code 3"
      And the journal gives "exit_code" of "StepFailed" as "3"
      And the journal gives "tail" of "StepFailed" as "no such table"
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "last"

    Scenario: It failed, but has attempts left: it is retried, and no attempt is lost or gained
      Given the plan:
        """
        plan:
          id: retried
          steps:
            - id: middle
              retry: {attempts: 2, delay: 0s}
              run: |
                echo "$FSM_ATTEMPT" >> happened
                [ "$FSM_ATTEMPT" = 2 ] || { hold middle; exit 3; }
        """
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I let "middle" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "1 2"
      And the journal tells:
        """
        middle started, middle to be retried
        runner lost, resumed, middle started, middle completed
        """

    Scenario: It was the last step: then the run has ended, and resume says so
      Given the plan:
        """
        plan:
          id: ended
          steps:
            - {id: only, run: hold only && echo only >> happened}
        """
      When I start `fsm run plan.yaml --yes`
      And "only" has begun
      And its runner is killed by kill -9
      And I let "only" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it exits with 0
      And it prints "✓ ended: completed. Run {run}."
      And the run is "completed"
      And what happened is "only"
      And the journal tells "only started, only completed"

    Scenario: Two steps at a time: each is known by itself
      Given the plan:
        """
        plan:
          id: both
          parallel: 2
          steps:
            - {id: one, run: hold one && echo one >> happened}
            - {id: two, run: hold two; exit 5}
            - {id: last, depends_on: [one], run: echo last >> happened}
        """
      When I start `fsm run plan.yaml --yes`
      And "one" has begun
      And "two" has begun
      And its runner is killed by kill -9
      And I let "one" end
      And the step has written "one"
      And I run `fsm resume`
      Then it exits with 6
      And the error says "still at work: pid …of step two"
      And the error does not say "of step one"
      When I let "two" end
      And nobody looks after its steps any more
      And I run `fsm abort`
      Then it exits with 0
      And what happened is "one"
      And it prints "done: 1 one"
      And it prints "two…exit code 5"

    Scenario: A compensation in flight when the runner dies is not done twice
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
      When I start `fsm rollback`
      And "two" has begun
      And its runner is killed by kill -9
      And I let "two" end
      And nobody looks after its steps any more
      And I run `fsm resume`
      Then it exits with 4
      And what happened is "one two -two -one"

    Scenario: What a step leaves running is no step: it keeps nobody from going on
      Given the plan:
        """
        plan:
          id: serving
          steps:
            - {id: serve, run: "sleep 600 & echo $! > service.pid; hold serve"}
            - {id: last, depends_on: serve, run: echo last >> happened}
        """
      When I start `fsm run plan.yaml --yes`
      And "serve" has begun
      And its runner is killed by kill -9
      And I let "serve" end
      And nobody looks after its steps any more
      And I run `fsm resume --wait`
      Then it exits with 0
      And what happened is "last"
      And the process in "service.pid" goes on

  Rule: The step is still at work

    Scenario: It is shown, and nothing else may be at work beside it
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I note the process in "middle.began"
      And I note the journal
      And I run `fsm status`
      Then it exits with 0
      And it prints "still at work: pid …{pid}…of step middle: …hold middle"
      And it prints, line by line:
        """
        fsm resume {run} --wait …
        fsm resume {run} --terminate …
        fsm abort {run} --terminate …
        """
      When I run `fsm status --json`
      Then its JSON names the process as at work for "middle"
      When I run `fsm resume`
      Then it exits with 6
      And the error says "run {run}: its process died, but a step is still at work: pid …of step middle"
      And the error says "--wait, to wait until it has ended, or with --terminate, to end it"
      And the journal is as it was

    Scenario: --wait goes on when it has ended
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I start `fsm resume --wait`
      And it is waiting for "middle"
      And I let "middle" end
      And it ends
      Then it exits with 0
      And what happened is "first middle last"
      And the journal tells:
        """
        first started, first completed, middle started
        middle completed
        runner lost, resumed, last started, last completed
        """

    Scenario: --terminate ends all of it, those that hide as well; then it may run again
      Given the plan:
        """
        plan:
          id: stubborn
          steps:
            - id: middle
              run: |
                [ "$FSM_ATTEMPT" = 1 ] || { echo again >> happened; exit 0; }
                trap 'echo asked >> happened; exit 9' TERM
                env -i PATH="$PATH" setsid sh -c 'echo $$ > hidden.pid; exec sleep 600' &
                hold middle
        """
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And there is a process in "hidden.pid"
      And its runner is killed by kill -9
      And I run `fsm mark middle undone --reason "looked" --terminate`
      Then it exits with 0
      And the process in "middle.began" is gone
      And the process in "hidden.pid" is gone
      And the journal tells:
        """
        middle started
        middle cancelled
        middle marked undone
        """
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "asked again"

    Scenario: Ended by a person it has not failed: no policy answers it
      Given the plan "held" of the specs
      And the plan says "error_handling: {single_failure: rollback}"
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I make the file "middle.go"
      And I run `fsm resume --terminate`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario Outline: Every command that goes on with a run can wait or terminate
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its runner is killed by kill -9
      And I run `fsm <command>`
      Then it exits with 6
      And what happened is "first"
      When I run `fsm <command> --terminate`
      Then it exits with <code>
      And the process in "middle.began" is gone
      And what happened is "<happened>"

      Examples:
        | command                           | code | happened     |
        | rollback                          | 4    | first -first |
        | abort                             | 0    | first        |
        | mark middle undone --reason "saw" | 0    | first        |

  Rule: Nobody saw how it ended

    Scenario: The shim is killed as well: then it is unknown, but no longer at work
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its shim is killed by kill -9, and its runner
      And I run `fsm resume`
      Then it exits with 6
      And the error says "still at work: pid …of step middle"
      When I run `fsm resume --terminate`
      Then it exits with 3
      And the process in "middle.began" is gone
      And it prints "? Step 2: middle - interrupted: the runner died while it ran"
      When I make the file "middle.go"
      And I run `fsm resume --rerun middle`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario: The shim alone is killed: that is no failure, and nothing is tried again beside what may go on
      Given the plan "held" of the specs
      And its step "middle" has "retry: {attempts: 3, delay: 10ms}"
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its shim is killed by kill -9
      And it ends
      Then it exits with 7
      And the error says "how step `middle` ends is not known: the process that watched it is gone"
      And the error says "fsm resume {run}"
      When I run `fsm resume`
      Then it exits with 6
      And the error says "still at work: pid …of step middle"
      When I let "middle" end
      And the step has written "middle"
      And I run `fsm resume --wait`
      Then it exits with 3
      And it prints "? Step 2: middle - interrupted: the runner died while it ran"
      When I run `fsm resume --done middle`
      Then it exits with 0
      And what happened is "first middle last"

    Scenario Outline: A number alone is not believed
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its shim is killed by kill -9, and its runner
      And what "middle" left running is killed
      And another process is at work, named by the <where> with <what>
      And I run `fsm status --json`
      Then its JSON has "at_work" []
      When I run `fsm resume --terminate`
      Then it exits with 3
      And the process in "other.pid" goes on

      Examples:
        | where   | what          |
        | ledger  | another boot  |
        | ledger  | another start |
        | journal | another boot  |
        | journal | another start |

    Scenario: The process that the ledger names is at work, mark or none
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And its shim is killed by kill -9, and its runner
      And what "middle" left running is killed
      And another process is at work, named by the ledger with the truth
      And I run `fsm resume`
      Then it exits with 6
      When I run `fsm resume --terminate`
      Then it exits with 3
      And the process in "other.pid" is gone
