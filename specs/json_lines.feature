Feature: State as files that a person can read
  `--state json:PATH` keeps runs in a folder: one line of JSON for each thing that happened, added and never
  changed. It promises what the database promises.

  Scenario: A run goes its whole way
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml --yes --state json:kept/here`
    Then it exits with 3
    And it prints "fsm resume … --state json:kept/here"
    And there is a file "kept/here/logs"
    And there is no file ".fsm"
    And every line of the journal in "kept/here" is JSON, from "RunCreated" to "StepFailed"
    When I run `fsm status --state json:kept/here`
    Then it exits with 0
    And it prints "done: 1 Create the branch"
    Given there is a file "mended"
    When I run `fsm resume --state json:kept/here`
    Then it exits with 0
    And what happened is "branch ticket mail"
    When I run `fsm rollback --state json:kept/here`
    Then it exits with 4
    And what happened is "branch ticket mail -ticket -branch"
    And every line of the journal in "kept/here" is JSON, from "RunCreated" to "UndoCompleted"
    When I run `fsm log --state json:kept/here`
    Then it exits with 0
    And it prints "Move the ticket"
    When I run `fsm list --state json:kept/here`
    Then it exits with 0
    And it prints "rolled_back"

  Rule: Nothing is forgotten

    Background:
      Given the environment has FSM_STATE=json:.fsm

    Scenario: After kill -9 it tells what was done, what was not, and what is unknown
      Given the plan "held" of the specs
      When I start `fsm run plan.yaml --yes`
      And "middle" has begun
      And I run `fsm resume`
      Then it exits with 6
      And the error says "run {run} is held by another process (pid {runner})"
      When its runner is killed by kill -9
      And what "middle" left running is killed
      And I run `fsm status`
      Then it exits with 0
      And it prints, line by line:
        """
        done: 1 first
        not done: 3 last
        unknown: 2 middle
        """
      When I run `fsm list`
      Then it prints "{run}  running, its process died"
      When I run `fsm resume --done middle`
      Then it exits with 0
      And the run is "completed"
      And what happened is "first last"

    Scenario: A line that was half written when the machine stopped never happened
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I note the journal
      When the runner dies while it writes a line of the journal
      And I run `fsm status`
      Then it exits with 0
      And it prints "done: 1 Create the branch"
      Given there is a file "mended"
      When I run `fsm resume`
      Then it exits with 0
      And what happened is "branch ticket mail"
      And nothing that was recorded is lost
      And a copy of what was cut off is kept as ".fsm/runs/{run}/journal.jsonl.*.torn"

    Scenario: The disk fills up in mid-run: no step begins without its record, and the run goes on later
      Given the plan:
        """
        plan:
          id: filling
          steps:
            - {id: one, run: echo one >> happened}
            - id: fill   # its output is longer in the journal than in the file that makes room by going
              run: |
                echo "quotes=$(head -c 8000 /dev/zero | tr '\0' '"')" >> "$FSM_OUTPUT"
                fill-disk disk && echo fill >> happened
            - {id: two, run: echo two >> happened}
        """
      And the state is on a disk of one megabyte, "disk"
      And the environment has FSM_STATE=json:disk/state
      When I run `fsm run plan.yaml --yes`
      Then it exits with 7
      And the error says "fsm resume {run}"
      And what happened is "one fill"
      When I note the journal
      And there is space again on the disk "disk"
      And I run `fsm status`
      Then it exits with 0
      And it prints "unknown: 2 fill"
      When I run `fsm resume --done fill`
      Then it exits with 0
      And what happened is "one fill two"
      And nothing that was recorded is lost

    Scenario: Somebody mends history
      Given the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And I note the journal
      When somebody changes "no such ticket" to "no such thing." in the lines of the journal
      And I run `fsm status`
      Then it exits with 7
      And the error says "journal.jsonl: the journal of run {run} is damaged: record … (StepFailed) was altered"
      And the error says "nothing was changed"
      When I run `fsm resume`
      Then it exits with 7
      And what happened is "branch"

    Scenario: What a checkpoint tells outlives damage to the journal before it
      Given the plan:
        """
        plan:
          id: long
          steps:
            - {id: one, run: echo one >> happened}
            - {id: two, run: test -e mended && echo two >> happened, checkpoint: true}
        """
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"
      When somebody changes "one" to "eno" in the lines of the journal
      And I run `fsm resume`
      Then it exits with 0
      And what happened is "one two"
      And the error says "the journal of run {run} is damaged: record 5 (StepStarted) was altered"
      And the error says "the checkpoints are kept, and tell where the run stands"
      When I run `fsm status`
      Then it exits with 0
      And it prints "long: completed"
      When I run `fsm log`
      Then it exits with 7

  Rule: What cannot be trusted is not gone on with, and not touched

    Background:
      Given the environment has FSM_STATE=json:.fsm
      And the plan "ticket" of the specs
      And I have run `fsm run plan.yaml --yes`
      And there is a file "mended"

    Scenario Outline: The file of the journal <damage>
      When the file of the journal <damage>
      And I run `fsm status`
      Then it exits with 7
      And the error says "<message>"
      When I run `fsm resume`
      Then it exits with 7
      When I run `fsm resume {run}`
      Then it exits with 7
      And what happened is "branch"

      Examples:
        | damage                   | message                                         |
        | is cut in half           | journal.jsonl ends before anything was recorded |
        | is empty                 | journal.jsonl is empty                          |
        | is overwritten with text | journal.jsonl does not begin as it was written  |
        | has one bit flipped      | is damaged: record 8 (StepFailed) was altered   |
        | is gone                  | journal.jsonl is missing                        |
        | is gone with its folder  | is lost: records of it were acknowledged        |
        | is a symbolic link       | is a symbolic link, which is not followed       |

    Scenario: The folder may not be written: nothing runs, and what is known can still be read
      Given I note the journal
      When the folder ".fsm" can no longer be written
      And I run `fsm resume`
      Then it exits with 7
      And the error says "writable"
      When I run `fsm run plan.yaml --new --yes`
      Then it exits with 7
      And what happened is "branch"
      When I run `fsm status`
      Then it exits with 0
      And it prints "✗ 2  Move the ticket  failed"
      When I run `fsm log`
      Then it exits with 0
      And the journal is as it was

    Scenario: The folder is gone: there is no run, and none is made up
      When the state folder is removed
      And I run `fsm resume`
      Then it exits with 6
      And the error says "no run is recorded"
      And there is no file ".fsm"
