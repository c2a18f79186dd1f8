Feature: One step at a time, unless a person says otherwise
  Steps run in parallel only with the explicit flag, or if the plan says so, and never more than its bound.

  Background:
    Given the plan:
      """
      plan:
        id: four
        steps:
          - {id: a, run: timed a}
          - {id: b, run: timed b}
          - {id: c, run: timed c}
          - {id: d, run: timed d}
      """

  Scenario: Without the flag, no two steps run at the same time
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And no two steps happened at the same time
    And the journal tells:
      """
      a started, a completed, b started, b completed, c started, c completed, d started, d completed
      """

  Scenario: With the flag they do
    When I run `fsm run plan.yaml --yes --parallel 4`
    Then it exits with 0
    And 4 steps happened at the same time, and never more

  Scenario: Never more than the bound
    When I run `fsm run plan.yaml --yes --parallel 2`
    Then it exits with 0
    And 2 steps happened at the same time, and never more

  Scenario: The plan itself may say so
    Given the plan says "parallel: 3"
    When I run `fsm plan plan.yaml`
    Then it prints "4 steps, up to 3 at …"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And 3 steps happened at the same time, and never more

  Scenario: Not more than may have files open: that is found before anything runs
    Given fsm may have no more than 18 files open
    When I run `fsm run plan.yaml --yes --parallel 4`
    Then it exits with 2
    And the error says "4 steps at once need more open files than may be open here: 18"
    And the error says "raise that with: ulimit -n 80, or let fewer run at once: --parallel N"
    When I run `fsm validate plan.yaml --parallel 2`
    Then it exits with 0

  Scenario: Not even as many as fsm itself has open, for one step
    Given fsm may have no more than 12 files open
    When I run `fsm run plan.yaml --yes --parallel 1`
    Then it exits with 2
    And the error says "a step needs more open files than may be open here: 12; raise that with: ulimit -n 68"
    And nothing happened

  Scenario: So few files that fsm cannot even begin
    Given fsm may have no more than 6 files open
    When I run `fsm run plan.yaml --yes`
    Then it exits with 7
    And the error says, line by line:
      """
      error: as many files are open as may be here, and fsm needs more
        allow more with: ulimit -n 1024; then see where a run rests: fsm status
      """
    And the error does not say "Warning"
    And the error does not say "ignored"
    And nothing happened

  Scenario: The flag comes before what the plan says
    Given the plan says "parallel: 3"
    When I run `fsm run plan.yaml --yes --parallel 1`
    Then it exits with 0
    And no two steps happened at the same time

  Scenario: Side by side or not, what depends on a step waits for it
    Given the plan:
      """
      plan:
        id: diamond
        steps:
          - {id: a, run: timed a}
          - {id: b, run: timed b, depends_on: a}
          - {id: c, run: timed c, depends_on: a}
          - {id: d, run: timed d, depends_on: [b, c]}
      """
    When I run `fsm run plan.yaml --yes --parallel 10`
    Then it exits with 0
    And "b" and "c" happened at the same time
    And "a" had ended when "b" began
    And "c" had ended when "d" began
    And "b" had ended when "d" began

  Scenario: When one of several fails, the others end by themselves before the run pauses
    Given the plan:
      """
      plan:
        id: siblings
        steps:
          - {id: slow, run: "while [ ! -e failed ]; do sleep 0.02; done; echo slow >> happened"}
          - {id: fail, run: touch failed; exit 1}
          - {id: next, depends_on: slow, run: echo next >> happened}
      """
    When I run `fsm run plan.yaml --yes --parallel 2`
    Then it exits with 3
    And what happened is "slow"
    And it prints "done: 1 slow"
    And it prints "not done: 3 next"
    When I run `fsm rollback`
    Then it exits with 4

  Scenario: Rolling back is done one step at a time, also after a parallel run
    Given the plan:
      """
      plan:
        id: backwards
        steps:
          - {id: a, run: "true", rollback: timed a}
          - {id: b, run: "true", rollback: timed b}
          - {id: c, run: "true", rollback: timed c}
          - {id: fail, depends_on: [a, b, c], run: exit 1}
      """
    And I have run `fsm run plan.yaml --yes --parallel 3`
    When I run `fsm rollback`
    Then it exits with 4
    And no two steps happened at the same time

  Scenario Outline: A bound that is none
    When I run `fsm run plan.yaml --yes --parallel <bound>`
    Then it exits with 2
    And the error says "--parallel"

    Examples:
      | bound |
      | 0     |
      | -1    |
      | many  |
