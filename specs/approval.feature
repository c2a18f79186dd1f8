Feature: Nothing runs that was not approved
  An approval is a person's recorded consent to one digest; it serves one run.

  Scenario: A plan that nobody approved does not run
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml`
    Then it exits with 6
    And the error says "no unused approval fits plan.yaml as it stands now"
    And the error says "fsm approve plan.yaml"
    And nothing happened
    And the folder holds only "plan.yaml"

  Scenario: An approved plan runs, and the journal keeps who approved it, when and how
    Given the plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm approve plan.yaml`
    Then it exits with 0
    And it prints "approved by …@… for one run: Move a ticket"
    And it prints "digest {digest}"
    And nothing happened
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And what happened is "branch ticket mail"
    And the journal says that I approved it just now, by "fsm approve"
    And the journal gives "digest" of "RunApproved" as "{digest}"

  Scenario: An approval serves one run
    Given the approved plan "ticket" of the specs
    And there is a file "mended"
    And I have run `fsm run plan.yaml`
    When I run `fsm run plan.yaml`
    Then it exits with 6
    And the error says "no unused approval fits plan.yaml as it stands now"
    And the error says "; …@… gave one at 20…, and run {run} used it at 20…"
    And what happened is "branch ticket mail"
    When I approve the plan
    And I run `fsm run plan.yaml`
    Then it exits with 0
    And what happened is "branch ticket mail branch ticket mail"

  Scenario: One approval, and two runs that want it at the same moment
    Given the approved plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm run plan.yaml --new` twice at the same time
    Then one of them exits with 0 and the other with 6
    And what happened is "branch ticket mail"

  Scenario: A plan that was edited after its approval does not run
    Given the approved plan "ticket" of the specs
    When I change "Tell the team" to "Tell the world" in the plan
    And I run `fsm run plan.yaml`
    Then it exits with 6
    And the error says "no unused approval fits plan.yaml as it stands now"
    And nothing happened

  Scenario: An approval counts for the parameters that it was given for
    Given the plan "release" of the specs
    And I have run `fsm approve plan.yaml -p version=1.4.1`
    When I run `fsm run plan.yaml -p version=1.4.2`
    Then it exits with 6
    And nothing happened

  Scenario: An approval of one step at a time is none of several at a time
    Given the approved plan "ticket" of the specs
    When I run `fsm run plan.yaml --parallel 3`
    Then it exits with 6
    And nothing happened

  Scenario: Consent by digest
    Given the plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm run plan.yaml --approve {digest}`
    Then it exits with 0
    And what happened is "branch ticket mail"
    And the journal says that I approved it just now, by "--approve"

  Scenario Outline: Consent to another digest is none
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml --approve "<digest>"`
    Then it exits with 6
    And the error says "the digest of plan.yaml is {digest}, not <digest>"
    And the error says "fsm plan plan.yaml"
    And nothing happened

    Examples:
      | digest                                                           |
      | 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef |
      | a                                                                |
      |                                                                  |

  Scenario: Consent unseen
    Given the plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And what happened is "branch ticket mail"
    And the journal says that I approved it just now, by "--yes"

  Scenario: On a terminal the plan is shown and a person is asked
    Given the plan "ticket" of the specs
    And there is a file "mended"
    When I run `fsm run plan.yaml` on a terminal and answer "y"
    Then it exits with 0
    And it prints "Move a ticket (ticket)"
    And it prints "digest…{digest}"
    And it prints "Approve this plan and run it? [y/N]"
    And it prints "✓… Step 3: Tell the team - completed"
    And what happened is "branch ticket mail"
    And the journal says that I approved it just now, by "prompt"

  Scenario: A person who says no
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml` on a terminal and answer "n"
    Then it exits with 6
    And it prints "not approved; nothing was started"
    And nothing happened
    And there is no file ".fsm"

  Scenario: No answer is no consent
    Given the plan "ticket" of the specs
    When I run `fsm run plan.yaml` on a terminal and end the input
    Then it exits with 6
    And it prints "not approved; nothing was started"
    And nothing happened
    When I run `fsm approve plan.yaml` on a terminal and end the input
    Then it exits with 6
    And it prints "not approved; nothing was recorded"
    And there is no file ".fsm"

  Scenario: On a terminal, approving shows the plan and asks as well
    Given the plan "ticket" of the specs
    When I run `fsm approve plan.yaml` on a terminal and answer "n"
    Then it exits with 6
    And it prints "Approve this plan for one run? [y/N]"
    And it prints "not approved; nothing was recorded"
    When I run `fsm run plan.yaml`
    Then it exits with 6
    And nothing happened

  Scenario: A plan with an unfinished run is not begun again by mistake
    Given the approved plan "ticket" of the specs
    And I have run `fsm run plan.yaml`
    And the plan is approved
    When I run `fsm run plan.yaml`
    Then it exits with 6
    And the error says "plan ticket has an unfinished run {run} (paused)"
    And the error says "fsm resume {run}"
    And the error says "fsm rollback {run}"
    And the error says "fsm abort {run}"
    And the error says "--new"
    And what happened is "branch"

  Scenario: What is proposed instead is what can be done then
    Given the plan "stuck" of the specs
    And I have run `fsm run plan.yaml --yes`
    And I have run `fsm rollback`
    When I run `fsm run plan.yaml --yes`
    Then it exits with 6
    And the error says "plan stuck has an unfinished run {run} (needs_intervention)"
    And the error says "see what is needed with `fsm status {run}`, then go on with `fsm rollback {run}`, or give it up with `fsm abort {run}`"
    When I run `fsm mark three undone --reason "once more"`
    Then it exits with 6
    And the error says "three is rolled_back: `mark_undone` is refused"
    And the error says "possible now: nothing more"

  Scenario: Of a run that a living process drives, its process is told
    Given the plan "held" of the specs
    When I start `fsm run plan.yaml --yes`
    And "middle" has begun
    And I run `fsm run plan.yaml --yes`
    Then it exits with 6
    And the error says "has an unfinished run {run} (running), which another process drives (pid {runner})"
    And the error says "stop it with `fsm abort {run}`, or begin another beside it with `--new`"
    When I let "middle" end
    And it ends
    Then it exits with 0

  Scenario: … unless a person wants a new run beside it
    Given the approved plan "ticket" of the specs
    And I have run `fsm run plan.yaml`
    And there is a file "mended"
    When I run `fsm run plan.yaml --new --yes`
    Then it exits with 0
    And what happened is "branch branch ticket mail"
    And the journal has 2 runs

  Scenario: A refused run leaves the approval for the next
    Given the approved plan "ticket" of the specs
    And I have run `fsm run plan.yaml`
    And the plan is approved
    And I have run `fsm run plan.yaml`
    And I have run `fsm rollback`
    And there is a file "mended"
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And what happened is "branch -branch branch ticket mail"

  Scenario: What a run does cannot be changed once it was approved
    Given the approved plan "ticket" of the specs
    And I have run `fsm run plan.yaml`
    And there is a file "mended"
    When I change "echo mail" to "echo spam" in the plan
    And I run `fsm resume`
    Then it exits with 0
    And the error says "plan.yaml has changed since it was approved; this run keeps the approved plan"
    And what happened is "branch ticket mail"

  Scenario: … nor by removing the file
    Given the approved plan "ticket" of the specs
    And I have run `fsm run plan.yaml`
    And there is a file "mended"
    When I remove the file "plan.yaml"
    And I run `fsm resume`
    Then it exits with 0
    And what happened is "branch ticket mail"

  Scenario: What validation finds keeps an approved plan from running, and the approval is not used up
    Given the approved plan:
      """
      plan:
        id: validated
        steps:
          - {id: one, run: echo one >> happened}
          - {id: two, run: [no-such-command, now], cwd: sub}
          - {id: three, run: "echo 'three"}
          - id: four
            run: ls
            rollback: {run: [no-such-command]}
      """
    When I run `fsm run plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:5:7  step `two`: the working folder …/sub does not exist"
    And the error says "plan.yaml:6:7  step `three`"
    And the error says "plan.yaml:9:7  step `four`, rollback: `no-such-command` is not found on PATH"
    And the error says "nothing was started"
    And nothing happened
    And the error says "fsm validate plan.yaml"
